import {
  type GitCommit,
  GitError,
  type GitRepository,
  type ObjectId,
  type SignedObjects,
  type TreeEntry,
} from '@flotilla/core/ports/git'
import { gitError } from './git-errors.ts'
import { type ObjectSource, ObjectTooLarge } from './object-source.ts'
import { MalformedObject, type ObjectType, parseCommit, parseTag, parseTree, type RawObject } from './parse-object.ts'
import { isObjectId, lookUpRevision, type RefSnapshot } from './refs.ts'

/** What differs between backends; everything else is {@link ObjectRepository}. */
export interface Mirror {
  /** The URL without credentials. */
  readonly subject: string
  /** Refs as of the last fetch. */
  refs(): RefSnapshot
  objects(): ObjectSource
  fetch(signal?: AbortSignal): Promise<void>
  /** An object that must be there is not, or cannot be read: the next fetch is to make the mirror anew. */
  suspect(): void
  close(): Promise<void>
}

const MAX_TREE_BYTES = 64 * 1024 * 1024
const MAX_COMMIT_BYTES = 4 * 1024 * 1024
const MAX_TAG_DEPTH = 8
const MAX_REMEMBERED_REFS = 10_000

/** One repository of any backend: resolves revisions, parses objects, and names every failure. */
export class ObjectRepository implements GitRepository {
  readonly #mirror: Mirror
  /** What refs have pointed at, with annotated tags followed: an object never changes. */
  readonly #commitOf = new Map<ObjectId, ObjectId>()

  constructor(mirror: Mirror) {
    this.#mirror = mirror
  }

  fetch(signal?: AbortSignal): Promise<void> {
    return this.#mirror.fetch(signal)
  }

  async resolve(revision: string): Promise<ObjectId | undefined> {
    const found = lookUpRevision(this.#mirror.refs(), revision)
    if (found.kind === 'none') return undefined
    const known = this.#commitOf.get(found.id)
    if (known) return known
    const id = found.kind === 'ref' || isObjectId(found.id) ? found.id : await this.#mirror.objects().expand(found.id)
    const commit = id === undefined ? undefined : await this.#peel(id, found.kind === 'ref')
    if (commit && found.kind === 'ref') this.#remember(found.id, commit)
    return commit
  }

  async readCommit(id: ObjectId): Promise<GitCommit> {
    const bytes = await this.#read(id, 'commit', MAX_COMMIT_BYTES)
    return this.#parse(() => parseCommit(id, bytes))
  }

  async readTree(id: ObjectId): Promise<readonly TreeEntry[]> {
    const bytes = await this.#read(id, 'tree', MAX_TREE_BYTES)
    return this.#parse(() => parseTree(id, bytes))
  }

  readonly signed: SignedObjects = {
    tagOf: async revision => {
      const found = lookUpRevision(this.#mirror.refs(), revision)
      if (found.kind === 'none' || (found.kind !== 'ref' && !isObjectId(found.id))) return undefined
      const object = await this.#mirror.objects().read(found.id, MAX_COMMIT_BYTES)
      return object?.type === 'tag' ? found.id : undefined
    },
    read: async id => {
      const { subject } = this.#mirror
      const object = await this.#mirror.objects().read(id, MAX_COMMIT_BYTES)
      if (object?.type === 'commit' || object?.type === 'tag') return { type: object.type, bytes: object.bytes }
      throw gitError('OBJECT_MISSING', subject, `${id} is no commit or tag of the mirror`)
    },
  }

  readBlob(id: ObjectId, maxBytes: number): Promise<Uint8Array> {
    return this.#read(id, 'blob', maxBytes)
  }

  close(): Promise<void> {
    return this.#mirror.close()
  }

  /** Follows annotated tags to a commit; anything else is no revision. */
  async #peel(id: ObjectId, mustExist: boolean): Promise<ObjectId | undefined> {
    let current = id
    for (let depth = 0; depth < MAX_TAG_DEPTH; depth++) {
      const object = await this.#mirror
        .objects()
        .read(current, MAX_COMMIT_BYTES)
        .catch(error => this.#peelError(error))
      if (object?.type === 'commit') return current
      if (!object && mustExist) {
        this.#mirror.suspect()
        throw gitError('REPOSITORY_CORRUPT', this.#mirror.subject, `object ${current}, which a ref names, is missing`)
      }
      if (object?.type !== 'tag') return undefined
      const { bytes } = object
      const tag = current
      current = this.#parse(() => parseTag(tag, bytes))
    }
    return undefined
  }

  #peelError(error: unknown): RawObject {
    // A large blob that a ref or a whole id names is no revision.
    if (error instanceof ObjectTooLarge) return { type: 'blob', bytes: new Uint8Array() }
    if (error instanceof GitError && error.code === 'REPOSITORY_CORRUPT') this.#mirror.suspect()
    throw error
  }

  #remember(ref: ObjectId, commit: ObjectId): void {
    if (this.#commitOf.size >= MAX_REMEMBERED_REFS) this.#commitOf.clear()
    this.#commitOf.set(ref, commit)
  }

  async #read(id: ObjectId, type: ObjectType, maxBytes: number): Promise<Uint8Array> {
    const { subject } = this.#mirror
    try {
      const object = await this.#mirror.objects().read(id, maxBytes)
      if (object?.type === type) return object.bytes
      if (object) throw gitError('OBJECT_MISSING', subject, `object ${id} is a ${object.type}, not a ${type}`)
      this.#mirror.suspect()
      throw gitError('OBJECT_MISSING', subject, `${type} ${id} is not in the mirror`)
    } catch (error) {
      if (error instanceof ObjectTooLarge) {
        const message = `${type} ${id} has ${error.bytes} bytes, the limit is ${maxBytes}`
        throw gitError('OBJECT_TOO_LARGE', subject, message)
      }
      if (error instanceof GitError && error.code === 'REPOSITORY_CORRUPT') this.#mirror.suspect()
      throw error
    }
  }

  #parse<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof MalformedObject)) throw error
      this.#mirror.suspect()
      throw gitError('REPOSITORY_CORRUPT', this.#mirror.subject, error.message, error)
    }
  }
}
