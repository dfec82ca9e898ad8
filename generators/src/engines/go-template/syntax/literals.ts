import { textOfBytes } from '../functions/go-bytes.ts'
import { quoteText } from '../printing/quote.ts'
import type { NumberNode } from './nodes.ts'

/** A literal says nothing that Go would understand. */
export class LiteralError extends Error {
  override readonly name = 'LiteralError'
}

const SIMPLE_ESCAPES: { readonly [letter: string]: number } = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92 }
const DIGITS: { readonly [letter: string]: number } = { x: 2, u: 4, U: 8 }
/** No number needs as many; reading a longer one costs more than its length. */
const MAX_NUMBER_LENGTH = 1_000
const MAX_INT64 = 2n ** 63n - 1n
const MIN_INT64 = -(2n ** 63n)
const MAX_UINT64 = 2n ** 64n - 1n

/** The text between the quotes, with its escapes read. @throws LiteralError */
export function unquote(literal: string): string {
  const body = literal.slice(1, -1)
  if (literal.startsWith('`')) return body.replaceAll('\r', '')
  if (!body.includes('\\')) return body
  // Escapes may write single bytes of UTF-8, so bytes are what is gathered.
  const bytes: number[] = []
  const encoder = new TextEncoder()
  for (let at = 0; at < body.length; ) {
    const unit = readUnit(body, at, '"')
    if (unit.byte) bytes.push(unit.code)
    else bytes.push(...encoder.encode(String.fromCodePoint(unit.code)))
    at = unit.end
  }
  return textOfBytes(new Uint8Array(bytes))
}

/** The code point of `'x'`. @throws LiteralError */
export function unquoteCharacter(literal: string): number {
  const unit = readUnit(literal, 1, "'")
  if (unit.end !== literal.length - 1) throw new LiteralError(`malformed character constant: ${literal}`)
  return unit.code
}

function readUnit(text: string, at: number, quote: string): { code: number; end: number; byte: boolean } {
  const code = text.codePointAt(at)!
  if (code === quote.charCodeAt(0)) throw invalidSyntax()
  if (code !== 0x5c) return { code, end: at + (code > 0xffff ? 2 : 1), byte: false }
  const letter = text[at + 1] ?? ''
  if (Object.hasOwn(SIMPLE_ESCAPES, letter)) return { code: SIMPLE_ESCAPES[letter]!, end: at + 2, byte: false }
  if (letter === quote) return { code: quote.charCodeAt(0), end: at + 2, byte: false }
  if (Object.hasOwn(DIGITS, letter)) {
    const digits = text.slice(at + 2, at + 2 + DIGITS[letter]!)
    const value = /^[0-9a-fA-F]+$/.test(digits) && digits.length === DIGITS[letter] ? Number.parseInt(digits, 16) : -1
    const byte = letter === 'x'
    if (value < 0 || (!byte && (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)))) throw invalidSyntax()
    return { code: value, end: at + 2 + digits.length, byte }
  }
  const octal = /^[0-7]{3}/.exec(text.slice(at + 1))
  const value = octal === null ? 256 : Number.parseInt(octal[0], 8)
  if (value > 255) throw invalidSyntax()
  return { code: value, end: at + 4, byte: true }
}

function invalidSyntax(): LiteralError {
  return new LiteralError('invalid syntax')
}

/** Reads a number of any base, an integer or a float. @throws LiteralError */
export function readNumber(text: string, at: number): NumberNode {
  if (text.length > MAX_NUMBER_LENGTH) throw new LiteralError(`a number has more than ${MAX_NUMBER_LENGTH} characters`)
  if (text.endsWith('i')) throw new LiteralError(`complex numbers are not supported: ${quoteText(text)}`)
  const whole = readInteger(text)
  if (whole !== undefined && whole >= MIN_INT64 && whole <= MAX_UINT64) {
    // Between the bounds lies what is unsigned only: it has no place in a template but as a float.
    const integer = whole <= MAX_INT64 ? whole : undefined
    // Go looks for an exponent, and takes the digit of a signed hexadecimal number for one.
    const writtenAsFloat = /[eE]/.test(text) && !/^0[xX]/.test(text)
    return { kind: 'number', at, text, integer, float: Number(whole), writtenAsFloat }
  }
  const float = readFloat(text)
  if (float === undefined) throw new LiteralError(`illegal number syntax: ${quoteText(text)}`)
  if (!/[.eEpP]/.test(text)) throw new LiteralError(`integer overflow: ${quoteText(text)}`)
  const integer = Number.isInteger(float) && Math.abs(float) < 2 ** 63 ? BigInt(float) : undefined
  return { kind: 'number', at, text, integer, float, writtenAsFloat: true }
}

export function characterNumber(text: string, at: number): NumberNode {
  const code = unquoteCharacter(text)
  return { kind: 'number', at, text, integer: BigInt(code), float: code, writtenAsFloat: false }
}

const INTEGER = /^([+-]?)(0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|0|[1-9](?:_?[0-9])*)$/

function readInteger(text: string): bigint | undefined {
  const match = INTEGER.exec(text)
  if (match === null) return undefined
  let digits = match[2]!.replaceAll('_', '')
  if (/^0[0-7]/.test(digits)) digits = `0o${digits.slice(1)}`
  const size = BigInt(digits)
  return match[1] === '-' ? -size : size
}

const DECIMAL = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/
const HEXADECIMAL = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?[0-9]+)$/

function readFloat(text: string): number | undefined {
  // Underscores are for numbers with a base prefix only.
  if (DECIMAL.test(text)) {
    const value = Number(text)
    return Number.isFinite(value) ? value : undefined
  }
  const match = HEXADECIMAL.exec(text.replace(/(?<=[0-9a-fA-FxX])_(?=[0-9a-fA-F])/g, ''))
  if (match === null) return undefined
  const [, sign, whole = '', fraction = '', exponent] = match
  if (whole === '' && fraction === '') return undefined
  const power = Number(exponent) - 4 * fraction.length
  const value = Number(BigInt(`0x${whole}${fraction}`)) * 2 ** power
  if (!Number.isFinite(value)) return undefined
  return sign === '-' ? -value : value
}
