import { getKey, isJsonObject, type Json, type JsonObject } from '../json/json.ts'

const NOTHING: JsonObject = {}

/** A condition as nearly every kind writes it; absent members are empty texts. */
export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
}

/** The object at `path`, or an empty one: status fields come from clusters, and any of them may be absent or odd. */
export function objectAt(root: Json | undefined, ...path: readonly string[]): JsonObject {
  const found = valueAt(root, ...path)
  return isJsonObject(found) ? found : NOTHING
}

export function valueAt(root: Json | undefined, ...path: readonly string[]): Json | undefined {
  let value = root
  for (const key of path) {
    if (!isJsonObject(value)) return undefined
    value = getKey(value, key)
  }
  return value
}

export function textAt(root: Json | undefined, ...path: readonly string[]): string {
  const found = valueAt(root, ...path)
  return typeof found === 'string' ? found : ''
}

/** The number at `path`; undefined when there is none. */
export function numberIfAny(root: Json | undefined, ...path: readonly string[]): number | undefined {
  const found = valueAt(root, ...path)
  return typeof found === 'number' ? found : typeof found === 'bigint' ? Number(found) : undefined
}

export function numberAt(root: Json | undefined, ...path: readonly string[]): number {
  return numberIfAny(root, ...path) ?? 0
}

export function listAt(root: Json | undefined, ...path: readonly string[]): readonly Json[] {
  const found = valueAt(root, ...path)
  return Array.isArray(found) ? found : []
}

/** The members of `status.conditions`, in their order. */
export function conditionsOf(object: JsonObject): readonly Condition[] {
  return listAt(object, 'status', 'conditions').map(readCondition)
}

export function readCondition(condition: Json): Condition {
  return {
    type: textAt(condition, 'type'),
    status: textAt(condition, 'status'),
    reason: textAt(condition, 'reason'),
    message: textAt(condition, 'message'),
  }
}
