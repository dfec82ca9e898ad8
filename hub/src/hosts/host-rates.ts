import type { HttpReply } from './http-client.ts'

/** Longer waits than this are a mistake of the host, or somebody's joke. */
const LONGEST_WAIT_MS = 60 * 60_000
/** What a host says that refuses without a time: GitHub asks for at least a minute. */
const UNTOLD_WAIT_MS = 60_000

/**
 * When the host wants the next request at the earliest (milliseconds since 1970); undefined when any time is right.
 *
 * Read are `Retry-After` (seconds or a date), `X-RateLimit-Remaining` with `X-RateLimit-Reset` (GitHub, Gitea) and
 * `RateLimit-Remaining` with `RateLimit-Reset` (GitLab; a small number is seconds from now, as in the later standard).
 */
export function notBefore(reply: Pick<HttpReply, 'status' | 'headers'>, now: number): number | undefined {
  const { status, headers } = reply
  const asked = retryAfter(headers.get('retry-after'), now)
  const refused = status === 429 || ((status === 403 || status === 503) && asked !== undefined)
  const empty = remaining(headers) === 0
  if (!refused && !empty) return undefined
  const reset = asked ?? resetAt(headers, now)
  if (reset === undefined) return refused ? now + UNTOLD_WAIT_MS : undefined
  return Math.min(Math.max(reset, now), now + LONGEST_WAIT_MS)
}

/** Whether the reply refuses because of too many requests, rather than for want of rights. */
export function isRateLimited(reply: Pick<HttpReply, 'status' | 'headers' | 'text'>): boolean {
  const { status, headers, text } = reply
  if (status === 429) return true
  if (status !== 403 && status !== 503) return false
  if (headers.has('retry-after') || remaining(headers) === 0) return true
  return status === 403 && /rate limit|abuse detection/i.test(text.slice(0, 2000))
}

function remaining(headers: HttpReply['headers']): number | undefined {
  const text = headers.get('x-ratelimit-remaining') ?? headers.get('ratelimit-remaining')
  return text !== undefined && /^\d{1,10}$/.test(text.trim()) ? Number(text) : undefined
}

function retryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,9}(\.\d+)?$/.test(text.trim())) return now + Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : date
}

/** Numbers below this count seconds from now; above it, seconds since 1970. */
const EPOCH_SECONDS = 1_000_000_000

function resetAt(headers: HttpReply['headers'], now: number): number | undefined {
  const text = headers.get('x-ratelimit-reset') ?? headers.get('ratelimit-reset')
  if (text === undefined || !/^\d{1,11}(\.\d+)?$/.test(text.trim())) return undefined
  const seconds = Number(text)
  return seconds < EPOCH_SECONDS ? now + seconds * 1000 : seconds * 1000
}

/** Who may not ask again yet: by host and credential, because hosts count by credential. */
export class RateGates {
  readonly #until = new Map<string, number>()

  /** The instant from which requests are welcome again, while that is not reached. */
  closedUntil(key: string, now: number): number | undefined {
    const until = this.#until.get(key)
    if (until === undefined) return undefined
    if (until > now) return until
    this.#until.delete(key)
    return undefined
  }

  close(key: string, until: number): void {
    this.#until.set(key, Math.max(until, this.#until.get(key) ?? 0))
  }
}
