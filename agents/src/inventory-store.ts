import { decodeInventory, encodeInventory } from '@flotilla/core/inventory/encode-inventory'
import { sameEntries } from '@flotilla/core/inventory/inventory'
import type { KubernetesObject, ObjectKey } from '@flotilla/core/model/kubernetes-object'
import { WritingForbidden } from './apply.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import { labelValue, RECORD_LABEL, RECORD_MANAGER, RECORD_OF_LABEL, recordKey, recordName } from './records.ts'

/** The Inventories, kept in the cluster that they are about; read once and then from memory: nobody else writes them. */
export class InventoryStore {
  readonly #client: KubernetesClient
  readonly #namespace: string
  readonly #mayWrite: () => boolean
  readonly #known = new Map<string, readonly ObjectKey[]>()

  constructor(client: KubernetesClient, namespace: string, mayWrite: () => boolean) {
    this.#mayWrite = mayWrite
    this.#client = client
    this.#namespace = namespace
  }

  /** What the Application applied; empty when nothing is recorded. @throws InventoryCorrupt, KubernetesError */
  async read(applicationId: string): Promise<readonly ObjectKey[]> {
    const known = this.#known.get(applicationId)
    if (known) return known
    const stored = await this.#client.get(recordKey(this.#namespace, recordName('flotilla-inventory', applicationId)))
    const entries = stored ? decodeInventory(stored).entries : []
    this.#known.set(applicationId, entries)
    return entries
  }

  /**
   * Stores the entries, unless they are stored already. Durable once the promise resolves.
   * @throws WritingForbidden while another process may be the agent; KubernetesError
   */
  async write(
    application: { readonly id: string; readonly name: string },
    entries: readonly ObjectKey[],
  ): Promise<void> {
    if (sameEntries(await this.read(application.id), entries)) return
    const object: KubernetesObject = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: recordName('flotilla-inventory', application.id),
        namespace: this.#namespace,
        labels: { [RECORD_LABEL]: 'inventory', [RECORD_OF_LABEL]: labelValue(application.id) },
      },
      ...encodeInventory({ application, entries }),
    }
    if (!this.#mayWrite()) throw new WritingForbidden()
    // What is stored is not known while the answer is on its way, or lost.
    this.#known.delete(application.id)
    await this.#client.apply(object, { fieldManager: RECORD_MANAGER })
    this.#known.set(application.id, entries)
  }

  /** After a removal: the Application is gone, and so is its record. */
  async remove(applicationId: string): Promise<void> {
    if (!this.#mayWrite()) throw new WritingForbidden()
    this.#known.delete(applicationId)
    const key = recordKey(this.#namespace, recordName('flotilla-inventory', applicationId))
    await this.#client.delete(key, { propagation: 'background' })
  }
}
