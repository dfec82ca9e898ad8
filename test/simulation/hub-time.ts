import type { Clock } from '@flotilla/core/ports/clock'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

/**
 * What agents may believe the time at the hub to be. Whoever has not heard of a step goes by the clock as it was, and
 * whoever has heard of a later time never goes back: what every one of these clocks says is what a law can hold.
 */
export class HubTime {
  readonly #clock: Clock
  #leastMs = 0
  #mostMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The hub's clock is wrong by so much, from now on. */
  stepped(offsetMs: number): void {
    this.#leastMs = Math.min(this.#leastMs, offsetMs)
    this.#mostMs = Math.max(this.#mostMs, offsetMs)
  }

  /** No agent can think that it is earlier. */
  get earliest(): EpochMs {
    return this.#clock.now() + this.#leastMs
  }

  /** No agent can think that it is later. */
  get latest(): EpochMs {
    return this.#clock.now() + this.#mostMs
  }

  /** How far apart two readings of the hub's clock may be though no time has passed. */
  get spanMs(): number {
    return this.#mostMs - this.#leastMs
  }

  /** How far agents may be ahead once the hub's clock is right again. */
  get aheadMs(): number {
    return this.#mostMs
  }
}
