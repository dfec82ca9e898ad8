import { canonicalJson } from '@flotilla/core/json/canonical-json'
import { isJsonObject, type Json, type MutableJsonObject } from '@flotilla/core/json/json'
import { keyDefault, type ListSchema } from '../schema/schema.ts'

/**
 * One step of a path, in the notation of `fieldsV1`: `f:name` a field, `k:{"name":"web"}` a list item by its keys,
 * `v:"x"` an item of a set, `i:0` an index. Two steps are the same exactly when their texts are.
 */
export type PathElement = string

export function fieldElement(name: string): PathElement {
  return `f:${name}`
}

/** The step to one item of a set or list map. @throws PathError for an item that cannot be addressed. */
export function itemElement(list: ListSchema, item: Json): PathElement {
  if (list.merge === 'set') {
    if (item === null) throw new PathError("associative list without keys has an element that's an explicit null")
    if (Array.isArray(item)) throw new PathError('not supported: associative list with lists as elements')
    if (typeof item === 'object') throw new PathError("associative list without keys has an element that's a map type")
    return `v:${canonicalJson(item)}`
  }
  if (item === null) throw new PathError('associative list with keys may not have a null element')
  if (!isJsonObject(item)) throw new PathError('associative list with keys may not have non-map elements')
  const keys: MutableJsonObject = {}
  for (const key of list.keys) {
    const value = item[key] === undefined ? keyDefault(list, key) : item[key]
    if (value !== undefined) keys[key] = value
  }
  if (Object.keys(keys).length === 0) {
    const names = list.keys.map(key => JSON.stringify(key)).join(' ')
    throw new PathError(
      `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
    )
  }
  return `k:${canonicalJson(keys)}`
}

export class PathError extends Error {}

/** As people read it: `.spec.containers[name="web"].image`. */
export function pathText(path: readonly PathElement[]): string {
  return path.map(elementText).join('')
}

export function elementText(element: PathElement): string {
  const rest = element.slice(2)
  if (element.startsWith('f:')) return `.${rest}`
  if (element.startsWith('v:')) return `[=${rest}]`
  if (element.startsWith('i:')) return `[${rest}]`
  const keys = JSON.parse(rest) as Record<string, Json>
  const parts = Object.keys(keys).map(key => `${key}=${canonicalJson(keys[key]!)}`)
  return `[${parts.join(',')}]`
}

/** Fields first, then keyed items, set items, indexes; each in order of value. */
export function compareElements(a: PathElement, b: PathElement): number {
  if (a === b) return 0
  const rank = 'fkvi'.indexOf(a[0]!) - 'fkvi'.indexOf(b[0]!)
  if (rank !== 0) return rank
  if (a[0] === 'k') return compareKeys(a, b)
  if (a[0] === 'i') return Number(a.slice(2)) - Number(b.slice(2))
  if (a[0] === 'v') return compareScalars(JSON.parse(a.slice(2)) as Json, JSON.parse(b.slice(2)) as Json)
  return a < b ? -1 : 1
}

function compareKeys(a: PathElement, b: PathElement): number {
  const left = Object.entries(JSON.parse(a.slice(2)) as Record<string, Json>)
  const right = Object.entries(JSON.parse(b.slice(2)) as Record<string, Json>)
  for (let index = 0; index < left.length && index < right.length; index++) {
    const [leftKey, leftValue] = left[index]!
    const [rightKey, rightValue] = right[index]!
    const difference = compareScalars(leftKey, rightKey) || compareScalars(leftValue, rightValue)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

function compareScalars(a: Json, b: Json): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const left = String(a)
  const right = String(b)
  return left < right ? -1 : left > right ? 1 : 0
}

/** The name of a field step; undefined for a list step. */
export function fieldName(element: PathElement): string | undefined {
  return element.startsWith('f:') ? element.slice(2) : undefined
}
