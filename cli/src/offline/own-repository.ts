import { readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'

export interface OwnRepository {
  /** The working tree's top folder. */
  readonly top: string
  /** Where the folder that was asked for lies in it, `/` between segments; empty for the top itself. */
  readonly prefix: string
  /** URL of the remote `origin`, when it has one. */
  readonly origin?: string
}

/** The Git repository that a folder lies in; undefined when it lies in none. */
export function findOwnRepository(directory: string): OwnRepository | undefined {
  for (let top = resolve(directory); ; top = dirname(top)) {
    const folder = gitFolder(top)
    if (folder !== undefined) {
      const origin = originUrl(folder)
      const prefix = relative(top, resolve(directory)).split(sep).join('/')
      return { top, prefix, ...(origin === undefined ? {} : { origin }) }
    }
    if (dirname(top) === top) return undefined
  }
}

/** The `.git` folder of a working tree; of a linked one, that which all of them share. */
export function sharedGitFolder(top: string): string | undefined {
  return gitFolder(top)
}

/** `.git` is a folder, or in a worktree a file that names one; the configuration lies with the common folder. */
function gitFolder(top: string): string | undefined {
  const dot = join(top, '.git')
  const status = statSync(dot, { throwIfNoEntry: false })
  if (status === undefined) return undefined
  if (status.isDirectory()) return dot
  const named = /^gitdir: (.+)$/m.exec(readFileSync(dot, 'utf8'))?.[1]
  if (named === undefined) return undefined
  const folder = resolve(top, named.trim())
  const common = readIfThere(join(folder, 'commondir'))
  return common === undefined ? folder : resolve(folder, common.trim())
}

function originUrl(folder: string): string | undefined {
  let inOrigin = false
  for (const line of (readIfThere(join(folder, 'config')) ?? '').split('\n')) {
    const section = /^\s*\[([^\]]*)\]/.exec(line)?.[1]
    if (section !== undefined) inOrigin = /^remote\s+"origin"$/.test(section.trim())
    const url = inOrigin ? /^\s*url\s*=\s*(.*?)\s*$/.exec(line)?.[1] : undefined
    if (url) return url
  }
  return undefined
}

function readIfThere(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path, 'utf8') : undefined
}
