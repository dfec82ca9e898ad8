import { countArgument, define, type FunctionGroup, textArgument } from './define.ts'
import { byteLength, bytesOf, isAscii, sliceBytes, textOfBytes } from './go-bytes.ts'
import { spendText, withoutSpace } from './strings.ts'
import { isLower, isSpace, isTitle, isUpper, lowerCharacter, titleCharacter, upperCharacter } from './unicode.ts'
import { pascalCase, separatedCase } from './word-case.ts'

/** Functions of texts that look at words and at widths. */
export const WORDS: FunctionGroup = {
  nospace: overText(withoutSpace),
  initials: overText(initials),
  swapcase: overText(swapCase),
  snakecase: overText(text => separatedCase(text, '_')),
  kebabcase: overText(text => separatedCase(text, '-')),
  camelcase: overText(pascalCase),
  abbrev: define('int string', ([width, text], scope) => {
    const most = countArgument(width)
    const whole = spendText(textArgument(text), scope)
    return most < 4 ? whole : abbreviate(whole, 0, most)
  }),
  abbrevboth: define('int int string', ([left, right, text], scope) => {
    const offset = countArgument(left)
    const most = countArgument(right)
    const whole = spendText(textArgument(text), scope)
    return most < 4 || (offset > 0 && most < 7) ? whole : abbreviate(whole, offset, most)
  }),
  wrap: define('int string', ([width, text], scope) => {
    const whole = textArgument(text)
    scope.spend(2 * whole.length)
    return wrapWords(whole, countArgument(width), '\n', false)
  }),
  wrapWith: define('int string string', ([width, separator, text], scope) => {
    const whole = textArgument(text)
    const between = textArgument(separator) || '\n'
    const least = Math.max(1, countArgument(width))
    scope.spend(whole.length + Math.ceil((2 * byteLength(whole)) / least + 1) * between.length)
    return wrapWords(whole, least, between, true)
  }),
}

function overText(change: (text: string) => string) {
  return define('string', ([text], scope) => change(spendText(textArgument(text), scope)))
}

/** The first byte of each word, as a character of its own. */
function initials(text: string): string {
  let fresh = true
  let result = ''
  for (const byte of bytesOf(text)) {
    const character = String.fromCharCode(byte)
    if (isSpace(character)) fresh = true
    else if (fresh) {
      result += character
      fresh = false
    }
  }
  return result
}

function swapCase(text: string): string {
  let fresh = true
  let result = ''
  for (const character of text) {
    if (isUpper(character) || isTitle(character)) {
      result += lowerCharacter(character)
      fresh = false
    } else if (isLower(character)) {
      result += fresh ? titleCharacter(character) : upperCharacter(character)
      fresh = false
    } else {
      result += character
      fresh = isSpace(character)
    }
  }
  return result
}

/** Cuts to `most` bytes with an ellipsis at the end, and at the start for an `offset` into the text. */
function abbreviate(text: string, offset: number, most: number): string {
  const length = byteLength(text)
  if (text === '' || length <= most) return text
  let left = Math.min(offset, length)
  if (length - left < most - 3) left = length - (most - 3)
  if (left <= 4) return `${sliceBytes(text, 0, most - 3)}...`
  if (most < 7) return ''
  if (left + most - 3 < length) return `...${abbreviateRest(text, left, most - 3)}`
  return `...${sliceBytes(text, length - (most - 3), undefined)}`
}

function abbreviateRest(text: string, left: number, most: number): string {
  const rest = sliceBytes(text, left, undefined)
  return most < 4 ? '' : abbreviate(rest, 0, most)
}

const SPACE = 0x20

/** Breaks one line at spaces so that no part is wider than `width` bytes; words that are wider may be cut too. */
function wrapWords(text: string, width: number, separator: string, cutWords: boolean): string {
  const wide = Math.max(1, width)
  const bytes = bytesOf(text)
  const decode = isAscii(text)
    ? (from: number, to: number) => text.slice(from, to)
    : (from: number, to: number) => textOfBytes(bytes.subarray(from, to))
  const parts: string[] = []
  let at = 0
  while (bytes.length - at > wide) {
    if (bytes[at] === SPACE) {
      at++
      continue
    }
    const space = bytes.lastIndexOf(SPACE, wide + at)
    if (space >= at) {
      parts.push(decode(at, space))
      at = space + 1
    } else if (cutWords) {
      parts.push(decode(at, at + wide))
      at += wide
    } else {
      const next = bytes.indexOf(SPACE, at + wide)
      if (next < 0) break
      parts.push(decode(at, next))
      at = next + 1
    }
  }
  return [...parts, decode(at, bytes.length)].join(separator)
}
