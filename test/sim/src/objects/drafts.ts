import { isJsonObject, type Json, type JsonObject, type MutableJsonObject } from '@flotilla/core/json/json'

/**
 * Objects being made ready to store: freshly read copies that share nothing, so that defaults may be written into
 * them in place. Nothing here may be used on a stored object.
 */
export type Draft = MutableJsonObject

/** The object below `key`, made when it is missing. */
export function childOf(parent: Draft, key: string): Draft {
  const value = parent[key]
  if (isJsonObject(value)) return value as Draft
  const made: Draft = {}
  parent[key] = made
  return made
}

/** The object below `key` if there is one. */
export function childIfAny(parent: JsonObject | undefined, key: string): Draft | undefined {
  const value = parent?.[key]
  return isJsonObject(value) ? (value as Draft) : undefined
}

export function itemsOf(parent: JsonObject | undefined, key: string): readonly Draft[] {
  const value = parent?.[key]
  return Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject).map(item => item as Draft) : []
}

export function setDefault(parent: Draft, key: string, value: Json): void {
  if (parent[key] === undefined || parent[key] === null || parent[key] === '') parent[key] = value
}

export function setDefaults(parent: Draft, values: JsonObject): void {
  for (const [key, value] of Object.entries(values)) if (value !== undefined) setDefault(parent, key, value)
}

export function textOf(parent: JsonObject | undefined, key: string): string | undefined {
  const value = parent?.[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function numberOf(parent: JsonObject | undefined, key: string): number | undefined {
  const value = parent?.[key]
  return typeof value === 'number' ? value : undefined
}

/** Reads down a path of object members. */
export function at(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let current: Json | undefined = value
  for (const key of path) {
    if (!isJsonObject(current)) return undefined
    current = Object.hasOwn(current, key) ? current[key] : undefined
  }
  return current
}

export function stringsOf(value: Json | undefined): Readonly<Record<string, string>> {
  return isJsonObject(value) ? (value as Readonly<Record<string, string>>) : {}
}
