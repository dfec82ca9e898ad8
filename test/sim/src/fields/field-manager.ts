import { equalJson, isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Schema } from '../schema/schema.ts'
import { compareValues } from './compare.ts'
import {
  difference,
  EMPTY_FIELDS,
  type FieldSet,
  fieldSetOf,
  intersection,
  isEmptySet,
  pathsOf,
  recursiveDifference,
  union,
  withNamedFields,
} from './field-set.ts'
import {
  entryId,
  foldOldUpdates,
  type ManagedEntry,
  type Managers,
  readManagers,
  writeManagers,
} from './managed-fields.ts'
import { mergeValues } from './merge.ts'
import { pathText } from './path-element.ts'
import { removeFields } from './remove-fields.ts'
import { toFieldSet } from './to-field-set.ts'

/** Who writes, and how that shows in managedFields. */
export interface Writer {
  readonly manager: string
  readonly apiVersion: string
  readonly subresource: string
  /** RFC 3339, whole seconds. */
  readonly time: string
  readonly schema: Schema
  /** Paths a write through this endpoint cannot own (`status` of the main resource, `spec` of the status). */
  readonly resets: FieldSet
  /** What an object of this kind is before anything is said of it. */
  readonly empty: KubernetesObject
  /** Brings a merged value to stored form: read as its type, defaulted. */
  readonly settle: (merged: JsonObject) => KubernetesObject
}

export interface Conflict {
  readonly entry: ManagedEntry
  readonly path: string
}

export class ApplyConflict extends Error {
  readonly conflicts: readonly Conflict[]
  constructor(conflicts: readonly Conflict[]) {
    super('apply conflicts')
    this.conflicts = conflicts
  }
}

const NEVER_OWNED = fieldSetOf(
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...[
    'name',
    'namespace',
    'creationTimestamp',
    'selfLink',
    'uid',
    'clusterName',
    'generation',
    'managedFields',
    'resourceVersion',
  ].map(name => ['f:metadata', `f:${name}`]),
)

/**
 * Records a write that is not an apply: what changed belongs to the writer from now on, and what vanished to no one.
 * `live` is undefined on create. Follows the request's own managedFields where they are well formed, as the API
 * server does, so that a client can edit or (with an empty list) reset them.
 */
export function trackUpdate(
  live: KubernetesObject | undefined,
  next: KubernetesObject,
  writer: Writer,
): KubernetesObject {
  const managers = managersOfUpdate(live, next, writer.subresource !== '')
  const bare = withoutManagers(next)
  if (managers.size === 0 && live?.metadata.uid !== undefined) return bare
  const before = live ? withoutManagers(live) : writer.empty
  const result = new Map(recordUpdate(before, bare, managers, writer))
  foldOldUpdates(result, union)
  return withManagers(bare, result)
}

function managersOfUpdate(live: KubernetesObject | undefined, next: KubernetesObject, fromLiveOnly: boolean): Managers {
  const stored = (live && readManagers(live)) ?? new Map()
  if (fromLiveOnly) return stored
  const given = next.metadata.managedFields as readonly Json[] | undefined
  const emptied =
    given?.length === 0 || (given?.length === 1 && isJsonObject(given[0]) && Object.keys(given[0]).length === 0)
  if (emptied) return new Map()
  const asked = readManagers(next)
  return asked === undefined || asked.size === 0 ? stored : asked
}

function recordUpdate(before: JsonObject, after: JsonObject, managers: Managers, writer: Writer): Managers {
  const id = entryId({ ...writer, operation: 'Update' })
  const comparison = compareValues(writer.schema, before, after)
  const changed = recursiveDifference(union(comparison.modified, comparison.added), writer.resets)
  const removed = recursiveDifference(comparison.removed, writer.resets)
  const taken = difference(changed, NEVER_OWNED)
  const result = new Map<string, ManagedEntry>()
  for (const [other, entry] of managers) {
    // What the writer has and takes again stays what it is, and need not be written out anew.
    const lost = other === id ? difference(changed, taken) : changed
    const fields = difference(difference(entry.fields, lost), removed)
    if (!isEmptySet(fields)) result.set(other, fields === entry.fields ? entry : { ...entry, fields })
  }
  if (!isEmptySet(taken)) {
    const mine = result.get(id)
    const fields = mine ? union(taken, mine.fields) : taken
    const { manager, apiVersion, subresource, time } = writer
    result.set(id, { manager, operation: 'Update', apiVersion, subresource, time, fields })
  }
  return result
}

