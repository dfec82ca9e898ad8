import type { Clock, Timer } from '@flotilla/core/ports/clock'
import { sleepByTimer } from '@flotilla/core/ports/sleep-by-timer'

interface Waiting {
  readonly dueMs: number
  readonly callback: () => void
  timer: Timer
}

/**
 * The wall's clock, and ahead of it by all that was skipped: an hour passes when a test says so, on a cluster whose own
 * time nobody can hurry. What was due meanwhile comes at once, in its order, and each thing sees the time as it is then.
 */
export class SkippingClock implements Clock {
  readonly #wall: Clock
  readonly #waiting = new Set<Waiting>()
  #skippedMs = 0

  constructor(wall: Clock) {
    this.#wall = wall
  }

  skip(ms: number): void {
    this.#skippedMs += ms
    for (const waiting of [...this.#waiting].sort((a, b) => a.dueMs - b.dueMs)) {
      waiting.timer.cancel()
      this.#arm(waiting)
    }
  }

  now(): number {
    return this.#wall.now() + this.#skippedMs
  }

  monotonicMs(): number {
    return this.#wall.monotonicMs() + this.#skippedMs
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const waiting: Waiting = { dueMs: this.monotonicMs() + delayMs, callback, timer: { cancel: () => {} } }
    this.#waiting.add(waiting)
    this.#arm(waiting)
    return {
      cancel: () => {
        this.#waiting.delete(waiting)
        waiting.timer.cancel()
      },
    }
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepByTimer(this, delayMs, signal)
  }

  #arm(waiting: Waiting): void {
    waiting.timer = this.#wall.setTimer(Math.max(0, waiting.dueMs - this.monotonicMs()), () => {
      if (this.#waiting.delete(waiting)) waiting.callback()
    })
  }
}
