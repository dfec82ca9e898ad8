import type { Clock, Timer } from '@flotilla/core/ports/clock'

const EVERY_MS = 60_000

/** Tells all watches of a cluster that want bookmarks at the same moment, by the minute, as the API server's ticker does. */
export class Bookmarks {
  readonly #clock: Clock
  readonly #wanted = new Set<() => void>()
  #timer: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns what ends it. */
  subscribe(tell: () => void): () => void {
    this.#wanted.add(tell)
    this.#timer ??= this.#arm()
    return () => {
      this.#wanted.delete(tell)
      if (this.#wanted.size > 0) return
      this.#timer?.cancel()
      this.#timer = undefined
    }
  }

  #arm(): Timer {
    return this.#clock.setTimer(EVERY_MS, () => {
      this.#timer = this.#arm()
      for (const tell of [...this.#wanted]) tell()
    })
  }
}
