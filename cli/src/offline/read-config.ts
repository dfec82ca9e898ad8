import { statSync } from 'node:fs'
import { basename, dirname, join, normalize, resolve, sep } from 'node:path'
import { type ConfigFile, isConfigFile } from '@flotilla/config'
import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import { GitError, type ObjectId, type TreeEntry } from '@flotilla/core/ports/git'
import { DEFAULT_MAX_FILE_BYTES } from '@flotilla/core/yaml/parse-yaml'
import { findPath } from '@flotilla/hub/source/repository-path'
import { WalkTooLarge, walkTree } from '@flotilla/hub/source/walk-tree'
import { failure, usageError } from '../errors.ts'
import type { Repositories, Snapshot } from './repositories.ts'

export interface ConfigFiles {
  readonly files: readonly ConfigFile[]
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * The documents' files under a path (or the one file that it is), named as the path was typed: what a message says can
 * be opened from where the command was started.
 *
 * @throws CliError when the path is not there.
 */
export async function readConfigFiles(path: string, cwd: string, repositories: Repositories): Promise<ConfigFiles> {
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

async function readSnapshot(snapshot: Snapshot, shown: string, single: string | undefined): Promise<ConfigFiles> {
  const { repository, commit } = snapshot
  const { tree } = await repository.readCommit(commit)
  const found = await walkTree(repository, tree, {
    mayContain: directory => single === undefined && !directory.split('/').some(segment => segment.startsWith('.')),
    matches: path => (single === undefined ? isConfigFile(path) : path === single),
  })
  const files: ConfigFile[] = []
  const diagnostics: Diagnostic[] = []
  for (const { path, entry } of found) {
    const name = displayPath(shown, path)
    const text = await readText(snapshot, tree, path, entry)
    if (text.kind === 'text') files.push({ path: name, text: text.text })
    else diagnostics.push({ severity: 'error', code: text.code, file: name, line: 1, column: 1, message: text.message })
  }
  return { files, diagnostics }
}

type Text =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'problem'; readonly code: 'FILE_UNREADABLE' | 'FILE_TOO_LARGE'; readonly message: string }

async function readText({ repository }: Snapshot, root: ObjectId, path: string, entry: TreeEntry): Promise<Text> {
  const target = await findPath(repository, root, path)
  if (target.kind === 'missing' || target.kind === 'refused') {
    const message = entry.type === 'symlink' ? `the symbolic link is not followed: ${target.message}` : target.message
    return { kind: 'problem', code: 'FILE_UNREADABLE', message }
  }
  if (target.kind === 'directory') {
    return { kind: 'problem', code: 'FILE_UNREADABLE', message: 'a symbolic link to a folder is not followed' }
  }
  let bytes: Uint8Array
  try {
    bytes = await repository.readBlob(target.id, DEFAULT_MAX_FILE_BYTES)
  } catch (error) {
    if (!(error instanceof GitError) || error.code !== 'OBJECT_TOO_LARGE') throw error
    const message = `the file has more than ${DEFAULT_MAX_FILE_BYTES} bytes`
    return { kind: 'problem', code: 'FILE_TOO_LARGE', message }
  }
  try {
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch {
    return { kind: 'problem', code: 'FILE_UNREADABLE', message: 'the file is not UTF-8 text' }
  }
}

function displayPath(shown: string, path: string): string {
  return normalize(join(shown, path)).split(sep).join('/')
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string'
}
