import { decodeInventory, encodeInventory } from '@flotilla/core/inventory/encode-inventory'
import { type Inventory, inventoryEntries, sameEntries } from '@flotilla/core/inventory/inventory'
import { type KubernetesObject, type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { applySetId, applySetParent } from '@flotilla/core/plan/apply-set'
import { WritingForbidden } from './apply.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import { markedObjects } from './marked-objects.ts'
import { labelValue, RECORD_LABEL, RECORD_MANAGER, RECORD_OF_LABEL, recordKey, recordName } from './records.ts'
import { AGENT_VERSION } from './version.ts'

interface Known {
  readonly entries: readonly ObjectKey[]
  readonly unproved: ReadonlySet<string>
  readonly absent: boolean
  readonly settled?: number | undefined
}

const NONE: ReadonlySet<string> = new Set()
const NOTHING: Omit<Inventory, 'application'> = { entries: [] }

/** The Inventories, kept in the cluster that they are about; read once and then from memory: nobody else writes them. */
export class InventoryStore {
  readonly #client: KubernetesClient
  readonly #namespace: string
  readonly #mayWrite: () => boolean
  readonly #known = new Map<string, Known>()

  constructor(client: KubernetesClient, namespace: string, mayWrite: () => boolean) {
    this.#mayWrite = mayWrite
    this.#client = client
    this.#namespace = namespace
  }

  /** What the Application applied; empty when nothing is recorded. @throws InventoryCorrupt, KubernetesError */
  async read(applicationId: string): Promise<readonly ObjectKey[]> {
    return (await this.#read(applicationId)).entries
  }

  /** Of the entries, those known from their own marks alone, by key text. */
  unproved(applicationId: string): ReadonlySet<string> {
    return this.#known.get(applicationId)?.unproved ?? NONE
  }

  /** While prunes wait for a person: how many entries there were when they began to. */
  settled(applicationId: string): number | undefined {
    return this.#known.get(applicationId)?.settled
  }

  /** Whether nothing is recorded at all: never applied, or lost. */
  async isAbsent(applicationId: string): Promise<boolean> {
    return (await this.#read(applicationId)).absent
  }

  /**
   * Stores the entries, unless they are stored already. Durable once the promise resolves.
   *
   * @param change.proved Entries that are certainly ours from now on, because this Application applies them.
   * @param change.settled See {@link settled}.
   * @throws WritingForbidden while another process may be the agent; KubernetesError
   */
  async write(
    application: { readonly id: string; readonly name: string },
    entries: readonly ObjectKey[],
    change: { readonly proved?: readonly ObjectKey[]; readonly settled?: number | undefined } = {},
  ): Promise<void> {
    const before = await this.#read(application.id)
    const { proved = [], settled } = change
    const certain = new Set(proved.map(objectKeyText))
    const unproved = entries.filter(key => {
      const name = objectKeyText(key)
      return before.unproved.has(name) && !certain.has(name)
    })
    const same = unproved.length === before.unproved.size && settled === before.settled
    if (same && sameEntries(before.entries, entries)) return
    await this.#store(application, entries, unproved, settled)
  }

  /**
   * Makes a lost Inventory anew from the marks on live objects: one witness for each, until it is applied again.
   *
   * @throws WritingForbidden, KubernetesError
   */
  async rebuild(application: { readonly id: string; readonly name: string }): Promise<readonly ObjectKey[]> {
    const found = inventoryEntries(await markedObjects(this.#client, application.id))
    if (found.length > 0) await this.#store(application, found, found)
    return found
  }

  /** The set that the Application's objects are members of: the Inventory is its parent. */
  applySetOf(applicationId: string): string {
    return applySetId(this.#keyOf(applicationId))
  }

  #keyOf(applicationId: string): ObjectKey {
    return recordKey(this.#namespace, recordName('flotilla-inventory', applicationId))
  }

  async #read(applicationId: string): Promise<Known> {
    const known = this.#known.get(applicationId)
    if (known) return known
    const stored = await this.#client.get(this.#keyOf(applicationId))
    const {
      entries,
      unproved = [],
      settled,
    }: Omit<Inventory, 'application'> = stored ? decodeInventory(stored) : NOTHING
    const read: Known = { entries, unproved: new Set(unproved.map(objectKeyText)), absent: !stored, settled }
    this.#known.set(applicationId, read)
    return read
  }

  async #store(
    application: { readonly id: string; readonly name: string },
    entries: readonly ObjectKey[],
    unproved: readonly ObjectKey[],
    settled?: number | undefined,
  ): Promise<void> {
    const { name, namespace } = this.#keyOf(application.id)
    const parent = applySetParent(this.#keyOf(application.id), entries, AGENT_VERSION)
    const object: KubernetesObject = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name,
        namespace,
        labels: { [RECORD_LABEL]: 'inventory', [RECORD_OF_LABEL]: labelValue(application.id), ...parent.labels },
        annotations: parent.annotations,
      },
      ...encodeInventory({ application, entries, unproved, ...(settled === undefined ? {} : { settled }) }),
    }
    if (!this.#mayWrite()) throw new WritingForbidden()
    // What is stored is not known while the answer is on its way, or lost.
    this.#known.delete(application.id)
    await this.#client.apply(object, { fieldManager: RECORD_MANAGER })
    this.#known.set(application.id, { entries, unproved: new Set(unproved.map(objectKeyText)), absent: false, settled })
  }

  /** After a removal: the Application is gone, and so is its record. */
  async remove(applicationId: string): Promise<void> {
    if (!this.#mayWrite()) throw new WritingForbidden()
    this.#known.delete(applicationId)
    await this.#client.delete(this.#keyOf(applicationId), { propagation: 'background' })
  }
}
