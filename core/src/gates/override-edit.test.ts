import { describe, expect, it } from 'vitest'
import { isFreezeActive, loosenings } from './override-edit.ts'
import type { FreezeRule } from './rules.ts'
import { TimeZone } from './time-zone.ts'

const NOW = Date.UTC(2026, 11, 20, 12)
const context = { now: NOW, zones: [TimeZone.utc, TimeZone.find('Asia/Tokyo')!], calendars: new Map() }

const freeze: FreezeRule = {
  name: 'FreezePeriod/year-end',
  level: 'organisation',
  freeze: 'hard',
  reason: 'closing',
  scope: { projects: ['shop'] },
  exclude: [{ applications: { names: ['status'] }, reason: 'incidents' }],
  when: [{ from: '2026-12-18', through: '2027-01-03' }],
  breakGlass: { approvals: 2, maxDuration: '2h' },
}

const CASES: Record<string, [Partial<FreezeRule> | undefined, readonly string[]]> = {
  'the same holds as much': [{}, []],
  'another reason does not matter': [{ reason: 'other' }, []],
  'longer is more': [{ when: [{ from: '2026-12-18', through: '2027-01-05' }] }, []],
  'a beginning that is past already does not matter': [{ when: [{ from: '2026-12-20', through: '2027-01-03' }] }, []],
  'an end that comes earlier is less': [
    { when: [{ from: '2026-12-18', through: '2026-12-28' }] },
    ['it ends earlier, or leaves out a time'],
  ],
  'a gap is less': [
    {
      when: [
        { from: '2026-12-18', through: '2026-12-24' },
        { from: '2026-12-27', through: '2027-01-03' },
      ],
    },
    ['it ends earlier, or leaves out a time'],
  ],
  'another zone in which it ends earlier is less': [
    { timeZone: 'Asia/Tokyo' },
    ['it ends earlier, or leaves out a time'],
  ],
  'no exemption is more': [{ exclude: [] }, []],
  'one more exemption is less': [
    { exclude: [...freeze.exclude!, { applications: { names: ['web'] }, reason: 'x' }] },
    ['an exemption is added'],
  ],
  'everything is more': [{ scope: { all: true } }, []],
  'another scope may be less': [{ scope: { projects: ['web'] } }, ['its scope is another one']],
  'soft is less': [{ freeze: 'soft' }, ['it becomes soft']],
  'fewer actions are less': [{ blocks: ['sync'] }, ['it blocks fewer actions']],
  'healing is less': [{ selfHeal: 'continue' }, ['self-heal goes on under it']],
  'stopping at once is more': [{ inFlight: 'terminate' }, []],
  'a longer grace is less': [{ gracePeriod: '1h' }, ['the grace period is longer']],
  'another owner is less': [{ owner: 'web' }, ['it has another owner']],
  'easier break-glass is less': [
    { breakGlass: { approvals: 1, maxDuration: '4h' } },
    ['break-glass needs fewer approvals', 'break-glass may be longer'],
  ],
  'no break-glass is more': [{ breakGlass: { allowed: false, approvals: 2, maxDuration: '2h' } }, []],
  'ending it is less': [undefined, ['it ends earlier']],
}

describe('an edit of an active freeze', () => {
  for (const [sentence, [change, expected]] of Object.entries(CASES)) {
    it(sentence, () => {
      expect(loosenings(freeze, change && { ...freeze, ...change }, context)).toEqual(expected)
    })
  }
})

describe('a freeze is active', () => {
  const from = (text: string): FreezeRule => ({
    ...freeze,
    timeZone: 'cluster',
    when: [{ from: text, through: '2027-01-03' }],
  })
  it('where the clocks of some cluster say so', () => {
    expect(isFreezeActive(from('2026-12-20T12:00'), context)).toBe(true)
    // In Tokyo it is nine in the evening.
    expect(isFreezeActive(from('2026-12-20T21:00'), context)).toBe(true)
    expect(isFreezeActive(from('2026-12-20T21:01'), context)).toBe(false)
  })
})
