import type { NumberNotation } from '../../../go-text.ts'
import { byteLength } from '../functions/go-bytes.ts'
import { type FunctionScope, GoFunctionError, type ParameterType } from '../go-function.ts'
import { isTrue, mapSize } from '../go-types.ts'
import { GoBytes, GoInteger, type GoValue, goTypeOf, isGoList, isGoMap } from '../go-value.ts'
import { formatPrintf, printAll, printLine } from '../print-value.ts'
import { equalsAny, isLess, isLessOrEqual } from './compare.ts'
import { escapeHtml, escapeQuery, escapeScript } from './escape.ts'
import { indexItem } from './index-item.ts'

/** What a template may call, sprig's or built in. */
export interface EngineFunction {
  /** `reflect.Value` takes anything and tells nil from no value. */
  readonly parameters: readonly EngineParameter[]
  readonly variadic?: EngineParameter
  call(args: readonly GoValue[], scope: FunctionScope): GoValue
  /** Decides which of its arguments are evaluated at all. */
  readonly shortCircuit?: 'and' | 'or'
  /** Wants the text of its first argument before the arguments. */
  readonly takesText?: true
  readonly repeatable?: false
  readonly mutates?: true
}

export type EngineParameter = ParameterType | 'reflect.Value'

const VALUE = 'reflect.Value'

/**
 * The functions of Go's template language. `slice` is not among them: sprig has one of that name, which is always
 * there; nor can `call` find a function among parameters.
 */
export function builtins(numbers: NumberNotation): ReadonlyMap<string, EngineFunction> {
  return new Map<string, EngineFunction>([
    ['and', { parameters: [VALUE], variadic: VALUE, shortCircuit: 'and', call: last }],
    ['or', { parameters: [VALUE], variadic: VALUE, shortCircuit: 'or', call: last }],
    ['not', { parameters: [VALUE], call: ([value]) => !isTrue(value) }],
    ['len', { parameters: [VALUE], call: ([value]) => new GoInteger(lengthOf(value)) }],
    ['index', { parameters: [VALUE], variadic: VALUE, call: ([value, ...indexes]) => indexItem(value, indexes) }],
    ['call', { parameters: [VALUE], variadic: VALUE, takesText: true, call: refuseCall }],
    ['eq', { parameters: [VALUE], variadic: VALUE, call: ([first, ...others]) => equalsAny(first, others) }],
    ['ne', { parameters: [VALUE, VALUE], call: ([first, second]) => !equalsAny(first, [second]) }],
    ['lt', { parameters: [VALUE, VALUE], call: ([first, second]) => isLess(first, second) }],
    ['le', { parameters: [VALUE, VALUE], call: ([first, second]) => isLessOrEqual(first, second) }],
    ['gt', { parameters: [VALUE, VALUE], call: ([first, second]) => !isLessOrEqual(first, second) }],
    ['ge', { parameters: [VALUE, VALUE], call: ([first, second]) => !isLess(first, second) }],
    ['print', { parameters: [], variadic: 'any', call: values => printAll(values, numbers) }],
    ['println', { parameters: [], variadic: 'any', call: values => printLine(values, numbers) }],
    [
      'printf',
      {
        parameters: ['string'],
        variadic: 'any',
        call: ([format, ...values]) => formatPrintf(format as string, values, { numbers }),
      },
    ],
    ['html', { parameters: [], variadic: 'any', call: values => escapeHtml(printEscaped(values, numbers)) }],
    ['js', { parameters: [], variadic: 'any', call: values => escapeScript(printEscaped(values, numbers)) }],
    ['urlquery', { parameters: [], variadic: 'any', call: values => escapeQuery(printEscaped(values, numbers)) }],
  ])
}

function last(values: readonly GoValue[]): GoValue {
  return values.at(-1)
}

/** Escapers print as the template itself does, where nil is "no value". */
function printEscaped(values: readonly GoValue[], numbers: NumberNotation): string {
  return printAll(
    values.map(value => value ?? '<no value>'),
    numbers,
  )
}

function lengthOf(value: GoValue): number {
  if (value === undefined) throw new GoFunctionError('reflect: call of reflect.Value.Type on zero Value')
  if (value === null) throw new GoFunctionError('len of nil pointer')
  if (typeof value === 'string') return byteLength(value)
  if (value instanceof GoBytes) return value.bytes.length
  if (isGoList(value)) return value.length
  if (isGoMap(value)) return mapSize(value)
  throw new GoFunctionError(`len of type ${goTypeOf(value)}`)
}

function refuseCall([text, value]: readonly GoValue[]): never {
  if (value === undefined || value === null) throw new GoFunctionError('call of nil')
  throw new GoFunctionError(`non-function ${text} of type ${goTypeOf(value)}`)
}
