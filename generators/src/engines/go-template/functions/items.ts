import { GoBytes, GoInteger, type GoMap, GoStruct, GoTime, type GoValue, isGoList, typedList } from '../go-value.ts'

/** The items of what Go has as a slice, undefined for everything else. */
export function itemsOf(value: GoValue): readonly GoValue[] | undefined {
  if (isGoList(value)) return value
  return value instanceof GoBytes ? Array.from(value.bytes, byte => new GoInteger(byte, 'uint8')) : undefined
}

const NIL = Symbol('nil')

/** A slice that was never made: empty like others, but JSON has it as `null`. */
export function nilList(type = '[]interface {}'): readonly GoValue[] {
  return Object.defineProperty(typedList(type, []), NIL, { value: true })
}

/** The same of a map, which Go makes of nil. */
export function nilMap(): GoMap {
  return Object.defineProperty({}, NIL, { value: true })
}

export function isNilContainer(value: GoValue): boolean {
  return typeof value === 'object' && value !== null && (value as { readonly [NIL]?: true })[NIL] === true
}

/** What Go's reflection calls the kind of a value. */
export function kindOf(value: GoValue): string {
  if (value === null || value === undefined) return 'invalid'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return 'float64'
  if (value instanceof GoInteger) return value.type === 'time.Duration' ? 'int64' : value.type
  if (value instanceof GoTime) return 'struct'
  if (value instanceof GoStruct) return value.type.startsWith('*') ? 'ptr' : 'struct'
  return itemsOf(value) === undefined ? 'map' : 'slice'
}
