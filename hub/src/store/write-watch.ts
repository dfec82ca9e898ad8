import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import { BundleStoreError } from '@flotilla/core/ports/bundle-store'
import type { Clock } from '@flotilla/core/ports/clock'
import { type Store, StoreError } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

/** What cannot be written since when, and why. */
export interface WriteTrouble {
  readonly what: WrittenThing
  readonly code: string
  readonly since: EpochMs
}

export type WrittenThing = 'store' | 'bundles'

/**
 * Whether the hub's last writes were kept. A full disk stops what would change and nothing else: reads go on, so the
 * hub stays ready, and this is how it says that it is not well. The next write that succeeds ends the trouble.
 */
export class WriteWatch {
  readonly #clock: Clock
  readonly #troubles = new Map<WrittenThing, WriteTrouble>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get troubles(): readonly WriteTrouble[] {
    return [...this.#troubles.values()]
  }

  /** The same store, whose writes are watched. */
  store(store: Store): Store {
    return {
      get counters() {
        return store.counters
      },
      read: work => store.read(work),
      write: work => this.#watch('store', () => store.write(work)),
      close: () => store.close(),
    }
  }

  /** The same Bundles, whose puts are watched. */
  bundles(bundles: BundleStore): BundleStore {
    return {
      has: digest => bundles.has(digest),
      put: (digest, bytes) => this.#watch('bundles', () => bundles.put(digest, bytes)),
      get: digest => bundles.get(digest),
      list: () => bundles.list(),
      delete: digest => bundles.delete(digest),
    }
  }

  async #watch<T>(what: WrittenThing, write: () => Promise<T>): Promise<T> {
    try {
      const result = await write()
      this.#troubles.delete(what)
      return result
    } catch (error) {
      if (error instanceof StoreError || error instanceof BundleStoreError) {
        const since = this.#troubles.get(what)?.since ?? this.#clock.now()
        this.#troubles.set(what, { what, code: error.code, since })
      }
      throw error
    }
  }
}
