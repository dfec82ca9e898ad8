import { getKey, isJsonObject, type Json, type JsonObject } from './json.ts'

/**
 * Readers for JSON that others wrote (a status, an error body): each answers with an empty value where something is
 * absent or of another shape, because neither is our mistake.
 */

const NOTHING: JsonObject = {}

export function valueAt(root: Json | undefined, ...path: readonly string[]): Json | undefined {
  let value = root
  for (const key of path) {
    if (!isJsonObject(value)) return undefined
    value = getKey(value, key)
  }
  return value
}

export function objectAt(root: Json | undefined, ...path: readonly string[]): JsonObject {
  const found = valueAt(root, ...path)
  return isJsonObject(found) ? found : NOTHING
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
