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
const HISTORY_LENGTH = 500

/**
 * All objects of a cluster, by storage key and `namespace/name`, with one revision counter and the last changes.
 * Objects are immutable once in here; listeners hear each change synchronously, in order.
 */
export class ObjectStore {
  private readonly tables = new Map<string, Table>()
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
    return this.tables.get(storageKey)?.objects.get(keyText(namespace, name))
  }

  /** In order of namespace and name; of one namespace when it is given. */
  list(storageKey: string, namespace?: string): readonly KubernetesObject[] {
    const table = this.tables.get(storageKey)
    if (!table) return []
    const { keys, objects } = table
    if (namespace === undefined || namespace === '') return keys.map(key => objects.get(key)!)
    // All keys of a namespace stand together; `0` is the character after `/`.
    const from = placeOf(keys, `${namespace}/`)
    return keys.slice(from, placeOf(keys, `${namespace}0`)).map(key => objects.get(key)!)
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
    for (const table of this.tables.values()) count += table.objects.size
    return count
  }

  /** Stores under a new revision, which it writes into the object; returns what is stored. */
  put(storageKey: string, object: KubernetesObject): KubernetesObject {
    let table = this.tables.get(storageKey)
    if (!table) {
      table = { objects: new Map(), keys: [] }
      this.tables.set(storageKey, table)
    }
    const stored = withRevision(object, ++this.lastRevision)
    const key = keyOfObject(stored)
    const previous = table.objects.get(key)
    table.objects.set(key, stored)
    if (!previous) table.keys.splice(placeOf(table.keys, key), 0, key)
    const kind = previous ? 'modified' : 'added'
    this.publish({ kind, storageKey, revision: this.lastRevision, object: stored, ...(previous ? { previous } : {}) })
    return stored
  }

  /** Removes; the event's object carries the deletion's revision. */
  remove(storageKey: string, namespace: string, name: string): KubernetesObject | undefined {
    const table = this.tables.get(storageKey)
    const key = keyText(namespace, name)
    const previous = table?.objects.get(key)
    if (!table || !previous) return undefined
    table.objects.delete(key)
    table.keys.splice(placeOf(table.keys, key), 1)
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
    if (this.history.length >= HISTORY_LENGTH * 1.5) {
      this.history = this.history.slice(-HISTORY_LENGTH)
      this.compactedTo = this.history[0]!.revision - 1
    }
    for (const listener of [...this.listeners]) listener(event)
  }
}

interface Table {
  readonly objects: Map<string, KubernetesObject>
  /** Sorted. */
  readonly keys: string[]
}

/** Where a key stands, or would stand, among sorted keys. */
function placeOf(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (keys[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
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
