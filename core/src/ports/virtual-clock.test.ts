import { describe, expect, it } from 'vitest'
import { VirtualClock } from './virtual-clock.ts'

const settle = () => new Promise<void>(resolve => setImmediate(resolve))

describe('VirtualClock', () => {
  it('runs timers by time, then in the order they were made', async () => {
    const clock = new VirtualClock({ startAt: 1_000, settle })
    const ran: string[] = []
    clock.setTimer(20, () => ran.push(`late ${clock.now()}`))
    clock.setTimer(10, () => ran.push(`a ${clock.now()}`))
    clock.setTimer(10, () => ran.push(`b ${clock.now()}`))
    await clock.advance(30)
    expect(ran).toEqual(['a 1010', 'b 1010', 'late 1020'])
    expect(clock.now()).toBe(1_030)
  })

  it('runs timers that timers set, and what promises they wake do', async () => {
    const clock = new VirtualClock({ startAt: 0, settle })
    const ran: number[] = []
    const tick = async () => {
      for (let index = 0; index < 3; index++) {
        await clock.sleep(10)
        ran.push(clock.monotonicMs())
      }
    }
    const done = tick()
    await clock.advance(100)
    await done
    expect(ran).toEqual([10, 20, 30])
  })

  it('shows whole milliseconds on the wall, and fractions only of what has passed', async () => {
    const clock = new VirtualClock({ startAt: 1_000, settle })
    await clock.advance(0.75)
    expect([clock.now(), clock.monotonicMs()]).toEqual([1_000, 0.75])
  })

  it('says when timers set timers for the same instant without end', async () => {
    const clock = new VirtualClock({ startAt: 0, settle: () => Promise.resolve() })
    const again = () => void clock.setTimer(0, again)
    again()
    await expect(clock.advance(1)).rejects.toThrow(/time stands still/)
  })

  it('never runs a cancelled timer', async () => {
    const clock = new VirtualClock({ startAt: 0, settle })
    let ran = false
    clock
      .setTimer(10, () => {
        ran = true
      })
      .cancel()
    await clock.advance(100)
    expect(ran).toBe(false)
  })

  it('steps the wall clock without moving time', async () => {
    const clock = new VirtualClock({ startAt: 1_000_000, settle })
    clock.step(-3_600_000)
    expect([clock.now(), clock.monotonicMs()]).toEqual([-2_600_000, 0])
  })

  it('stops at what was waited for', async () => {
    const clock = new VirtualClock({ startAt: 0, settle })
    let there = false
    clock.setTimer(50, () => {
      there = true
    })
    expect(await clock.advanceUntil(() => there, 1_000)).toBe(true)
    expect(clock.now()).toBe(50)
    expect(await clock.advanceUntil(() => false, 1_000)).toBe(false)
  })

  it('ends a sleep that is aborted', async () => {
    const clock = new VirtualClock({ startAt: 0, settle })
    const abort = new AbortController()
    const sleeping = clock.sleep(10, abort.signal)
    abort.abort(new Error('enough'))
    await expect(sleeping).rejects.toThrow('enough')
    expect(clock.pendingTimers).toBe(0)
  })
})
