import { isJsonObject, type Json } from '@flotilla/core/json/json'

/** RFC 7396: members of the patch replace those of the target, null takes one out. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch
  const result: Record<string, Json> = Object.create(null) as Record<string, Json>
  for (const [key, value] of Object.entries(isJsonObject(target) ? target : {}))
    if (value !== undefined) result[key] = value
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue
    if (value === null) delete result[key]
    else result[key] = mergePatch(result[key], value)
  }
  return { ...result }
}
