import type { Clock, Timer } from './clock.ts'
import { sleepByTimer } from './sleep-by-timer.ts'

/** The parts of `globalThis` that tell time. */
export interface ClockGlobals {
  readonly Date: { now(): number }
  readonly performance: { now(): number }
  setTimeout(callback: () => void, delayMs: number): unknown
  clearTimeout(handle: never): void
}

/** Node's own longest delay; a longer one would fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1

/**
 * The machine's clock as a port. Only the start files of hub, agent and command call it, with `globalThis`; everyone
 * else is handed the result, which is why a whole fleet can run on a virtual clock (decision 20).
 */
export function createClock(globals: ClockGlobals): Clock {
  const setTimer = (delayMs: number, callback: () => void): Timer => {
    let handle: unknown
    const arm = (remainingMs: number): void => {
      const delay = Math.min(Math.max(0, remainingMs), LONGEST_DELAY_MS)
      handle = globals.setTimeout(() => (remainingMs > delay ? arm(remainingMs - delay) : callback()), delay)
      if (typeof handle === 'object' && handle !== null && 'unref' in handle && typeof handle.unref === 'function') {
        handle.unref()
      }
    }
    arm(delayMs)
    return { cancel: () => globals.clearTimeout(handle as never) }
  }
  return {
    now: () => globals.Date.now(),
    monotonicMs: () => globals.performance.now(),
    setTimer,
    sleep: (delayMs, signal) => sleepByTimer({ setTimer }, delayMs, signal),
  }
}
