import { isAscii } from './go-bytes.ts'

/**
 * Go maps letters one by one, by the simple mappings of Unicode: `ß` stays `ß` in upper case, where JavaScript's
 * full mapping makes it `SS`.
 */

export function upperText(text: string): string {
  return isAscii(text) ? text.toUpperCase() : mapCharacters(text, upperCharacter)
}

export function lowerText(text: string): string {
  return isAscii(text) ? text.toLowerCase() : mapCharacters(text, lowerCharacter)
}

export function mapCharacters(text: string, map: (character: string) => string): string {
  let result = ''
  for (const character of text) result += map(character)
  return result
}

export function upperCharacter(character: string): string {
  return oneOf(character.toUpperCase(), character) ?? upperWithIota(character)
}

export function lowerCharacter(character: string): string {
  if (character === 'İ') return 'i'
  return oneOf(character.toLowerCase(), character) ?? character
}

/** The form of a letter at the start of a word: differs from upper case in a few ligatures such as `ǆ`. */
export function titleCharacter(character: string): string {
  const code = character.codePointAt(0)!
  if (code >= 0x01c4 && code <= 0x01cc)
    return String.fromCodePoint(code <= 0x01c6 ? 0x01c5 : code <= 0x01c9 ? 0x01c8 : 0x01cb)
  if (code >= 0x01f1 && code <= 0x01f3) return '\u01f2'
  // Georgian letters have capitals that no word begins with.
  if ((code >= 0x10d0 && code <= 0x10fa) || (code >= 0x10fd && code <= 0x10ff)) return character
  return upperCharacter(character)
}

function oneOf(mapped: string, character: string): string | undefined {
  if (mapped.length === character.length) return mapped
  return mapped.length <= 2 && mapped.codePointAt(0)! > 0xffff === (mapped.length === 2) ? mapped : undefined
}

/** Greek letters with a iota below have one capital each, eight code points further, which JavaScript spells out. */
function upperWithIota(character: string): string {
  const code = character.codePointAt(0)!
  if (code >= 0x1f80 && code <= 0x1faf) return String.fromCodePoint(code | 8)
  if (code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3) return String.fromCodePoint(code + 9)
  return character
}

const LETTER = /^\p{L}$/u
const DECIMAL = /^\p{Nd}$/u
const NUMBER = /^\p{N}$/u
const PUNCTUATION = /^\p{P}$/u
const UPPER = /^\p{Lu}$/u
const LOWER = /^\p{Ll}$/u
const TITLE = /^\p{Lt}$/u

export const isLetter = (character: string): boolean => LETTER.test(character)
export const isDigit = (character: string): boolean => DECIMAL.test(character)
export const isNumber = (character: string): boolean => NUMBER.test(character)
export const isPunctuation = (character: string): boolean => PUNCTUATION.test(character)
export const isUpper = (character: string): boolean => UPPER.test(character)
export const isLower = (character: string): boolean => LOWER.test(character)
export const isTitle = (character: string): boolean => TITLE.test(character)

/** White space of Go's `unicode.IsSpace`. */
export function isSpace(character: string): boolean {
  return /^[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/u.test(character)
}
