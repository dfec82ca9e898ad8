const ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x07, '\\a'],
  [0x08, '\\b'],
  [0x0c, '\\f'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
  [0x09, '\\t'],
  [0x0b, '\\v'],
  [0x5c, '\\\\'],
])
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u
const DOUBLE_QUOTE = 0x22
const SINGLE_QUOTE = 0x27

/** Letters, marks, numbers, punctuation, symbols and the ASCII space. */
export function isPrintable(code: number): boolean {
  return PRINTABLE.test(String.fromCodePoint(code))
}

/** A text in double quotes, as Go's `%q`; `ascii` (`%+q`) escapes all beyond ASCII. */
export function quoteText(text: string, ascii = false): string {
  let quoted = '"'
  for (const character of text.toWellFormed()) quoted += escapeCode(character.codePointAt(0)!, DOUBLE_QUOTE, ascii)
  return `${quoted}"`
}

export function quoteCharacter(code: number, ascii = false): string {
  return `'${escapeCode(code, SINGLE_QUOTE, ascii)}'`
}

/** Whether a text can stand unchanged between backquotes, on one line. */
export function canBackquote(text: string): boolean {
  for (const character of text) {
    const code = character.codePointAt(0)!
    if (code === 0xfeff || code === 0x60 || code === 0x7f || (code < 0x20 && code !== 0x09)) return false
  }
  return true
}

function escapeCode(code: number, quote: number, ascii: boolean): string {
  const known = ESCAPES.get(code)
  if (known !== undefined) return known
  const character = String.fromCodePoint(code)
  if (code === quote) return `\\${character}`
  if (code < 0x20 || code === 0x7f) return `\\x${hexadecimal(code, 2)}`
  if (code < 0x7f || (!ascii && isPrintable(code))) return character
  return code < 0x10000 ? `\\u${hexadecimal(code, 4)}` : `\\U${hexadecimal(code, 8)}`
}

function hexadecimal(code: number, length: number): string {
  return code.toString(16).padStart(length, '0')
}
