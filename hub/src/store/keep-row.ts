import type { Json, JsonObject, MutableJsonObject } from '@flotilla/core/json/json'

/**
 * A row as a table in memory keeps it: as if it had been written as canonical text and read again, so members are in
 * order, `undefined` ones are absent, and whoever made the row can change nothing of what is kept. What is the same as
 * in the row `before` is that very part of it; all of it when nothing differs.
 *
 * @throws TypeError for NaN and the infinities, which no text of a row can say.
 */
export function keepRow<Row extends object>(row: Row, before: Row | undefined): Row {
  return keep(row as unknown as Json, before as unknown as Json | undefined) as unknown as Row
}

function keep(value: Json, before: Json | undefined): Json {
  if (value === before) return before
  if (typeof value === 'number') return keepNumber(value)
  if (typeof value === 'bigint') return keepInteger(value)
  if (typeof value !== 'object' || value === null) return value
  return Array.isArray(value) ? keepItems(value, before) : keepMembers(value as JsonObject, before)
}

function keepItems(items: readonly Json[], before: Json | undefined): Json {
  const earlier = Array.isArray(before) ? (before as readonly Json[]) : undefined
  const kept = items.map((item, index) => keep(item ?? null, earlier?.[index]))
  if (earlier?.length === kept.length && kept.every((item, index) => item === earlier[index])) return earlier
  return Object.freeze(kept)
}

function keepMembers(object: JsonObject, before: Json | undefined): Json {
  const earlier = isMembers(before) ? before : undefined
  const kept: MutableJsonObject = {}
  let count = 0
  let same = earlier !== undefined
  for (const key of sortedKeys(object)) {
    const member = object[key]
    if (member === undefined) continue
    const known = earlier !== undefined && Object.hasOwn(earlier, key) ? earlier[key] : undefined
    const part = keep(member, known)
    same &&= part === known
    count++
    if (key === '__proto__') Object.defineProperty(kept, key, { value: part, enumerable: true })
    else kept[key] = part
  }
  if (earlier !== undefined && same && Object.keys(earlier).length === count) return earlier
  return Object.freeze(kept)
}

function isMembers(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sortedKeys(object: JsonObject): readonly string[] {
  const keys = Object.keys(object)
  for (let index = 1; index < keys.length; index++) if (keys[index - 1]! > keys[index]!) return keys.sort()
  return keys
}

/** What a double cannot hold is read from a text as a `bigint`, and whatever it can as a number. */
function keepNumber(value: number): Json {
  if (!Number.isFinite(value)) throw new TypeError(`${value} has no JSON form`)
  if (Number.isSafeInteger(value)) return value + 0
  return /^-?\d+$/.test(String(value)) ? BigInt(value) : value
}

function keepInteger(value: bigint): Json {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
