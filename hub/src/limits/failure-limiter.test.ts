import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { describe, expect, test } from 'vitest'
import { FailureLimiter } from './failure-limiter.ts'

describe('failures', () => {
  test('beyond a number within the time make an address wait for the rest of it', async () => {
    const clock = new VirtualClock({ startAt: 0, settle: async () => undefined })
    const limiter = new FailureLimiter(clock, 2, 60_000)
    limiter.failed('a')
    await clock.advance(10_000)
    limiter.failed('a')
    expect([limiter.waitMs('a'), limiter.waitMs('b')]).toEqual([50_000, 0])
    await clock.advance(50_000)
    expect(limiter.waitMs('a')).toBe(0)
  })

  test('that are counted from their beginning make a name wait, another not, and the memory has an end', () => {
    const clock = new VirtualClock({ startAt: 0, settle: async () => undefined })
    const lock = new FailureLimiter(clock, 2, 1_000)
    expect([lock.begin('a'), lock.begin('a'), lock.begin('a'), lock.begin('b')]).toEqual([0, 0, 1_000, 0])
    lock.succeeded('b')
    for (let n = 0; n < 10_000; n++) lock.begin(`other ${n}`)
    expect(lock.begin('a')).toBe(0)
  })
})
