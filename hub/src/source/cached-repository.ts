import type { GitCommit, GitRepository, ObjectId, SignedObjects, TreeEntry } from '@flotilla/core/ports/git'
import { BoundedMemo } from './bounded-memo.ts'

/** What was really read, which is less than what was asked for: objects never change, so they are remembered. */
export interface ReadCounters {
  fetches: number
  treesRead: number
  blobsRead: number
  commitsRead: number
}

/** Bounded by entries: one flat directory of 10,000 files weighs as much as 2,000 small ones. */
const TREE_CACHE_ENTRIES = 100_000
const COMMIT_CACHE_SIZE = 1000

/** Remembers the trees and commits of a repository, and counts what had to be read all the same. */
export class CachedRepository implements GitRepository {
  readonly #repository: GitRepository
  readonly #trees = new BoundedMemo<readonly TreeEntry[]>(TREE_CACHE_ENTRIES, tree => tree.length + 1)
  readonly #reading = new Map<ObjectId, Promise<readonly TreeEntry[]>>()
  readonly #commits = new Map<ObjectId, GitCommit>()
  readonly counters: ReadCounters = { fetches: 0, treesRead: 0, blobsRead: 0, commitsRead: 0 }

  constructor(repository: GitRepository) {
    this.#repository = repository
  }

  /** The repository itself when it remembers already. */
  static over(repository: GitRepository): CachedRepository {
    return repository instanceof CachedRepository ? repository : new CachedRepository(repository)
  }

  get signed(): SignedObjects | undefined {
    return this.#repository.signed
  }

  fetch(signal?: AbortSignal): Promise<void> {
    this.counters.fetches++
    return this.#repository.fetch(signal)
  }

  resolve(revision: string): Promise<ObjectId | undefined> {
    return this.#repository.resolve(revision)
  }

  async readCommit(id: ObjectId): Promise<GitCommit> {
    const known = this.#commits.get(id)
    if (known) return known
    const commit = await this.#repository.readCommit(id)
    this.counters.commitsRead++
    if (this.#commits.size >= COMMIT_CACHE_SIZE) this.#commits.clear()
    this.#commits.set(id, commit)
    return commit
  }

  /** Callers at the same time share one reading. */
  async readTree(id: ObjectId): Promise<readonly TreeEntry[]> {
    const known = this.#trees.get(id) ?? this.#reading.get(id)
    if (known) return known
    const reading = this.#repository.readTree(id).finally(() => this.#reading.delete(id))
    this.#reading.set(id, reading)
    const entries = await reading
    this.counters.treesRead++
    this.#trees.set(id, entries)
    return entries
  }

  async readBlob(id: ObjectId, maxBytes: number): Promise<Uint8Array> {
    const bytes = await this.#repository.readBlob(id, maxBytes)
    this.counters.blobsRead++
    return bytes
  }

  close(): Promise<void> {
    return this.#repository.close()
  }
}
