import type { Timer } from '@flotilla/core/ports/clock'
import type { HostedRequest, InputAnswer } from '@flotilla/generators/inputs'
import { type BackOff, backOffMs, jitteredMs } from '../source/back-off.ts'

const SHORTEST_REFRESH_MS = 30_000
/** An answer that nobody reads is forgotten after this. */
const UNREAD_MS = 10 * 60_000
const BACK_OFF: BackOff = { firstMs: 30_000, mostMs: 15 * 60_000 }

/** An answer that is kept, and what is known of it. */
export interface HostedEntry {
  readonly request: HostedRequest
  /** How often each reader wants it to be looked at; 0 for never. */
  readonly readers: Map<string, number>
  answer: InputAnswer | undefined
  /** As text, to see whether a new one is another one. */
  print: string
  /** What the last reader was given; undefined before any was given anything. */
  served: string | undefined
  failures: number
  running: Promise<void> | undefined
  startedAt: number
  /** Something happened while it was asked: what comes back may be from before. */
  again: boolean
  timer: Timer | undefined
}

/** No answer's text is empty. */
export const PENDING = ''

/** What is at a commit, and what a head changes against its target, stays so. */
export function isSettled({ request, answer }: HostedEntry): boolean {
  if (answer === undefined || answer.kind === 'failed') return false
  if (request.kind === 'pull-request-files') return true
  return request.kind === 'scm-path' && request.repository.sha !== ''
}

/** Undefined when nothing but a webhook or a new reader leads to another look. */
export function untilNextLookMs(
  entry: HostedEntry,
  notBefore: number | undefined,
  now: number,
  fraction: number,
): number | undefined {
  if (entry.readers.size === 0) return UNREAD_MS
  const asked = [...entry.readers.values()].filter(ms => ms > 0)
  const interval = asked.length === 0 ? undefined : Math.max(SHORTEST_REFRESH_MS, Math.min(...asked))
  if (entry.failures > 0) {
    const own = backOffMs(entry.failures, fraction, BACK_OFF)
    const wait = interval === undefined ? own : Math.min(own, Math.max(interval, BACK_OFF.firstMs))
    // All who wait for one host would come back at the same instant.
    return notBefore === undefined ? wait : Math.max(wait, notBefore - now + fraction * BACK_OFF.firstMs)
  }
  if (isSettled(entry) || interval === undefined) return undefined
  return jitteredMs(interval, fraction)
}
