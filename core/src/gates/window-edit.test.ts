import { describe, expect, it } from 'vitest'
import type { WindowRule } from './rules.ts'
import { TimeZone } from './time-zone.ts'
import { isWindowClosing, windowLoosenings } from './window-edit.ts'

/** A Sunday, at noon in UTC and nine in the evening in Tokyo. */
const NOW = Date.UTC(2026, 11, 20, 12)
const context = { now: NOW, zones: [TimeZone.utc, TimeZone.find('Asia/Tokyo')!] }

const deny: WindowRule = {
  name: 'SyncWindow/day',
  level: 'organisation',
  kind: 'deny',
  schedule: '0 8 * * *',
  duration: '10h',
  select: { kind: 'scope', scope: { projects: ['shop'] } },
}
const allow: WindowRule = { ...deny, name: 'SyncWindow/nights', kind: 'allow', schedule: '0 22 * * *', duration: '8h' }

describe('a window that somebody has made', () => {
  const CLOSING: Record<string, [WindowRule, boolean]> = {
    'a deny closes while it is active': [deny, true],
    'a deny closes nothing outside of it': [{ ...deny, schedule: '0 13 * * *' }, false],
    'an allow closes outside of it': [allow, true],
    'an allow closes nothing while it is active': [{ ...allow, schedule: '0 8 * * *' }, false],
    'an allow in the time of the cluster closes where one of these is outside of it': [
      { ...allow, schedule: '0 10 * * *', timeZone: 'cluster' },
      true,
    ],
    'one that cannot be read closes': [{ ...deny, schedule: 'never' }, true],
  }
  for (const [sentence, [rule, closing]] of Object.entries(CLOSING)) {
    it(sentence, () => {
      expect(isWindowClosing(rule, context)).toBe(closing)
    })
  }

  const EDITS: Record<string, [WindowRule, Partial<WindowRule> | undefined, readonly string[]]> = {
    'the same closes as much': [deny, {}, []],
    'another description does not matter': [deny, { description: 'the shop is busy' }, []],
    'a deny that is longer is more': [deny, { duration: '12h' }, []],
    'a deny that is shorter is less': [deny, { duration: '9h' }, ['it closes for less time']],
    'a deny on fewer days is less': [deny, { schedule: '0 8 * * mon-fri' }, ['it closes for less time']],
    'a deny by other clocks is less': [deny, { timeZone: 'Asia/Tokyo' }, ['it closes for less time']],
    'an allow that is shorter is more': [allow, { duration: '7h' }, []],
    'an allow that is longer is less': [allow, { duration: '9h' }, ['it closes for less time']],
    'an allow that becomes a deny cannot be compared': [allow, { kind: 'deny' }, ['it is a window of kind deny']],
    'another scope may be less': [
      deny,
      { select: { kind: 'scope', scope: { projects: ['web'] } } },
      ['its scope is another one'],
    ],
    'an exemption is less': [
      deny,
      { exclude: [{ applications: { names: ['web'] }, reason: 'x' }] },
      ['its exemptions are others'],
    ],
    'fewer actions are less': [deny, { blocks: ['sync'] }, ['it blocks fewer actions']],
    'manual syncs that pass are less': [deny, { manualSync: true }, ['it lets manual syncs pass']],
    'an overrun is less': [deny, { syncOverrun: true }, ['running operations may go on for longer']],
    'another owner is less': [deny, { owner: 'web' }, ['it has another owner']],
    'one that is gone is less': [deny, undefined, ['it would be gone']],
    'what cannot be read is less as soon as it can be': [
      { ...deny, schedule: 'never' },
      { schedule: '0 8 * * *' },
      ['it cannot be read, and closes its scope for as long'],
    ],
  }
  for (const [sentence, [before, change, because]] of Object.entries(EDITS)) {
    it(sentence, () => {
      const next = change === undefined ? undefined : { ...before, ...change }
      expect(windowLoosenings(before, next, context)).toEqual(because)
    })
  }
})
