import fs from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectId } from '@flotilla/core/ports/git'
import git, { Errors } from 'isomorphic-git'
import { gitError } from './git-errors.ts'
import { type ObjectSource, ObjectTooLarge } from './object-source.ts'
import type { ObjectType, RawObject } from './parse-object.ts'

/**
 * Objects of one Git folder through isomorphic-git. One cache object for as long as the folder lives: without it every
 * read parses the pack's index again (250 s instead of 2 for 30,000 files).
 */
export class IsomorphicObjects implements ObjectSource {
  readonly #subject: string
  readonly #gitFolder: string
  /** Handed to `fetchPack` too, which reads what it already has. */
  readonly cache: object = {}

  constructor(subject: string, gitFolder: string) {
    this.#subject = subject
    this.#gitFolder = gitFolder
  }

  async read(id: ObjectId, maxBytes: number): Promise<RawObject | undefined> {
    const { cache } = this
    try {
      const { type, object } = await git.readObject({ fs, cache, gitdir: this.#gitFolder, oid: id, format: 'content' })
      const bytes = object as Uint8Array
      if (bytes.byteLength > maxBytes) throw new ObjectTooLarge(bytes.byteLength)
      return { type: type as ObjectType, bytes }
    } catch (error) {
      if (error instanceof ObjectTooLarge) throw error
      if (error instanceof Errors.NotFoundError) return undefined
      throw gitError('REPOSITORY_CORRUPT', this.#subject, `object ${id} cannot be read`, error)
    }
  }

  async expand(prefix: string): Promise<ObjectId | undefined> {
    try {
      return await git.expandOid({ fs, cache: this.cache, gitdir: this.#gitFolder, oid: prefix })
    } catch (error) {
      if (error instanceof Errors.NotFoundError || error instanceof Errors.AmbiguousError) return undefined
      throw gitError('REPOSITORY_CORRUPT', this.#subject, `the objects cannot be listed`, error)
    }
  }

  async packs(): Promise<readonly string[]> {
    const names = await readdir(join(this.#gitFolder, 'objects', 'pack'))
    return names.filter(name => name.endsWith('.idx')).sort()
  }

  async close(): Promise<void> {}
}
