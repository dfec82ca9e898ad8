export interface BackOff {
  readonly firstMs: number
  readonly mostMs: number
}

export const FETCH_BACK_OFF: BackOff = { firstMs: 5_000, mostMs: 10 * 60_000 }

/**
 * How long to wait after `failures` failures in a row: doubling, bounded, and spread over the upper half of the wait,
 * so that hubs and repositories that failed together do not come back together.
 *
 * @param fraction Chance, in [0, 1).
 */
export function backOffMs(failures: number, fraction: number, { firstMs, mostMs }: BackOff): number {
  const whole = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30))
  return Math.round(whole * (0.5 + fraction / 2))
}

/** An interval lengthened or shortened by at most a tenth. */
export function jitteredMs(intervalMs: number, fraction: number): number {
  return Math.round(intervalMs * (0.9 + fraction / 5))
}
