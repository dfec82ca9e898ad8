import type { FunctionScope } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import { GoBytes, GoInteger, GoStruct, GoTime, type GoValue, goTypeOf, isGoList, isGoMap } from '../go-value.ts'
import { isNilContainer } from './items.ts'

/** How deep values may nest in what functions go through: a loop in a template can wrap a map ever again. */
export const MAX_NESTING = 1000

/** @throws GoFunctionError beyond {@link MAX_NESTING}. */
export function checkNesting(depth: number): void {
  if (depth > MAX_NESTING) throw new GoFunctionError(`a value with more than ${MAX_NESTING} levels of nesting`)
}

/** Go's `reflect.DeepEqual`: types count, so that `1` and `1.0` differ, and a list that was never made from `list`. */
export function deepEqual(a: GoValue, b: GoValue, scope: FunctionScope, depth = 0): boolean {
  checkNesting(depth)
  scope.spend(1)
  const left = a ?? null
  const right = b ?? null
  if (left === null || right === null) return left === right
  if (typeof left !== 'object' || typeof right !== 'object') return left === right
  if (goTypeOf(left) !== goTypeOf(right)) return false
  if (left instanceof GoInteger && right instanceof GoInteger) return left.value === right.value
  if (left instanceof GoTime && right instanceof GoTime) {
    return left.nanoseconds === right.nanoseconds && left.zone === right.zone
  }
  if (left instanceof GoStruct && right instanceof GoStruct) {
    return left === right || (left.text === right.text && deepEqual(left.fields, right.fields, scope, depth + 1))
  }
  if (left instanceof GoBytes && right instanceof GoBytes) return equalBytes(left.bytes, right.bytes)
  if (isGoList(left) && isGoList(right)) {
    return (
      left.length === right.length &&
      isNilContainer(left) === isNilContainer(right) &&
      left.every((item, index) => deepEqual(item, right[index], scope, depth + 1))
    )
  }
  if (!isGoMap(left) || !isGoMap(right)) return false
  const keys = Object.keys(left)
  return (
    keys.length === Object.keys(right).length &&
    keys.every(key => Object.hasOwn(right, key) && deepEqual(left[key], right[key], scope, depth + 1))
  )
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}
