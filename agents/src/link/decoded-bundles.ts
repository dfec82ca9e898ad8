import { decodeBundle } from '@flotilla/core/bundle/decode-bundle'
import type { Digest } from '@flotilla/core/json/canonical-json'
import type { Bundle } from '@flotilla/core/model/bundle'

/** Of stored bytes, all Bundles together; a Bundle in memory takes some times as much. */
const MOST_BYTES = 4 * 1024 * 1024

interface Decoded {
  readonly bytes: Uint8Array
  readonly bundle: Bundle
}

/**
 * The Bundles that were decoded last. An Application is looked at again and again with the same one: bytes that equal
 * those that were proved by their digest are neither hashed nor parsed once more, and other bytes are.
 */
export class DecodedBundles {
  /** Oldest use first. */
  readonly #known = new Map<Digest, Decoded>()
  readonly #mostBytes: number
  #size = 0

  constructor(mostBytes = MOST_BYTES) {
    this.#mostBytes = mostBytes
  }

  /** How many bytes of Bundles are remembered. */
  get size(): number {
    return this.#size
  }

  /** @throws BundleError for bytes that are not what the digest says. */
  get(bytes: Uint8Array, digest: Digest): Bundle {
    const known = this.#known.get(digest)
    if (known) this.#forget(digest, known)
    const bundle = known && Buffer.compare(known.bytes, bytes) === 0 ? known.bundle : decodeBundle(bytes, digest)
    // Those who keep the bytes may write over theirs.
    const own = known?.bundle === bundle ? known.bytes : Uint8Array.from(bytes)
    this.#known.set(digest, { bytes: own, bundle })
    this.#size += own.length
    for (const [oldest, decoded] of this.#known) {
      if (this.#size <= this.#mostBytes) break
      this.#forget(oldest, decoded)
    }
    return bundle
  }

  #forget(digest: Digest, { bytes }: Decoded): void {
    this.#known.delete(digest)
    this.#size -= bytes.length
  }
}
