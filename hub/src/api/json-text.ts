import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'

/** A body as JSON. Integers beyond 2^53 are bigints here; only then the slower writer is needed. */
export function jsonText(body: unknown): string {
  try {
    return JSON.stringify(body)
  } catch (error) {
    if (error instanceof TypeError) return canonicalJson(body as Json)
    throw error
  }
}
