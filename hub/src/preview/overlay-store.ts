import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { Store, StoreReader, StoreWriter } from '@flotilla/core/ports/store'
import { MemoryBundles } from '../bundle/memory-bundles.ts'
import { MemoryStore } from '../store/memory-store.ts'

const ROWS_A_BREATH = 500

/**
 * A hub's store as a preview may use it: what the loop decides from is copied, what is only looked up is read through,
 * and what is written stays in memory. No cluster has an agent here, so nothing can be offered to one.
 */
export class OverlayStore implements Store {
  readonly #memory = new MemoryStore()
  readonly #below: Store
  readonly #breathe: () => Promise<void>

  private constructor(below: Store, breathe: () => Promise<void>) {
    this.#below = below
    this.#breathe = breathe
  }

  /** @param breathe Lets the process do something else: in memory nothing is ever waited for. */
  static async copyOf(below: Store, breathe: () => Promise<void> = async () => undefined): Promise<OverlayStore> {
    const overlay = new OverlayStore(below, breathe)
    await below.read(async from => {
      const sources = await from.sources()
      const rows = {
        documents: await Promise.all(
          sources.map(async ({ name }) => [name, await from.sourceDocuments(name)] as const),
        ),
        sets: await from.sets(),
        applications: await from.applications(),
        clusters: await from.clusters(),
        plans: await from.deletionPlans(),
      }
      await overlay.#memory.write(async to => {
        for (const row of sources) await to.putSource(row)
        for (const [name, documents] of rows.documents) await to.putSourceDocuments(name, documents)
        for (const row of rows.sets) await to.putSet(row)
        for (const [index, row] of rows.applications.entries()) {
          if (index % ROWS_A_BREATH === 0) await breathe()
          await to.putApplication(row)
        }
        for (const { agentKey: _, ...row } of rows.clusters) await to.putCluster(row)
        for (const plan of rows.plans) await to.putDeletionPlan(plan)
      })
    })
    return overlay
  }

  get counters(): Store['counters'] {
    return this.#memory.counters
  }

  read<T>(work: (rows: StoreReader) => Promise<T>): Promise<T> {
    return this.#memory.read(above => this.#below.read(below => work(over(above, below))))
  }

  async write<T>(work: (rows: StoreWriter) => Promise<T>): Promise<T> {
    await this.#breathe()
    return await this.#memory.write(above => this.#below.read(below => work(over(above, below))))
  }

  close(): Promise<void> {
    return this.#memory.close()
  }
}

/** What is asked for by a name that does not change its meaning: memory first, then what lies below. */
function over<Rows extends StoreReader>(above: Rows, below: StoreReader): Rows {
  const through: Pick<StoreReader, 'setting' | 'renderMemo' | 'bundle'> = {
    setting: async key => (await above.setting(key)) ?? (await below.setting(key)),
    renderMemo: async key => (await above.renderMemo(key)) ?? (await below.renderMemo(key)),
    bundle: async digest => (await above.bundle(digest)) ?? (await below.bundle(digest)),
  }
  return new Proxy(above, {
    get: (target, name) => {
      const own: unknown = Reflect.get(Object.hasOwn(through, name) ? through : target, name)
      return typeof own === 'function' ? own.bind(target) : own
    },
  })
}

/** A hub's Bundles, with those that a preview makes in memory above them. */
export class OverlayBundles implements BundleStore {
  readonly #memory = new MemoryBundles(() => 0)
  readonly #below: BundleStore

  constructor(below: BundleStore) {
    this.#below = below
  }

  async has(digest: Parameters<BundleStore['has']>[0]): Promise<boolean> {
    return (await this.#memory.has(digest)) || (await this.#below.has(digest))
  }

  put(digest: Parameters<BundleStore['put']>[0], bytes: Uint8Array): Promise<void> {
    return this.#memory.put(digest, bytes)
  }

  async get(digest: Parameters<BundleStore['get']>[0]): Promise<Uint8Array | undefined> {
    return (await this.#memory.get(digest)) ?? (await this.#below.get(digest))
  }

  list(): ReturnType<BundleStore['list']> {
    return this.#memory.list()
  }

  delete(digest: Parameters<BundleStore['delete']>[0]): Promise<void> {
    return this.#memory.delete(digest)
  }
}
