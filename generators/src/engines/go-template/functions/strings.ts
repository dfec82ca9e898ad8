import { goTrimSpace } from '../../../go-text.ts'
import type { FunctionScope } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import { type GoMap, type GoValue, typedList, typedMap } from '../go-value.ts'
import { printValue } from '../print-value.ts'
import { quoteText } from '../printing/quote.ts'
import { textOf } from './convert.ts'
import { countArgument, define, type FunctionGroup, textArgument } from './define.ts'
import { byteLength, bytesOf, sliceBytes } from './go-bytes.ts'
import { itemsOf } from './items.ts'
import { isLetter, isSpace, lowerCharacter, lowerText, titleCharacter, upperText } from './unicode.ts'

/** Functions of texts that look at characters or parts; those about words and width are in `words.ts`. */
export const STRINGS: FunctionGroup = {
  hello: define('', () => 'Hello!'),
  trim: overText(goTrimSpace),
  upper: overText(upperText),
  lower: overText(lowerText),
  title: overText(title),
  untitle: overText(untitle),
  substr: define('int int string', ([start, end, text], scope) => {
    const from = countArgument(start)
    const to = countArgument(end)
    const whole = spendText(textArgument(text), scope)
    if (from < 0) return sliceBytes(whole, 0, to)
    return sliceBytes(whole, from, to < 0 || to > byteLength(whole) ? undefined : to)
  }),
  trunc: define('int string', ([count, text], scope) =>
    truncate(countArgument(count), spendText(textArgument(text), scope)),
  ),
  repeat: define('int string', ([count, text], scope) => repeatText(textArgument(text), countArgument(count), scope)),
  trimAll: overTexts(trimAll),
  trimall: overTexts(trimAll),
  trimSuffix: overTexts((suffix, text) => (text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text)),
  trimPrefix: overTexts((prefix, text) => (text.startsWith(prefix) ? text.slice(prefix.length) : text)),
  contains: overTexts((part, text) => text.includes(part)),
  hasPrefix: overTexts((prefix, text) => text.startsWith(prefix)),
  hasSuffix: overTexts((suffix, text) => text.endsWith(suffix)),
  replace: define('string string string', ([from, to, text], scope) =>
    replaceAll(textArgument(text), textArgument(from), textArgument(to), scope),
  ),
  plural: define('string string int', ([one, many, count]) =>
    countArgument(count) === 1 ? textArgument(one) : textArgument(many),
  ),
  quote: define(
    '',
    (args, scope) =>
      given(args)
        .map(value => quoteText(spendText(textOf(value), scope)))
        .join(' '),
    { variadic: 'any' },
  ),
  squote: define(
    '',
    (args, scope) =>
      given(args)
        .map(value => `'${spendText(printValue(value), scope)}'`)
        .join(' '),
    { variadic: 'any' },
  ),
  // White space at the ends is cut from the pattern only, so that a text keeps its own.
  cat: define(
    '',
    (args, scope) =>
      given(args)
        .map(value => spendText(printValue(value), scope))
        .join(' '),
    { variadic: 'any' },
  ),
  indent: define('int string', ([spaces, text], scope) => indent(countArgument(spaces), textArgument(text), scope)),
  nindent: define(
    'int string',
    ([spaces, text], scope) => `\n${indent(countArgument(spaces), textArgument(text), scope)}`,
  ),
  toString: define('any', ([value], scope) => spendText(textOf(value), scope)),
  toStrings: define('any', ([value], scope) => typedList('[]string', textsOf(value, scope))),
  join: define('string any', ([separator, value], scope) => {
    const texts = textsOf(value, scope)
    const between = textArgument(separator)
    scope.spend(between.length * texts.length)
    return texts.join(between)
  }),
  split: define('string string', ([separator, text], scope) =>
    numbered(splitText(textArgument(text), textArgument(separator), -1, scope)),
  ),
  splitn: define('string int string', ([separator, count, text], scope) =>
    numbered(splitText(textArgument(text), textArgument(separator), countArgument(count), scope)),
  ),
  splitList: define('string string', ([separator, text], scope) =>
    typedList('[]string', splitText(textArgument(text), textArgument(separator), -1, scope)),
  ),
  sortAlpha: define('any', ([value], scope) =>
    typedList(
      '[]string',
      itemsOf(value) === undefined ? [spendText(textOf(value), scope)] : sortTexts(textsOf(value, scope)),
    ),
  ),
}

function overText(change: (text: string) => string) {
  return define('string', ([text], scope) => change(spendText(textArgument(text), scope)))
}

