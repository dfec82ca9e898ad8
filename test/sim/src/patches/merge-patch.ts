import { cloneJson, isJsonObject, type Json, type MutableJsonObject, setKey } from '@flotilla/core/json/json'

/** RFC 7386: objects merge, null removes, everything else replaces. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return cloneJson(patch)
  const result: MutableJsonObject = {}
  if (isJsonObject(target)) {
    for (const [key, value] of Object.entries(target)) if (value !== undefined) setKey(result, key, value)
  }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || value === undefined) delete result[key]
    else setKey(result, key, mergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value))
  }
  return result
}
