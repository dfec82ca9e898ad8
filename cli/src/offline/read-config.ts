import { statSync } from 'node:fs'
import { basename, dirname, join, normalize, resolve, sep } from 'node:path'
import { type ConfigFile, isConfigFile } from '@flotilla/config'
import { GitError } from '@flotilla/core/ports/git'
import { DEFAULT_MAX_FILE_BYTES } from '@flotilla/core/yaml/parse-yaml'
import { whyUnreadable } from '@flotilla/hub/source/read-config-tree'
import { TextFiles } from '@flotilla/hub/source/text-files'
import { WalkTooLarge, walkTree } from '@flotilla/hub/source/walk-tree'
import { failure, usageError } from '../errors.ts'
import { findOwnRepository } from './own-repository.ts'
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
  const single = singleFile(full, path)
  const folder = single === undefined ? full : dirname(full)
  const shown = single === undefined ? path : dirname(path)
  try {
    const snapshot = await repositories.openDirectory(folder)
    return await readSnapshot(snapshot, shown, single, () => wholeRepository(folder, repositories))
  } catch (error) {
    if (error instanceof GitError || error instanceof WalkTooLarge || isFileError(error)) {
      throw failure(`${path} cannot be read: ${error.message}`, undefined, error)
    }
    throw error
  }
}

/** @throws CliError (usage) for what is not there, and for what is neither a folder nor a file of documents. */
function singleFile(full: string, path: string): string | undefined {
  const status = path === '' ? undefined : statSync(full, { throwIfNoEntry: false })
  if (status === undefined) throw usageError(path === '' ? 'the path is empty' : `there is no ${path}`)
  if (status.isDirectory()) return undefined
  if (!status.isFile()) throw usageError(`${path} is neither a folder nor a file`)
  const name = basename(full)
  if (!isConfigFile(name)) {
    throw usageError(`${path} is no file of documents`, 'they end in .yaml, .yml or .json, and a hub reads no others')
  }
  return name
}

/** The repository around a folder, from which links are followed as a hub follows them. */
async function wholeRepository(folder: string, repositories: Repositories) {
  const own = findOwnRepository(folder)
  if (own === undefined || own.prefix === '') return undefined
  return { snapshot: await repositories.openDirectory(own.top), prefix: own.prefix }
}

async function readSnapshot(
  snapshot: Snapshot,
  shown: string,
  single: string | undefined,
  findWhole: () => ReturnType<typeof wholeRepository>,
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
    let file = await texts.read(repository, tree, path, entry)
    // A hub follows links through the whole repository, wherever in it the config path lies.
    const whole = file.kind === 'elsewhere' ? await findWhole() : undefined
    if (whole !== undefined) {
      const { repository: around, commit: there } = whole.snapshot
      const { tree: top } = await around.readCommit(there)
      file = await texts.read(around, top, `${whole.prefix}/${path}`, entry)
    }
    files.push(
      file.kind === 'text'
        ? { path: name, text: file.text }
        : { path: name, text: '', unreadable: whyUnreadable(file) },
    )
  }
  return files
}

function displayPath(shown: string, path: string): string {
  return normalize(join(shown, path)).split(sep).join('/')
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string'
}
