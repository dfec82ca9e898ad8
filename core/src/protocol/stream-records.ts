import * as v from 'valibot'
import { isJsonObject, type Json } from '../json/json.ts'
import { HEALTH_STATUSES } from '../model/status.ts'
import { parseBoundedJson } from './bounded-json.ts'
import { count, decode, shortText } from './schema.ts'

/** Of one record on the way, in bytes; a longer line of a log is cut by who reads it from the cluster. */
export const MAX_RECORD_BYTES = 64 * 1024
/** Of one line of a log, in characters. */
export const MAX_LINE_LENGTH = 16 * 1024
/** What an agent sends for one command, and what its hub takes: a little more. */
export const MAX_STREAM_BYTES = 60 * 1024 * 1024
export const MAX_UPLOAD_BYTES = 64 * 1024 * 1024
/** An agent that has nothing to say sends an empty line so often, in milliseconds. */
export const STREAM_BEAT_MS = 10_000

/** Shown text: bounded, and without anything that moves a cursor, changes colours or hides (protocol.md 7). */
export function shownText(value: string, maxLength: number): string {
  return value.slice(0, maxLength).replace(/(?!\t)[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ')
}

const line = (maxLength: number) =>
  v.pipe(
    v.string(),
    v.transform(value => shownText(value, maxLength)),
  )

const log = v.object({
  kind: v.literal('log'),
  pod: line(253),
  container: line(253),
  /** As the cluster wrote it. */
  at: v.exactOptional(line(40)),
  text: line(MAX_LINE_LENGTH),
})

const event = v.object({
  kind: v.literal('event'),
  type: line(40),
  reason: line(253),
  message: line(4096),
  object: v.object({ group: shortText, kind: line(253), namespace: line(253), name: line(253) }),
  count,
  firstAt: v.exactOptional(line(40)),
  lastAt: v.exactOptional(line(40)),
  source: v.exactOptional(line(253)),
})

const place = v.object({ group: shortText, kind: line(253), namespace: line(253), name: line(253) })

const child = v.object({
  kind: v.literal('child'),
  object: place,
  /** What made it: an object of the Application, or another child that came before. */
  owner: place,
  createdAt: v.exactOptional(line(40)),
  health: v.exactOptional(v.picklist(HEALTH_STATUSES)),
  message: v.exactOptional(line(1024)),
  /** Of Pods: containers that are ready, of how many; of what makes them: Pods. */
  ready: v.exactOptional(v.object({ ready: count, wanted: count })),
  restarts: v.exactOptional(count),
  node: v.exactOptional(line(253)),
  images: v.pipe(v.array(line(512)), v.maxLength(20)),
})

const note = v.object({ kind: v.literal('note'), text: line(4096) })

export const streamRecord = v.variant('kind', [log, event, child, note])

/** One line of what an agent streams to a person: of a log, an event, a child, or a word about the stream itself. */
export type StreamRecord = v.InferOutput<typeof streamRecord>
export type LogRecord = Extract<StreamRecord, { readonly kind: 'log' }>
export type ChildRecord = Extract<StreamRecord, { readonly kind: 'child' }>
export type EventRecord = Extract<StreamRecord, { readonly kind: 'event' }>

/** As it travels: one line of JSON. */
export function encodeRecord(value: StreamRecord): string {
  return `${JSON.stringify(value)}\n`
}

/** What an agent said, bounded and made safe to show; undefined for what is no record. Never throws. */
export function decodeRecord(text: string): StreamRecord | undefined {
  const parsed: Json | undefined = parseBoundedJson(text, MAX_RECORD_BYTES)
  if (!isJsonObject(parsed)) return undefined
  const decoded = decode(streamRecord, parsed)
  return decoded.kind === 'decoded' ? decoded.value : undefined
}

/** Why a stream ended, as the last record for who asked says. */
export type StreamEnd =
  /** All of it was sent. */
  | 'complete'
  /** The agent could not go on: its connection broke, or it sent something else. */
  | 'broken'
  /** Its time is over. */
  | 'expired'
  /** More than one stream may have. */
  | 'too-large'
  /** Who asked may not read it any more. */
  | 'forbidden'
  /** The hub stops. */
  | 'stopping'
