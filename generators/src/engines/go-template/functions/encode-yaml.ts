import { Buffer } from 'node:buffer'
import { formatNumber } from '../../../go-text.ts'
import type { FunctionScope } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import { type GoMap, type GoValue, isGoList, isGoMap } from '../go-value.ts'
import { decodeJson } from './decode-json.ts'
import { checkNesting } from './deep-equal.ts'
import { encodeJson, JsonEncodeError } from './encode-json.ts'
import { readMap } from './maps.ts'
import { isDigit, isLetter } from './unicode.ts'
import { analyzeScalar, isYamlPrintable, needsQuotes } from './yaml-scalar.ts'

/**
 * YAML as Argo CD's `toYaml` writes it: by way of JSON, keys in the order of people (`a2` before `a10`), lists not
 * indented under their key, long texts folded.
 *
 * @throws GoFunctionError for NaN and infinities.
 */
export function encodeYaml(value: GoValue, scope: FunctionScope): string {
  const writer = new YamlWriter(scope)
  writer.node(throughJson(value, scope), 'root')
  return writer.text()
}

/** Times, bytes and structures become what JSON has. */
function throughJson(value: GoValue, scope: FunctionScope): GoValue {
  try {
    return decodeJson(encodeJson(value, { html: false }, scope))
  } catch (error) {
    if (!(error instanceof JsonEncodeError)) throw error
    throw new GoFunctionError(`error marshaling into JSON: ${error.message}`)
  }
}

type Place = 'root' | 'value' | 'complex' | 'item' | 'key'

const STEP = 2
const WIDTH = 80
const LONGEST_SIMPLE_KEY = 128

/** Writes with the state of libyaml's emitter: where the line is, and whether only indentation stands on it. */
class YamlWriter {
  readonly #scope: FunctionScope
  #parts: string[] = []
  #column = 0
  #indent = -1
  #whitespace = true
  #indention = true

  constructor(scope: FunctionScope) {
    this.#scope = scope
  }

  text(): string {
    if (this.#column > 0) this.#put('\n')
    return this.#parts.join('')
  }

  node(value: GoValue, place: Place, depth = 0): void {
    checkNesting(depth)
    if (isGoList(value)) this.#list(value, place, depth)
    else if (isGoMap(value)) this.#map(value, depth)
    else this.#scalar(value, place)
  }

  #list(items: readonly GoValue[], place: Place, depth: number): void {
    if (items.length === 0) {
      this.#empty('[]')
      return
    }
    const before = this.#indent
    // Under a key a list starts where the key does.
    if (place !== 'value') this.#deepen()
    for (const item of items) {
      this.#newLine()
      this.#indicator('-', true, true)
      this.node(item, 'item', depth + 1)
    }
    this.#indent = before
  }

