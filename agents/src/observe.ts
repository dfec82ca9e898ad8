import { sha256 } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import { type KubernetesObject, keyOf, type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import type { Observation, Prediction } from '@flotilla/core/plan/plan-sync'
import { APPLICATION_LABEL, FIELD_MANAGER } from '@flotilla/core/plan/tracking'
import { forEachBounded } from './bounded.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import type { Absence } from './kubernetes/discovery.ts'
import { isKubernetesError } from './kubernetes/kubernetes-error.ts'

/** From here on, one list of a kind in a namespace is cheaper than asking for each object. */
const LIST_FROM = 20
const CONCURRENT_READS = 8

/** What the agent remembers of one Application's objects between two looks. */
export class ObservedObjects {
  readonly #entries = new Map<string, ObservedEntry>()
  /** By `group/kind`: an object of it, and how many there are. */
  readonly #kinds = new Map<string, { readonly key: ObjectKey; count: number }>()
  readonly #isRead: (live: KubernetesObject) => boolean

  /** @param isRead Whether somebody reads the data of such an object: then it is kept whole. */
  constructor(isRead: (live: KubernetesObject) => boolean = () => false) {
    this.#isRead = isRead
  }

  get(name: string): ObservedEntry | undefined {
    return this.#entries.get(name)
  }

  set(key: ObjectKey, live: KubernetesObject | undefined): ObservedEntry {
    const entry = {
      key,
      name: objectKeyText(key),
      live: live && slim(live, this.#isRead(live)),
      contentKey: live ? contentKeyOf(live) : '',
      unknown: undefined,
    }
    this.#put(entry)
    return entry
  }

  /** Whether it is there cannot be told now. */
  setUnknown(key: ObjectKey, absence: NotAbsent): void {
    const name = objectKeyText(key)
    this.#put({ key, name, live: undefined, contentKey: '', unknown: absence })
  }

  /** Reasons by key text: for these objects, that nothing is known of them is no word of their end. */
  unknown(keys: readonly ObjectKey[]): ReadonlyMap<string, string> {
    const reasons = new Map<string, string>()
    for (const { name, unknown } of this.#entries.values()) if (unknown) reasons.set(name, unknown.reason)
    if (reasons.size === 0) return reasons
    const asked = new Set(keys.map(objectKeyText))
    return new Map([...reasons].filter(([name]) => asked.has(name)))
  }

  /** Something may have changed: the object is read again at the next look. */
  invalidate(name: string): void {
    const entry = this.#entries.get(name)
    if (!entry) return
    this.#entries.delete(name)
    const kind = kindText(entry.key)
    const counted = this.#kinds.get(kind)
    if (counted && --counted.count === 0) this.#kinds.delete(kind)
  }

  clear(): void {
    this.#entries.clear()
    this.#kinds.clear()
  }

  /** Every kind of object that is remembered, by `group/kind`: asked for after each look, and counted meanwhile. */
  *kinds(): Iterable<readonly [name: string, kind: Pick<ObjectKey, 'group' | 'kind'>]> {
    for (const [name, { key }] of this.#kinds) yield [name, key]
  }

  /** Forgets what is neither wanted nor in the Inventory any more. */
  retain(names: ReadonlySet<string>): void {
    for (const name of this.#entries.keys()) if (!names.has(name)) this.invalidate(name)
  }

  #put(entry: ObservedEntry): void {
    if (!this.#entries.has(entry.name)) {
      const kind = kindText(entry.key)
      const counted = this.#kinds.get(kind)
      if (counted) counted.count++
      else this.#kinds.set(kind, { key: entry.key, count: 1 })
    }
    this.#entries.set(entry.name, entry)
  }
}

function kindText({ group, kind }: ObjectKey): string {
  return `${group}/${kind}`
}

type NotAbsent = Exclude<Absence, { readonly kind: 'absent' }>

export interface ObservedEntry {
  readonly key: ObjectKey
  /** Key text. */
  readonly name: string
  /** Undefined: it was not there, unless `unknown` says that this could not be told. */
  readonly live: KubernetesObject | undefined
  readonly unknown: NotAbsent | undefined
  /** Hash of what applying can change: equal keys, equal answers of a dry run. */
  readonly contentKey: string
}

export interface ObserveInput {
  readonly client: KubernetesClient
  readonly applicationId: string
  readonly keys: readonly ObjectKey[]
  readonly remembered: ObservedObjects
  /** Whether a watch tells us of every change to this object of ours since it was read. */
  readonly isFollowed: (entry: ObservedEntry) => boolean
  /** Objects whose whole content is needed, because a dry run is due. */
  readonly needsContent: (entry: ObservedEntry) => boolean
}

/**
 * Reads the live objects that are not remembered: one by one where they are few, by a list a kind and namespace where
 * they are many. What a watch vouches for is not read again.
 *
 * @returns whole objects of what was read now; the rest is in `remembered`.
 * @throws KubernetesError
 */
export async function observe(input: ObserveInput): Promise<ReadonlyMap<string, KubernetesObject>> {
  const read = new Map<string, KubernetesObject>()
  const groups = new Map<string, ObjectKey[]>()
  for (const key of input.keys) {
    const entry = input.remembered.get(objectKeyText(key))
    if (entry && isVouchedFor(entry, input)) continue
    const name = `${key.group}/${key.kind} ${key.namespace}`
    const group = groups.get(name)
    if (group) group.push(key)
    else groups.set(name, [key])
  }
  const note = (key: ObjectKey, live: KubernetesObject | undefined) => {
    input.remembered.set(key, live)
    if (live) read.set(objectKeyText(key), live)
  }
  const single: ObjectKey[] = []
  for (const keys of groups.values()) {
    if (keys.length < LIST_FROM) single.push(...keys)
    else await readByList(input, keys, note)
  }
  await forEachBounded(single, CONCURRENT_READS, key => readOne(input, key, note))
  return read
}

function isVouchedFor(entry: ObservedEntry, { applicationId, isFollowed, needsContent }: ObserveInput): boolean {
  // The watch sees what bears our label; an object without it changes unseen.
  const ours = entry.live?.metadata.labels?.[APPLICATION_LABEL] === applicationId
  return ours && isFollowed(entry) && !needsContent(entry)
}

type Note = (key: ObjectKey, live: KubernetesObject | undefined) => void

async function readByList(input: ObserveInput, keys: readonly ObjectKey[], note: Note): Promise<void> {
  const { client } = input
  const wanted = new Map(keys.map(key => [objectKeyText(key), key]))
  const { group, kind, namespace } = keys[0]!
  const options = namespace === '' ? {} : { namespace }
  try {
    for await (const { objects } of client.list(group, kind, options)) {
      for (const object of objects) {
        const name = objectKeyText(keyOf(object))
        const key = wanted.get(name)
        if (!key) continue
        wanted.delete(name)
        note(key, object)
      }
    }
  } catch (error) {
    if (isKubernetesError(error, 'KIND_UNKNOWN')) return noteUnserved(input, [...wanted.values()], note)
    if (!isKubernetesError(error, 'NOT_FOUND')) throw error
  }
  for (const key of wanted.values()) note(key, undefined)
}

async function readOne(input: ObserveInput, key: ObjectKey, note: Note): Promise<void> {
  try {
    note(key, await input.client.get(key))
  } catch (error) {
    if (!isKubernetesError(error, 'KIND_UNKNOWN')) throw error
    await noteUnserved(input, [key], note)
  }
}

/** A kind that is positively gone has no objects; of one that is merely not served now, nothing can be told. */
async function noteUnserved(
  { client, remembered }: ObserveInput,
  keys: readonly ObjectKey[],
  note: Note,
): Promise<void> {
  const { group, kind } = keys[0]!
  const absence = await client.discovery.absenceOf(group, kind)
  for (const key of keys) {
    if (absence.kind === 'absent') note(key, undefined)
    else remembered.setUnknown(key, absence)
  }
}

/** Puts together what the planner looks at. */
export function observationOf(
  keys: readonly ObjectKey[],
  remembered: ObservedObjects,
  predictions: ReadonlyMap<string, Prediction>,
  inventory: readonly ObjectKey[],
  { unproved, settled }: { readonly unproved: ReadonlySet<string>; readonly settled?: number | undefined },
): Observation {
  const live = new Map<string, KubernetesObject>()
  for (const key of keys) {
    const name = objectKeyText(key)
    const object = remembered.get(name)?.live
    if (object) live.set(name, object)
  }
  const doubts = { unproved, ...(settled === undefined ? {} : { settled }) }
  return { live, predictions, inventory, ...doubts, unknown: remembered.unknown(inventory) }
}

/** Hash of a live object without what changes by itself: status, versions, times. */
export function contentKeyOf(live: KubernetesObject): string {
  // Items of a list say their kind once, in the list: where it stands in an object says nothing.
  const { status: _status, metadata, apiVersion, kind, ...rest } = live
  const { resourceVersion: _version, generation: _generation, managedFields = [], ...others } = metadata
  // Which fields we own decides what is drift; when that was written does not.
  const ours = managedFields
    .filter(entry => entry['manager'] === FIELD_MANAGER)
    .map(({ time: _time, ...entry }) => entry)
  // Servers write members in one order; where one does not, a dry run is asked once more.
  return sha256(stringifyJson({ apiVersion, kind, ...rest, metadata: { ...others, ours } } as unknown as Json))
}

/**
 * Keeps of an object what is read of it between two looks, so that a thousand large ones do not stay in memory: of data
 * nothing, of its managers who they are. Whoever compares fields has read the object whole.
 */
function slim(live: KubernetesObject, whole: boolean): KubernetesObject {
  const managedFields = live.metadata.managedFields?.map(({ fieldsV1: _fields, time: _time, ...entry }) => entry)
  const metadata = managedFields ? { ...live.metadata, managedFields } : live.metadata
  if (whole || (live.kind !== 'ConfigMap' && live.kind !== 'Secret')) return { ...live, metadata }
  const { data: _data, binaryData: _binaryData, ...rest } = live
  return { ...rest, apiVersion: live.apiVersion, kind: live.kind, metadata }
}
