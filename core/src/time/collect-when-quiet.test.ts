import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../ports/virtual-clock.ts'
import { collectWhenQuiet } from './collect-when-quiet.ts'

describe('collectWhenQuiet', () => {
  it('collects once after work, when it is over', async () => {
    const { clock, work, collections, end } = bench()
    work(2_000)
    await clock.advance(5_000)
    expect(collections()).toBe(0)
    await clock.advance(5_000)
    expect(collections()).toBe(1)
    await clock.advance(60_000)
    expect(collections()).toBe(1)
    work(2_000)
    await clock.advance(10_000)
    expect(collections()).toBe(2)
    end()
  })

  it('never collects while there is work, and seldom for the little that idling takes', async () => {
    const { clock, work, collections, end } = bench()
    for (let looks = 0; looks < 10; looks++) {
      work(150)
      await clock.advance(5_000)
    }
    expect(collections()).toBe(0)
    end()
    const idle = bench()
    for (let looks = 0; looks < 20; looks++) {
      idle.work(10)
      await idle.clock.advance(5_000)
    }
    expect(idle.collections()).toBe(0)
    idle.end()
  })

  it('ends', async () => {
    const { clock, work, collections, end } = bench()
    work(2_000)
    end()
    await clock.advance(60_000)
    expect(collections()).toBe(0)
  })
})

function bench() {
  const clock = new VirtualClock({ startAt: 0, settle: () => new Promise(setImmediate) })
  let used = 0
  let count = 0
  const collect = () => {
    count++
    used += 40
  }
  const end = collectWhenQuiet({ clock, usedMs: () => used, workMs: 300, quietMs: 100, collect })
  const work = (ms: number) => {
    used += ms
  }
  return { clock, work, collections: () => count, end }
}
