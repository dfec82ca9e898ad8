import { statSync } from 'node:fs'
import { basename, dirname, join, normalize, resolve, sep } from 'node:path'
import { type ConfigFile, isConfigFile, type UnreadableFile } from '@flotilla/config'
import { GitError } from '@flotilla/core/ports/git'
import { DEFAULT_MAX_FILE_BYTES } from '@flotilla/core/yaml/parse-yaml'
import { type TextFile, TextFiles } from '@flotilla/hub/source/text-files'
import { WalkTooLarge, walkTree } from '@flotilla/hub/source/walk-tree'
import { failure, usageError } from '../errors.ts'
import type { Repositories, Snapshot } from './repositories.ts'

/**
 * The documents' files under a path (or the one file that it is), named as the path was typed: what a message says can
 * be opened from where the command was started.
 *
 * @throws CliError when the path is not there.
 */
export async function readConfigFiles(
  path: string,
  cwd: string,
  repositories: Repositories,
): Promise<readonly ConfigFile[]> {
  const full = resolve(cwd, path)
  const status = statSync(full, { throwIfNoEntry: false })
  if (status === undefined) throw usageError(`there is no ${path}`)
  const single = status.isFile() ? basename(full) : undefined
  const folder = single === undefined ? full : dirname(full)
  const shown = single === undefined ? path : dirname(path)
  try {
    const snapshot = await repositories.openDirectory(folder)
    return await readSnapshot(snapshot, shown, single)
  } catch (error) {
    if (error instanceof GitError || error instanceof WalkTooLarge || isFileError(error)) {
      throw failure(`${path} cannot be read: ${error.message}`, undefined, error)
    }
    throw error
  }
}

async function readSnapshot(
  snapshot: Snapshot,
  shown: string,
  single: string | undefined,
): Promise<readonly ConfigFile[]> {
  const { repository, commit } = snapshot
  const { tree } = await repository.readCommit(commit)
  const found = await walkTree(repository, tree, {
    mayContain: directory => single === undefined && !directory.split('/').some(segment => segment.startsWith('.')),
    matches: path => (single === undefined ? isConfigFile(path) : path === single),
  })
  const texts = new TextFiles(DEFAULT_MAX_FILE_BYTES)
  const files: ConfigFile[] = []
  for (const { path, entry } of found) {
    const name = displayPath(shown, path)
    const file = await texts.read(repository, tree, path, entry)
    files.push(file.kind === 'text' ? { path: name, text: file.text } : { path: name, text: '', unreadable: why(file) })
  }
  return files
}

function why(file: Exclude<TextFile, { kind: 'text' }>): UnreadableFile {
  switch (file.kind) {
    case 'too-large':
      return { code: 'FILE_TOO_LARGE', message: `the file has more than ${file.maxBytes} bytes` }
    case 'not-text':
      return { code: 'FILE_UNREADABLE', message: 'the file is not UTF-8 text' }
    case 'elsewhere':
      return { code: 'FILE_UNREADABLE', message: `the symbolic link is not followed: ${file.message}` }
  }
}

function displayPath(shown: string, path: string): string {
  return normalize(join(shown, path)).split(sep).join('/')
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string'
}
