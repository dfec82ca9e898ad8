import { describe, expect, test } from 'vitest'
import type { GrantPayload, OfferPayload, TombstonePayload } from '../protocol/documents.ts'
import { mayHeal } from '../protocol/may-heal.ts'
import { mayContinue, mayStart } from '../protocol/may-start.ts'
import { SAMPLE_DIGEST, sampleCalendar, sampleGrant, sampleOffer, sampleTombstone } from '../protocol/samples.ts'
import { calendarContent } from './calendar.ts'
import { HOUR_MS } from './civil-time.ts'
import { compileRules } from './compile-rules.ts'
import type { FreezeRule, GateRules, GateTarget, WindowRule } from './rules.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const target: GateTarget = { name: 'web', project: 'shop', labels: {}, destination: { name: 'eu' } }

const DENY: WindowRule = {
  name: 'SyncWindow/noon',
  level: 'team',
  kind: 'deny',
  schedule: '0 11 * * *',
  duration: '3h',
  select: { kind: 'scope', scope: { all: true } },
}
const ALLOW: WindowRule = { ...DENY, name: 'SyncWindow/nights', kind: 'allow', schedule: '0 22 * * *', duration: '8h' }
const FREEZE: FreezeRule = {
  name: 'FreezePeriod/stop',
  level: 'organisation',
  freeze: 'hard',
  reason: 'closing',
  scope: { all: true },
  when: [{ from: '2026-11-21T11:00', until: '2026-11-21T14:00' }],
}

function calendarOf(rules: Partial<GateRules>) {
  const content = calendarContent(
    compileRules({ windows: [], freezes: [], ...rules }),
    [{ id: 'app-1', target }],
    NOW - HOUR_MS,
    NOW + 48 * HOUR_MS,
  )
  return sampleCalendar(1, { from: NOW - HOUR_MS, until: NOW + 48 * HOUR_MS, ...content })
}

function starts(
  rules: Partial<GateRules>,
  grant: Partial<GrantPayload>,
  held: OfferPayload | TombstonePayload = sampleOffer(2),
) {
  const question = { held, calendar: calendarOf(rules), now: NOW, operationExists: false }
  const asked = { ...question, grant: sampleGrant({ startBefore: NOW + 60_000, ...grant }) }
  return [mayStart(asked).kind, mayContinue(asked).kind]
}

describe('an agent that goes by its calendar', () => {
  const dryRun = { options: { dryRun: true, prune: false, revision: 'a' } }
  test.each<[string, readonly string[], readonly string[]]>([
    [
      'judges a manual sync as manual from its first step on',
      starts({ windows: [{ ...DENY, manualSync: true }] }, { trigger: 'manual' }),
      ['start', 'continue'],
    ],
    [
      'and an automated one as automated',
      starts({ windows: [{ ...DENY, manualSync: true }] }, { trigger: 'automated' }),
      ['wait', 'pause'],
    ],
    [
      'starts dry runs in a freeze',
      starts({ freezes: [FREEZE] }, { trigger: 'manual', ...dryRun }),
      ['start', 'continue'],
    ],
    [
      'removes under a window, which is no affair of removals',
      starts({ windows: [DENY] }, { trigger: 'delete' }, sampleTombstone(2)),
      ['start', 'continue'],
    ],
    [
      'removes nothing in a freeze',
      starts({ freezes: [FREEZE] }, { trigger: 'delete' }, sampleTombstone(2)),
      ['wait', 'pause'],
    ],
    [
      'lets people pass a soft freeze',
      starts({ freezes: [{ ...FREEZE, freeze: 'soft' }] }, { trigger: 'manual' }),
      ['start', 'continue'],
    ],
    ['starts where there are no windows', starts({}, { trigger: 'automated' }), ['start', 'continue']],
    [
      'and not any more when a window allows at other times: adding an allow may close',
      starts({ windows: [ALLOW] }, { trigger: 'automated' }),
      ['wait', 'pause'],
    ],
    [
      'ends what runs where a freeze says so',
      starts({ freezes: [{ ...FREEZE, inFlight: 'terminate' }] }, {}),
      ['wait', 'abort'],
    ],
    [
      'lets what runs finish in a window with syncOverrun, for as long as that takes',
      starts({ windows: [{ ...DENY, syncOverrun: true }] }, {}),
      ['wait', 'continue'],
    ],
  ])('%s', (_, found, expected) => {
    expect(found).toEqual(expected)
  })

  test('heals to what is in force where a freeze lets it, and nowhere else', () => {
    const heals = (rules: Partial<GateRules>) => {
      const question = { held: sampleOffer(2), lastSucceeded: SAMPLE_DIGEST, laterFailed: false, now: NOW }
      return mayHeal({ ...question, calendar: calendarOf(rules) }).kind
    }
    expect(heals({ freezes: [{ ...FREEZE, selfHeal: 'continue' }] })).toBe('heal')
    expect(heals({ freezes: [FREEZE] })).toBe('no')
    expect(heals({ windows: [DENY] })).toBe('no')
    expect(heals({ freezes: [{ ...FREEZE, blocks: ['delete-app'] }] })).toBe('heal')
  })

  test('is told each Application once, whatever recurs', () => {
    const calendar = calendarOf({ windows: [{ ...DENY, schedule: '0 * * * *', duration: '20m' }] })
    expect(calendar.groups).toEqual({ g1: ['app-1'] })
    expect(calendar.intervals).toHaveLength(2)
    expect(calendar.intervals.map(({ again = [] }) => again.length + 1)).toEqual([1, 48])
  })
})
