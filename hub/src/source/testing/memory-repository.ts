import { createHash } from 'node:crypto'
import { type GitCommit, GitError, type GitRepository, type ObjectId, type TreeEntry } from '@flotilla/core/ports/git'

export type MemoryFile = string | Uint8Array | { readonly symlink: string } | { readonly submodule: ObjectId }

/**
 * A Git repository in memory, for tests and simulation: trees and blobs have ids made of their content, so equal
 * folders are equal trees, as in Git. Commits are seen at once; `failFetch` takes the server away.
 */
export class MemoryRepository implements GitRepository {
  readonly #trees = new Map<ObjectId, readonly TreeEntry[]>()
  readonly #blobs = new Map<ObjectId, Uint8Array>()
  readonly #commits = new Map<ObjectId, GitCommit>()
  readonly #pushed = new Map<string, ObjectId>()
  #fetched = new Map<string, ObjectId>()
  readonly reads = { trees: 0, blobs: 0, commits: 0, fetches: 0 }
  failFetch: GitError | undefined

  /** Makes a commit with exactly these files and moves the branch to it; seen after the next `fetch`. */
  commit(files: Readonly<Record<string, MemoryFile>>, branch = 'main'): ObjectId {
    const tree = this.#writeTree(Object.entries(files).map(([path, file]) => [path.split('/'), file] as const))
    const parent = this.#pushed.get(branch)
    const parents = parent === undefined ? [] : [parent]
    const id = hash(`commit ${this.#commits.size} ${tree} ${parents.join()}`)
    const message = `commit ${this.#commits.size}`
    this.#commits.set(id, { id, tree, parents, author: 'Ann <ann@example.com>', committedAt: 0, message })
    this.#pushed.set(branch, id)
    return id
  }

  async fetch(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.reads.fetches++
    if (this.failFetch) throw this.failFetch
    this.#fetched = new Map(this.#pushed)
  }

  async resolve(revision: string): Promise<ObjectId | undefined> {
    if (this.#commits.has(revision)) return revision
    return this.#fetched.get(revision === 'HEAD' ? 'main' : revision.replace(/^refs\/heads\//, ''))
  }

  async readCommit(id: ObjectId): Promise<GitCommit> {
    this.reads.commits++
    return this.#commits.get(id) ?? missing(id)
  }

  async readTree(id: ObjectId): Promise<readonly TreeEntry[]> {
    this.reads.trees++
    return this.#trees.get(id) ?? missing(id)
  }

  async readBlob(id: ObjectId, maxBytes: number): Promise<Uint8Array> {
    this.reads.blobs++
    const bytes = this.#blobs.get(id) ?? missing(id)
    if (bytes.byteLength > maxBytes) {
      throw new GitError('OBJECT_TOO_LARGE', 'memory', `blob ${id} has ${bytes.byteLength} bytes`, { retry: false })
    }
    return bytes
  }

  async close(): Promise<void> {}

  #writeTree(files: readonly (readonly [readonly string[], MemoryFile])[]): ObjectId {
    const byName = new Map<string, (readonly [readonly string[], MemoryFile])[]>()
    for (const [[name = '', ...rest], file] of files) {
      const group = byName.get(name)
      if (group) group.push([rest, file])
      else byName.set(name, [[rest, file]])
    }
    const entries = [...byName].map(([name, group]) => this.#writeEntry(name, group))
    // Git sorts a folder as if its name ended in a slash.
    const sortName = (entry: TreeEntry) => (entry.type === 'directory' ? `${entry.name}/` : entry.name)
    entries.sort((a, b) => Buffer.compare(Buffer.from(sortName(a)), Buffer.from(sortName(b))))
    const id = hash(`tree ${JSON.stringify(entries)}`)
    this.#trees.set(id, entries)
    return id
  }

  #writeEntry(name: string, group: readonly (readonly [readonly string[], MemoryFile])[]): TreeEntry {
    const [rest, file] = group[0]!
    if (rest.length > 0) return { name, type: 'directory', id: this.#writeTree(group) }
    if (typeof file === 'string' || file instanceof Uint8Array) return { name, type: 'file', id: this.#writeBlob(file) }
    if ('symlink' in file) return { name, type: 'symlink', id: this.#writeBlob(file.symlink) }
    return { name, type: 'submodule', id: file.submodule }
  }

  #writeBlob(content: string | Uint8Array): ObjectId {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
    const id = hash(Buffer.concat([Buffer.from('blob '), bytes]))
    this.#blobs.set(id, bytes)
    return id
  }
}

function hash(content: string | Uint8Array): ObjectId {
  return createHash('sha1').update(content).digest('hex')
}

function missing(id: ObjectId): never {
  throw new GitError('OBJECT_MISSING', 'memory', `object ${id} is not there`, { retry: true })
}
