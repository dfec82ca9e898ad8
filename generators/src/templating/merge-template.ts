import { isJsonObject, type Json, type JsonObject, type MutableJsonObject, setKey } from '@flotilla/core/json/json'

/** Raw JSON inside a template: one blob, never merged member by member. */
const BLOBS: ReadonlySet<string> = new Set(['valuesObject'])

/**
 * A generator's own template with its empty parts filled from `spec.template` (applicationsets.md 5): objects member by member,
 * lists whole, scalars unless they are empty. As in Argo CD, `false`, `0` and `""` of a generator count as empty, so
 * they cannot override.
 *
 * @param options `zeroCounts`: ours, where `false` and `0` of a generator override; empty texts, lists and objects do not.
 */
export function mergeTemplate(
  own: JsonObject | undefined,
  base: JsonObject,
  { zeroCounts = false }: { readonly zeroCounts?: boolean } = {},
): JsonObject {
  return own === undefined ? base : (fill(own, base, zeroCounts) as JsonObject)
}

function fill(own: Json | undefined, base: Json | undefined, zeroCounts: boolean): Json | undefined {
  if (isJsonObject(own) && isJsonObject(base)) {
    const result: MutableJsonObject = {}
    for (const key of Object.keys(base)) setKey(result, key, base[key])
    for (const key of Object.keys(own)) {
      const baseValue = Object.hasOwn(base, key) ? base[key] : undefined
      setKey(
        result,
        key,
        BLOBS.has(key) ? nonEmpty(own[key], baseValue, zeroCounts) : fill(own[key], baseValue, zeroCounts),
      )
    }
    return result
  }
  return nonEmpty(own, base, zeroCounts)
}

function nonEmpty(own: Json | undefined, base: Json | undefined, zeroCounts: boolean): Json | undefined {
  return isEmpty(own, zeroCounts) && base !== undefined ? base : own
}

function isEmpty(value: Json | undefined, zeroCounts = false): boolean {
  if (value === undefined || value === null || value === '') return true
  if (value === 0 || value === 0n || value === false) return !zeroCounts
  return Array.isArray(value) ? value.length === 0 : isJsonObject(value) && Object.keys(value).length === 0
}

/** Whether the part of a merged template at `path` was written in the generator's own template. */
export function comesFromOwn(own: JsonObject | undefined, path: readonly (string | number)[]): boolean {
  let node: Json | undefined = own
  for (const step of path) {
    if (Array.isArray(node) && typeof step === 'number') node = node[step] as Json | undefined
    else if (isJsonObject(node) && Object.hasOwn(node, step)) node = node[step]
    else return false
  }
  return !isEmpty(node)
}
