import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { describe, expect, test } from 'vitest'
import { Admission, type Entry } from './admission.ts'
import { DEFAULT_GATEWAY_LIMITS, type GatewayLimits } from './limits.ts'

function admission(limits: Partial<GatewayLimits> = {}) {
  const clock = new VirtualClock({ startAt: 0, settle: async () => undefined })
  return { clock, door: new Admission(clock, { ...DEFAULT_GATEWAY_LIMITS, ...limits }) }
}

function leave(entry: Entry): void {
  if (entry.kind === 'entered') entry.leave()
}

describe('the hub lets exchanges in', () => {
  test('so many at once, and one more for each that leaves', () => {
    const { door } = admission({ maxExchanges: 2 })
    const [first, second, third] = ['a', 'b', 'c'].map(cluster => door.enter(cluster))
    expect([first, second, third].map(entry => entry?.kind)).toEqual(['entered', 'entered', 'full'])
    leave(first!)
    expect(door.enter('c').kind).toBe('entered')
    expect(door.inside).toBe(2)
  })

  test('and who leaves twice has left once', () => {
    const { door } = admission({ maxExchanges: 2 })
    const first = door.enter('a')
    door.enter('b')
    leave(first)
    leave(first)
    expect(door.inside).toBe(1)
  })

  test('whole: who is in the middle of one finds room for the rest of it, and loses that when it stays away', async () => {
    const { clock, door } = admission({ maxExchanges: 2, exchangeLingerMs: 5000 })
    leave(door.enter('a'))
    door.enter('b')
    door.enter('c')
    expect([door.enter('d').kind, door.enter('a').kind]).toEqual(['full', 'entered'])
    const later = admission({ maxExchanges: 2, exchangeLingerMs: 5000 })
    leave(later.door.enter('a'))
    await later.clock.advance(5000)
    later.door.enter('b')
    later.door.enter('c')
    expect(later.door.enter('a').kind).toBe('full')
    expect(clock.monotonicMs()).toBe(0)
  })

  test('however many are in the middle, never more than twice as many', () => {
    const { door } = admission({ maxExchanges: 3, maxExchangesOfOne: 100 })
    const kinds = Array.from({ length: 10 }, () => door.enter('a').kind)
    expect(kinds.filter(kind => kind === 'entered').length).toBe(6)
  })

  test('of one cluster a few, so that it cannot take the place of all', () => {
    const { door } = admission({ maxExchanges: 100, maxExchangesOfOne: 3 })
    expect(Array.from({ length: 5 }, () => door.enter('a').kind).filter(kind => kind === 'entered').length).toBe(3)
    expect(door.enter('b').kind).toBe('entered')
  })

  test('and asks the others back at different times, the later the more there are, never too late', async () => {
    const { clock, door } = admission({ maxExchanges: 0, longestWaitMs: 30_000 })
    const waits = Array.from({ length: 1000 }, (_, n) => door.enter(`c-${n}`)).map(
      entry => entry.kind === 'full' && entry.waitMs,
    )
    expect([waits[0], waits[1], waits[100]]).toEqual([1000, 1020, 3000])
    expect(Math.max(...waits.map(Number))).toBe(20_980)
    for (let n = 0; n < 5000; n++) door.enter('x')
    expect(door.enter('x')).toEqual({ kind: 'full', waitMs: 30_000 })
    await clock.advance(5000)
    expect(door.enter('x')).toEqual({ kind: 'full', waitMs: 1000 })
  })
})

describe('memory for bodies that are being read', () => {
  test('is bounded over all, and of one by their number', () => {
    const { door } = admission({ maxUnreadBytes: 10, maxExchangesOfOne: 2 })
    const first = door.read('a', 6)
    expect([first.kind, door.read('b', 5).kind, door.read('b', 4).kind]).toEqual(['entered', 'full', 'entered'])
    leave(first)
    expect([door.read('a', 1), door.read('a', 1), door.read('a', 1)].map(({ kind }) => kind)).toEqual([
      'entered',
      'entered',
      'full',
    ])
  })

  test('is not asked for where there is no body', () => {
    const { door } = admission({ maxUnreadBytes: 0 })
    expect(door.read('a', 0).kind).toBe('entered')
    expect(door.read('a', 1).kind).toBe('full')
  })
})
