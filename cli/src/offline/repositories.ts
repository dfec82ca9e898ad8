import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { GitRepository, ObjectId } from '@flotilla/core/ports/git'
import { normaliseRepositoryUrl } from '@flotilla/core/project/repository-url'
import { usageError } from '../errors.ts'
import { DirectoryRepository } from './directory-repository.ts'
import { findOwnRepository } from './own-repository.ts'

/** A repository's content at one commit. */
export interface Snapshot {
  readonly repository: GitRepository
  readonly commit: ObjectId
  /** The folder that stands for the repository. */
  readonly directory: string
}

export type SnapshotResult =
  | { readonly kind: 'found'; readonly snapshot: Snapshot }
  | { readonly kind: 'unavailable'; readonly message: string; readonly hint: string }

export interface RepositoriesInput {
  readonly cwd: string
  /** The folder or file that the command was given; the repository that it lies in stands for its own `origin`. */
  readonly path: string
  /** `URL=DIR`, as given. */
  readonly mappings: readonly string[]
  /** Read that revision from Git's objects instead of the files as they are. */
  readonly at?: string
}

/** The local folders that stand for repositories, so that nothing offline ever touches the network. */
export class Repositories {
  readonly #directories = new Map<string, string>()
  readonly #snapshots = new Map<string, Promise<Snapshot>>()
  readonly #at: string | undefined

  /** @throws CliError (usage) for a mapping that is not `URL=DIR`, names no folder, or is given twice. */
  constructor({ cwd, path, mappings, at }: RepositoriesInput) {
    this.#at = at
    for (const mapping of mappings) {
      const { url, directory } = parseMapping(mapping, cwd)
      const key = normaliseRepositoryUrl(url)
      if (this.#directories.has(key)) throw usageError(`--repo names ${url} twice`)
      this.#directories.set(key, directory)
    }
    const own = findOwnRepository(resolve(cwd, path))
    const key = own?.origin === undefined ? undefined : normaliseRepositoryUrl(own.origin)
    if (own !== undefined && key !== undefined && !this.#directories.has(key)) this.#directories.set(key, own.top)
  }

  /** The folder that stands for a URL. */
  directoryOf(url: string): string | undefined {
    return this.#directories.get(normaliseRepositoryUrl(url))
  }

  async open(url: string): Promise<SnapshotResult> {
    const directory = this.directoryOf(url)
    if (directory === undefined) {
      const message = `no folder is named for the repository ${url}`
      return { kind: 'unavailable', message, hint: `name a local clone: --repo ${url}=DIR` }
    }
    try {
      return { kind: 'found', snapshot: await this.openDirectory(directory) }
    } catch (error) {
      const message = `${directory}, which stands for ${url}, cannot be read: ${(error as Error).message}`
      return { kind: 'unavailable', message, hint: 'check the folder and the revision' }
    }
  }

  /** One snapshot a folder, however many ask. */
  openDirectory(directory: string): Promise<Snapshot> {
    let snapshot = this.#snapshots.get(directory)
    if (snapshot === undefined) {
      snapshot = this.#at === undefined ? openFiles(directory) : openCommit(directory, this.#at)
      this.#snapshots.set(directory, snapshot)
    }
    return snapshot
  }

  async close(): Promise<void> {
    const snapshots = await Promise.allSettled(this.#snapshots.values())
    for (const result of snapshots) if (result.status === 'fulfilled') await result.value.repository.close()
  }
}

async function openFiles(directory: string): Promise<Snapshot> {
  const repository = await DirectoryRepository.open(directory)
  return { repository, commit: await repository.resolve(), directory }
}

async function openCommit(directory: string, revision: string): Promise<Snapshot> {
  const { openAtRevision } = await import('./commit-repository.ts')
  return { ...(await openAtRevision(directory, revision)), directory }
}

function parseMapping(mapping: string, cwd: string): { url: string; directory: string } {
  // A URL may hold `=`; a folder's name seldom does.
  const cut = mapping.lastIndexOf('=')
  if (cut <= 0 || cut === mapping.length - 1) {
    throw usageError(`--repo "${mapping}" is not URL=DIR`, '--repo https://git.example.com/shop.git=../shop')
  }
  const directory = resolve(cwd, mapping.slice(cut + 1))
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw usageError(`--repo "${mapping}": there is no folder ${directory}`)
  }
  return { url: mapping.slice(0, cut), directory }
}
