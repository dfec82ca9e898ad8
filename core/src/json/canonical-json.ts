import { hash } from 'node:crypto'
import type { Json } from './json.ts'

/**
 * The number of the byte format below. It travels beside every digest: a new format without a difference in meaning
 * must not look like a new Bundle.
 */
export const CANONICAL_FORMAT = 1

/**
 * Writes JSON as the one canonical text: keys sorted by UTF-16 code unit, no white space, integers verbatim however
 * large, `undefined` members left out. Equal values give equal bytes whatever order they were built in.
 *
 * @throws TypeError for NaN and the infinities, which JSON cannot say.
 *
 * @example
 * canonicalJson({ b: 1, a: [12345678901234567890n] }) // => '{"a":[12345678901234567890],"b":1}'
 */
export function canonicalJson(value: Json): string {
  const ordered = inOrder(value)
  return ordered === UNORDERABLE ? written(value) : JSON.stringify(ordered)
}

const UNORDERABLE = Symbol('unorderable')
const ZERO = 48
const NINE = 57

/**
 * The same value with its keys in order, for the engine's own writer, which is several times as fast as one of ours.
 * What is in order already is not copied. `bigint` is nothing that it writes, and an engine keeps keys that are numbers
 * in an order of its own.
 */
function inOrder(value: Json): Json | typeof UNORDERABLE {
  if (typeof value === 'bigint') return UNORDERABLE
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${value} has no JSON form`)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return itemsInOrder(value)
  const object = value as { readonly [key: string]: Json | undefined }
  const given = Object.keys(object)
  const keys = isSorted(given) ? given : given.toSorted()
  let copy: { [key: string]: Json | undefined } | undefined = keys === given ? undefined : {}
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index]!
    const first = key.charCodeAt(0)
    if ((first >= ZERO && first <= NINE) || key === '__proto__') return UNORDERABLE
    const member = object[key]
    const ordered = member === undefined ? undefined : inOrder(member)
    if (ordered === UNORDERABLE) return UNORDERABLE
    if (!copy && ordered !== member) {
      copy = {}
      for (const before of keys.slice(0, index)) copy[before] = object[before]
    }
    if (copy) copy[key] = ordered
  }
  return copy ?? value
}

function itemsInOrder(items: readonly Json[]): Json | typeof UNORDERABLE {
  let copy: Json[] | undefined
  for (let index = 0; index < items.length; index++) {
    const item = items[index]
    const ordered = item === undefined ? null : inOrder(item)
    if (ordered === UNORDERABLE) return UNORDERABLE
    if (!copy && ordered !== item) copy = items.slice(0, index)
    copy?.push(ordered)
  }
  return copy ?? items
}

function isSorted(keys: readonly string[]): boolean {
  for (let index = 1; index < keys.length; index++) if (keys[index - 1]! > keys[index]!) return false
  return true
}

/** Any value, part by part. */
function written(value: Json): string {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${value} has no JSON form`)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(item => written((item ?? null) as Json)).join(',')}]`
  const object = value as { readonly [key: string]: Json | undefined }
  const members: string[] = []
  for (const key of Object.keys(object).sort()) {
    const member = object[key]
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${written(member)}`)
  }
  return `{${members.join(',')}}`
}

/** `sha256:` followed by 64 hexadecimal digits. */
export type Digest = `sha256:${string}`

export function sha256(bytes: Uint8Array | string): Digest {
  return `sha256:${hash('sha256', bytes, 'hex')}`
}
