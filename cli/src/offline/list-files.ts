import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** More files than any folder that people mean; a home directory by mistake has more. */
export const MAX_LISTED_FILES = 200_000

export class TooManyFiles extends Error {
  constructor(directory: string) {
    super(`${directory} holds more than ${MAX_LISTED_FILES} files`)
    this.name = 'TooManyFiles'
  }
}

/**
 * What a commit of this folder would hold, relative to it: everything but `.git`, and inside a repository nothing that
 * Git ignores. Where Git is not installed, ignored files are listed too.
 *
 * @throws TooManyFiles, or what the file system throws.
 */
export async function listFiles(directory: string): Promise<readonly string[]> {
  const tracked = await askGit(directory)
  if (tracked !== undefined && tracked.length > 0) return tracked
  const found: string[] = []
  await walk(directory, '', found)
  return found
}

async function askGit(directory: string): Promise<readonly string[] | undefined> {
  try {
    // A repository's own settings may name a program that watches files: nothing here runs one.
    const listing = [
      '-c',
      'core.fsmonitor=false',
      'ls-files',
      '-z',
      '--cached',
      '--others',
      '--exclude-standard',
      '--deduplicate',
    ]
    const { stdout } = await run('git', ['-C', directory, ...listing], { maxBuffer: 256 * 1024 * 1024 })
    return stdout.split('\0').filter(path => path !== '')
  } catch {
    return undefined // no Git, too old a Git, or no repository: the folder itself is asked
  }
}

async function walk(directory: string, prefix: string, found: string[]): Promise<void> {
  for (const entry of await readdir(join(directory, prefix), { withFileTypes: true })) {
    if (entry.name === '.git') continue
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`
    if (entry.isDirectory()) await walk(directory, path, found)
    else if (entry.isFile() || entry.isSymbolicLink()) found.push(path)
    if (found.length > MAX_LISTED_FILES) throw new TooManyFiles(directory)
  }
}
