import type { EpochMs } from '../time/epoch-ms.ts'
import type { Clock, Timer } from './clock.ts'
import { sleepByTimer } from './sleep-by-timer.ts'

interface Pending {
  readonly at: number
  readonly order: number
  readonly callback: () => void
  cancelled: boolean
}

/** More timers than this at one instant are a loop that waits for time and never gets any. */
const MOST_AT_ONCE = 100_000

/**
 * A clock that moves when it is told to: timers run in the order of their times, then of their making, so a run with
 * the same seed is the same run. Used by tests and by the simulation of whole fleets.
 */
export class VirtualClock implements Clock {
  #monotonic = 0
  #offset: EpochMs
  #order = 0
  /** A heap: each is before both that it stands over. Cancelled ones stay until they would be next. */
  readonly #pending: Pending[] = []
  #cancelled = 0
  readonly #settle: () => Promise<void>

  /**
   * @param settle Waits until nothing is left to run at this instant; in Node `() => new Promise(setImmediate)`, after
   *   which every promise that could go on has gone on.
   */
  constructor(options: { readonly startAt: EpochMs; readonly settle: () => Promise<void> }) {
    this.#offset = options.startAt
    this.#settle = options.settle
  }

  /** Whole milliseconds, as of every machine's wall clock; `monotonicMs` has fractions. */
  now(): EpochMs {
    return Math.floor(this.#offset + this.#monotonic)
  }

  monotonicMs(): number {
    return this.#monotonic
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const pending = { at: this.#monotonic + Math.max(0, delayMs), order: this.#order++, callback, cancelled: false }
    this.#push(pending)
    return {
      cancel: () => {
        if (!pending.cancelled) this.#cancelled++
        pending.cancelled = true
      },
    }
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepByTimer(this, delayMs, signal)
  }

  /** Steps the wall clock, forward or back, without moving time: timers and `monotonicMs` do not notice. */
  step(ms: number): void {
    this.#offset += ms
  }

  /**
   * Moves time on by `ms`, running every timer that falls due, those that timers set as well.
   *
   * @throws Error when timers set timers for the same instant without end.
   */
  async advance(ms: number): Promise<void> {
    const until = this.#monotonic + ms
    await this.#settle()
    let atOnce = 0
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#shift()
      next.cancelled = true
      atOnce = next.at > this.#monotonic ? 0 : atOnce + 1
      if (atOnce > MOST_AT_ONCE) throw new Error(`time stands still: ${MOST_AT_ONCE} timers ran at one instant`)
      this.#monotonic = Math.max(this.#monotonic, next.at)
      next.callback()
      await this.#settle()
    }
    this.#monotonic = until
  }

  /**
   * Moves from timer to timer until `reached()`; false when `withinMs` passed without it, or nothing was left to wait for.
   */
  async advanceUntil(reached: () => boolean, withinMs: number): Promise<boolean> {
    const until = this.#monotonic + withinMs
    await this.#settle()
    while (!reached()) {
      const next = this.#next(until)
      if (!next) return false
      await this.advance(next.at - this.#monotonic)
    }
    return true
  }

  /** Timers that are set. */
  get pendingTimers(): number {
    return this.#pending.length - this.#cancelled
  }

  #next(until: number): Pending | undefined {
    for (;;) {
      const [first] = this.#pending
      if (!first?.cancelled) return first && first.at <= until ? first : undefined
      this.#shift()
      this.#cancelled--
    }
  }

  #push(pending: Pending): void {
    const heap = this.#pending
    let place = heap.push(pending) - 1
    while (place > 0) {
      const above = (place - 1) >> 1
      if (!isBefore(pending, heap[above]!)) break
      heap[place] = heap[above]!
      place = above
    }
    heap[place] = pending
  }

  #shift(): void {
    const heap = this.#pending
    const last = heap.pop()
    if (!last || heap.length === 0) return
    let place = 0
    for (let below = 1; below < heap.length; below = 2 * place + 1) {
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++
      if (!isBefore(heap[below]!, last)) break
      heap[place] = heap[below]!
      place = below
    }
    heap[place] = last
  }
}

function isBefore(a: Pending, b: Pending): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
