import type { Clock } from '@flotilla/core/ports/clock'

/** Waits between heals of one Application: 0, 2, 6, 18, 54, 162, 300, 300 … s since the end of the last one. */
const FIRST_WAIT_MS = 2_000
const FACTOR = 3
const LONGEST_WAIT_MS = 300_000
/** Somebody who comes back after a quiet hour is healed at once again. */
const QUIET_MS = 60 * 60 * 1000

interface Attempts {
  readonly count: number
  readonly endedAtMs: number
}

/** Keeps a fight with another controller slow. Of monotonic time, so a stepped clock changes nothing. */
export class SelfHealBackOff {
  readonly #clock: Clock
  readonly #attempts = new Map<string, Attempts>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds until the next heal may start; 0: now. */
  waitMs(applicationId: string): number {
    const attempts = this.#attempts.get(applicationId)
    if (!attempts) return 0
    const sinceMs = this.#clock.monotonicMs() - attempts.endedAtMs
    if (sinceMs >= QUIET_MS) {
      this.#attempts.delete(applicationId)
      return 0
    }
    return Math.max(0, healWaitMs(attempts.count) - sinceMs)
  }

  ended(applicationId: string): void {
    const count = (this.#attempts.get(applicationId)?.count ?? 0) + 1
    this.#attempts.set(applicationId, { count, endedAtMs: this.#clock.monotonicMs() })
  }

  /** A new operation, by whomever, begins a new count. */
  reset(applicationId: string): void {
    this.#attempts.delete(applicationId)
  }
}

/** @param heals How many were done already. @example healWaitMs(2) // => 6000 */
export function healWaitMs(heals: number): number {
  return heals === 0 ? 0 : Math.min(FIRST_WAIT_MS * FACTOR ** (heals - 1), LONGEST_WAIT_MS)
}
