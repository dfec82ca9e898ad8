import {
  getKey,
  isJsonObject,
  type Json,
  type JsonObject,
  type MutableJsonObject,
  setKey,
} from '@flotilla/core/json/json'
import { Optional } from '@marcbachmann/cel-js'
import { EXPRESSION_LIMITS } from './limits.ts'

/**
 * JSON as the expression language computes with it: whole numbers are integers (`bigint`), others are doubles, and
 * objects are maps, so that no key is special.
 */
export type CelValue = null | boolean | number | bigint | string | readonly CelValue[] | ReadonlyMap<string, CelValue>

const converted = new WeakMap<object, CelValue>()

/** The value for an expression; an object is converted once, since parameters never change. */
export function toCel(value: Json): CelValue {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (typeof value !== 'object' || value === null) return value
  const known = converted.get(value)
  if (known !== undefined) return known
  const result = Array.isArray(value) ? value.map(item => toCel(item as Json)) : mapOf(value as JsonObject)
  converted.set(value, result)
  return result
}

function mapOf(value: JsonObject): ReadonlyMap<string, CelValue> {
  const result = new Map<string, CelValue>()
  for (const key of Object.keys(value)) {
    const member = getKey(value, key)
    if (member !== undefined) result.set(key, toCel(member))
  }
  return result
}

/**
 * The result as JSON; undefined for an optional that holds nothing. Integers keep every digit.
 *
 * @throws Error for what JSON cannot say (NaN, bytes, types, keys that are no texts) and for what is too large.
 */
export function fromCel(value: unknown): Json | undefined {
  let items = EXPRESSION_LIMITS.items
  let characters = EXPRESSION_LIMITS.text
  const spend = (text: string): string => {
    characters -= text.length
    if (characters < 0) throw new Error(`the result has more than ${EXPRESSION_LIMITS.text} characters`)
    return text
  }
  const convert = (part: unknown, depth: number): Json | undefined => {
    if (--items < 0) throw new Error(`the result has more than ${EXPRESSION_LIMITS.items} values`)
    if (depth > 100) throw new Error('the result has more than 100 levels of lists and maps')
    if (part === null || typeof part === 'boolean') return part
    if (typeof part === 'string') return spend(part)
    if (typeof part === 'bigint') return integer(part)
    if (typeof part === 'number') {
      if (Number.isFinite(part)) return part
      throw new Error(`the result is ${part}, which is no JSON number`)
    }
    if (part instanceof Optional) return part.hasValue() ? convert(part.value(), depth) : undefined
    if (Array.isArray(part)) return part.map(item => convert(item, depth + 1) ?? null)
    if (part instanceof Map) {
      const result: MutableJsonObject = {}
      for (const [key, member] of part) {
        if (typeof key !== 'string') throw new Error(`a key of a map must be a text here, not ${String(key)}`)
        const json = convert(member, depth + 1)
        if (json !== undefined) setKey(result, spend(key), json)
      }
      return result
    }
    throw new Error('the result is no JSON value: it must be a text, number, boolean, null, list or map')
  }
  return convert(value, 0)
}

function integer(value: bigint): Json {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

const weights = new WeakMap<object, number>()

/** How much work comparing the value takes: one for each value in it, and more for long texts. */
export function weightOf(value: unknown): number {
  if (typeof value === 'string') return 1 + value.length / 16
  if (typeof value !== 'object' || value === null) return 1
  const known = weights.get(value)
  if (known !== undefined) return known
  let weight = 1
  if (Array.isArray(value)) for (const item of value) weight += weightOf(item)
  else if (value instanceof Map) for (const [key, item] of value) weight += weightOf(key) + weightOf(item)
  weights.set(value, weight)
  return weight
}

/** What an expression sees as its variables: each parameter by its name, and all of them as `params`. */
export class ScopeVariables extends Map<string, CelValue> {
  readonly #scope: JsonObject

  constructor(scope: JsonObject) {
    super()
    this.#scope = scope
  }

  override get(variable: string): CelValue | undefined {
    const name = parameterName(variable)
    const value = getKey(this.#scope, name)
    if (value !== undefined) return toCel(value)
    return name === ALL_PARAMETERS && isJsonObject(this.#scope) ? toCel(this.#scope) : undefined
  }
}

/**
 * Put in front of a parameter's name that the language would take for something else; nobody can write it, and
 * {@link parameterName} takes it off.
 */
export const PARAMETER_MARK = ' '

export function parameterName(variable: string): string {
  return variable.startsWith(PARAMETER_MARK) ? variable.slice(PARAMETER_MARK.length) : variable
}

/** The variable that holds every parameter, for names that are no identifiers: `params["path[0]"]`. */
export const ALL_PARAMETERS = 'params'