function overTexts(look: (first: string, text: string) => GoValue) {
  return define('string string', ([first, text], scope) =>
    look(textArgument(first), spendText(textArgument(text), scope)),
  )
}

function given(args: readonly GoValue[]): readonly GoValue[] {
  return args.filter(value => value !== null && value !== undefined)
}

/** Counts a text as produced. */
export function spendText(text: string, scope: FunctionScope): string {
  scope.spend(text.length)
  return text
}

/** What sprig's `toStrings` makes of a value: the texts of a list without nil, or the one text. */
export function textsOf(value: GoValue, scope: FunctionScope): readonly string[] {
  const items = itemsOf(value)
  if (items === undefined) return value === null || value === undefined ? [] : [spendText(textOf(value), scope)]
  scope.spend(items.length)
  return given(items).map(item => spendText(textOf(item), scope))
}

/** By bytes, as Go sorts. */
function sortTexts(texts: readonly string[]): readonly string[] {
  return texts.every(text => /^[\0-\ud7ff]*$/.test(text))
    ? [...texts].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    : [...texts].sort((a, b) => bytesOf(a).compare(bytesOf(b)))
}

/** @throws GoFunctionError for a negative count, as Go panics. */
export function repeatText(text: string, count: number, scope: FunctionScope): string {
  if (count < 0) throw new GoFunctionError('strings: negative Repeat count')
  if (text.length * count > MAX_REPEATED) scope.spend(Number.MAX_SAFE_INTEGER)
  scope.spend(text.length * count)
  if (text.length * count > MAX_REPEATED) throw new GoFunctionError('strings: Repeat output length overflow')
  return text.repeat(count)
}

/** No limit of a template is near this; JavaScript's longest text is. */
const MAX_REPEATED = 2 ** 28

function indent(spaces: number, text: string, scope: FunctionScope): string {
  const pad = repeatText(' ', spaces, scope)
  const lines = text.split('\n')
  scope.spend(text.length + pad.length * lines.length)
  return lines.map(line => pad + line).join('\n')
}

/** Go's `strings.ReplaceAll`: an empty text stands before each character and at the end. */
function replaceAll(text: string, from: string, to: string, scope: FunctionScope): string {
  const parts = from === '' ? ['', ...text, ''] : text.split(from)
  scope.spend(text.length + to.length * parts.length)
  return parts.join(to)
}

/** Go's `strings.SplitN`; a count below 0 means all, 0 none. */
function splitText(text: string, separator: string, count: number, scope: FunctionScope): readonly string[] {
  if (count === 0) return []
  scope.spend(text.length + 1)
  const parts = separator === '' ? [...text] : text.split(separator)
  if (count < 0 || parts.length <= count) return parts
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)]
}

function numbered(parts: readonly string[]): GoMap {
  return typedMap('map[string]string', Object.fromEntries(parts.map((part, index) => [`_${index}`, part])))
}

function truncate(count: number, text: string): string {
  const length = byteLength(text)
  if (count < 0 && length + count > 0) return sliceBytes(text, length + count, undefined)
  return count >= 0 && length > count ? sliceBytes(text, 0, count) : text
}

function trimAll(cutset: string, text: string): string {
  const cut = new Set(cutset)
  const characters = [...text]
  let start = 0
  let end = characters.length
  while (start < end && cut.has(characters[start]!)) start++
  while (end > start && cut.has(characters[end - 1]!)) end--
  return characters.slice(start, end).join('')
}

function title(text: string): string {
  let previous = ' '
  let result = ''
  for (const character of text) {
    result += isSeparator(previous) ? titleCharacter(character) : character
    previous = character
  }
  return result
}

/** What Go's `strings.Title` takes for the space between words. */
function isSeparator(character: string): boolean {
  if (character.charCodeAt(0) < 0x80) return !/\w/.test(character)
  return !isLetter(character) && !/^\p{Nd}$/u.test(character) && isSpace(character)
}

function untitle(text: string): string {
  let fresh = true
  let result = ''
  for (const character of text) {
    const space = isSpace(character)
    result += fresh && !space ? lowerCharacter(character) : character
    fresh = space
  }
  return result
}

/** A text without its white space, byte by byte as sprig goes through it. */
export function withoutSpace(text: string): string {
  const kept = Array.from(bytesOf(text), byte => String.fromCharCode(byte)).filter(character => !isSpace(character))
  // Bytes come back as characters of their own, except where nothing was cut.
  return kept.length === byteLength(text) ? text : kept.join('')
}
