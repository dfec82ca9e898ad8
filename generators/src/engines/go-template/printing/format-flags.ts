/** Flags, width and precision of one verb, such as `-08.3` of `%-08.3f`. */
export interface FormatFlags {
  readonly sharp: boolean
  readonly zero: boolean
  readonly plus: boolean
  readonly minus: boolean
  readonly space: boolean
  /** `%#v`: as Go source. */
  readonly source: boolean
  /** 0 when there is none. */
  readonly width: number
  readonly precision: number | undefined
}

export const NO_FLAGS: FormatFlags = {
  sharp: false,
  zero: false,
  plus: false,
  minus: false,
  space: false,
  source: false,
  width: 0,
  precision: undefined,
}

/** Fills up to the width, which counts code points; zeros only ever stand on the left. */
export function pad(text: string, flags: FormatFlags): string {
  if (flags.width === 0) return text
  const missing = flags.width - countCodePoints(text)
  if (missing <= 0) return text
  return flags.minus ? text + ' '.repeat(missing) : (flags.zero ? '0' : ' ').repeat(missing) + text
}

/** The same with spaces, whatever the flags say. */
export function padWithSpaces(text: string, flags: FormatFlags): string {
  return pad(text, flags.zero ? { ...flags, zero: false } : flags)
}

export function countCodePoints(text: string): number {
  let count = text.length
  for (let at = 0; at < text.length - 1; at++) {
    const code = text.charCodeAt(at)
    if (code < 0xd800 || code > 0xdbff) continue
    const next = text.charCodeAt(at + 1)
    if (next < 0xdc00 || next > 0xdfff) continue
    count--
    at++
  }
  return count
}
