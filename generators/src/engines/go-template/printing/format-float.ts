import { binaryParts, type Decimal, exactDecimal, roundDecimal, shortestDecimal } from './decimal.ts'
import { type FormatFlags, pad, padWithSpaces } from './format-flags.ts'

/** From this decimal exponent on the shortest form has an exponent. */
const EXPONENT_FORM = 6
const DEFAULT_PRECISION: { readonly [verb: string]: number | undefined } = { e: 6, E: 6, f: 6, F: 6 }
const FLOAT_VERBS = 'vbgGxXfFeE'

/** A float64 under a verb of Go's fmt; undefined when the verb is not one for floats. */
export function formatFloat(value: number, verb: string, flags: FormatFlags): string | undefined {
  if (!FLOAT_VERBS.includes(verb)) return undefined
  const negative = value < 0 || Object.is(value, -0)
  let sign = negative ? '-' : flags.plus ? '+' : flags.space ? ' ' : ''
  if (Number.isNaN(value)) return padWithSpaces(`${sign}NaN`, flags)
  if (!Number.isFinite(value)) {
    if (sign === '') sign = '+'
    return padWithSpaces(`${sign}Inf`, flags)
  }
  const precision = flags.precision ?? DEFAULT_PRECISION[verb]
  let digits = unsignedFloat(Math.abs(value), verb, precision)
  if (flags.sharp && verb !== 'b') digits = withPoint(digits, verb, precision)
  if (sign !== '' && flags.zero && !flags.minus) return sign + digits.padStart(flags.width - 1, '0')
  return pad(sign + digits, flags)
}

/** @param precision Undefined for as many digits as it takes. */
function unsignedFloat(value: number, verb: string, precision: number | undefined): string {
  switch (verb) {
    case 'e':
    case 'E':
      return withExponent(
        precision === undefined ? shortestDecimal(value) : roundDecimal(exactDecimal(value), precision + 1),
        precision,
        verb,
      )
    case 'f':
    case 'F': {
      const exact = precision === undefined ? shortestDecimal(value) : exactDecimal(value)
      return withoutExponent(precision === undefined ? exact : roundDecimal(exact, exact.point + precision), precision)
    }
    case 'x':
    case 'X':
      return hexadecimalFloat(value, verb, precision)
    case 'b': {
      const { mantissa, exponent } = binaryParts(value)
      return `${mantissa}p${exponent < 0 ? '' : '+'}${exponent}`
    }
    default:
      return shorter(value, verb === 'G' ? 'E' : 'e', precision)
  }
}

/** `%g`: with an exponent when that is large for the digits there are. */
function shorter(value: number, exponentLetter: string, precision: number | undefined): string {
  const wanted = precision === 0 ? 1 : precision
  const decimal = wanted === undefined ? shortestDecimal(value) : roundDecimal(exactDecimal(value), wanted)
  const count = decimal.digits.length
  let limit = wanted ?? EXPONENT_FORM
  if (wanted !== undefined && limit > count && count >= decimal.point) limit = count
  const exponent = decimal.point - 1
  if (exponent < -4 || exponent >= limit) return withExponent(decimal, Math.max(0, count - 1), exponentLetter)
  return withoutExponent(decimal, Math.max(0, count - decimal.point))
}

function withExponent({ digits, point }: Decimal, places: number | undefined, letter: string): string {
  const first = digits[0] ?? '0'
  const rest = digits.slice(1).padEnd(places ?? 0, '0')
  const exponent = digits === '' ? 0 : point - 1
  const exponentDigits = Math.abs(exponent).toString().padStart(2, '0')
  return `${first}${rest === '' ? '' : `.${rest}`}${letter}${exponent < 0 ? '-' : '+'}${exponentDigits}`
}

function withoutExponent({ digits, point }: Decimal, places: number | undefined): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0'
  const fraction = point > 0 ? digits.slice(point) : '0'.repeat(-point) + digits
  const shown = places === undefined ? (digits === '' ? '' : fraction) : fraction.slice(0, places).padEnd(places, '0')
  return shown === '' ? whole : `${whole}.${shown}`
}

/** `0x1.8p+01`: one digit before the point, four bits a digit. */
function hexadecimalFloat(value: number, verb: string, precision: number | undefined): string {
  let { mantissa, exponent } = binaryParts(value)
  exponent += 52
  if (mantissa === 0n) exponent = 0
  else {
    while (mantissa < 1n << 52n) {
      mantissa <<= 1n
      exponent--
    }
  }
  let places = 13
  if (precision !== undefined && precision < 13) {
    const dropped = BigInt(52 - precision * 4)
    const rest = mantissa & ((1n << dropped) - 1n)
    const half = 1n << (dropped - 1n)
    mantissa >>= dropped
    if (rest > half || (rest === half && (mantissa & 1n) === 1n)) mantissa++
    places = precision
    if (mantissa >> BigInt(places * 4) === 2n) {
      mantissa >>= 1n
      exponent++
    }
  }
  const digits = mantissa.toString(16).padStart(places + 1, '0')
  let fraction = digits.slice(1)
  if (precision === undefined) fraction = fraction.replace(/0+$/, '')
  else fraction = fraction.padEnd(precision, '0')
  const exponentDigits = Math.abs(exponent).toString().padStart(2, '0')
  const text = `0x${digits[0]}${fraction === '' ? '' : `.${fraction}`}p${exponent < 0 ? '-' : '+'}${exponentDigits}`
  return verb === 'X' ? text.toUpperCase() : text
}

/** `#`: always a point, and for `%g` the zeros that it leaves out. */
function withPoint(text: string, verb: string, precision: number | undefined): string {
  const hexadecimal = verb === 'x' || verb === 'X'
  const tailAt = text.search(hexadecimal ? /[pP]/ : /[eE]/)
  const tail = tailAt < 0 ? '' : text.slice(tailAt)
  let digits = tailAt < 0 ? text : text.slice(0, tailAt)
  // `x` counts the letter of its prefix as a digit, as Go's does.
  let missing = 'vgGx'.includes(verb) ? (precision ?? 6) : 0
  missing -= digits.replace('.', '').replace(/^0+/, '').length
  if (!digits.includes('.')) {
    if (digits === '0') missing--
    digits += '.'
  }
  return digits + '0'.repeat(Math.max(0, missing)) + tail
}
