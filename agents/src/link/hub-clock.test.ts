import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { describe, expect, test } from 'vitest'
import { MemoryState } from '../state/memory-state.ts'
import { HubClock } from './hub-clock.ts'

const START = Date.UTC(2030, 0, 1)
const HUB = START + 5000

async function world(state = new MemoryState()) {
  const clock = new VirtualClock({ startAt: START, settle: () => Promise.resolve() })
  const hubClock = new HubClock(clock, state)
  await hubClock.load()
  const pulse = async (now: number, waitMs = 0, nonce = 'n1'): Promise<boolean> => {
    hubClock.asked(nonce)
    await clock.advance(waitMs)
    return await hubClock.heard({ typ: 'pulse', cluster: 'c', nonce, now })
  }
  return { clock, hubClock, pulse, state }
}

describe('hub time', () => {
  test('is unknown before a pulse, and then moves with the clock that never steps', async () => {
    const { clock, hubClock, pulse } = await world()
    expect(hubClock.now()).toBeUndefined()
    expect(await pulse(HUB)).toBe(true)
    await clock.advance(60_000)
    clock.step(-3_600_000)
    expect(hubClock.now()).toBe(HUB + 60_000)
    expect(hubClock.skewMs()).toBe(-3_600_000 - 5000)
  })

  test('is unknown after the machine slept, until the next pulse, and is no earlier then', async () => {
    const { clock, hubClock, pulse } = await world()
    await pulse(HUB)
    await clock.advance(30_000)
    clock.step(59_000)
    expect(hubClock.now()).toBe(HUB + 30_000)
    // Suspended for a week: the clock that never steps stood still.
    clock.step(7 * 24 * 3_600_000)
    expect(hubClock.now()).toBeUndefined()
    await pulse(HUB, 0, 'n2')
    expect(hubClock.now()).toBe(HUB + 30_000)
    await pulse(HUB + 7 * 24 * 3_600_000, 0, 'n3')
    expect(hubClock.now()).toBe(HUB + 7 * 24 * 3_600_000)
  })

  test('never goes back, whatever a later pulse says', async () => {
    const { hubClock, pulse } = await world()
    await pulse(HUB)
    await pulse(HUB - 60_000)
    expect(hubClock.now()).toBe(HUB)
  })

  test('stands still after the hub was an hour ahead, until the hub has come so far, and the difference shown is the true one', async () => {
    const { clock, hubClock, pulse } = await world()
    await pulse(HUB + 3_600_000)
    expect(hubClock.skewMs()).toBe(-3_600_000 - 5000)
    await clock.advance(60_000)
    await pulse(HUB + 60_000, 0, 'n2')
    expect(hubClock.now()).toBe(HUB + 3_660_000)
    expect(hubClock.skewMs()).toBe(-5000)
    await clock.advance(1_800_000)
    expect(hubClock.now()).toBe(HUB + 3_660_000)
    await clock.advance(1_800_000)
    expect(hubClock.now()).toBe(HUB + 3_660_000)
    await clock.advance(1_000)
    expect(hubClock.now()).toBe(HUB + 3_661_000)
  })

  test('does not believe a pulse that nobody asked for, one heard twice, or one that was long on its way', async () => {
    const { clock, hubClock, pulse } = await world()
    expect(await hubClock.heard({ typ: 'pulse', cluster: 'c', nonce: 'unasked', now: HUB })).toBe(false)
    expect(await pulse(HUB, 10_001)).toBe(false)
    expect(hubClock.now()).toBeUndefined()
    expect(await pulse(HUB, 0, 'n2')).toBe(true)
    await clock.advance(1000)
    expect(await hubClock.heard({ typ: 'pulse', cluster: 'c', nonce: 'n2', now: HUB + 999_999 })).toBe(false)
  })

  test('after a restart is unknown again, and then not below what was kept', async () => {
    const { pulse, state } = await world()
    await pulse(HUB + 1_000_000)
    const again = await world(state)
    expect(again.hubClock.now()).toBeUndefined()
    await again.pulse(HUB)
    expect(again.hubClock.now()).toBe(HUB + 1_000_000)
  })
})
