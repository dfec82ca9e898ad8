import { type Arguments, printed } from '../arguments.ts'
import { HelperMistake } from '../mistake.ts'
import type { Helper } from './helper.ts'

type NumberValue = number | bigint

export const NUMBER_HELPERS: readonly Helper[] = [
  {
    name: 'add',
    parameters: 'a b…',
    meaning: 'The sum. Whole numbers stay exact, however large.',
    apply: args =>
      fold(
        args,
        (a, b) => a + b,
        (a, b) => a + b,
      ),
  },
  {
    name: 'sub',
    parameters: 'a b',
    meaning: 'a less b.',
    apply: args =>
      fold(
        args,
        (a, b) => a - b,
        (a, b) => a - b,
      ),
  },
  {
    name: 'mul',
    parameters: 'a b…',
    meaning: 'The product.',
    apply: args =>
      fold(
        args,
        (a, b) => a * b,
        (a, b) => a * b,
      ),
  },
  {
    name: 'div',
    parameters: 'a b',
    meaning: 'a divided by b; two whole numbers give a whole number, cut towards zero.',
    apply: args => {
      notZero(args)
      return fold(
        args,
        (a, b) => a / b,
        (a, b) => a / b,
      )
    },
  },
  {
    name: 'mod',
    parameters: 'a b',
    meaning: 'What is left over when a is divided by b.',
    apply: args => {
      notZero(args)
      return fold(
        args,
        (a, b) => a % b,
        (a, b) => a % b,
      )
    },
  },
  { name: 'toNumber', parameters: 'text', meaning: 'The number that a text says.', apply: toNumber },
]

/** Digits of a number; more would let a product grow without end. */
const MOST_DIGITS = 400

function fold(
  args: Arguments,
  whole: (a: bigint, b: bigint) => bigint,
  broken: (a: number, b: number) => number,
): NumberValue {
  let result = args.number(0)
  for (let index = 1; index < args.count; index++) {
    const next = args.number(index)
    result =
      isWhole(result) && isWhole(next)
        ? narrow(whole(BigInt(result), BigInt(next)))
        : broken(Number(result), Number(next))
    if (typeof result === 'number' && !Number.isFinite(result))
      throw new HelperMistake('the result is no finite number')
  }
  return result
}

function isWhole(value: NumberValue): boolean {
  return typeof value === 'bigint' || Number.isSafeInteger(value)
}

function narrow(value: bigint): NumberValue {
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  if (value.toString().length > MOST_DIGITS) throw new HelperMistake(`the result has more than ${MOST_DIGITS} digits`)
  return value
}

function notZero(args: Arguments): void {
  if (Number(args.number(1)) === 0) throw new HelperMistake('division by zero')
}

function toNumber(args: Arguments): NumberValue {
  const text = printed(args.text(0))!.trim()
  if (/^[+-]?\d{1,400}$/.test(text)) return narrow(BigInt(text.replace(/^\+/, '')))
  const number = Number(text)
  if (/^[+-]?\d*\.?\d+(e[+-]?\d+)?$/i.test(text) && text.length <= MOST_DIGITS && Number.isFinite(number)) return number
  throw new HelperMistake(`${args.source(0)} is no number`)
}
