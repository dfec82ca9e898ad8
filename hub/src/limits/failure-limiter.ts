import type { Clock } from '@flotilla/core/ports/clock'

/** Names remembered at once; beyond that the oldest is forgotten. */
const MOST_NAMES = 10_000

/** Counts failures by name (an address, a person) in windows that begin with the first one, in bounded memory. */
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

  /** How long this name has to wait before it is listened to again; 0 for now. */
  waitMs(name: string): number {
    const entry = this.#failures.get(name)
    if (!entry) return 0
    const leftMs = entry.endsAt - this.#clock.monotonicMs()
    if (leftMs > 0) return entry.count >= this.#maximum ? leftMs : 0
    this.#failures.delete(name)
    return 0
  }

  failed(name: string): void {
    const now = this.#clock.monotonicMs()
    const entry = this.#failures.get(name)
    if (entry && entry.endsAt > now) {
      entry.count++
      return
    }
    this.#failures.delete(name)
    if (this.#failures.size >= MOST_NAMES) {
      const [oldest] = this.#failures.keys()
      if (oldest !== undefined) this.#failures.delete(oldest)
    }
    this.#failures.set(name, { count: 1, endsAt: now + this.#windowMs })
  }

  /**
   * Begins a try that counts as failed from its beginning on, so that a hundred at the same time are a hundred.
   *
   * @returns How long to wait instead; 0 when it may go on.
   */
  begin(name: string): number {
    const waitMs = this.waitMs(name)
    if (waitMs === 0) this.failed(name)
    return waitMs
  }

  /** It was no failure: those before it are forgotten as well. */
  succeeded(name: string): void {
    this.#failures.delete(name)
  }
}
