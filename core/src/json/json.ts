/**
 * A JSON value as Flotilla holds it. Integers beyond 2^53 are `bigint`, so that no digit of a manifest is lost
 * between Git and the cluster; every other number is a `number`.
 */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject

/** A JSON object. `__proto__` and `constructor` are ordinary keys: make such objects with {@link jsonObject}. */
export type JsonObject = { readonly [key: string]: Json | undefined }

/** A JSON object under construction. */
export type MutableJsonObject = { [key: string]: Json | undefined }

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Sets `key` as an own, enumerable property even when it is `__proto__`, which plain assignment would treat as the
 * prototype. Use it wherever a key comes from outside.
 */
export function setKey(target: MutableJsonObject, key: string, value: Json | undefined): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  } else {
    target[key] = value
  }
}

/** Reads an own property and nothing inherited. */
export function getKey(source: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(source, key) ? source[key] : undefined
}

/** Builds an object from entries; later entries win; `__proto__` is an ordinary key. */
export function jsonObject(entries: Iterable<readonly [string, Json | undefined]>): MutableJsonObject {
  const result: MutableJsonObject = {}
  for (const [key, value] of entries) setKey(result, key, value)
  return result
}

/** A deep copy that shares nothing with its source. */
export function cloneJson<T extends Json | undefined>(value: T): T {
  if (Array.isArray(value)) return value.map(item => cloneJson(item as Json)) as unknown as T
  if (isJsonObject(value)) {
    return jsonObject(Object.keys(value).map(key => [key, cloneJson(getKey(value, key))])) as unknown as T
  }
  return value
}

/** Deep equality of JSON values: key order and absent-or-undefined do not matter; `1` and `1n` are the same number. */
export function equalJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (isNumeric(a) && isNumeric(b)) return String(a) === String(b)
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((item, index) => equalJson(item, b[index]))
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false
  let defined = 0
  for (const key of Object.keys(a)) {
    const member = a[key]
    if (member === undefined) continue
    if (!Object.hasOwn(b, key) || !equalJson(member, b[key])) return false
    defined++
  }
  for (const key of Object.keys(b)) if (b[key] !== undefined) defined--
  return defined === 0
}

function isNumeric(value: Json | undefined): value is number | bigint {
  return typeof value === 'bigint' || typeof value === 'number'
}
