import type { EpochMs } from '../time/epoch-ms.ts'

export interface Timer {
  /** After this the callback never runs. Cancelling twice does nothing. */
  cancel(): void
}

/** Time as the shells see it; simulation brings its own. */
export interface Clock {
  now(): EpochMs
  /** Milliseconds from an arbitrary start; never steps back. */
  monotonicMs(): number
  /** Runs `callback` once, not before `delayMs` have passed. Does not keep the process alive. */
  setTimer(delayMs: number, callback: () => void): Timer
  /** Resolves after `delayMs`; rejects with the signal's reason when aborted. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
}
