import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'

/** One change of one object. `object` carries the revision of the change, deletions too. */
export interface StoreEvent {
  readonly kind: 'added' | 'modified' | 'deleted'
  readonly storageKey: string
  readonly revision: number
  readonly object: KubernetesObject
  /** What it replaced; undefined for an addition. */
  readonly previous?: KubernetesObject
}

/** How many changes a watch may look back before it is told 410. */
const HISTORY_LENGTH = 1_000

/**
 * All objects of a cluster, by storage key and `namespace/name`, with one revision counter and the last changes.
 * Objects are immutable once in here; listeners hear each change synchronously, in order.
 */
export class ObjectStore {
  private readonly tables = new Map<string, Map<string, KubernetesObject>>()
  private readonly sortedKeys = new Map<string, readonly string[]>()
  private readonly listeners = new Set<(event: StoreEvent) => void>()
  private history: StoreEvent[] = []
  private lastRevision: number
  /** Changes up to and including this one can no longer be watched from. */
  private compactedTo: number

  constructor(firstRevision = 1) {
    this.lastRevision = firstRevision
    this.compactedTo = firstRevision - 1
  }

  get revision(): number {
    return this.lastRevision
  }

  get compactedRevision(): number {
    return this.compactedTo
  }

  get(storageKey: string, namespace: string, name: string): KubernetesObject | undefined {
    return this.tables.get(storageKey)?.get(keyText(namespace, name))
  }

  /** In order of namespace and name; of one namespace when it is given. */
  list(storageKey: string, namespace?: string): readonly KubernetesObject[] {
    const table = this.tables.get(storageKey)
    if (!table) return []
    let keys = this.sortedKeys.get(storageKey)
    if (!keys) {
      keys = [...table.keys()].sort()
      this.sortedKeys.set(storageKey, keys)
    }
    const wanted =
      namespace === undefined || namespace === '' ? keys : keys.filter(key => key.startsWith(`${namespace}/`))
    return wanted.map(key => table.get(key)!)
  }

  /** What `list` would have answered at an earlier revision; undefined when that is compacted. */
  listAt(storageKey: string, revision: number, namespace?: string): readonly KubernetesObject[] | undefined {
    if (revision >= this.lastRevision) return this.list(storageKey, namespace)
    if (revision < this.compactedTo) return undefined
    const objects = new Map(this.list(storageKey, namespace).map(object => [keyOfObject(object), object] as const))
    for (let index = this.history.length - 1; index >= 0; index--) {
      const event = this.history[index]!
      if (event.revision <= revision) break
      if (event.storageKey !== storageKey) continue
      if (namespace && event.object.metadata.namespace !== namespace) continue
      if (event.previous) objects.set(keyOfObject(event.object), event.previous)
      else objects.delete(keyOfObject(event.object))
    }
    return [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
  }

  storageKeys(): readonly string[] {
    return [...this.tables.keys()]
  }

  count(): number {
    let count = 0
    for (const table of this.tables.values()) count += table.size
    return count
  }

  /** Stores under a new revision, which it writes into the object; returns what is stored. */
  put(storageKey: string, object: KubernetesObject): KubernetesObject {
    let table = this.tables.get(storageKey)
    if (!table) {
      table = new Map()
      this.tables.set(storageKey, table)
    }
    const stored = withRevision(object, ++this.lastRevision)
    const key = keyOfObject(stored)
    const previous = table.get(key)
    table.set(key, stored)
    if (!previous) this.sortedKeys.delete(storageKey)
    const kind = previous ? 'modified' : 'added'
    this.publish({ kind, storageKey, revision: this.lastRevision, object: stored, ...(previous ? { previous } : {}) })
    return stored
  }

  /** Removes; the event's object carries the deletion's revision. */
  remove(storageKey: string, namespace: string, name: string): KubernetesObject | undefined {
    const table = this.tables.get(storageKey)
    const previous = table?.get(keyText(namespace, name))
    if (!table || !previous) return undefined
    table.delete(keyText(namespace, name))
    this.sortedKeys.delete(storageKey)
    const object = withRevision(previous, ++this.lastRevision)
    this.publish({ kind: 'deleted', storageKey, revision: this.lastRevision, object, previous })
    return object
  }

  /** Changes after `revision`, oldest first; undefined when some of them are no longer known. */
  since(revision: number): readonly StoreEvent[] | undefined {
    if (revision < this.compactedTo) return undefined
    let index = this.history.length
    while (index > 0 && this.history[index - 1]!.revision > revision) index--
    return this.history.slice(index)
  }

  /** Forgets the changes so far: watches that start from before get 410. */
  compact(): void {
    this.history = []
    this.compactedTo = this.lastRevision
  }

  subscribe(listener: (event: StoreEvent) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  private publish(event: StoreEvent): void {
    this.history.push(event)
    if (this.history.length >= HISTORY_LENGTH * 2) {
      this.history = this.history.slice(-HISTORY_LENGTH)
      this.compactedTo = this.history[0]!.revision - 1
    }
    for (const listener of [...this.listeners]) listener(event)
  }
}

function keyText(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}/${name}`
}

function keyOfObject(object: KubernetesObject): string {
  return keyText(object.metadata.namespace ?? '', object.metadata.name ?? '')
}

function withRevision(object: KubernetesObject, revision: number): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } }
}
