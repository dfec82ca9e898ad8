import { compareUtf8 } from '../../../go-text.ts'
import { GoFunctionError } from '../go-function.ts'
import { GoInteger, GoTime, type GoValue, goTypeOf } from '../go-value.ts'
import { formatPrintf } from '../print-value.ts'

/** What Go's templates tell apart when they compare; signed and unsigned integers do mix. */
type BasicKind = 'boolean' | 'integer' | 'float' | 'string'

const BAD_TYPE = 'invalid type for comparison'

/** `eq a b c`: whether `a` equals any of the others. @throws GoFunctionError for types that do not compare. */
export function equalsAny(first: GoValue, others: readonly GoValue[]): boolean {
  if (others.length === 0) throw new GoFunctionError('missing argument for comparison')
  const kind = basicKind(first)
  for (const other of others) if (equals(first, kind, other)) return true
  return false
}

/** `a < b`. @throws GoFunctionError for types that have no order. */
export function isLess(first: GoValue, second: GoValue): boolean {
  const kind = basicKind(first)
  const otherKind = kind === undefined ? undefined : basicKind(second)
  if (kind === undefined || otherKind === undefined) throw new GoFunctionError(BAD_TYPE)
  if (kind !== otherKind) throw incompatible(first, second)
  switch (kind) {
    case 'boolean':
      throw new GoFunctionError(BAD_TYPE)
    case 'integer':
      return wholeOf(first) < wholeOf(second)
    case 'float':
      return (first as number) < (second as number)
    case 'string':
      return compareUtf8(first as string, second as string) < 0
  }
}

/** `a <= b`, which Go asks as `a < b or a == b`: so that NaN is neither. */
export function isLessOrEqual(first: GoValue, second: GoValue): boolean {
  return isLess(first, second) || equalsAny(first, [second])
}

function equals(first: GoValue, kind: BasicKind | undefined, other: GoValue): boolean {
  const otherKind = basicKind(other)
  if (kind !== otherKind) {
    if (isNil(first) || isNil(other)) return false
    throw incompatible(first, other)
  }
  if (kind === 'integer') return wholeOf(first) === wholeOf(other)
  if (kind !== undefined) return first === other
  if (isNil(first) || isNil(other)) return isNil(first) === isNil(other)
  return equalsOther(first, other)
}

/** Of types that are no basic ones, only times compare. */
function equalsOther(first: GoValue, other: GoValue): boolean {
  const [shape, otherShape] = [shapeOf(first), shapeOf(other)]
  if (shape !== otherShape) {
    const text = formatPrintf('%s: %v, %s: %v', [first, goTypeOf(first), goTypeOf(other), other])
    throw new GoFunctionError(`non-comparable types ${text}`)
  }
  if (first instanceof GoTime && other instanceof GoTime) {
    return first.nanoseconds === other.nanoseconds && first.zone === other.zone
  }
  throw new GoFunctionError(`non-comparable type ${formatPrintf('%s: %v', [other, goTypeOf(other)])}`)
}

function shapeOf(value: GoValue): string {
  const type = goTypeOf(value)
  return type.startsWith('map[') ? 'map' : type.startsWith('[]') ? 'list' : type
}

function basicKind(value: GoValue): BasicKind | undefined {
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'number') return 'float'
  return value instanceof GoInteger ? 'integer' : undefined
}

function wholeOf(value: GoValue): bigint {
  const { value: whole, type } = value as GoInteger
  return type === 'uint64' ? BigInt.asUintN(64, whole) : whole
}

function isNil(value: GoValue): boolean {
  return value === undefined || value === null
}

function incompatible(first: GoValue, second: GoValue): GoFunctionError {
  return new GoFunctionError(`incompatible types for comparison: ${goTypeOf(first)} and ${goTypeOf(second)}`)
}
