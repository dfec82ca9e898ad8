import {
  cloneJson,
  equalJson,
  isJsonObject,
  type Json,
  type JsonObject,
  type MutableJsonObject,
  setKey,
} from '@flotilla/core/json/json'
import { type Field, memberSchema, type Schema } from '../schema/schema.ts'

export class StrategicMergeError extends Error {}

const DELETE_FROM_LIST = '$deleteFromPrimitiveList/'
const ORDER = '$setElementOrder/'

/**
 * Kubernetes' own patch for built-in kinds: like a merge patch, and lists marked so by their type merge by a key.
 * Directives: `$patch: replace | delete`, `$retainKeys`, `$deleteFromPrimitiveList/x`, `$setElementOrder/x`.
 */
export function strategicMerge(schema: Schema, target: JsonObject, patch: JsonObject): JsonObject {
  return mergeObject(schema, target, patch)
}

function mergeObject(schema: Schema | undefined, target: JsonObject, patch: JsonObject): JsonObject {
  const directive = patch['$patch']
  if (directive === 'replace') return withoutDirectives(patch)
  if (directive === 'delete') return {}
  if (directive !== undefined && directive !== 'merge') {
    throw new StrategicMergeError(`unrecognized type for $patch: ${String(directive)}`)
  }
  const result: MutableJsonObject = {}
  const retained = patch['$retainKeys']
  for (const [key, value] of Object.entries(target)) {
    if (Array.isArray(retained) && !(retained as readonly Json[]).includes(key)) continue
    if (value !== undefined) setKey(result, key, value)
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key === '$patch' || key === '$retainKeys' || key.startsWith(ORDER) || value === undefined) continue
    if (key.startsWith(DELETE_FROM_LIST)) {
      deleteItems(result, key.slice(DELETE_FROM_LIST.length), value)
      continue
    }
    if (value === null) {
      delete result[key]
      continue
    }
    const below = schema && (schema.kind === 'struct' || schema.kind === 'map') ? memberSchema(schema, key) : undefined
    const field = schema?.kind === 'struct' ? schema.fields.get(key) : undefined
    const order = patch[`${ORDER}${key}`]
    setKey(result, key, mergeMember(below, field, result[key], value, order))
  }
  return result
}

function mergeMember(
  schema: Schema | undefined,
  field: Field | undefined,
  before: Json | undefined,
  value: Json,
  order: Json | undefined,
): Json {
  if (isJsonObject(value)) {
    return mergeObject(schema, isJsonObject(before) ? before : {}, value)
  }
  if (!Array.isArray(value) || !field?.patchMerge) return cloneJson(value)
  const list = Array.isArray(before) ? (before as readonly Json[]) : []
  const items = value as readonly Json[]
  const itemSchema = schema?.kind === 'list' ? schema.items : undefined
  const merged =
    field.patchKey === undefined ? mergePrimitives(list, items) : mergeByKey(itemSchema, field.patchKey, list, items)
  const leading = Array.isArray(order) ? (order as readonly Json[]) : items
  return ordered(merged, leading, list, field.patchKey)
}

function mergePrimitives(list: readonly Json[], items: readonly Json[]): readonly Json[] {
  return [...list, ...items.filter(item => !list.some(each => equalJson(each, item)))]
}

function mergeByKey(
  schema: Schema | undefined,
  key: string,
  list: readonly Json[],
  items: readonly Json[],
): readonly Json[] {
  let result = [...list]
  if (items.some(item => isJsonObject(item) && item['$patch'] === 'replace')) {
    return items.filter(item => !(isJsonObject(item) && item['$patch'] === 'replace')).map(cloneJson)
  }
  for (const item of items) {
    if (!isJsonObject(item)) throw new StrategicMergeError('an item of a list merged by key must be an object')
    const value = item[key]
    if (value === undefined) {
      throw new StrategicMergeError(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`)
    }
    const index = result.findIndex(each => isJsonObject(each) && equalJson(each[key], value))
    if (item['$patch'] === 'delete') {
      result = result.filter(each => !(isJsonObject(each) && equalJson(each[key], value)))
    } else if (index >= 0) result[index] = mergeObject(schema, result[index] as JsonObject, item)
    else result.push(mergeObject(schema, {}, item))
  }
  return result
}

/**
 * The order of a merged list: what the patch names (or `$setElementOrder` lists) in its order, and the rest put in
 * between where the live list had it.
 */
function ordered(
  merged: readonly Json[],
  leading: readonly Json[],
  live: readonly Json[],
  key: string | undefined,
): readonly Json[] {
  const keyOf = (item: Json): Json => (key !== undefined && isJsonObject(item) ? (item[key] ?? null) : item)
  const rankIn = (list: readonly Json[], item: Json) => list.findIndex(each => equalJson(keyOf(each), keyOf(item)))
  const named = merged
    .filter(item => rankIn(leading, item) >= 0)
    .sort((a, b) => rankIn(leading, a) - rankIn(leading, b))
  const others = merged.filter(item => rankIn(leading, item) < 0)
  const result: Json[] = []
  let next = 0
  for (const item of named) {
    const place = rankIn(live, item)
    while (
      place >= 0 &&
      next < others.length &&
      rankIn(live, others[next]!) >= 0 &&
      rankIn(live, others[next]!) < place
    ) {
      result.push(others[next++]!)
    }
    result.push(item)
  }
  return [...result, ...others.slice(next)]
}

function deleteItems(result: MutableJsonObject, key: string, value: Json): void {
  const list = result[key]
  if (!Array.isArray(list) || !Array.isArray(value)) return
  const gone = value as readonly Json[]
  result[key] = (list as readonly Json[]).filter(item => !gone.some(each => equalJson(each, item)))
}

function withoutDirectives(patch: JsonObject): JsonObject {
  const { $patch: _, ...rest } = patch
  return cloneJson(rest)
}
