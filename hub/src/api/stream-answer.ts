import { once } from 'node:events'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import { decodeRecord, MAX_RECORD_BYTES, type StreamRecord } from '@flotilla/core/protocol/stream-records'
import type { Response } from 'express'
import type { Upload, UploadEnd } from '../gateway/uploads.ts'

/** How a stream is written: for people, for programs, for browsers. */
export type StreamFormat = 'text' | 'ndjson' | 'sse'

export const STREAM_TYPES: Readonly<Record<StreamFormat, string>> = {
  text: 'text/plain; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
  sse: 'text/event-stream; charset=utf-8',
}

/** Rights are asked for again so often, in milliseconds. */
const RECHECK_MS = 2_000
/** Between two signs that keep a quiet stream open; proxies close at 30 s and more. */
const BEAT_MS = 15_000

export interface StreamAnswer {
  readonly upload: Upload
  readonly body: AsyncIterable<Uint8Array>
  readonly format: StreamFormat
  readonly clock: Clock
  /** Asked again and again: whether who asked may go on reading. */
  readonly mayGoOn: () => Promise<boolean>
  /** Calls whenever something that proves who somebody is was revoked: then that is asked at once. */
  readonly onRevoked?: (listener: () => void) => () => void
  readonly onEnd: (end: UploadEnd) => void
}

/**
 * Writes what an agent sends to who asked, as fast as that is taken: nothing is kept here. What is no record ends it.
 * Always ends with a word about why, unless the reader has left.
 */
export async function answerStream(answer: StreamAnswer, response: Response): Promise<void> {
  const { upload, body, format, clock, mayGoOn, onEnd } = answer
  response.status(200).set({
    'Content-Type': STREAM_TYPES[format],
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
  })
  response.flushHeaders()
  const left = (): void => upload.finish('left')
  response.once('close', left).once('error', left)
  const timers = new Set<Timer>()
  const recheck = async (): Promise<void> => {
    if (!(await mayGoOn().catch(() => false))) upload.finish('forbidden')
  }
  repeat(clock, RECHECK_MS, timers, recheck)
  const stopAsking = answer.onRevoked?.(() => void recheck())
  repeat(clock, BEAT_MS, timers, async () => {
    if (!response.writableNeedDrain && !response.writableEnded) response.write(BEATS[format])
  })
  try {
    for await (const record of recordsOf(body)) {
      if (upload.end !== undefined && upload.end !== 'complete') break
      if (record === undefined) {
        upload.finish('broken')
        break
      }
      if (!response.write(recordText(record, format))) {
        await once(response, 'drain', { signal: upload.signal }).catch(() => undefined)
        // The agent may have ended meanwhile; what it sent is still wanted.
        if (upload.end === 'complete' && response.writableNeedDrain) await drained(response)
      }
    }
    upload.finish('complete')
  } finally {
    for (const timer of timers) timer.cancel()
    stopAsking?.()
    const end = upload.end ?? 'broken'
    onEnd(end)
    response.off('close', left)
    if (end !== 'left') response.end(endText(end, format))
    // A reader who takes nothing would keep what he may not have any more.
    if (end === 'forbidden' && response.writableNeedDrain) response.destroy()
  }
}

async function drained(response: Response): Promise<void> {
  await Promise.race([once(response, 'drain'), once(response, 'close')])
}

function repeat(clock: Clock, everyMs: number, timers: Set<Timer>, work: () => Promise<void>): void {
  const arm = (): void => {
    const timer = clock.setTimer(everyMs, () => {
      timers.delete(timer)
      void work().then(arm)
    })
    timers.add(timer)
  }
  arm()
}

/** The records of a body; undefined for what is none. Lines are bounded, so that an agent cannot fill memory with one. */
export async function* recordsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<StreamRecord | undefined> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true })
    let start = 0
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', start)) {
      const line = rest.slice(start, end)
      if (line !== '') yield decodeRecord(line)
      start = end + 1
    }
    rest = rest.slice(start)
    if (rest.length > MAX_RECORD_BYTES) yield undefined
  }
  if (rest !== '') yield undefined
}

const BEATS: Readonly<Record<StreamFormat, string>> = { text: '', ndjson: '\n', sse: ':\n\n' }

export function recordText(record: StreamRecord, format: StreamFormat): string {
  switch (format) {
    case 'ndjson':
      return `${JSON.stringify(record)}\n`
    case 'sse':
      return `event: ${record.kind}\ndata: ${JSON.stringify(record)}\n\n`
    case 'text':
      return `${plainText(record)}\n`
  }
}

function plainText(record: StreamRecord): string {
  switch (record.kind) {
    case 'log':
      return `${record.pod} ${record.container} ${record.text}`
    case 'event': {
      const { lastAt = '-', type, reason, object, message } = record
      return `${lastAt} ${type} ${reason} ${object.kind}/${object.name} ${message}`
    }
    case 'child':
      return `${record.object.kind}/${record.object.name} ${record.health ?? '-'} ${record.message ?? ''}`
    case 'note':
      return `-- ${record.text}`
  }
}

/** What readers of text are told of an end that is not the whole. */
const ENDS: Readonly<Record<Exclude<UploadEnd, 'left'>, string>> = {
  complete: 'all of it was sent',
  broken: 'its agent broke off',
  expired: 'its time is over; ask again to go on',
  'too-large': 'that is all that one stream may have',
  forbidden: 'the token may not read it any more',
  stopping: 'the hub stops',
}

function endText(end: Exclude<UploadEnd, 'left'>, format: StreamFormat): string {
  const last = { kind: 'end', reason: end, text: ENDS[end] }
  if (format === 'ndjson') return `${JSON.stringify(last)}\n`
  if (format === 'sse') return `event: end\ndata: ${JSON.stringify(last)}\n\n`
  return end === 'complete' ? '' : `-- ${ENDS[end]}\n`
}
