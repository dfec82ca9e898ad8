import { hash } from 'node:crypto'
import type { Clock } from '@flotilla/core/ports/clock'
import {
  type GitBackend,
  type GitCommit,
  GitError,
  type GitRepository,
  type ObjectId,
  type TreeEntry,
} from '@flotilla/core/ports/git'

type StoredObject =
  | { readonly type: 'commit'; readonly commit: GitCommit; readonly bytes: Uint8Array }
  | { readonly type: 'tree'; readonly entries: readonly TreeEntry[] }
  | { readonly type: 'blob'; readonly bytes: Uint8Array }

/** Content of a file, or what stands at its path instead. */
export type MemoryFile = string | Uint8Array | { readonly symlink: string } | { readonly submodule: ObjectId }

interface Remote {
  readonly objects: Map<ObjectId, StoredObject>
  readonly refs: Map<string, ObjectId>
  /** By branch: all that the next commit begins with. */
  readonly folders: Map<string, Folder>
}

/** A folder that is committed to, and its object as long as nothing below it has changed. */
interface Folder {
  readonly below: Map<string, Folder | MemoryFile>
  stored?: ObjectId | undefined
}

/**
 * Repositories in memory, with Git's own object ids, for simulation and for tests of what stands on the port. A mirror
 * sees what was there at its last fetch, as with the real ones; `away` makes fetching fail.
 */
export class MemoryGit implements GitBackend {
  readonly name = 'memory'
  readonly away = new Set<string>()
  /** Signs what is committed from now on: the whole commit, of what would be there without a signature. */
  signer: ((payload: string) => string) | undefined
  readonly #remotes = new Map<string, Remote>()
  readonly #mirrors = new Map<string, ReadonlyMap<string, ObjectId>>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  supports(url: string): boolean {
    return this.#remotes.has(url)
  }

  /** Commits changes to a branch: a file replaces the one there, `null` removes it. Returns the commit's id. */
  commit(url: string, changes: { readonly [path: string]: MemoryFile | null }, branch = 'main'): ObjectId {
    const remote = this.#remotes.get(url) ?? newRemote()
    this.#remotes.set(url, remote)
    const folder = remote.folders.get(branch) ?? { below: new Map() }
    remote.folders.set(branch, folder)
    for (const [path, file] of Object.entries(changes)) put(folder, path.split('/'), file)
    const parent = remote.refs.get(`refs/heads/${branch}`)
    const tree = storeTree(remote, folder)
    const at = this.#clock.now()
    const author = `Flotilla <flotilla@example.com> ${Math.floor(at / 1000)} +0000`
    const lines = [
      `tree ${tree}`,
      ...(parent ? [`parent ${parent}`] : []),
      `author ${author}`,
      `committer ${author}`,
      '',
      'change\n',
    ]
    const payload = lines.join('\n')
    const bytes = Buffer.from(this.signer?.(payload) ?? payload)
    const id = objectId('commit', bytes)
    const commit = {
      id,
      tree,
      parents: parent ? [parent] : [],
      author: 'Flotilla',
      committedAt: at,
      message: 'change\n',
    }
    remote.objects.set(id, { type: 'commit', commit, bytes })
    remote.refs.set(`refs/heads/${branch}`, id)
    if (!remote.refs.has('HEAD')) remote.refs.set('HEAD', id)
    if (branch === 'main') remote.refs.set('HEAD', id)
    return id
  }

  /** Replaces the branch by a commit without parents: a forced push. */
  rewrite(url: string, files: { readonly [path: string]: string }, branch = 'main'): ObjectId {
    this.#remotes.get(url)?.folders.delete(branch)
    this.#remotes.get(url)?.refs.delete(`refs/heads/${branch}`)
    return this.commit(url, files, branch)
  }

  /** A mirror is what its folder holds: opened again, it has what it last fetched. */
  async open(url: string, directory: string): Promise<GitRepository> {
    const refs = (): ReadonlyMap<string, ObjectId> => this.#mirrors.get(directory) ?? new Map()
    const read = <T extends StoredObject['type']>(id: ObjectId, type: T): Extract<StoredObject, { type: T }> => {
      const object = this.#remotes.get(url)?.objects.get(id)
      if (object?.type !== type)
        throw new GitError('OBJECT_MISSING', url, `${type} ${id} is not there`, { retry: false })
      return object as Extract<StoredObject, { type: T }>
    }
    return {
      fetch: async () => {
        const remote = this.#remotes.get(url)
        if (!remote || this.away.has(url))
          throw new GitError('REPOSITORY_UNREACHABLE', url, 'it is away', { retry: true })
        this.#mirrors.set(directory, new Map(remote.refs))
      },
      resolve: async revision =>
        refs().get(`refs/heads/${revision}`) ?? refs().get(revision) ?? this.#byCommit(url, revision),
      readCommit: async id => read(id, 'commit').commit,
      readTree: async id => read(id, 'tree').entries,
      readBlob: async (id, maxBytes) => {
        const { bytes } = read(id, 'blob')
        if (bytes.length > maxBytes)
          throw new GitError('OBJECT_TOO_LARGE', url, `${bytes.length} bytes`, { retry: false })
        return bytes
      },
      signed: {
        tagOf: async () => undefined,
        read: async id => ({ type: 'commit', bytes: read(id, 'commit').bytes }),
      },
      close: async () => undefined,
    }
  }

  #byCommit(url: string, revision: string): ObjectId | undefined {
    return this.#remotes.get(url)?.objects.get(revision)?.type === 'commit' ? revision : undefined
  }
}

