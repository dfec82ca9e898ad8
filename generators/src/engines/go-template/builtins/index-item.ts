import { getKey } from '@flotilla/core/json/json'
import { GoFunctionError } from '../go-function.ts'
import { elementTypeOf, zeroOf } from '../go-types.ts'
import { GoBytes, GoInteger, type GoMap, type GoValue, goTypeOf, isGoList, isGoMap } from '../go-value.ts'

/**
 * `index x 1 "a"`: the item of the item. A key that a map lacks gives the zero value of its type.
 *
 * @throws GoFunctionError
 */
export function indexItem(value: GoValue, indexes: readonly GoValue[]): GoValue {
  if (value === undefined || value === null) throw new GoFunctionError('index of untyped nil')
  let item: GoValue = value
  for (const index of indexes) {
    if (item === undefined || item === null) throw new GoFunctionError('index of nil pointer')
    item = itemAt(item, index)
  }
  return item
}

function itemAt(value: NonNullable<GoValue>, index: GoValue): GoValue {
  if (typeof value === 'string') {
    const bytes = new TextEncoder().encode(value)
    return new GoInteger(bytes[position(index, bytes.length, 'string')]!, 'uint8')
  }
  if (value instanceof GoBytes) return new GoInteger(value.bytes[position(index, value.bytes.length)]!, 'uint8')
  if (isGoList(value)) return value[position(index, value.length)] ?? null
  if (!isGoMap(value)) throw new GoFunctionError(`can't index item of type ${goTypeOf(value)}`)
  return memberOf(value, index)
}

function memberOf(map: GoMap, key: GoValue): GoValue {
  if (key === undefined || key === null) throw new GoFunctionError('value is nil; should be of type string')
  if (typeof key !== 'string') throw new GoFunctionError(`value has type ${goTypeOf(key)}; should be string`)
  return (getKey(map as never, key) as GoValue) ?? zeroOf(elementTypeOf(map))
}

function position(index: GoValue, length: number, kind: 'slice' | 'string' = 'slice'): number {
  if (index === undefined || index === null) throw new GoFunctionError('cannot index slice/array with nil')
  if (!(index instanceof GoInteger)) {
    throw new GoFunctionError(`cannot index slice/array with type ${goTypeOf(index)}`)
  }
  const at = index.value
  if (at < 0n || at > BigInt(length)) throw new GoFunctionError(`index out of range: ${at}`)
  if (at === BigInt(length)) throw new GoFunctionError(`reflect: ${kind} index out of range`)
  return Number(at)
}
