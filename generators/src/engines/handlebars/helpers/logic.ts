import { equalJson, type Json } from '@flotilla/core/json/json'
import { compareUtf8 } from '../../../go-text.ts'
import type { Arguments } from '../arguments.ts'
import { HelperMistake } from '../mistake.ts'
import { describe, isTruthy } from '../run.ts'
import type { Helper } from './helper.ts'
import { weight } from './lists.ts'

export const LOGIC_HELPERS: readonly Helper[] = [
  { name: 'eq', parameters: 'a b', meaning: 'Whether they are equal; 1 and "1" are not.', apply: equal },
  { name: 'ne', parameters: 'a b', meaning: 'Whether they differ.', apply: args => !equal(args) },
  {
    name: 'lt',
    parameters: 'a b',
    meaning: 'Whether a is less: two numbers, or two texts.',
    apply: args => order(args) < 0,
  },
  { name: 'le', parameters: 'a b', meaning: 'Whether a is less or equal.', apply: args => order(args) <= 0 },
  { name: 'gt', parameters: 'a b', meaning: 'Whether a is greater.', apply: args => order(args) > 0 },
  { name: 'ge', parameters: 'a b', meaning: 'Whether a is greater or equal.', apply: args => order(args) >= 0 },
  {
    name: 'and',
    parameters: 'a b…',
    meaning: 'Whether all are true, as `#if` sees it; what follows a false one is not looked at.',
    apply: args => {
      for (let index = 0; index < args.count; index++) if (!isTruthy(args.value(index))) return false
      return true
    },
  },
  {
    name: 'or',
    parameters: 'a b…',
    meaning: 'Whether any is true; what follows a true one is not looked at.',
    apply: args => {
      for (let index = 0; index < args.count; index++) if (isTruthy(args.value(index))) return true
      return false
    },
  },
  {
    name: 'not',
    parameters: 'a',
    meaning: 'Whether it is false, as `#if` sees it.',
    apply: args => !isTruthy(args.value(0)),
  },
  {
    name: 'ternary',
    parameters: 'condition yes no',
    meaning: 'One of the two; the other is not looked at.',
    apply: args => args.value(isTruthy(args.value(0)) ? 1 : 2),
  },
]

function equal(args: Arguments): boolean {
  const [a, b] = [args.value(0), args.value(1)]
  args.spend(Math.min(weight(a), weight(b)))
  return equalJson(a, b)
}

function order(args: Arguments): number {
  const [a, b] = [args.value(0), args.value(1)]
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : 0
  if (typeof a === 'string' && typeof b === 'string') return compareUtf8(a, b)
  const hint = 'two numbers or two texts have an order; toNumber makes a number of a text'
  throw new HelperMistake(`cannot compare ${describe(a)} with ${describe(b)}`, { hint })
}

function isNumber(value: Json): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}
