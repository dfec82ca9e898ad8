import {
  cloneJson,
  isJsonObject,
  type Json,
  type JsonObject,
  type MutableJsonObject,
  setKey,
} from '@flotilla/core/json/json'
import { TemplateError } from '../failure.ts'
import { formatValue, type NumberNotation } from '../go-text.ts'
import type { Parameters } from '../inputs.ts'

/**
 * The union of two flat parameter sets, every value as text.
 *
 * @throws TemplateError when both have a key with different values.
 */
export function combineFlat(a: Parameters, b: Parameters, notation: NumberNotation): Parameters {
  const result: MutableJsonObject = {}
  for (const key of Object.keys(a)) setKey(result, key, formatValue(a[key], notation))
  for (const key of Object.keys(b)) {
    const value = formatValue(b[key], notation)
    if (Object.hasOwn(result, key) && result[key] !== value) {
      throw new TemplateError(
        'PARAMETER_CONFLICT',
        `found duplicate key ${key} with different value, a: ${String(result[key])} ,b: ${value}`,
        { hint: 'two git generators need a pathParamPrefix; other keys need a name of their own' },
      )
    }
    setKey(result, key, value)
  }
  return result
}

/**
 * `base` with everything of `over` laid over it: objects member by member, the rest whole, whatever `over` holds
 * (empty, false and null too). Shares nothing with either.
 */
export function overlay(base: JsonObject, over: JsonObject): JsonObject {
  const result: MutableJsonObject = {}
  for (const key of Object.keys(base)) setKey(result, key, cloneJson(base[key]))
  for (const key of Object.keys(over)) {
    const before: Json | undefined = Object.hasOwn(result, key) ? result[key] : undefined
    const value = over[key]
    setKey(result, key, isJsonObject(before) && isJsonObject(value) ? overlay(before, value) : cloneJson(value))
  }
  return result
}

/** {@link overlay} for looking things up: what neither side changes is shared with them. */
export function overlayShared(base: JsonObject, over: JsonObject): JsonObject {
  const result: MutableJsonObject = {}
  for (const key of Object.keys(base)) setKey(result, key, base[key])
  for (const key of Object.keys(over)) {
    const before: Json | undefined = Object.hasOwn(result, key) ? result[key] : undefined
    const value = over[key]
    setKey(result, key, isJsonObject(before) && isJsonObject(value) ? overlayShared(before, value) : value)
  }
  return result
}
