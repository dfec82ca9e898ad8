import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import { addressKey } from '../limits/address-key.ts'
import { FailureLimiter } from '../limits/failure-limiter.ts'

const WINDOW_MS = 60_000
/** Of each code; the counters have them all. */
const LOGGED_PER_MINUTE = 20

/** What was refused: counted by code, said in the log within limits, and for strangers a reason to wait. */
export class Refusals {
  readonly #log: Log
  readonly #strangers: FailureLimiter
  readonly #logged: FailureLimiter
  readonly #counts = new Map<string, number>()

  constructor(clock: Clock, log: Log, enrolmentFailuresPerMinute: number) {
    this.#log = log
    this.#strangers = new FailureLimiter(clock, enrolmentFailuresPerMinute, WINDOW_MS)
    this.#logged = new FailureLimiter(clock, LOGGED_PER_MINUTE, WINDOW_MS)
  }

  /** So far, by code. */
  get counts(): ReadonlyMap<string, number> {
    return new Map(this.#counts)
  }

  /** How long strangers from this address have to wait; 0 for not at all. */
  waitMs(remoteAddress: string): number {
    return this.#strangers.waitMs(addressKey(remoteAddress))
  }

  /** A stranger was refused. */
  stranger(remoteAddress: string): void {
    this.#strangers.failed(addressKey(remoteAddress))
  }

  count(code: string): void {
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1)
  }

  /** Counts it and says so, unless the same was said often enough in this minute. */
  note(code: string, message: string, fields: Readonly<Record<string, unknown>>): void {
    this.count(code)
    if (this.#logged.waitMs(code) > 0) return
    this.#logged.failed(code)
    this.#log.warn(message, { code, ...fields })
  }
}
