import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import type { Caller } from './tokens.ts'

/** Whose answers, cursors, tags and keys these are, as text: nobody else's are taken. */
export function readerOf({ principal, name }: Caller): string {
  return canonicalJson([name, principal as unknown as Json])
}
