import { decodeBundle } from '@flotilla/core/bundle/decode-bundle'
import type { Digest } from '@flotilla/core/json/canonical-json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { BundleStore } from '@flotilla/core/ports/bundle-store'

/** What stands in a life's Bundles. A digest names one content, so each is taken apart once, however many laws ask. */
export class BundleContents {
  readonly #bundles: BundleStore
  readonly #known = new Map<Digest, readonly KubernetesObject[]>()

  constructor(bundles: BundleStore) {
    this.#bundles = bundles
  }

  /** Undefined for one that was never stored, or is gone and was never asked for. */
  async objectsOf(digest: Digest): Promise<readonly KubernetesObject[] | undefined> {
    const known = this.#known.get(digest)
    if (known) return known
    const bytes = await this.#bundles.get(digest)
    if (!bytes) return undefined
    const { objects } = decodeBundle(bytes, digest)
    this.#known.set(digest, objects)
    return objects
  }
}
