import { isJsonObject, type Json, type JsonObject, type MutableJsonObject, setKey } from '@flotilla/core/json/json'
import { TemplateError } from './failure.ts'
import { formatValue, type NumberNotation } from './go-text.ts'
import { LIMITS } from './limits.ts'

/**
 * A nested value as dotted keys and texts: `{ a: { b: [1, null] } }` → `{ 'a.b.0': '1', 'a.b.1': '<nil>' }`. Empty
 * objects and lists leave no key. When two ways lead to one key, the later one in the document wins.
 *
 * @param opaque Top-level keys whose value is one leaf, whatever it holds.
 * @throws TemplateError when it has more than `LIMITS.flattenedKeys` keys.
 */
export function flatten(
  value: JsonObject,
  notation: NumberNotation,
  opaque: ReadonlySet<string> = NOTHING,
): { readonly [key: string]: string } {
  const result: MutableJsonObject = {}
  let count = 0
  const add = (key: string, leaf: Json | undefined): void => {
    if (++count > LIMITS.flattenedKeys) {
      throw new TemplateError('TOO_MANY_PARAMETERS', `one parameter set has more than ${LIMITS.flattenedKeys} keys`)
    }
    setKey(result, key, formatValue(leaf, notation))
  }
  const walk = (prefix: string, node: Json | undefined): void => {
    if (Array.isArray(node)) for (const [index, item] of node.entries()) walk(`${prefix}.${index}`, item as Json)
    else if (isJsonObject(node)) for (const key of Object.keys(node)) walk(`${prefix}.${key}`, node[key])
    else add(prefix, node)
  }
  for (const key of Object.keys(value)) {
    if (opaque.has(key)) add(key, value[key])
    else walk(key, value[key])
  }
  return result as { readonly [key: string]: string }
}

const NOTHING: ReadonlySet<string> = new Set()
