import type { FunctionScope } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import { GoInteger, type GoValue, typedList } from '../go-value.ts'
import { printValue } from '../print-value.ts'
import { parseInteger, toFloat64, toInt64 } from './convert.ts'
import {
  addDecimals,
  type Decimal,
  decimalOf,
  divideDecimals,
  multiplyDecimals,
  numberOf,
  subtractDecimals,
} from './decimal.ts'
import { countArgument, define, type FunctionGroup, floatArgument, integerArgument, textArgument } from './define.ts'
import { powerOfTen } from './power.ts'

/** Numbers: integers are Go's `int64`, which wrap; the functions that end in `f` count in decimals. */
export const MATH: FunctionGroup = {
  add: define('', args => int64(args.reduce<bigint>((sum, value) => sum + toInt64(value), 0n)), { variadic: 'any' }),
  add1: define('any', ([value]) => int64(toInt64(value) + 1n)),
  sub: define('any any', ([a, b]) => int64(toInt64(a) - toInt64(b))),
  div: define('any any', ([a, b]) => int64(toInt64(a) / divisor(b))),
  mod: define('any any', ([a, b]) => int64(toInt64(a) % divisor(b))),
  mul: define(
    'any',
    ([first, ...others]) =>
      int64(others.reduce<bigint>((product, value) => BigInt.asIntN(64, product * toInt64(value)), toInt64(first))),
    { variadic: 'any' },
  ),
  max: largest(),
  biggest: largest(),
  min: define(
    'any',
    ([first, ...others]) =>
      int64(others.map(toInt64).reduce((least, value) => (value < least ? value : least), toInt64(first))),
    { variadic: 'any' },
  ),
  maxf: define('any', args => extreme(args, Infinity, Math.max), { variadic: 'any' }),
  minf: define('any', args => extreme(args, -Infinity, Math.min), { variadic: 'any' }),
  addf: define('', (args, scope) => inDecimals([0, ...args], addDecimals, scope), { variadic: 'any' }),
  add1f: define('any', ([value], scope) => inDecimals([value, 1], addDecimals, scope)),
  subf: define('any', (args, scope) => inDecimals(args, subtractDecimals, scope), { variadic: 'any' }),
  divf: define('any', (args, scope) => inDecimals(args, divideDecimals, scope), { variadic: 'any' }),
  mulf: define('any', (args, scope) => inDecimals(args, multiplyDecimals, scope), { variadic: 'any' }),
  ceil: define('any', ([value]) => Math.ceil(toFloat64(value))),
  floor: define('any', ([value]) => Math.floor(toFloat64(value))),
  round: define(
    'any int',
    ([value, places, from]) =>
      round(toFloat64(value), countArgument(places), from === undefined ? 0.5 : floatArgument(from)),
    { variadic: 'float64' },
  ),
  int: define('any', ([value]) => new GoInteger(toInt64(value), 'int')),
  int64: define('any', ([value]) => int64(toInt64(value))),
  float64: define('any', ([value]) => toFloat64(value)),
  atoi: define('string', ([text]) => new GoInteger(parseInteger(textArgument(text), 10).value, 'int')),
  toDecimal: define('any', ([value]) => {
    const octal = parseInteger(printValue(value), 8)
    return int64(octal.problem === undefined ? octal.value : 0n)
  }),
  until: define('int', ([count], scope) => {
    const end = integerArgument(count)
    return typedList('[]int', stepsOf(0n, end, end < 0n ? -1n : 1n, scope).map(integer))
  }),
  untilStep: define('int int int', ([start, stop, step], scope) =>
    typedList(
      '[]int',
      stepsOf(integerArgument(start), integerArgument(stop), integerArgument(step), scope).map(integer),
    ),
  ),
  seq: define('', (args, scope) => sequence(args.map(integerArgument), scope).join(' '), { variadic: 'int' }),
}

function int64(value: bigint): GoInteger {
  return new GoInteger(value, 'int64')
}

function integer(value: bigint): GoInteger {
  return new GoInteger(value, 'int')
}

function largest() {
  return define(
    'any',
    ([first, ...others]) =>
      int64(others.map(toInt64).reduce((most, value) => (value > most ? value : most), toInt64(first))),
    { variadic: 'any' },
  )
}

function divisor(value: GoValue): bigint {
  const by = toInt64(value)
  if (by === 0n) throw new GoFunctionError('runtime error: integer divide by zero')
  return by
}

/** The infinity that nothing passes wins also over what is no number, as in Go. */
function extreme(values: readonly GoValue[], most: number, choose: (a: number, b: number) => number): number {
  return values.map(toFloat64).reduce((a, b) => (a === most || b === most ? most : choose(a, b)))
}

function inDecimals(
  values: readonly GoValue[],
  operation: (a: Decimal, b: Decimal) => Decimal,
  scope: FunctionScope,
): number {
  const [first, ...others] = values.map(value => decimalOf(toFloat64(value)))
  let result = first!
  for (const other of others) {
    result = operation(result, other)
    scope.spend(result.digits.toString(16).length)
  }
  return numberOf(result)
}

function round(value: number, places: number, from: number): number {
  const power = powerOfTen(places)
  const digit = power * value
  return (digit - Math.trunc(digit) >= from ? Math.ceil(digit) : Math.floor(digit)) / power
}

/** `start`, `start + step` … before `stop`; none where the step leads away from it. */
function stepsOf(start: bigint, stop: bigint, step: bigint, scope: FunctionScope): readonly bigint[] {
  const down = stop < start
  if (start === stop || (down ? step >= 0n : step <= 0n)) return []
  const distance = down ? start - stop : stop - start
  const size = down ? -step : step
  const count = Number((distance + size - 1n) / size)
  scope.spend(count)
  if (count > MAX_STEPS) throw new GoFunctionError(`${count} numbers are more than a template may hold`)
  return Array.from({ length: count }, (_, index) => start + BigInt(index) * step)
}

const MAX_STEPS = 10_000_000

/** Numbers from the first to the last, both included, as the command `seq` gives them. */
function sequence(given: readonly bigint[], scope: FunctionScope): readonly bigint[] {
  if (given.length === 0 || given.length > 3) return []
  const start = given.length === 1 ? 1n : given[0]!
  const end = given.at(-1)!
  const direction = end < start ? -1n : 1n
  const step = given.length === 3 ? given[1]! : direction
  // Downwards with a step that leads up there is nothing.
  if (given.length === 3 && end < start && step > 0n) return []
  return stepsOf(start, BigInt.asIntN(64, end + direction), step, scope)
}
