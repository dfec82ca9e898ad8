import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, sha256 } from '@flotilla/core/json/canonical-json'
import { type BundleStore, BundleStoreError } from '@flotilla/core/ports/bundle-store'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import { KEY_BYTES, NONCE_BYTES, openBundle, sealBundle } from './seal-bundle.ts'

export interface BundleFilesOptions {
  /** The hub's data folder; Bundles lie in `bundles/` below it. */
  readonly dataDirectory: string
  /** 32 bytes, of `hub.key`. */
  readonly key: Uint8Array
  readonly random: Random
  readonly clock: Clock
  /** A stored Bundle that inflates to more is corrupt. Default 256 MiB. */
  readonly maxBytes?: number
}

const DIGEST = /^sha256:([0-9a-f]{64})$/
const HEX_NAME = /^[0-9a-f]{64}$/
const UNKNOWN = 'unknown error'
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/**
 * Bundles as files by digest (decision 29), compressed, encrypted at rest (decision 17), written whole or not at all:
 * beside, synced, renamed, the folder synced. A file's time of change is when it was last stored.
 */
export class BundleFiles implements BundleStore {
  readonly #folder: string
  readonly #options: BundleFilesOptions
  #written = 0

  constructor(options: BundleFilesOptions) {
    if (options.key.byteLength !== KEY_BYTES) throw new TypeError(`the key of the Bundles has ${KEY_BYTES} bytes`)
    this.#options = options
    this.#folder = join(options.dataDirectory, 'bundles')
  }

  async has(digest: Digest): Promise<boolean> {
    try {
      return (await stat(this.#pathOf(digest))).isFile()
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false
      throw this.#failure(digest, error)
    }
  }

  async put(digest: Digest, bytes: Uint8Array): Promise<void> {
    if (sha256(bytes) !== digest) {
      throw new BundleStoreError('BUNDLE_CORRUPT', digest, 'the bytes to store have another digest', { retry: false })
    }
    const path = this.#pathOf(digest)
    try {
      if (await this.#touch(digest)) return
      const { key, random } = this.#options
      const sealed = await sealBundle(digest, bytes, key, random.bytes(NONCE_BYTES))
      await this.#write(path, sealed)
    } catch (error) {
      throw this.#failure(digest, error)
    }
  }

  async get(digest: Digest): Promise<Uint8Array | undefined> {
    let sealed: Uint8Array
    try {
      sealed = await readFile(this.#pathOf(digest))
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw this.#failure(digest, error)
    }
    return this.#open(digest, sealed)
  }

  async list(): Promise<readonly { readonly digest: Digest; readonly storedAt: number; readonly size: number }[]> {
    const found: { digest: Digest; storedAt: number; size: number }[] = []
    for (const prefix of await this.#names(this.#folder)) {
      if (!/^[0-9a-f]{2}$/.test(prefix)) continue
      for (const name of await this.#names(join(this.#folder, prefix))) {
        if (!HEX_NAME.test(name)) continue
        // Another call may be deleting it.
        const file = await stat(join(this.#folder, prefix, name)).catch(ignoreMissing)
        if (file) found.push({ digest: `sha256:${name}`, storedAt: Math.floor(file.mtimeMs), size: file.size })
      }
    }
    return found.sort((a, b) => (a.digest < b.digest ? -1 : 1))
  }

  async delete(digest: Digest): Promise<void> {
    try {
      await rm(this.#pathOf(digest), { force: true })
    } catch (error) {
      throw this.#failure(digest, error)
    }
  }

  /** Removes what a hub that was killed while writing left behind. Call it once, before the first `put`. */
  async removeLeftovers(): Promise<number> {
    let removed = 0
    for (const prefix of await this.#names(this.#folder)) {
      for (const name of await this.#names(join(this.#folder, prefix))) {
        if (!name.endsWith('.new')) continue
        await rm(join(this.#folder, prefix, name), { force: true })
        removed++
      }
    }
    return removed
  }

  /** Stored already and whole: only its time changes. A damaged file is written again. */
  async #touch(digest: Digest): Promise<boolean> {
    const path = this.#pathOf(digest)
    const sealed = await readFile(path).catch(ignoreMissing)
    if (!sealed) return false
    const intact = await this.#open(digest, sealed).then(
      () => true,
      () => false,
    )
    if (!intact) return false
    const now = this.#options.clock.now() / 1000
    await utimes(path, now, now)
    return true
  }

  async #open(digest: Digest, sealed: Uint8Array): Promise<Uint8Array> {
    const { key, maxBytes = 256 * 1024 * 1024 } = this.#options
    try {
      return await openBundle(digest, sealed, key, maxBytes)
    } catch (cause) {
      const { message } = cause as Error
      throw new BundleStoreError('BUNDLE_CORRUPT', digest, `the stored file cannot be read: ${message}`, {
        retry: false,
        cause,
      })
    }
  }

  async #write(path: string, content: Uint8Array): Promise<void> {
    const folder = path.slice(0, path.lastIndexOf('/'))
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const beside = `${path}.${process.pid}.${this.#written++}.new`
    try {
      const file = await open(beside, 'wx', 0o600)
      try {
        await file.writeFile(content)
        const now = this.#options.clock.now() / 1000
        await file.utimes(now, now)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(beside, path)
    } catch (error) {
      // The first error is the one to tell; a leftover is removed at the next start.
      await rm(beside, { force: true }).catch(ignoreMissing)
      throw error
    }
    await syncFolder(folder)
  }

  async #names(folder: string): Promise<readonly string[]> {
    try {
      return await readdir(folder)
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ENOENT' || code === 'ENOTDIR') return []
      throw this.#failure(folder, error)
    }
  }

  #pathOf(digest: Digest): string {
    const hex = DIGEST.exec(digest)?.[1]
    if (!hex) throw new TypeError('a digest is "sha256:" and 64 hexadecimal digits')
    return join(this.#folder, hex.slice(0, 2), hex)
  }

  #failure(subject: string, error: unknown): unknown {
    const code = codeOf(error)
    // A broken invariant is nobody's disk.
    if (error instanceof BundleStoreError || code === UNKNOWN) return error
    if (FULL.has(code)) {
      const message = `no space is left for Bundles in ${this.#folder} (${code})`
      return new BundleStoreError('BUNDLE_STORE_FULL', subject, message, { retry: true, cause: error })
    }
    const message = `the folder ${this.#folder} cannot be used (${code})`
    return new BundleStoreError('BUNDLE_STORE_UNAVAILABLE', subject, message, { retry: true, cause: error })
  }
}

async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined
  try {
    handle = await open(folder, 'r')
    await handle.sync()
  } finally {
    await handle?.close()
  }
}

function ignoreMissing(error: unknown): undefined {
  if (codeOf(error) === 'ENOENT') return undefined
  throw error
}

function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' ? code : UNKNOWN
}
