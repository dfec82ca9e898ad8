import { canonicalJson } from './canonical-json.ts'
import type { Json } from './json.ts'

/**
 * JSON text that loses no digit, members in their own order: the engine's own writer, which is many times faster,
 * unless a `bigint` is somewhere inside.
 *
 * @example
 * stringifyJson({ b: 1, a: 12345678901234567890n }) // => '{"a":12345678901234567890,"b":1}'
 */
export function stringifyJson(value: Json): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (error instanceof TypeError) return canonicalJson(value)
    throw error
  }
}
