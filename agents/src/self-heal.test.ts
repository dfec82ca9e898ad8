import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { describe, expect, it } from 'vitest'
import { healWaitMs, SelfHealBackOff } from './self-heal.ts'

describe('healWaitMs', () => {
  it('is 0, 2, 6, 18, 54, 162, 300, 300 … seconds', () => {
    const waits = Array.from({ length: 8 }, (_, heals) => healWaitMs(heals) / 1000)
    expect(waits).toEqual([0, 2, 6, 18, 54, 162, 300, 300])
  })
})

describe('SelfHealBackOff', () => {
  it('counts from the end of the last heal, per Application, until a reset or a quiet hour', async () => {
    const clock = new VirtualClock({ startAt: 0, settle: async () => {} })
    const healing = new SelfHealBackOff(clock)
    expect(healing.waitMs('a')).toBe(0)
    healing.ended('a')
    healing.ended('a')
    expect(healing.waitMs('a')).toBe(6_000)
    await clock.advance(4_000)
    expect(healing.waitMs('a')).toBe(2_000)
    expect(healing.waitMs('b')).toBe(0)
    healing.reset('a')
    expect(healing.waitMs('a')).toBe(0)
    for (let heal = 0; heal < 9; heal++) healing.ended('a')
    await clock.advance(60 * 60_000)
    healing.ended('b')
    expect(healing.waitMs('a')).toBe(0)
    healing.ended('a')
    expect(healing.waitMs('a')).toBe(2_000)
  })
})
