import type { FunctionScope, GoFunction, ParameterType } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import { GoInteger, type GoMap, GoTime, type GoValue, goTypeOf, isGoMap } from '../go-value.ts'

/** Functions of one group by name; the order is that of the documentation. */
export type FunctionGroup = { readonly [name: string]: GoFunction }

interface DefineOptions {
  readonly variadic?: ParameterType
  readonly repeatable?: false
  readonly mutates?: true
}

/** A function by its parameters; names of parameters stand in one text: `'int string'`. */
export function define(
  parameters: string,
  call: (args: readonly GoValue[], scope: FunctionScope) => GoValue,
  options: DefineOptions = {},
): GoFunction {
  const types = parameters === '' ? [] : (parameters.split(' ') as ParameterType[])
  return {
    parameters: types,
    ...options,
    call(args, scope) {
      // Engines check this before they call; a direct call with too few arguments is told as Go would.
      if (args.length < types.length) {
        throw new GoFunctionError(
          `wrong number of args: want ${options.variadic ? 'at least ' : ''}${types.length} got ${args.length}`,
        )
      }
      return call(args, scope)
    },
  }
}

/** The argument as a text. @throws GoFunctionError for anything else: the engine lets only texts through. */
export function textArgument(value: GoValue): string {
  if (typeof value === 'string') return value
  throw wrongType('string', value)
}

/** The argument as an integer that JavaScript counts with; beyond 2^53 its order of magnitude stays. */
export function countArgument(value: GoValue): number {
  return Number(integerArgument(value))
}

export function integerArgument(value: GoValue): bigint {
  if (value instanceof GoInteger) return value.value
  throw wrongType('int', value)
}

/** The argument as a whole number of a size that calendars have. @throws GoFunctionError beyond it. */
export function wholeArgument(value: GoValue): number {
  const number = countArgument(value)
  if (Math.abs(number) <= MOST_WHOLE) return number
  throw new GoFunctionError(`${number} is beyond what a calendar has`)
}

const MOST_WHOLE = 1_000_000_000

export function timeArgument(value: GoValue): GoTime {
  if (value instanceof GoTime) return value
  throw wrongType('time.Time', value)
}

export function floatArgument(value: GoValue): number {
  if (typeof value === 'number') return value
  throw wrongType('float64', value)
}

export function boolArgument(value: GoValue): boolean {
  if (typeof value === 'boolean') return value
  throw wrongType('bool', value)
}

/** The argument as a map; Go passes nil as a map without keys. */
export function mapArgument(value: GoValue): GoMap {
  if (value === null || value === undefined) return {}
  if (isGoMap(value)) return value
  throw wrongType('map[string]interface {}', value)
}

function wrongType(wanted: string, value: GoValue): GoFunctionError {
  return new GoFunctionError(`wrong type for value; expected ${wanted}; got ${goTypeOf(value)}`)
}
