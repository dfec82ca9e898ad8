import { GoFunctionError } from '../go-function.ts'

/** digits × 10^exponent: the exact value of a float's shortest notation, so that 0.1 + 0.2 is 0.3. */
export interface Decimal {
  readonly digits: bigint
  readonly exponent: number
}

/** @throws GoFunctionError for what is no number: Go's library panics. */
export function decimalOf(value: number): Decimal {
  if (!Number.isFinite(value)) {
    const name = Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
    throw new GoFunctionError(`Cannot create a Decimal from ${name}`)
  }
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string]
  const [whole, part = ''] = mantissa.split('.') as [string, string?]
  return { digits: BigInt(whole + part), exponent: Number(exponent) - part.length }
}

/** The nearest float. */
export function numberOf(value: Decimal): number {
  return Number(`${value.digits}e${value.exponent}`)
}

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const exponent = Math.min(a.exponent, b.exponent)
  return { digits: scaled(a, exponent) + scaled(b, exponent), exponent }
}

export function subtractDecimals(a: Decimal, b: Decimal): Decimal {
  return addDecimals(a, { ...b, digits: -b.digits })
}

export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  return { digits: a.digits * b.digits, exponent: a.exponent + b.exponent }
}

const DIVISION_DIGITS = 16

/** Sixteen places, halves away from zero. @throws GoFunctionError for a division by zero. */
export function divideDecimals(a: Decimal, b: Decimal): Decimal {
  if (b.digits === 0n) throw new GoFunctionError('decimal division by 0')
  const shift = a.exponent - b.exponent + DIVISION_DIGITS
  const dividend = shift >= 0 ? a.digits * 10n ** BigInt(shift) : a.digits
  const divisor = shift >= 0 ? b.digits : b.digits * 10n ** BigInt(-shift)
  const quotient = dividend / divisor
  const rest = dividend % divisor
  const half = 2n * magnitude(rest) >= magnitude(divisor)
  const away = dividend < 0n === divisor < 0n ? 1n : -1n
  return { digits: half ? quotient + away : quotient, exponent: -DIVISION_DIGITS }
}

function scaled(value: Decimal, exponent: number): bigint {
  return value.digits * 10n ** BigInt(value.exponent - exponent)
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value
}
