import type { JsonObject } from '../json/json.ts'

export interface RetryPolicy {
  /** How many times after the first attempt; negative: without end. */
  readonly limit: number
  readonly firstDelayMs: number
  readonly factor: number
  readonly longestDelayMs: number
}

/** Automated syncs retry five times, as in Argo CD: 5, 10, 20, 40, 80 seconds, at most three minutes each. */
const DEFAULT: RetryPolicy = { limit: 5, firstDelayMs: 5_000, factor: 2, longestDelayMs: 180_000 }

/** Reads `syncPolicy.retry`; what cannot be read keeps the default. Bare numbers are seconds. */
export function readRetryPolicy(retry: JsonObject | undefined): RetryPolicy {
  const backoff = (retry?.['backoff'] ?? {}) as JsonObject
  return {
    limit: typeof retry?.['limit'] === 'number' ? retry['limit'] : DEFAULT.limit,
    firstDelayMs: durationMs(backoff['duration']) ?? DEFAULT.firstDelayMs,
    factor: typeof backoff['factor'] === 'number' && backoff['factor'] >= 1 ? backoff['factor'] : DEFAULT.factor,
    longestDelayMs: durationMs(backoff['maxDuration']) ?? DEFAULT.longestDelayMs,
  }
}

/**
 * How long to wait before attempt number `failures + 1`; undefined when there is none left.
 *
 * @param jitter 0 to 1: a fleet of agents must not retry in step, so each wait grows by up to a fifth.
 */
export function retryDelayMs(policy: RetryPolicy, failures: number, jitter: number): number | undefined {
  if (failures === 0) return 0
  if (policy.limit >= 0 && failures > policy.limit) return undefined
  const base = Math.min(policy.firstDelayMs * policy.factor ** (failures - 1), policy.longestDelayMs)
  return Math.round(base * (1 + 0.2 * jitter))
}

const UNITS: { readonly [unit: string]: number } = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

function durationMs(value: unknown): number | undefined {
  if (typeof value === 'number') return value >= 0 ? value * 1_000 : undefined
  if (typeof value !== 'string' || value === '') return undefined
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1_000
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(value)) return undefined
  let total = 0
  for (const [, amount, , unit] of value.matchAll(/(\d+(\.\d+)?)(ms|s|m|h)/g)) total += Number(amount) * UNITS[unit!]!
  return total
}
