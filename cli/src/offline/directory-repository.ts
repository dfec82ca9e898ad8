import { createHash } from 'node:crypto'
import { lstatSync, readFileSync, readlinkSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { type GitCommit, GitError, type GitRepository, type ObjectId, type TreeEntry } from '@flotilla/core/ports/git'
import { blobId, compareEntries, treeId } from './git-ids.ts'
import { listFiles } from './list-files.ts'

interface Folder {
  readonly folders: Map<string, Folder>
  readonly files: Map<string, string>
}

/**
 * A folder as if its content were one commit: the same ids as Git would give, so that everything that reads
 * repositories reads working trees too. It is a snapshot of names; a file that changes while it is read is an error.
 */
export class DirectoryRepository implements GitRepository {
  readonly #directory: string
  readonly #trees = new Map<ObjectId, readonly TreeEntry[]>()
  readonly #blobs = new Map<ObjectId, string>()
  readonly #commit: GitCommit

  private constructor(directory: string, paths: readonly string[]) {
    this.#directory = directory
    const tree = this.#addTree(folderOf(paths))
    const id = createHash('sha1').update(`working tree ${tree}`).digest('hex')
    this.#commit = { id, tree, parents: [], author: '', committedAt: 0, message: 'the files as they are' }
  }

  /** @throws TooManyFiles, or what the file system throws. */
  static async open(directory: string): Promise<DirectoryRepository> {
    return new DirectoryRepository(directory, await listFiles(directory))
  }

  async fetch(): Promise<void> {}

  async close(): Promise<void> {}

  /** Every revision is what stands in the folder. */
  async resolve(): Promise<ObjectId> {
    return this.#commit.id
  }

  async readCommit(id: ObjectId): Promise<GitCommit> {
    if (id !== this.#commit.id) throw this.#missing(`there is no commit ${id}`)
    return this.#commit
  }

  async readTree(id: ObjectId): Promise<readonly TreeEntry[]> {
    const entries = this.#trees.get(id)
    if (entries === undefined) throw this.#missing(`there is no folder ${id}`)
    return entries
  }

  async readBlob(id: ObjectId, maxBytes: number): Promise<Uint8Array> {
    const path = this.#blobs.get(id)
    if (path === undefined) throw this.#missing(`there is no file ${id}`)
    const content = this.#content(path)
    if (content.byteLength > maxBytes) {
      const message = `${path} has ${content.byteLength} bytes, more than ${maxBytes}`
      throw new GitError('OBJECT_TOO_LARGE', this.#directory, message, { retry: false })
    }
    if (blobId(content) !== id) throw this.#missing(`${path} changed while it was read`)
    return content
  }

  #missing(message: string): GitError {
    return new GitError('OBJECT_MISSING', this.#directory, message, { retry: true })
  }

  #addTree(folder: Folder): ObjectId {
    const entries: TreeEntry[] = []
    for (const [name, child] of folder.folders) {
      const id = this.#addTree(child)
      // Git knows no empty folders: one whose files are all gone, though still in the index, is gone too.
      if (this.#trees.get(id)!.length > 0) entries.push({ name, type: 'directory', id })
    }
    for (const [name, path] of folder.files) {
      const entry = this.#addFile(name, path)
      if (entry !== undefined) entries.push(entry)
    }
    entries.sort(compareEntries)
    const id = treeId(entries)
    this.#trees.set(id, entries)
    return id
  }

  /** Undefined for what Git lists and is no longer there, and for what is no file: a socket, a device. */
  #addFile(name: string, path: string): TreeEntry | undefined {
    const status = lstatSync(join(this.#directory, path), { throwIfNoEntry: false })
    const type = status && typeOf(status)
    if (type === undefined) return undefined
    if (type === 'submodule') return { name, type, id: '0'.repeat(40) }
    const id = blobId(this.#content(path))
    this.#blobs.set(id, path)
    return { name, type, id }
  }

  #content(path: string): Uint8Array {
    const full = join(this.#directory, path)
    return lstatSync(full).isSymbolicLink() ? Buffer.from(readlinkSync(full)) : readFileSync(full)
  }
}

function typeOf(status: Stats): Exclude<TreeEntry['type'], 'directory'> | undefined {
  if (status.isSymbolicLink()) return 'symlink'
  if (status.isDirectory()) return 'submodule' // Git lists a folder only where another repository begins
  if (!status.isFile()) return undefined
  return (status.mode & 0o111) === 0 ? 'file' : 'executable'
}

function folderOf(paths: readonly string[]): Folder {
  const root: Folder = { folders: new Map(), files: new Map() }
  for (const path of paths) {
    const segments = path.split('/')
    const name = segments.pop()!
    let at = root
    for (const segment of segments) {
      let child = at.folders.get(segment)
      if (child === undefined) {
        child = { folders: new Map(), files: new Map() }
        at.folders.set(segment, child)
      }
      at = child
    }
    at.files.set(name, path)
  }
  return root
}
