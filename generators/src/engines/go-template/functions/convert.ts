import { GoBytes, GoInteger, type GoValue } from '../go-value.ts'
import { printValue } from '../print-value.ts'
import { textOfBytes } from './go-bytes.ts'

const MAX_INT64 = 2n ** 63n - 1n
const MIN_INT64 = -(2n ** 63n)

/** What sprig calls the text of a value: a text itself, bytes as a text, else as `%v` prints it. */
export function textOf(value: GoValue): string {
  if (typeof value === 'string') return value
  if (value instanceof GoBytes) return textOfBytes(value.bytes)
  return printValue(value)
}

/** A number as `int64`; what is none counts as 0, as sprig has it. */
export function toInt64(value: GoValue): bigint {
  if (typeof value === 'number') return truncateFloat(value)
  if (typeof value === 'boolean') return value ? 1n : 0n
  // A duration is a type of its own, which the conversion does not know.
  if (value instanceof GoInteger) return value.type === 'time.Duration' ? 0n : value.value
  if (typeof value !== 'string') return 0n
  const parsed = parseInteger(withoutZeroDecimals(value), 0)
  return parsed.problem === undefined ? parsed.value : 0n
}

/** A number as `float64`; what is none counts as 0. */
export function toFloat64(value: GoValue): number {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof GoInteger) return value.type === 'time.Duration' ? 0 : Number(value.value)
  return typeof value === 'string' ? (parseFloat64(value) ?? 0) : 0
}

/** Go's conversion on the processors that Argo CD runs on: what does not fit becomes the least integer. */
export function truncateFloat(value: number): bigint {
  if (!(value >= -(2 ** 63) && value < 2 ** 63)) return MIN_INT64
  return BigInt(Math.trunc(value))
}

/** `1.000` is `1`; `1.` stays. */
function withoutZeroDecimals(text: string): string {
  return /\.0+$/.test(text) ? text.slice(0, text.search(/\.0+$/)) : text
}

export interface ParsedInteger {
  /** The nearest 64-bit integer also when it is out of range; 0 for what is no number. */
  readonly value: bigint
  readonly problem?: 'syntax' | 'range'
}

const SYNTAX: ParsedInteger = { value: 0n, problem: 'syntax' }

/** Go's `strconv.ParseInt` for 64 bits; base 0 reads prefixes (`0x`, `0o`, `0b`, `0`) and underscores. */
export function parseInteger(text: string, base: 0 | 8 | 10): ParsedInteger {
  const match = /^([+-]?)(.+)$/s.exec(text)
  if (match === null) return SYNTAX
  const negative = match[1] === '-'
  const body = base === 0 ? prefixed(match[2]!) : plain(match[2]!, base)
  if (body === undefined) return SYNTAX
  const value = negative ? -body : body
  if (value > MAX_INT64) return { value: MAX_INT64, problem: 'range' }
  return value < MIN_INT64 ? { value: MIN_INT64, problem: 'range' } : { value }
}

const LONGEST_DIGITS = 4096

function plain(digits: string, base: 8 | 10): bigint | undefined {
  if (!(base === 8 ? /^[0-7]+$/ : /^[0-9]+$/).test(digits)) return undefined
  const significant = digits.replace(/^0+(?=.)/, '')
  if (significant.length > LONGEST_DIGITS) return 2n ** 64n
  return base === 8 ? BigInt(`0o${significant}`) : BigInt(significant)
}

function prefixed(text: string): bigint | undefined {
  const lower = text.toLowerCase()
  // An underscore stands between digits, or between the prefix and a digit.
  if (!/^(?:0x_?[0-9a-f]|0b_?[01]|0o?_?[0-7]|[0-9])(?:_?[0-9a-f])*$/.test(lower)) return undefined
  const digits = lower.replaceAll('_', '')
  const normal = /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits
  if (!/^(?:0x[0-9a-f]+|0b[01]+|0o[0-7]+|0|[1-9][0-9]*)$/.test(normal)) return undefined
  const significant = normal.replace(/^(0[xbo])0+(?=.)/, '$1')
  return significant.length > LONGEST_DIGITS ? 2n ** 64n : BigInt(significant)
}

/** Go's `strconv.ParseFloat`, undefined where that gives an error, out of range included. */
export function parseFloat64(text: string): number | undefined {
  const lower = text.toLowerCase()
  if (/^[+-]?(?:inf|infinity)$/.test(lower)) return lower.startsWith('-') ? -Infinity : Infinity
  if (lower === 'nan') return Number.NaN
  if (/^[+-]?0x/.test(lower)) return parseHexFloat(lower)
  if (!/^[+-]?(?:\d+(?:_?\d+)*\.?(?:\d+(?:_?\d+)*)?|\.\d+(?:_?\d+)*)(?:e[+-]?\d+(?:_?\d+)*)?$/.test(lower))
    return undefined
  const value = Number(lower.replaceAll('_', ''))
  return Number.isFinite(value) ? value : undefined
}

function parseHexFloat(text: string): number | undefined {
  const match = /^([+-]?)0x_?([0-9a-f]*(?:_[0-9a-f]+)*)\.?([0-9a-f]*(?:_[0-9a-f]+)*)p([+-]?\d+)$/.exec(text)
  if (match === null) return undefined
  const whole = match[2]!.replaceAll('_', '')
  const part = match[3]!.replaceAll('_', '')
  // Thirteen digits hold all that a float64 does; more are not worth their rounding.
  if (whole.length + part.length === 0 || whole.length + part.length > 13) return undefined
  const value = Number(BigInt(`0x${whole}${part}`)) * 2 ** (Number(match[4]) - 4 * part.length)
  if (!Number.isFinite(value)) return undefined
  return match[1] === '-' ? -value : value
}

/** Seconds or nanoseconds of arithmetic that wraps at 64 bits. */
export function wrap64(value: bigint): bigint {
  return BigInt.asIntN(64, value)
}
