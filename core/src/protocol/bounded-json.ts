import type { Json } from '../json/json.ts'
import { parseJson } from '../json/parse-json.ts'

/** Nesting that no message of ours comes near, far below what any recursion here would mind. */
export const MAX_JSON_DEPTH = 64

/**
 * Parses JSON from a stranger: undefined for text that is not JSON, longer than `maxBytes` (counted as UTF-16 units,
 * never more than the bytes), or nested deeper than {@link MAX_JSON_DEPTH}. Never throws.
 */
export function parseBoundedJson(text: string, maxBytes: number): Json | undefined {
  if (text.length > maxBytes || isTooDeep(text)) return undefined
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/** The same for bytes; invalid UTF-8 is no JSON. */
export function parseBoundedJsonBytes(bytes: Uint8Array, maxBytes: number): Json | undefined {
  if (bytes.length > maxBytes) return undefined
  try {
    return parseBoundedJson(decoder.decode(bytes), maxBytes)
  } catch {
    return undefined
  }
}

/** Few texts have as many brackets as may stand in each other; only those are looked at sign by sign. */
function isTooDeep(text: string): boolean {
  let brackets = 0
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (++brackets > MAX_JSON_DEPTH) return nestingOf(text) > MAX_JSON_DEPTH
    }
  }
  return false
}

/** The deepest nesting of brackets outside strings; for text that is not JSON, some number. */
function nestingOf(text: string): number {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (inString) {
      if (unit === 0x5c) index++
      else if (unit === 0x22) inString = false
    } else if (unit === 0x22) inString = true
    else if (unit === 0x7b || unit === 0x5b) deepest = Math.max(deepest, ++depth)
    else if (unit === 0x7d || unit === 0x5d) depth--
  }
  return deepest
}
