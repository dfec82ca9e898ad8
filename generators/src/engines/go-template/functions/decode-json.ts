import type { GoMap, GoValue } from '../go-value.ts'
import { writeMap } from './maps.ts'

/** A text that Go's `json.Unmarshal` refuses, in its words. */
export class JsonDecodeError extends Error {
  override readonly name = 'JsonDecodeError'
  /** What was read all the same: sprig's `fromJson` gives it. */
  readonly partial: GoValue

  constructor(message: string, partial: GoValue = null) {
    super(message)
    this.partial = partial
  }
}

/** JSON with all numbers as floats; of a key that is given twice the last one counts. @throws JsonDecodeError. */
export function decodeJson(text: string): GoValue {
  const reader = new JsonReader(text)
  const value = reader.document()
  if (reader.problem !== undefined) throw new JsonDecodeError(reader.problem, value)
  return value
}

const MAX_DEPTH = 1000

class JsonReader {
  readonly #text: string
  #at = 0
  /** Of a number beyond what a float holds: the rest is read. */
  problem: string | undefined

  constructor(text: string) {
    this.#text = text
  }

  document(): GoValue {
    const value = this.#value(0)
    this.#space()
    if (this.#at < this.#text.length) throw this.#unexpected('after top-level value')
    return value
  }

  #value(depth: number): GoValue {
    if (depth > MAX_DEPTH) throw new JsonDecodeError('exceeded max depth')
    this.#space()
    const character = this.#text[this.#at]
    if (character === '{') return this.#object(depth)
    if (character === '[') return this.#array(depth)
    if (character === '"') return this.#string()
    if (character === 't') return this.#word('true', true)
    if (character === 'f') return this.#word('false', false)
    if (character === 'n') return this.#word('null', null)
    if (character === '-' || isDigit(character)) return this.#number()
    throw this.#unexpected('looking for beginning of value')
  }

  #object(depth: number): GoValue {
    const result: GoMap = {}
    this.#at++
    this.#space()
    if (this.#take('}')) return result
    for (;;) {
      this.#space()
      if (this.#text[this.#at] !== '"') throw this.#unexpected('looking for beginning of object key string')
      const key = this.#string()
      this.#space()
      if (!this.#take(':')) throw this.#unexpected('after object key')
      writeMap(result, key, this.#value(depth + 1))
      this.#space()
      if (this.#take('}')) return result
      if (!this.#take(',')) throw this.#unexpected('after object key:value pair')
    }
  }

  #array(depth: number): GoValue {
    const result: GoValue[] = []
    this.#at++
    this.#space()
    if (this.#take(']')) return result
    for (;;) {
      result.push(this.#value(depth + 1))
      this.#space()
      if (this.#take(']')) return result
      if (!this.#take(',')) throw this.#unexpected('after array element')
    }
  }

  #string(): string {
    const start = this.#at
    this.#at++
    for (; ; this.#at++) {
      const character = this.#text[this.#at]
      if (character === '"') break
      if (character === '\\') this.#escape()
      else if (character === undefined || character < ' ') throw this.#unexpected('in string literal')
    }
    this.#at++
    return (JSON.parse(this.#text.slice(start, this.#at)) as string).toWellFormed()
  }

  #escape(): void {
    this.#at++
    const character = this.#text[this.#at]
    if (character === undefined || !'"\\/bfnrtu'.includes(character)) throw this.#unexpected('in string escape code')
    if (character !== 'u') return
    for (let digit = 0; digit < 4; digit++) {
      this.#at++
      if (!/^[0-9a-fA-F]$/.test(this.#text[this.#at] ?? '')) {
        throw this.#unexpected('in \\u hexadecimal character escape')
      }
    }
  }

  #word<T>(word: string, value: T): T {
    for (let index = 1; index < word.length; index++) {
      this.#at++
      if (this.#text[this.#at] !== word[index]) {
        throw this.#unexpected(`in literal ${word} (expecting '${word[index]}')`)
      }
    }
    this.#at++
    return value
  }

  #number(): GoValue {
    const start = this.#at
    this.#take('-')
    if (!this.#take('0')) this.#digits('in numeric literal')
    if (this.#take('.')) this.#digits('after decimal point in numeric literal')
    if (this.#take('e') || this.#take('E')) {
      if (!this.#take('+')) this.#take('-')
      this.#digits('in exponent of numeric literal')
    }
    const written = this.#text.slice(start, this.#at)
    const value = Number(written)
    if (Number.isFinite(value)) return value
    this.problem ??= `json: cannot unmarshal number ${written} into Go value of type float64`
    return null
  }

  #digits(context: string): void {
    if (!isDigit(this.#text[this.#at])) throw this.#unexpected(context)
    while (isDigit(this.#text[this.#at])) this.#at++
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #space(): void {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? 'x')) this.#at++
  }

  #unexpected(context: string): JsonDecodeError {
    if (this.#at >= this.#text.length) {
      // Go's reader ends with a space: where none may stand, it complains of that.
      const inside = /literal|escape/.test(context) && context !== 'in string literal'
      return new JsonDecodeError(inside ? `invalid character ' ' ${context}` : 'unexpected end of JSON input')
    }
    return new JsonDecodeError(`invalid character ${quoteByte(this.#text, this.#at)} ${context}`)
  }
}

/** Go's reader looks at bytes: it names the first one of a character beyond ASCII. */
function quoteByte(text: string, at: number): string {
  const code = text.codePointAt(at)!
  const byte = code < 0x80 ? code : new TextEncoder().encode(String.fromCodePoint(code))[0]!
  if (byte === 0x27) return `'\\''`
  if (byte === 0x22) return `'"'`
  const known = SHORT_ESCAPES.get(byte)
  if (known !== undefined) return `'${known}'`
  if (byte < 0x20 || byte === 0x7f) return `'\\x${byte.toString(16).padStart(2, '0')}'`
  if (byte >= 0x80 && byte < 0xa1) return `'\\u${byte.toString(16).padStart(4, '0')}'`
  return `'${String.fromCharCode(byte)}'`
}

const SHORT_ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x07, '\\a'],
  [0x08, '\\b'],
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0b, '\\v'],
  [0x0c, '\\f'],
  [0x0d, '\\r'],
  [0x5c, '\\\\'],
])

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9'
}
