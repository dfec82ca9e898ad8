import { setTimeout as sleepFor } from 'node:timers/promises'

/**
 * The one place where this workspace touches the machine's time: real processes are waited for here, and nothing
 * below could run on a virtual clock.
 */

/** Resolves after `delayMs`. */
export async function sleep(delayMs: number): Promise<void> {
  await sleepFor(delayMs)
}

/** Milliseconds from an arbitrary start; never steps back. */
export function monotonicMs(): number {
  return performance.now()
}

/** Milliseconds since the Unix epoch: compared with the times of files only. */
export function wallClockMs(): number {
  return Date.now()
}

/** Calls `tick` every `intervalMs` until the returned function is called. Does not keep the process alive. */
export function every(intervalMs: number, tick: () => void): () => void {
  const timer = setInterval(tick, intervalMs)
  timer.unref()
  return () => clearInterval(timer)
}

/** `"4.2 s"`, for progress lines. */
export function seconds(elapsedMs: number): string {
  return `${(elapsedMs / 1000).toFixed(1)} s`
}
