import { type FormatFlags, pad, padWithSpaces } from './format-flags.ts'
import { isPrintable, quoteCharacter } from './quote.ts'

const BASES: { readonly [verb: string]: 2 | 8 | 10 | 16 } = { b: 2, o: 8, O: 8, d: 10, v: 10, x: 16, X: 16 }
const MAX_CODE_POINT = 0x10ffffn
const REPLACEMENT = 0xfffdn

/**
 * An integer under a verb of Go's fmt; undefined when the verb is not one for integers.
 *
 * @param value Signed, or the unsigned value of an unsigned type.
 */
export function formatInteger(value: bigint, unsigned: boolean, verb: string, flags: FormatFlags): string | undefined {
  switch (verb) {
    case 'c':
      return pad(String.fromCodePoint(Number(codePoint(value))), flags)
    case 'q':
      return pad(quoteCharacter(Number(codePoint(value)), flags.plus), flags)
    case 'U':
      return formatCodePoint(value, flags)
    case 'v':
      if (flags.source && unsigned) return digitsOf(value, 16, 'x', { ...flags, sharp: true })
  }
  const base = BASES[verb]
  return base === undefined ? undefined : digitsOf(value, base, verb, flags)
}

function digitsOf(value: bigint, base: 2 | 8 | 10 | 16, verb: string, flags: FormatFlags): string {
  const negative = value < 0n
  // A precision of 0 prints nothing for 0.
  if (flags.precision === 0 && value === 0n) return ' '.repeat(flags.width)
  let digits = (negative ? -value : value).toString(base)
  if (verb === 'X') digits = digits.toUpperCase()
  let least = flags.precision ?? 0
  if (flags.precision === undefined && flags.zero && !flags.minus) {
    least = flags.width - (negative || flags.plus || flags.space ? 1 : 0)
  }
  digits = digits.padStart(least, '0')
  if (flags.sharp) digits = withPrefix(digits, base, verb)
  if (verb === 'O') digits = `0o${digits}`
  const sign = negative ? '-' : flags.plus ? '+' : flags.space ? ' ' : ''
  return padWithSpaces(sign + digits, flags)
}

function withPrefix(digits: string, base: number, verb: string): string {
  if (base === 2) return `0b${digits}`
  if (base === 8) return digits.startsWith('0') ? digits : `0${digits}`
  if (base === 16) return (verb === 'X' ? '0X' : '0x') + digits
  return digits
}

/** `U+0078`, and with `#` also the character when it can be seen. */
function formatCodePoint(value: bigint, flags: FormatFlags): string {
  const code = BigInt.asUintN(64, value)
  let text = `U+${code
    .toString(16)
    .toUpperCase()
    .padStart(Math.max(4, flags.precision ?? 0), '0')}`
  if (flags.sharp && code <= MAX_CODE_POINT && isPrintable(Number(code)))
    text += ` '${String.fromCodePoint(Number(code))}'`
  return padWithSpaces(text, flags)
}

function codePoint(value: bigint): bigint {
  return value < 0n || value > MAX_CODE_POINT || (value >= 0xd800n && value <= 0xdfffn) ? REPLACEMENT : value
}
