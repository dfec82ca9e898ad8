import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import type { Caller } from './tokens.ts'

const TEXTS = new WeakMap<Caller, string>()

/** Whose answers, cursors, tags and keys these are, as text: nobody else's are taken. */
export function readerOf(caller: Caller): string {
  const known = TEXTS.get(caller)
  if (known !== undefined) return known
  const text = canonicalJson([caller.name, caller.principal as unknown as Json])
  TEXTS.set(caller, text)
  return text
}