/**
 * Server-side apply: merges `config` into `live` (undefined when it does not exist), removes what the manager applied
 * before and no longer does and no one else owns, and hands over ownership.
 *
 * @throws ApplyConflict when others own what would change and `force` is not set.
 */
export function apply(
  live: KubernetesObject | undefined,
  config: KubernetesObject,
  force: boolean,
  writer: Writer,
): KubernetesObject {
  let managers: Managers = (live && readManagers(live)) ?? new Map()
  const before = live ? withoutManagers(live) : writer.empty
  if (live && managers.size === 0) {
    managers = recordUpdate(writer.empty, before, managers, {
      ...writer,
      manager: 'before-first-apply',
      subresource: '',
    })
  }
  const id = entryId({ ...writer, operation: 'Apply' })
  const last = managers.get(id)
  const fields = recursiveDifference(toFieldSet(writer.schema, config), writer.resets)
  const { manager, apiVersion, subresource, time } = writer
  const mine: ManagedEntry = { manager, operation: 'Apply', apiVersion, subresource, fields }
  const claimed = new Map(managers).set(id, mine)
  const merged = (mergeValues(writer.schema, before, config) ?? {}) as JsonObject
  const pruned = prune(writer.schema, merged, claimed, last?.fields)
  const result = handOver(before, pruned, claimed, id, force, writer)
  const owned = result.get(id)
  const unchanged = live !== undefined && equalJson(before, pruned)
  if (owned) {
    const kept = difference(owned.fields, NEVER_OWNED)
    const at = unchanged ? last?.time : time
    if (isEmptySet(kept)) result.delete(id)
    else result.set(id, { ...owned, fields: kept, ...(at === undefined ? {} : { time: at }) })
  }
  return withManagers(unchanged ? before : writer.settle(pruned), result)
}

function handOver(
  before: JsonObject,
  after: JsonObject,
  managers: Managers,
  id: string,
  force: boolean,
  writer: Writer,
): Map<string, ManagedEntry> {
  const comparison = compareValues(writer.schema, before, after)
  const changed = recursiveDifference(union(comparison.modified, comparison.added), writer.resets)
  const removed = recursiveDifference(comparison.removed, writer.resets)
  const conflicts: Conflict[] = []
  const result = new Map<string, ManagedEntry>()
  for (const [other, entry] of managers) {
    let fields = entry.fields
    if (other !== id) {
      const contested = intersection(fields, changed)
      for (const path of pathsOf(contested)) conflicts.push({ entry, path: pathText(path) })
      fields = difference(difference(fields, contested), removed)
    }
    if (!isEmptySet(fields)) result.set(other, fields === entry.fields ? entry : { ...entry, fields })
  }
  if (!force && conflicts.length > 0) throw new ApplyConflict(conflicts)
  return result
}

/** Removes what was applied last time and no longer is, unless someone else owns it or it never was ours alone. */
function prune(schema: Schema, merged: JsonObject, managers: Managers, last: FieldSet | undefined): JsonObject {
  if (!last || isEmptySet(last)) return merged
  const named = (set: FieldSet) => withNamedFields(set, schema)
  const lastNamed = named(last)
  const withoutLast = removeFields(schema, merged, lastNamed) ?? {}
  let owned = EMPTY_FIELDS
  for (const entry of managers.values()) owned = union(owned, entry.fields)
  const mergedSet = named(toFieldSet(schema, merged))
  const kept = union(named(toFieldSet(schema, withoutLast)), named(owned))
  const withOwned = removeFields(schema, merged, difference(mergedSet, kept)) ?? {}
  const dangling = difference(mergedSet, named(toFieldSet(schema, withOwned)))
  return (removeFields(schema, merged, intersection(dangling, lastNamed)) ?? {}) as JsonObject
}

function withoutManagers(object: KubernetesObject): KubernetesObject {
  if (object.metadata.managedFields === undefined) return object
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

function withManagers(object: KubernetesObject, managers: Managers): KubernetesObject {
  if (managers.size === 0) return object
  return { ...object, metadata: { ...object.metadata, managedFields: writeManagers(managers) } }
}
