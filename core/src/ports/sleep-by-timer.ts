import type { Clock } from './clock.ts'

/** A clock's `sleep`, out of its timers. Rejects with the signal's reason as soon as that is given up. */
export function sleepByTimer(
  clock: Pick<Clock, 'setTimer'>,
  delayMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