  #map(map: GoMap, depth: number): void {
    const keys = Object.keys(map).sort(compareKeys)
    this.#scope.spend(keys.length)
    if (keys.length === 0) {
      this.#empty('{}')
      return
    }
    const before = this.#indent
    this.#deepen()
    for (const key of keys) {
      this.#newLine()
      const simple = !analyzeScalar(key).multiline && Buffer.byteLength(key) <= LONGEST_SIMPLE_KEY
      if (simple) {
        this.#scalar(key, 'key')
        this.#indicator(':', false, false)
      } else {
        this.#indicator('?', true, true)
        this.#scalar(key, 'complex')
        this.#newLine()
        this.#indicator(':', true, true)
      }
      this.node(readMap(map, key), simple ? 'value' : 'complex', depth + 1)
    }
    this.#indent = before
  }

  #empty(brackets: '[]' | '{}'): void {
    this.#indicator(brackets, true, false)
  }

  #scalar(value: GoValue, place: Place): void {
    const before = this.#indent
    this.#indent = before < 0 ? STEP : before + STEP
    if (typeof value === 'string') this.#string(value, place === 'key')
    else this.#plain(value === null ? 'null' : typeof value === 'number' ? numberText(value) : String(value), true)
    this.#indent = before
  }

  #string(text: string, key: boolean): void {
    const looks = analyzeScalar(text)
    const plain = !text.includes('\n') && !needsQuotes(text)
    if (text.includes('\n') && looks.block && !key) this.#literal(text)
    else if (plain && looks.plain && !(text === '' && key)) this.#plain(text, !key)
    else if (plain && looks.singleQuoted && !looks.multiline) this.#singleQuoted(text, !key)
    else this.#doubleQuoted(text, !key)
  }

  #plain(text: string, folds: boolean): void {
    if (!this.#whitespace) this.#put(' ')
    this.#words(text, folds, character => character)
    this.#whitespace = false
    this.#indention = false
  }

  #singleQuoted(text: string, folds: boolean): void {
    this.#indicator("'", true, false)
    this.#words(text, folds, character => (character === "'" ? "''" : character))
    this.#indicator("'", false, false)
  }

  /** A space between two words becomes a line end once the line is full. */
  #words(text: string, folds: boolean, written: (character: string) => string): void {
    const characters = [...text]
    let spaces = false
    for (const [index, character] of characters.entries()) {
      const space = character === ' '
      const inside = index > 0 && index < characters.length - 1
      if (space && folds && !spaces && inside && this.#column > WIDTH && characters[index + 1] !== ' ') this.#newLine()
      else this.#put(written(character))
      if (!space) this.#indention = false
      spaces = space
    }
  }

  #doubleQuoted(text: string, folds: boolean): void {
    this.#indicator('"', true, false)
    const characters = [...text]
    let spaces = false
    for (const [index, character] of characters.entries()) {
      const space = character === ' '
      const inside = index > 0 && index < characters.length - 1
      if (space && folds && !spaces && inside && this.#column > WIDTH) {
        this.#newLine()
        if (characters[index + 1] === ' ') this.#put('\\')
      } else this.#put(doubleQuotedCharacter(character))
      spaces = space
    }
    this.#indicator('"', false, false)
  }

  #literal(text: string): void {
    const indentHint = /^[ \n]/.test(text) ? String(STEP) : ''
    const chompHint = !text.endsWith('\n') ? '-' : text === '\n' || text.endsWith('\n\n') ? '+' : ''
    this.#indicator(`|${indentHint}${chompHint}`, true, false)
    this.#put('\n')
    this.#indention = true
    this.#whitespace = true
    let fresh = true
    for (const character of text) {
      if (character === '\n') {
        this.#put('\n')
        this.#indention = true
        fresh = true
        continue
      }
      if (fresh) this.#newLine()
      this.#put(character)
      this.#indention = false
      fresh = false
    }
  }

  #deepen(): void {
    this.#indent = this.#indent < 0 ? 0 : this.#indent + STEP
  }

  /** To the start of a line at the indentation, unless the place is already there. */
  #newLine(): void {
    const indent = Math.max(0, this.#indent)
    if (!this.#indention || this.#column > indent || (this.#column === indent && !this.#whitespace)) this.#put('\n')
    if (this.#column < indent) this.#put(' '.repeat(indent - this.#column))
    this.#whitespace = true
    this.#indention = true
  }

  #indicator(text: string, spaceBefore: boolean, keepsIndention: boolean): void {
    if (spaceBefore && !this.#whitespace) this.#put(' ')
    this.#put(text)
    this.#whitespace = false
    this.#indention = this.#indention && keepsIndention
  }

  #put(text: string): void {
    this.#scope.spend(text.length)
    this.#parts.push(text)
    this.#column = text === '\n' ? 0 : this.#column + [...text].length
  }
}

/** An integer that fits 64 bits is one; other numbers look as Go prints them. */
function numberText(value: number): string {
  if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 64) return BigInt(value).toString()
  return formatNumber(value, 'go')
}

const NAMED_ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x00, '0'],
  [0x07, 'a'],
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0b, 'v'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [0x1b, 'e'],
  [0x22, '"'],
  [0x5c, '\\'],
  [0x85, 'N'],
  [0x2028, 'L'],
  [0x2029, 'P'],
])

function doubleQuotedCharacter(character: string): string {
  const code = character.codePointAt(0)!
  const named = NAMED_ESCAPES.get(code)
  if (named !== undefined) return `\\${named}`
  if (isYamlPrintable(code)) return character
  const [letter, length] = code <= 0xff ? ['x', 2] : code <= 0xffff ? ['u', 4] : ['U', 8]
  return `\\${letter}${code.toString(16).toUpperCase().padStart(Number(length), '0')}`
}

/** Numbers inside keys by their value, letters after everything else. */
function compareKeys(a: string, b: string): number {
  const left = [...a]
  const right = [...b]
  for (let at = 0; at < left.length && at < right.length; at++) {
    const x = left[at]!
    const y = right[at]!
    if (x !== y) return compareFrom(left, right, at)
  }
  return left.length - right.length
}

function compareFrom(left: readonly string[], right: readonly string[], at: number): number {
  const x = left[at]!
  const y = right[at]!
  if (isLetter(x) && isLetter(y)) return x.codePointAt(0)! - y.codePointAt(0)!
  if (isLetter(x) || isLetter(y)) return isLetter(y) ? -1 : 1
  // Zeros inside a number that has begun count.
  const begun = (x === '0' || y === '0') && hasBegunNumber(left, at)
  const first = numberFrom(left, at, begun)
  const second = numberFrom(right, at, begun)
  if (first.value !== second.value) return first.value < second.value ? -1 : 1
  if (first.end !== second.end) return first.end - second.end
  return x.codePointAt(0)! - y.codePointAt(0)!
}

function hasBegunNumber(characters: readonly string[], at: number): boolean {
  for (let index = at - 1; index >= 0 && isDigit(characters[index]!); index--)
    if (characters[index] !== '0') return true
  return false
}

function numberFrom(
  characters: readonly string[],
  at: number,
  begun: boolean,
): { readonly value: bigint; readonly end: number } {
  let value = begun ? 1n : 0n
  let end = at
  for (; end < characters.length && isDigit(characters[end]!); end++) {
    value = BigInt.asIntN(64, value * 10n + BigInt(characters[end]!.codePointAt(0)! - 0x30))
  }
  return { value, end }
}