function newRemote(): Remote {
  return { objects: new Map(), refs: new Map(), folders: new Map() }
}

/** Puts a file where the segments lead, or takes it away, and with it folders that nothing is left in. */
function put(folder: Folder, [name = '', ...rest]: readonly string[], file: MemoryFile | null): void {
  folder.stored = undefined
  if (rest.length === 0) {
    if (file === null) folder.below.delete(name)
    else folder.below.set(name, file)
    return
  }
  const known = folder.below.get(name)
  if (file === null && !isFolder(known)) return
  const inner = isFolder(known) ? known : { below: new Map() }
  folder.below.set(name, inner)
  put(inner, rest, file)
  if (inner.below.size === 0) folder.below.delete(name)
}

function isFolder(value: Folder | MemoryFile | undefined): value is Folder {
  return typeof value === 'object' && 'below' in value
}

const MODES: Readonly<Record<TreeEntry['type'], string>> = {
  file: '100644',
  executable: '100755',
  directory: '40000',
  symlink: '120000',
  submodule: '160000',
}

function storeTree(remote: Remote, folder: Folder): ObjectId {
  if (folder.stored !== undefined) return folder.stored
  const entries = [...folder.below].map(
    ([name, value]): TreeEntry =>
      isFolder(value) ? { name, type: 'directory', id: storeTree(remote, value) } : storeFile(remote, name, value),
  )
  entries.sort((a, b) => Buffer.compare(Buffer.from(sortName(a)), Buffer.from(sortName(b))))
  const parts = entries.flatMap(({ name, type, id }) => [
    Buffer.from(`${MODES[type]} ${name}\0`),
    Buffer.from(id, 'hex'),
  ])
  folder.stored = objectId('tree', Buffer.concat(parts))
  remote.objects.set(folder.stored, { type: 'tree', entries })
  return folder.stored
}

function storeFile(remote: Remote, name: string, file: MemoryFile): TreeEntry {
  if (typeof file === 'object' && 'submodule' in file) return { name, type: 'submodule', id: file.submodule }
  const isLink = typeof file === 'object' && 'symlink' in file
  const bytes = Buffer.from(isLink ? file.symlink : (file as string | Uint8Array))
  const id = objectId('blob', bytes)
  remote.objects.set(id, { type: 'blob', bytes })
  return { name, type: isLink ? 'symlink' : 'file', id }
}

/** Git sorts a directory as if its name ended in a slash. */
function sortName({ name, type }: TreeEntry): string {
  return type === 'directory' ? `${name}/` : name
}

function objectId(type: string, bytes: Uint8Array): ObjectId {
  return hash('sha1', Buffer.concat([Buffer.from(`${type} ${bytes.length}\0`), bytes]), 'hex')
}
