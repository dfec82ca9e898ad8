import { type Digest, sha256 } from '@flotilla/core/json/canonical-json'
import { type BundleStore, BundleStoreError } from '@flotilla/core/ports/bundle-store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

/** Bundles in memory, for tests and simulation; checked like those on disk. */
export class MemoryBundles implements BundleStore {
  readonly #now: () => EpochMs
  readonly #bundles = new Map<Digest, { bytes: Uint8Array; storedAt: EpochMs }>()

  constructor(now: () => EpochMs) {
    this.#now = now
  }

  async has(digest: Digest): Promise<boolean> {
    return this.#bundles.has(digest)
  }

  async put(digest: Digest, bytes: Uint8Array): Promise<void> {
    if (sha256(bytes) !== digest) {
      throw new BundleStoreError('BUNDLE_CORRUPT', digest, 'the bytes to store have another digest', { retry: false })
    }
    this.#bundles.set(digest, { bytes: Uint8Array.from(bytes), storedAt: this.#now() })
  }

  async get(digest: Digest): Promise<Uint8Array | undefined> {
    const stored = this.#bundles.get(digest)
    return stored && Uint8Array.from(stored.bytes)
  }

  async list(): Promise<readonly { readonly digest: Digest; readonly storedAt: EpochMs; readonly size: number }[]> {
    return [...this.#bundles]
      .map(([digest, { bytes, storedAt }]) => ({ digest, storedAt, size: bytes.byteLength }))
      .sort((a, b) => (a.digest < b.digest ? -1 : 1))
  }

  async delete(digest: Digest): Promise<void> {
    this.#bundles.delete(digest)
  }
}
