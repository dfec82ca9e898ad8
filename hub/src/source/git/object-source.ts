import type { ObjectId } from '@flotilla/core/ports/git'
import type { RawObject } from './parse-object.ts'

/** Where a backend's objects come from: packs read in process, or a `git cat-file` kept open. Never the network. */
export interface ObjectSource {
  /** `undefined` when there is no such object. @throws ObjectTooLarge, GitError `REPOSITORY_CORRUPT` */
  read(id: ObjectId, maxBytes: number): Promise<RawObject | undefined>
  /** The one object whose id begins with `prefix`; `undefined` when there is none or more than one. */
  expand(prefix: string): Promise<ObjectId | undefined>
  close(): Promise<void>
}

/** The object is there and too large; the repository adds its URL. */
export class ObjectTooLarge extends Error {
  readonly bytes: number
  constructor(bytes: number) {
    super(`the object has ${bytes} bytes`)
    this.name = 'ObjectTooLarge'
    this.bytes = bytes
  }
}
