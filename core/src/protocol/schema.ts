import * as v from 'valibot'
import type { Digest } from '../json/canonical-json.ts'
import { isJsonObject, type JsonObject } from '../json/json.ts'
import type { DocumentNumber } from './documents.ts'

/** Pieces that the decoders of this folder share. Everything is bounded: a stranger chooses what stands in it. */

export type Decoded<T> =
  | { readonly kind: 'decoded'; readonly value: T }
  | { readonly kind: 'refused'; readonly code: 'MALFORMED'; readonly message: string }

/** Reads a value by a schema; the refusal names the first field and its rule, never the value. Never throws. */
export function decode<S extends v.GenericSchema>(schema: S, value: unknown): Decoded<v.InferOutput<S>> {
  const result = v.safeParse(schema, value, { abortEarly: true, abortPipeEarly: true })
  if (result.success) return { kind: 'decoded', value: result.output }
  const [issue] = result.issues
  const path = v.getDotPath(issue)?.slice(0, 200)
  return {
    kind: 'refused',
    code: 'MALFORMED',
    message: `${path ?? 'the message'} must be ${issue.expected ?? 'valid'}`,
  }
}

/** Ids stand alone in the lines of a digest: no white space, no surprise. */
export const id = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/, 'an id'))
export const shortText = v.pipe(v.string(), v.maxLength(253))
/** `system:serviceaccount:NAMESPACE:NAME`, each as long as Kubernetes lets it be. */
export const accountName = v.pipe(v.string(), v.maxLength(22 + 63 + 1 + 253))
export const text = v.pipe(v.string(), v.maxLength(4096))
export const base64url = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,256}$/))
export const publicKey = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/))
export const nonce = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{16,64}$/))
export const epochMs = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(8_640_000_000_000_000))
export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
export const jws = v.pipe(v.string(), v.minLength(5), v.maxLength(1024 * 1024))
export const digest = v.custom<Digest>(value => typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value))

/** Agent text: bounded, and without anything that moves a cursor or hides (protocol.md 7). */
export function agentText(maxLength: number) {
  return v.pipe(
    v.string(),
    v.transform(value => value.slice(0, maxLength).replace(/(?![\t\n])[\p{Cc}\p{Cf}]/gu, ' ')),
  )
}

/** `{epoch, n}`. */
export const documentNumber: v.GenericSchema<unknown, DocumentNumber> = v.object({ epoch: count, n: count })

/** `3.41`: how a number stands in a line or a query. */
export function parseNumberText(value: string): DocumentNumber | undefined {
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(value)
  return match ? { epoch: Number(match[1]), n: Number(match[2]) } : undefined
}

/** A JSON object whose meaning is another step's; its size and depth were bounded when it was parsed. */
export const anyObject = v.custom<JsonObject>(isJsonObject)

export function listOf<S extends v.GenericSchema>(schema: S, maxLength: number) {
  return v.pipe(v.array(schema), v.maxLength(maxLength))
}

/** A word of a fixed list; any other word is read as `strictest` (protocol.md 5.1). Not text at all is refused. */
export function wordOrStrictest<const W extends string>(words: readonly W[], strictest: W) {
  return v.pipe(
    shortText,
    v.transform((word): W => ((words as readonly string[]).includes(word) ? (word as W) : strictest)),
  )
}

/** A list of words; one unknown word makes it the list of all of them, which closes most. */
export function wordsOrAll<const W extends string>(words: readonly W[]) {
  return v.pipe(
    listOf(shortText, 32),
    v.transform((list): readonly W[] =>
      list.every(word => (words as readonly string[]).includes(word)) ? (list as W[]) : words,
    ),
  )
}

/** Labels and such: at most `maxEntries` short strings. */
export function textMap(maxEntries: number) {
  return v.pipe(v.record(shortText, text), v.maxEntries(maxEntries))
}
