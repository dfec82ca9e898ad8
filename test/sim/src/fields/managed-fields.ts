import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { type FieldSet, readFieldSet, writeFieldSet } from './field-set.ts'

/** Who owns which fields. One entry a (manager, operation, subresource); updates also by version. */
export interface ManagedEntry {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource: string
  /** RFC 3339, whole seconds; missing for an entry that never changed the object. */
  readonly time?: string
  readonly fields: FieldSet
}

export type Managers = ReadonlyMap<string, ManagedEntry>

/** Equal for entries that are one: a manager applies once, whatever version it applied in. */
export function entryId(entry: Omit<ManagedEntry, 'fields' | 'time'>): string {
  const version = entry.operation === 'Apply' ? '' : entry.apiVersion
  return JSON.stringify([entry.manager, entry.operation, version, entry.subresource])
}

const known = new WeakMap<readonly Json[], Managers>()
const NOBODY: Managers = new Map()

/** The entries of an object; `undefined` when they are not well formed. Read once a stored value. */
export function readManagers(object: { readonly metadata?: KubernetesObject['metadata'] }): Managers | undefined {
  const raw = object.metadata?.managedFields as readonly Json[] | undefined
  if (!raw) return NOBODY
  let managers = known.get(raw)
  if (!managers) {
    managers = readEntries(raw)
    if (managers) known.set(raw, managers)
  }
  return managers
}

function readEntries(entries: readonly Json[]): Managers | undefined {
  const managers = new Map<string, ManagedEntry>()
  for (const raw of entries) {
    if (!isJsonObject(raw)) return undefined
    const { manager, operation, apiVersion, subresource, time } = raw
    if (operation !== 'Apply' && operation !== 'Update') return undefined
    if (typeof apiVersion !== 'string' || apiVersion === '' || raw['fieldsType'] !== 'FieldsV1') return undefined
    const entry: ManagedEntry = {
      manager: typeof manager === 'string' ? manager : '',
      operation,
      apiVersion,
      subresource: typeof subresource === 'string' ? subresource : '',
      ...(typeof time === 'string' ? { time } : {}),
      fields: readFieldSet(raw['fieldsV1']),
    }
    managers.set(entryId(entry), entry)
  }
  return managers
}

/** The wire form, sorted as the API server sorts: operation, time, manager, version, subresource. */
export function writeManagers(managers: Managers): readonly JsonObject[] {
  const sorted = [...managers].sort(([, a], [, b]) => compareEntries(a, b))
  const entries = sorted.map(([, entry]) => ({
    ...(entry.manager === '' ? {} : { manager: entry.manager }),
    operation: entry.operation,
    apiVersion: entry.apiVersion,
    ...(entry.time === undefined ? {} : { time: entry.time }),
    fieldsType: 'FieldsV1',
    fieldsV1: writeFieldSet(entry.fields),
    ...(entry.subresource === '' ? {} : { subresource: entry.subresource }),
  }))
  known.set(entries, new Map(sorted))
  return entries
}

function compareEntries(a: ManagedEntry, b: ManagedEntry): number {
  return (
    compareText(a.operation, b.operation) ||
    compareText(a.time ?? '', b.time ?? '') ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** At most this many Update entries; the oldest of one version are folded into `ancient-changes`. */
const MAXIMUM_UPDATE_ENTRIES = 10

export function foldOldUpdates(
  managers: Map<string, ManagedEntry>,
  unite: (a: FieldSet, b: FieldSet) => FieldSet,
): void {
  const updates = [...managers].filter(([, entry]) => entry.operation === 'Update')
  updates.sort(([a, x], [b, y]) => compareText(x.time ?? '', y.time ?? '') || compareText(a, b))
  let count = updates.length
  const firsts = new Map<string, string>()
  for (const [id, entry] of updates) {
    if (count <= MAXIMUM_UPDATE_ENTRIES) return
    const first = firsts.get(entry.apiVersion)
    if (first === undefined) {
      firsts.set(entry.apiVersion, id)
      continue
    }
    const identity = {
      manager: 'ancient-changes',
      operation: 'Update',
      apiVersion: entry.apiVersion,
      subresource: '',
    } as const
    const bucket = entryId(identity)
    const held = managers.get(bucket) ?? managers.get(first)!
    if (!managers.has(bucket)) managers.delete(first)
    managers.delete(id)
    const time = entry.time === undefined ? {} : { time: entry.time }
    managers.set(bucket, { ...identity, ...time, fields: unite(entry.fields, held.fields) })
    count--
  }
}
