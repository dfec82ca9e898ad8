import type { Json, JsonObject } from '@flotilla/core/json/json'

/**
 * How numbers become text. `go`: as Argo CD prints them, where `1000000` from a file is `1e+06` (applicationsets.md 3.2);
 * `plain`: an integer prints as an integer, however large.
 */
export type NumberNotation = 'go' | 'plain'

/** A parameter as text, as Go's `%v` prints it: `true`, `8080`, `<nil>`, `[a b]`, `map[a:1 b:2]`. */
export function formatValue(value: Json | undefined, notation: NumberNotation): string {
  switch (typeof value) {
    case 'string':
      return value
    case 'boolean':
      return value ? 'true' : 'false'
    case 'number':
    case 'bigint':
      return formatNumber(value, notation)
    case 'undefined':
      return '<nil>'
  }
  if (value === null) return '<nil>'
  if (Array.isArray(value)) return `[${value.map(item => formatValue(item as Json, notation)).join(' ')}]`
  const object = value as JsonObject
  const entries = Object.keys(object).sort(compareUtf8)
  return `map[${entries.map(key => `${key}:${formatValue(object[key], notation)}`).join(' ')}]`
}

/**
 * @example
 * formatNumber(1234567, 'go') // => '1.234567e+06'
 * @example
 * formatNumber(1234567, 'plain') // => '1234567'
 */
export function formatNumber(value: number | bigint, notation: NumberNotation): string {
  if (isMadeInteger(value)) return value.toString()
  if (notation === 'plain' && (typeof value === 'bigint' || Number.isSafeInteger(value))) {
    return Object.is(value, -0) ? '-0' : value.toString()
  }
  const number = Number(value)
  if (number === 0) return Object.is(number, -0) ? '-0' : '0'
  const [mantissa, exponentText] = number.toExponential().split('e') as [string, string]
  const exponent = Number(exponentText)
  if (exponent >= -4 && exponent < EXPONENT_FORM) return number.toString()
  const digits = Math.abs(exponent).toString().padStart(2, '0')
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${digits}`
}

/**
 * Whether it is an integer in Argo CD too, and so prints as one: documents and answers give `bigint` for integers beyond
 * 2^53 alone, so one below was made so by a generator, as `repository_id` is.
 */
export function isMadeInteger(value: number | bigint): value is bigint {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value))
}

/** Decimal exponent from which Go's shortest form of a float is written with an exponent. */
const EXPONENT_FORM = 6

/** Byte order of the UTF-8 forms, which is the order of code points: how Go sorts texts and Git sorts paths. */
export function compareUtf8(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    let x = a.charCodeAt(at)
    let y = b.charCodeAt(at)
    if (x === y) continue
    // Surrogates stand for code points beyond all others.
    if (x >= 0xd800 && x <= 0xdfff) x += 0x10000
    if (y >= 0xd800 && y <= 0xdfff) y += 0x10000
    return x - y
  }
  return a.length - b.length
}

/** Without the white space that Go trims at both ends (JavaScript's `trim` keeps U+0085 and takes U+FEFF). */
export function goTrimSpace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isGoSpace(text.charCodeAt(start))) start++
  while (end > start && isGoSpace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isGoSpace(code: number): boolean {
  if (code <= 0x20) return code === 0x20 || (code >= 0x09 && code <= 0x0d)
  if (code < 0x85) return false
  return (
    code === 0x85 ||
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  )
}

const ESCAPES: { readonly [character: string]: string } = {
  '"': '\\"',
  '\\': '\\\\',
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

/** A text in double quotes, as Go's `%q` writes it. */
export function goQuote(text: string): string {
  let quoted = '"'
  for (const character of text) {
    const code = character.codePointAt(0)!
    if (Object.hasOwn(ESCAPES, character)) quoted += ESCAPES[character]
    else if (code < 0x20 || code === 0x7f) quoted += `\\x${code.toString(16).padStart(2, '0')}`
    else quoted += character
  }
  return `${quoted}"`
}

/** Compact JSON as Go writes it: keys sorted, numbers as floats, `<`, `>` and `&` escaped. */
export function goJson(value: Json | undefined): string {
  if (value === null || value === undefined) return 'null'
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value).replace(
        /[<>&\u2028\u2029]/g,
        character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
      )
    case 'boolean':
      return value ? 'true' : 'false'
    case 'number':
    case 'bigint':
      return JSON.stringify(Number(value))
  }
  if (Array.isArray(value)) return `[${value.map(item => goJson(item as Json)).join(',')}]`
  const object = value as JsonObject
  const members = Object.keys(object)
    .sort(compareUtf8)
    .map(key => `${goJson(key)}:${goJson(object[key])}`)
  return `{${members.join(',')}}`
}
