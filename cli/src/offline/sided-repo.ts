import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { normaliseRepositoryUrl } from '@flotilla/core/project/repository-url'
import { usageError } from '../errors.ts'

/** A folder that stands for a repository on both sides of a change. */
export interface SidedRepo {
  readonly url: string
  readonly directory: string
  /**
   * What of it is read: `own` follows `--base` and `--head`, as it lies in the repository of the config; a text is a
   * revision; `files` are the files as they are.
   */
  readonly base: string | undefined
  readonly head: string | undefined
}

/**
 * Reads `URL=DIR`, `URL=DIR@REF` (that commit on both sides), `URL=DIR@BASE..HEAD` (without HEAD: the files as they
 * are).
 *
 * @throws CliError (usage) for anything else, a folder that is not there, a URL that is given twice.
 */
export function parseSidedRepos(mappings: readonly string[], cwd: string): readonly SidedRepo[] {
  const seen = new Set<string>()
  return mappings.map(mapping => {
    // A URL may hold `=`; a folder's name seldom does.
    const cut = mapping.lastIndexOf('=')
    if (cut <= 0 || cut === mapping.length - 1) {
      throw usageError(`--repo "${mapping}" is not URL=DIR`, '--repo https://git.example.com/shop.git=../shop@main')
    }
    const url = mapping.slice(0, cut)
    const key = normaliseRepositoryUrl(url)
    if (seen.has(key)) throw usageError(`--repo names ${url} twice`)
    seen.add(key)
    const { folder, base, head } = partsOf(mapping.slice(cut + 1), cwd)
    const directory = resolve(cwd, folder)
    if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
      throw usageError(`--repo "${mapping}": there is no folder ${directory}`)
    }
    return { url, directory, base, head }
  })
}

function partsOf(text: string, cwd: string): { folder: string; base: string | undefined; head: string | undefined } {
  const at = text.lastIndexOf('@')
  // A folder may have an `@` in its name; what is there is meant.
  if (at <= 0 || existsSync(resolve(cwd, text))) return { folder: text, base: undefined, head: undefined }
  const folder = text.slice(0, at)
  const range = text.slice(at + 1)
  const dots = range.indexOf('..')
  const base = dots < 0 ? range : range.slice(0, dots)
  const head = dots < 0 ? range : range.slice(dots + 2)
  if (base === '') throw usageError(`--repo "${text}": there is no revision before ".."`, 'DIR@BASE..HEAD, or DIR@REF')
  return { folder, base, head: head === '' ? undefined : head }
}
