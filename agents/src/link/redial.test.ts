import { describe, expect, test } from 'vitest'
import { redialAfterFailureMs, redialAfterStandingMs, socketRetryMs, spreadIntervalMs } from './redial.ts'

const ALMOST = 1 - Number.EPSILON

describe('an agent dials again', () => {
  test('within half a minute after a connection that stood, or within the spread that the hub named', () => {
    expect([redialAfterStandingMs(undefined, 0), redialAfterStandingMs(undefined, 0.5)]).toEqual([0, 15_000])
    expect(redialAfterStandingMs(undefined, ALMOST)).toBeLessThan(30_000)
    expect(redialAfterStandingMs(200_000, 0.5)).toBe(100_000)
    expect(redialAfterStandingMs(0, 0.9)).toBe(0)
  })

  test('ever later after failures, up to a minute, and never all at once', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 1000].map(failures => redialAfterFailureMs(failures, 0.5))).toEqual([
      1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
    ])
    expect(redialAfterFailureMs(1000, 0)).toBe(0)
  })

  test('by socket after 1, 2, 4 … 60 minutes while it polls', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7, 99].map(retries => socketRetryMs(retries) / 60_000)).toEqual([
      1, 2, 4, 8, 16, 32, 60, 60, 60,
    ])
  })

  test('and beats its heart at the interval ± 20 %', () => {
    expect([0, 0.5, ALMOST].map(fraction => Math.round(spreadIntervalMs(30_000, fraction) / 1000))).toEqual([
      24, 30, 36,
    ])
  })
})
