import type { Clock } from '@flotilla/core/ports/clock'

/** Addresses remembered at once; beyond that the oldest is forgotten. */
const MAX_ADDRESSES = 10_000

/** Counts failures by address in windows of fixed length, in bounded memory. */
export class FailureLimiter {
  readonly #clock: Clock
  readonly #maximum: number
  readonly #windowMs: number
  readonly #failures = new Map<string, { count: number; readonly endsAt: number }>()

  constructor(clock: Clock, maximum: number, windowMs: number) {
    this.#clock = clock
    this.#maximum = maximum
    this.#windowMs = windowMs
  }

  /** How long this address has to wait before it is listened to again; 0 for now. */
  waitMs(address: string): number {
    const entry = this.#failures.get(address)
    if (!entry) return 0
    const leftMs = entry.endsAt - this.#clock.monotonicMs()
    if (leftMs > 0) return entry.count >= this.#maximum ? leftMs : 0
    this.#failures.delete(address)
    return 0
  }

  failed(address: string): void {
    const now = this.#clock.monotonicMs()
    const entry = this.#failures.get(address)
    if (entry && entry.endsAt > now) {
      entry.count++
      return
    }
    this.#failures.delete(address)
    if (this.#failures.size >= MAX_ADDRESSES) {
      const [oldest] = this.#failures.keys()
      if (oldest !== undefined) this.#failures.delete(oldest)
    }
    this.#failures.set(address, { count: 1, endsAt: now + this.#windowMs })
  }
}
