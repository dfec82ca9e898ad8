/** When to dial again (protocol.md 8), as numbers; the chance comes in as `fraction`, uniform in [0, 1). */

const AFTER_STANDING_MS = 30_000
const LONGEST_MS = 60_000
const FIRST_STEP_MS = 1000
const MINUTE_MS = 60_000

/** Sockets that fail so often in a row, while requests get through, are not tried for a while. */
export const FAILED_SOCKETS_BEFORE_POLLING = 3

/** After a connection that stood: within 30 s, or within the spread that the hub named when it stopped. */
export function redialAfterStandingMs(spreadMs: number | undefined, fraction: number): number {
  return Math.floor(fraction * (spreadMs ?? AFTER_STANDING_MS))
}

/** After `failures` attempts in a row that came to nothing: full jitter, up to a minute. */
export function redialAfterFailureMs(failures: number, fraction: number): number {
  return Math.floor(fraction * Math.min(LONGEST_MS, FIRST_STEP_MS * 2 ** Math.min(failures, 16)))
}

/** While polling, the socket is tried again after 1, 2, 4 … 60 minutes. */
export function socketRetryMs(retries: number): number {
  return Math.min(60, 2 ** Math.min(retries, 16)) * MINUTE_MS
}

/** An interval ± 20 %, so that agents that began together do not stay together. */
export function spreadIntervalMs(intervalMs: number, fraction: number): number {
  return Math.floor(intervalMs * (0.8 + 0.4 * fraction))
}
