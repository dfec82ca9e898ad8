import type { EpochMs } from '../time/epoch-ms.ts'

/** 40 lower-case hexadecimal digits. */
export type ObjectId = string

export interface GitCommit {
  readonly id: ObjectId
  readonly tree: ObjectId
  readonly parents: readonly ObjectId[]
  readonly author: string
  readonly committedAt: EpochMs
  readonly message: string
}

export interface TreeEntry {
  readonly name: string
  readonly type: 'file' | 'executable' | 'directory' | 'symlink' | 'submodule'
  readonly id: ObjectId
}

export interface GitCredentials {
  readonly username?: string
  readonly password?: string
  /** PEM or OpenSSH text, for `ssh`. */
  readonly sshPrivateKey?: string
  /** Lines of a known_hosts file; without them an unknown host key is refused. */
  readonly sshKnownHosts?: string
  /** PEM certificates trusted for this host besides the machine's. */
  readonly certificateAuthority?: string
}

/** One repository as a bare mirror: fetched as a whole, read by object id. Listing and reading never touch the network. */
export interface GitRepository {
  /** Brings branches and tags up to date, forced pushes included. @throws GitError */
  fetch(signal?: AbortSignal): Promise<void>
  /** Branch, tag, `HEAD`, full ref or (abbreviated, at least 7 digits) commit id → commit id as of the last fetch. */
  resolve(revision: string): Promise<ObjectId | undefined>
  readCommit(id: ObjectId): Promise<GitCommit>
  /** Entries in Git's order. */
  readTree(id: ObjectId): Promise<readonly TreeEntry[]>
  /** @throws GitError `OBJECT_TOO_LARGE` when it has more than `maxBytes`. */
  readBlob(id: ObjectId, maxBytes: number): Promise<Uint8Array>
  /** Commits and tags to the byte, for who checks signatures; absent where nothing keeps them in that form. */
  readonly signed?: SignedObjects
  close(): Promise<void>
}

export interface SignedObjects {
  /** The annotated tag that a revision names as of the last fetch; undefined when it names anything else. */
  tagOf(revision: string): Promise<ObjectId | undefined>
  /** A commit or tag as Git stores it, without its header. @throws GitError `OBJECT_MISSING` */
  read(id: ObjectId): Promise<{ readonly type: 'commit' | 'tag'; readonly bytes: Uint8Array }>
}

export interface GitBackend {
  readonly name: string
  /** Whether this backend can speak to that URL at all. */
  supports(url: string): boolean
  /**
   * Opens (making it when needed) the mirror of `url` in `directory`. A `file:` URL or a path of a local repository
   * is read in place. Does not touch the network.
   */
  open(url: string, directory: string, credentials?: GitCredentials): Promise<GitRepository>
}

export type GitErrorCode =
  | 'REPOSITORY_UNREACHABLE'
  | 'REPOSITORY_NOT_FOUND'
  | 'REPOSITORY_AUTHENTICATION_FAILED'
  | 'REPOSITORY_HOST_KEY_UNKNOWN'
  | 'REPOSITORY_CORRUPT'
  | 'URL_UNSUPPORTED'
  | 'OBJECT_MISSING'
  | 'OBJECT_TOO_LARGE'

export class GitError extends Error {
  readonly code: GitErrorCode
  /** The repository's URL without credentials. */
  readonly subject: string
  /** Whether trying again later can help. */
  readonly retry: boolean

  constructor(code: GitErrorCode, subject: string, message: string, options: { retry: boolean; cause?: unknown }) {
    super(`${subject}: ${message} (${code})`, { cause: options.cause })
    this.name = 'GitError'
    this.code = code
    this.subject = subject
    this.retry = options.retry
  }
}
