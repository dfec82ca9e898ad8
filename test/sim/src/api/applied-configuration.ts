import { type Json, type JsonObject, type MutableJsonObject, setKey } from '@flotilla/core/json/json'

/** An expression that says more than values which are written out. */
export class NotLiteral extends Error {}

/** Names with their dots, strings in either quotes, numbers, and single signs. */
const TOKEN = /\s*(?:([A-Za-z_][\w.]*)|("(?:[^"\\]|\\.)*")|('(?:[^'\\]|\\.)*')|(-?\d+(?:\.\d+)?)|([{}[\],:]))/y

/**
 * Reads the expression of an ApplyConfiguration that is written out as values: `Object{spec: Object.spec{…}}`, maps with
 * quoted keys, lists, strings, numbers, true and false.
 *
 * @throws NotLiteral where anything is to be computed.
 */
export function readConfiguration(expression: string): JsonObject {
  const reader = new Reader(expression)
  const value = reader.value()
  reader.end()
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new NotLiteral('it is no object')
  return value as JsonObject
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(): Json {
    const token = this.#next()
    if (token === '[') return this.#list()
    if (token === '{') return this.#members(true)
    if (/^["']/.test(token)) return unquoted(token)
    if (/^[-\d]/.test(token)) return Number(token)
    if (token === 'true' || token === 'false') return token === 'true'
    if (!/^Object(\.\w+)*$/.test(token) || this.#next() !== '{') throw this.#refusal(token)
    return this.#members(false)
  }

  end(): void {
    if (this.#text.slice(this.#at).trim() !== '') throw this.#refusal(this.#text.slice(this.#at))
  }

  #list(): Json {
    const items: Json[] = []
    while (this.#peek() !== ']') {
      items.push(this.value())
      if (this.#peek() !== ',') break
      this.#next()
    }
    this.#expect(']')
    return items
  }

  /** @param quoted A map's keys are values; those of an object are the names of its fields. */
  #members(quoted: boolean): Json {
    const members: MutableJsonObject = {}
    while (this.#peek() !== '}') {
      const key = this.#next()
      if (/^["']/.test(key) !== quoted) throw this.#refusal(key)
      this.#expect(':')
      setKey(members, quoted ? unquoted(key) : key, this.value())
      if (this.#peek() !== ',') break
      this.#next()
    }
    this.#expect('}')
    return members
  }

  #expect(sign: string): void {
    const token = this.#next()
    if (token !== sign) throw this.#refusal(token)
  }

  #peek(): string {
    const before = this.#at
    const token = this.#next()
    this.#at = before
    return token
  }

  #next(): string {
    TOKEN.lastIndex = this.#at
    const found = TOKEN.exec(this.#text)
    if (!found) throw this.#refusal(this.#text.slice(this.#at))
    this.#at = TOKEN.lastIndex
    return found[0].trim()
  }

  #refusal(at: string): NotLiteral {
    return new NotLiteral(`only values that are written out, not: ${at.trim().slice(0, 60)}`)
  }
}

function unquoted(token: string): string {
  const inside = token.slice(1, -1)
  return token.startsWith('"') ? (JSON.parse(token) as string) : inside.replace(/\\(.)/g, '$1')
}
