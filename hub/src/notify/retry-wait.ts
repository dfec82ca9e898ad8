const FIRST_MS = 5_000
const MOST_MS = 30 * 60_000

/** After this a message is dead: whoever reads it then cannot do anything about it. */
export const GIVE_UP_MS = 24 * 60 * 60_000

/**
 * How long to wait after so many failures: twice as long each time, and never shorter than the target asked for. A
 * little chance keeps many that failed together from coming back together.
 *
 * @param fraction From 0 up to 1.
 */
export function retryWaitMs(failures: number, askedMs: number | undefined, fraction: number): number {
  const wait = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 20))
  return Math.max(askedMs ?? 0, Math.round(wait * (0.8 + 0.2 * fraction)))
}
