import { decodeInventory, encodeInventory } from '@flotilla/core/inventory/encode-inventory'
import { inventoryEntries, sameEntries } from '@flotilla/core/inventory/inventory'
import { type KubernetesObject, type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { WritingForbidden } from './apply.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import { markedObjects } from './marked-objects.ts'
import { labelValue, RECORD_LABEL, RECORD_MANAGER, RECORD_OF_LABEL, recordKey, recordName } from './records.ts'

interface Known {
  readonly entries: readonly ObjectKey[]
  readonly unproved: ReadonlySet<string>
  readonly absent: boolean
}

const NONE: ReadonlySet<string> = new Set()

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

  /** Whether nothing is recorded at all: never applied, or lost. */
  async isAbsent(applicationId: string): Promise<boolean> {
    return (await this.#read(applicationId)).absent
  }

  /**
   * Stores the entries, unless they are stored already. Durable once the promise resolves.
   *
   * @param proved Entries that are certainly ours from now on, because this Application applies them.
   * @throws WritingForbidden while another process may be the agent; KubernetesError
   */
  async write(
    application: { readonly id: string; readonly name: string },
    entries: readonly ObjectKey[],
    proved: readonly ObjectKey[] = [],
  ): Promise<void> {
    const before = await this.#read(application.id)
    const certain = new Set(proved.map(objectKeyText))
    const unproved = entries.filter(key => {
      const name = objectKeyText(key)
      return before.unproved.has(name) && !certain.has(name)
    })
    if (sameEntries(before.entries, entries) && unproved.length === before.unproved.size) return
    await this.#store(application, entries, unproved)
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

  async #read(applicationId: string): Promise<Known> {
    const known = this.#known.get(applicationId)
    if (known) return known
    const stored = await this.#client.get(recordKey(this.#namespace, recordName('flotilla-inventory', applicationId)))
    const { entries, unproved = [] } = stored ? decodeInventory(stored) : { entries: [] }
    const read: Known = { entries, unproved: new Set(unproved.map(objectKeyText)), absent: !stored }
    this.#known.set(applicationId, read)
    return read
  }

  async #store(
    application: { readonly id: string; readonly name: string },
    entries: readonly ObjectKey[],
    unproved: readonly ObjectKey[],
  ): Promise<void> {
    const object: KubernetesObject = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: recordName('flotilla-inventory', application.id),
        namespace: this.#namespace,
        labels: { [RECORD_LABEL]: 'inventory', [RECORD_OF_LABEL]: labelValue(application.id) },
      },
      ...encodeInventory({ application, entries, unproved }),
    }
    if (!this.#mayWrite()) throw new WritingForbidden()
    // What is stored is not known while the answer is on its way, or lost.
    this.#known.delete(application.id)
    await this.#client.apply(object, { fieldManager: RECORD_MANAGER })
    this.#known.set(application.id, { entries, unproved: new Set(unproved.map(objectKeyText)), absent: false })
  }

  /** After a removal: the Application is gone, and so is its record. */
  async remove(applicationId: string): Promise<void> {
    if (!this.#mayWrite()) throw new WritingForbidden()
    this.#known.delete(applicationId)
    const key = recordKey(this.#namespace, recordName('flotilla-inventory', applicationId))
    await this.#client.delete(key, { propagation: 'background' })
  }
}
