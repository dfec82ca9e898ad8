import { canonicalJson, sha256 } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import { z } from 'zod'
import { currentStamp } from '../audit/audited-store.ts'
import type { HiddenNumbers } from './hidden-numbers.ts'
import { Problem } from './problem.ts'

const cursorSchema = z.strictObject({
  /** Of the list and its filters: a cursor goes on in the list that it comes from. */
  of: z.string().length(16),
  at: z.array(z.union([z.string().max(1000), z.number()])).max(3),
})

export type CursorPosition = readonly (string | number)[]

/**
 * A position in a list as opaque text, bound to the list's name, its filters and whoever asks. It names the last row
 * that was shown, so that rows that come and go neither move it nor show a row twice.
 */
export function encodeCursor(list: Json, at: CursorPosition): string {
  return Buffer.from(JSON.stringify({ of: fingerprint(list), at })).toString('base64url')
}

/** @throws Problem `CURSOR_INVALID` for anything that {@link encodeCursor} did not make for this very list. */
export function decodeCursor(list: Json, cursor: string, shape: z.ZodType<CursorPosition>): CursorPosition {
  const invalid = new Problem('CURSOR_INVALID', {
    errors: [{ pointer: '/query/cursor', message: 'not a cursor of this list with these filters' }],
  })
  if (!/^[A-Za-z0-9_-]+$/.test(cursor)) throw invalid
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch (cause) {
    throw new Problem('CURSOR_INVALID', { errors: invalid.errors, cause })
  }
  const parsed = cursorSchema.safeParse(value)
  if (!parsed.success || parsed.data.of !== fingerprint(list)) throw invalid
  const position = shape.safeParse(parsed.data.at)
  if (!position.success) throw invalid
  return position.data
}

/** As {@link encodeCursor}, for a place in what is numbered for everybody: the number shows nowhere. */
export function encodeNumberCursor(list: Json, number: number, numbers: HiddenNumbers): string {
  return encodeCursor(list, [numbers.hide(number)])
}

/** @throws Problem `CURSOR_INVALID` for anything that {@link encodeNumberCursor} did not make for this very list. */
export function decodeNumberCursor(list: Json, cursor: string, numbers: HiddenNumbers): number {
  const [text] = decodeCursor(list, cursor, z.tuple([z.string()]))
  const number = numbers.find(String(text))
  if (number !== undefined) return number
  throw new Problem('CURSOR_INVALID', {
    errors: [{ pointer: '/query/cursor', message: 'not a cursor of this list with these filters' }],
  })
}

function fingerprint(list: Json): string {
  return sha256(canonicalJson([currentStamp()?.reader ?? null, list])).slice('sha256:'.length, 'sha256:'.length + 16)
}
