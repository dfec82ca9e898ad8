import type { Clock } from '@flotilla/core/ports/clock'

/** Names remembered at once; beyond that the oldest is forgotten. */
const MOST_NAMES = 10_000

/**
 * Counts failed tries by name in windows that begin with the first one, in bounded memory. A try counts from its
 * beginning on, so that a hundred at the same time are a hundred.
 */
export class LockOut {
  readonly #clock: Clock
  readonly #failures: number
  readonly #windowMs: number
  readonly #tries = new Map<string, { count: number; readonly endsAt: number }>()

  constructor(clock: Clock, failures: number, windowMs: number) {
    this.#clock = clock
    this.#failures = failures
    this.#windowMs = windowMs
  }

  /** Begins a try. @returns How long to wait instead; 0 when it may go on. */
  begin(name: string): number {
    const now = this.#clock.monotonicMs()
    const entry = this.#tries.get(name)
    if (entry !== undefined && entry.endsAt > now) {
      if (entry.count >= this.#failures) return entry.endsAt - now
      entry.count++
      return 0
    }
    this.#tries.delete(name)
    const [oldest] = this.#tries.keys()
    if (this.#tries.size >= MOST_NAMES && oldest !== undefined) this.#tries.delete(oldest)
    this.#tries.set(name, { count: 1, endsAt: now + this.#windowMs })
    return 0
  }

  /** It was no failure: those before it are forgotten as well. */
  succeeded(name: string): void {
    this.#tries.delete(name)
  }
}
