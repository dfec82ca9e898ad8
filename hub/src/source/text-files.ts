import type { GitRepository, ObjectId, TreeEntry } from '@flotilla/core/ports/git'
import { BoundedMemo } from './bounded-memo.ts'
import { findPath } from './repository-path.ts'

/** A file as text, or why there is none. */
export type TextFile =
  | { readonly kind: 'text'; readonly path: string; readonly id: ObjectId; readonly text: string }
  /** A link to a folder, out of the repository, or to nothing; a submodule. */
  | { readonly kind: 'elsewhere'; readonly path: string; readonly message: string }
  | { readonly kind: 'too-large'; readonly path: string; readonly maxBytes: number }
  | { readonly kind: 'not-text'; readonly path: string }

const MEMO_CHARACTERS = 64 * 1024 * 1024

/** Reads blobs as UTF-8, each once: texts are remembered by blob id, so a commit costs the files that it changes. */
export class TextFiles {
  readonly #texts = new BoundedMemo<string>(MEMO_CHARACTERS, text => text.length + 100)
  readonly #maxBytes: number

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * @param root Tree of the whole commit, where links are followed.
   * @param path From the root.
   * @throws GitError
   */
  async read(repository: GitRepository, root: ObjectId, path: string, entry: TreeEntry): Promise<TextFile> {
    if (entry.type === 'file' || entry.type === 'executable') return this.#readBlob(repository, path, entry.id)
    if (entry.type === 'submodule')
      return { kind: 'elsewhere', path, message: `"${path}" is a submodule, which is not read` }
    const target = await findPath(repository, root, path)
    if (target.kind === 'file') return this.#readBlob(repository, path, target.id)
    const message =
      target.kind === 'directory' ? `"${path}" is a link to a folder` : `it is a symbolic link, and ${target.message}`
    return { kind: 'elsewhere', path, message }
  }

  async #readBlob(repository: GitRepository, path: string, id: ObjectId): Promise<TextFile> {
    const known = this.#texts.get(id)
    if (known !== undefined) return { kind: 'text', path, id, text: known }
    let bytes: Uint8Array
    try {
      bytes = await repository.readBlob(id, this.#maxBytes)
    } catch (error) {
      if ((error as { code?: string }).code !== 'OBJECT_TOO_LARGE') throw error
      return { kind: 'too-large', path, maxBytes: this.#maxBytes }
    }
    const text = decode(bytes)
    if (text === undefined) return { kind: 'not-text', path }
    this.#texts.set(id, text)
    return { kind: 'text', path, id, text }
  }
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}
