import { canonicalJson } from '../json/canonical-json.ts'
import { equalJson, getKey, isJsonObject, type Json } from '../json/json.ts'
import { JqError } from './jq-error.ts'

/** Whether a text has a match somewhere. */
export type TextPattern = (text: string) => boolean

/** In jq everything is true but `false` and `null`. */
export function isTrue(value: Json): boolean {
  return value !== false && value !== null
}

const TYPES = ['null', 'boolean', 'number', 'string', 'array', 'object'] as const

export function typeOf(value: Json): (typeof TYPES)[number] {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  const type = typeof value
  return type === 'bigint' ? 'number' : (type as 'boolean' | 'number' | 'string' | 'object')
}

export function textOf(value: Json): string {
  return typeof value === 'string' ? value : canonicalJson(value)
}

/** @throws JqError for a boolean. */
export function lengthOf(value: Json): Json {
  if (value === null) return 0
  // Of code points, as jq counts.
  if (typeof value === 'string') return [...value].length
  if (typeof value === 'number') return Math.abs(value)
  if (typeof value === 'bigint') return value < 0n ? -value : value
  if (typeof value === 'boolean') throw new JqError('boolean has no length')
  return Array.isArray(value) ? value.length : Object.keys(value).length
}

/** jq's order of values: null, false, true, numbers, texts by code point, lists; objects by their canonical text. */
export function comparesTo(left: Json, right: Json): number {
  const byType = TYPES.indexOf(typeOf(left)) - TYPES.indexOf(typeOf(right))
  if (byType !== 0) return byType
  if (Array.isArray(left) && Array.isArray(right)) {
    for (let index = 0; index < Math.min(left.length, right.length); index++) {
      const order = comparesTo(left[index] as Json, right[index] as Json)
      if (order !== 0) return order
    }
    return left.length - right.length
  }
  const [a, b] = isJsonObject(left) && isJsonObject(right) ? [textOf(left), textOf(right)] : [left, right]
  if (a === b || a === null || b === null) return 0
  return a < b ? -1 : a > b ? 1 : 0
}

/** Texts by part, lists when each wanted element is contained in some element, objects member by member. */
export function containsJson(value: Json, wanted: Json): boolean {
  if (typeof value === 'string' && typeof wanted === 'string') return value.includes(wanted)
  if (Array.isArray(value) && Array.isArray(wanted)) {
    const items = value as readonly Json[]
    return (wanted as readonly Json[]).every(item =>
      items.some(candidate => typeOf(candidate) === typeOf(item) && containsJson(candidate, item)),
    )
  }
  if (isJsonObject(value) && isJsonObject(wanted)) {
    return Object.keys(wanted).every(key => {
      const member = getKey(value, key)
      const asked = getKey(wanted, key)
      if (member === undefined || asked === undefined || typeOf(member) !== typeOf(asked)) return false
      return containsJson(member, asked)
    })
  }
  if (typeOf(value) !== typeOf(wanted)) {
    throw new JqError(`${typeOf(value)} and ${typeOf(wanted)} cannot have their containment checked`)
  }
  return equalJson(value, wanted)
}

const FLAGS = /^[gilnpsx]*$/

/** @throws JqError when it is no pattern. */
export function asPattern(
  compile: (source: string, flags: string) => TextPattern,
  pattern: Json,
  flags: Json,
): TextPattern {
  if (typeof pattern !== 'string') throw new JqError('a pattern is a string')
  if (flags !== null && (typeof flags !== 'string' || !FLAGS.test(flags))) throw new JqError('no such flags')
  try {
    return compile(pattern, flags ?? '')
  } catch (error) {
    throw new JqError(`"${pattern}" is no pattern: ${error instanceof Error ? error.message : String(error)}`)
  }
}
