import type { Clock, Timer } from '@flotilla/core/ports/clock'

interface Thing {
  readonly timer: Timer
  readonly end: () => void
}

/** What lasts for a while and then ends, whatever it was. */
export class Lasting {
  readonly #clock: Clock
  readonly #things = new Set<Thing>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Does something after a while; at once when everything is ended before. */
  later(ms: number, end: () => void): void {
    const thing: Thing = {
      timer: this.#clock.setTimer(ms, () => {
        this.#things.delete(thing)
        end()
      }),
      end,
    }
    this.#things.add(thing)
  }

  endAll(): void {
    for (const thing of [...this.#things]) {
      thing.timer.cancel()
      this.#things.delete(thing)
      thing.end()
    }
  }
}
