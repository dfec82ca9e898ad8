import type { GoFunction } from './go-function.ts'

/**
 * A value inside a Go template. Parameters are JSON, whose numbers are Go's float64; literals, lengths and arithmetic
 * give integers, which print and divide otherwise, so that they are a type of their own.
 *
 * `undefined` is Go's "no value" (`<no value>`), `null` its nil.
 */
export type GoValue =
  | undefined
  | null
  | boolean
  | string
  | number
  | GoInteger
  | GoTime
  | GoBytes
  | GoStruct
  | readonly GoValue[]
  | GoMap

/** Own keys only; read and written through `getKey` and `setKey` of core/json, so that `__proto__` is a key like others. */
export interface GoMap {
  readonly [key: string]: GoValue
}

export type GoIntegerType = 'int' | 'int64' | 'int32' | 'uint8' | 'uint64' | 'time.Duration'

/** An integer of Go: 64 bits, wrapping as Go's does. A duration is one of nanoseconds. */
export class GoInteger {
  readonly value: bigint
  readonly type: GoIntegerType

  constructor(value: bigint | number, type: GoIntegerType = 'int') {
    this.value = BigInt.asIntN(64, BigInt(value))
    this.type = type
  }
}

/** An instant in a zone of the IANA database (`UTC`, `Local` is UTC). */
export class GoTime {
  /** Nanoseconds since 1970. */
  readonly nanoseconds: bigint
  readonly zone: string

  constructor(nanoseconds: bigint, zone: string) {
    this.nanoseconds = nanoseconds
    this.zone = zone
  }
}

/** `[]byte`. */
export class GoBytes {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

/** A value of a Go type of its own, which a few functions give: `genCA` a certificate, `semver` a version. */
export class GoStruct {
  /** What `typeOf` says: `sprig.certificate`, `*semver.Version`. */
  readonly type: string
  readonly fields: GoMap
  /** What `.Name argument` calls. */
  readonly methods: ReadonlyMap<string, GoFunction>
  /** How `%v` prints it. */
  readonly text: string

  constructor(type: string, fields: GoMap, methods: ReadonlyMap<string, GoFunction>, text: string) {
    this.type = type
    this.fields = fields
    this.methods = methods
    this.text = text
  }
}

const GO_TYPE = Symbol('Go type')

/** A list whose items Go knows the type of, such as the `[]string` of `splitList`; others are `[]interface {}`. */
export function typedList(type: string, items: readonly GoValue[]): readonly GoValue[] {
  return Object.defineProperty([...items], GO_TYPE, { value: type })
}

/** A map whose values Go knows the type of, such as `map[string]string`; others are `map[string]interface {}`. */
export function typedMap(type: string, map: GoMap): GoMap {
  return Object.defineProperty({ ...map }, GO_TYPE, { value: type })
}

/** What `typeOf` says: `string`, `float64`, `[]interface {}` … */
export function goTypeOf(value: GoValue): string {
  if (value === undefined || value === null) return '<nil>'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return 'float64'
  if (value instanceof GoInteger) return value.type
  if (value instanceof GoTime) return 'time.Time'
  if (value instanceof GoBytes) return '[]uint8'
  if (value instanceof GoStruct) return value.type
  const known = (value as { readonly [GO_TYPE]?: string })[GO_TYPE]
  return known ?? (Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}')
}

export function isGoList(value: GoValue): value is readonly GoValue[] {
  return Array.isArray(value)
}

export function isGoMap(value: GoValue): value is GoMap {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof GoInteger) &&
    !(value instanceof GoTime) &&
    !(value instanceof GoBytes) &&
    !(value instanceof GoStruct)
  )
}
