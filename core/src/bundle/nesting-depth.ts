const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * How deep lists and maps nest in JSON bytes, read without parsing: one pass, no recursion, stopped as soon as it
 * passes `limit` (then `limit + 1` is returned). For text that is not JSON the answer means nothing, and does no harm.
 */
export function nestingDepth(json: Uint8Array, limit: number): number {
  let depth = 0
  let deepest = 0
  let inText = false
  for (let index = 0; index < json.length; index++) {
    const byte = json[index]
    if (inText) {
      if (byte === BACKSLASH) index++
      else if (byte === QUOTE) inText = false
    } else if (byte === QUOTE) {
      inText = true
    } else if (byte === 0x7b || byte === 0x5b) {
      depth++
      if (depth > deepest) deepest = depth
      if (deepest > limit) return deepest
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--
    }
  }
  return deepest
}
