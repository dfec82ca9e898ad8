import { isJsonObject, type Json } from '@flotilla/core/json/json'
import type { GeneratorRegistry } from './generators/generator.ts'
import { OUR_GENERATORS } from './generators/registry.ts'
import { LIMITS } from './limits.ts'

/**
 * Whether a generator of this kind stands among these entries, at any depth of combinators: a set without one need not
 * be looked at when what such generators read changes (applicationsets.md 15.2).
 *
 * @example
 * holdsGenerator('clusters', [{ matrix: { generators: [{ list: {} }, { clusters: {} }] } }]) // => true
 */
export function holdsGenerator(key: string, entries: Json | undefined, registry = OUR_GENERATORS): boolean {
  return holds(key, entries, registry, 0)
}

function holds(key: string, entries: Json | undefined, registry: GeneratorRegistry, depth: number): boolean {
  if (!Array.isArray(entries) || depth > LIMITS.combinators) return false
  return entries.some((entry: Json) => {
    if (!isJsonObject(entry)) return false
    if (Object.hasOwn(entry, key) && entry[key] != null) return true
    return [...registry.values()].some(generator => {
      const body = generator.fields.includes('generators') ? entry[generator.key] : undefined
      return isJsonObject(body) && holds(key, body['generators'], registry, depth + 1)
    })
  })
}
