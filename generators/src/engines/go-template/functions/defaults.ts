import { GoBytes, GoInteger, GoStruct, GoTime, type GoValue, isGoList } from '../go-value.ts'
import { boolArgument, define, type FunctionGroup } from './define.ts'

/** Which value counts when several may. */
export const DEFAULTS: FunctionGroup = {
  default: define('any', ([fallback, given]) => (isEmpty(given) ? fallback : given), { variadic: 'any' }),
  empty: define('any', ([value]) => isEmpty(value)),
  coalesce: define('', args => args.find(value => !isEmpty(value)) ?? null, { variadic: 'any' }),
  all: define('', args => !args.some(isEmpty), { variadic: 'any' }),
  any: define('', args => args.some(value => !isEmpty(value)), { variadic: 'any' }),
  ternary: define('any any bool', ([yes, no, condition]) => (boolArgument(condition) ? yes : no)),
}

/** Nothing, zero, false, or without characters, items or keys; an instant is never empty. */
export function isEmpty(value: GoValue): boolean {
  if (value === null || value === undefined) return true
  if (typeof value === 'string') return value === ''
  if (typeof value === 'boolean') return !value
  if (typeof value === 'number') return value === 0
  if (value instanceof GoInteger) return value.value === 0n
  if (value instanceof GoTime || value instanceof GoStruct) return false
  if (value instanceof GoBytes) return value.bytes.length === 0
  return isGoList(value) ? value.length === 0 : Object.keys(value).length === 0
}
