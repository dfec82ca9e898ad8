import { isPrintable } from './unicode.ts'

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

/** A text in double quotes as Go's `%q` writes it: what does not print is escaped. */
export function quoted(text: string): string {
  let result = '"'
  for (const character of text) result += Object.hasOwn(ESCAPES, character) ? ESCAPES[character] : escaped(character)
  return `${result}"`
}

function escaped(character: string): string {
  if (isPrintable(character)) return character
  const code = character.codePointAt(0)!
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd'
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}
