import { describe, expect, test } from 'vitest'
import { type HealQuestion, mayHeal } from './may-heal.ts'
import { SAMPLE_DIGEST, sampleCalendar, sampleInterval, sampleOffer, sampleTombstone } from './samples.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const earlier = `sha256:${'cd'.repeat(32)}` as const
const open: HealQuestion = {
  held: sampleOffer(2),
  lastSucceeded: SAMPLE_DIGEST,
  laterFailed: false,
  calendar: sampleCalendar(1),
  now: 5000,
}
const frozen = sampleCalendar(1, { intervals: [sampleInterval()] })
const ended = (from: number, to: number) =>
  sampleCalendar(1, { until: 10 * DAY_MS, intervals: [sampleInterval({ from, to })] })

describe('may drift be put right now', () => {
  const cases: Record<string, [Partial<HealQuestion>, object]> = {
    'yes, to what last succeeded': [{}, { kind: 'heal', digest: SAMPLE_DIGEST }],
    'to what last succeeded, and not to a newer Offer that no Grant has started': [
      { lastSucceeded: earlier },
      { kind: 'heal', digest: earlier },
    ],
    'no, when nothing has succeeded under a Grant': [
      { lastSucceeded: undefined },
      { kind: 'no', reason: 'NEVER_SUCCEEDED' },
    ],
    'no, while a later operation stands failed': [{ laterFailed: true }, { kind: 'no', reason: 'LATER_FAILED' }],
    'no, when self-heal is off': [
      { held: sampleOffer(2, { options: { ...sampleOffer(2).options, selfHeal: false } }) },
      { kind: 'no', reason: 'OFF' },
    ],
    'no, when it is being removed': [{ held: sampleTombstone(3) }, { kind: 'no', reason: 'NOT_OFFERED' }],
    'no, without a calendar': [{ calendar: undefined }, { kind: 'no', reason: 'CALENDAR_MISSING' }],
    'no, behind the calendar that the Offer was decided with': [
      { held: sampleOffer(2, { cal: { epoch: 1, n: 7 } }) },
      { kind: 'no', reason: 'CALENDAR_BEHIND' },
    ],
    'no, in a freeze that pauses healing': [
      { calendar: frozen, now: 12_000 },
      { kind: 'no', reason: 'CLOSED', until: 20_000 },
    ],
    'no, in a freeze that pauses healing although it blocks only syncs': [
      { calendar: sampleCalendar(1, { intervals: [sampleInterval({ blocks: ['sync'] })] }), now: 12_000 },
      { kind: 'no', reason: 'CLOSED' },
    ],
    'yes, in a freeze that lets healing go on': [
      {
        calendar: sampleCalendar(1, { intervals: [sampleInterval({ selfHeal: true, blocks: ['sync', 'prune'] })] }),
        now: 12_000,
      },
      { kind: 'heal' },
    ],
    'yes, in a freeze of another Application': [
      { calendar: sampleCalendar(1, { intervals: [sampleInterval({ applications: ['app-2'] })] }), now: 12_000 },
      { kind: 'heal' },
    ],
    'before a pulse yes, when nothing is closed at any time': [{ now: undefined }, { kind: 'heal' }],
    'before a pulse no, when anything is closed at any time': [
      { now: undefined, calendar: frozen },
      { kind: 'no', reason: 'NO_PULSE' },
    ],
    'no, when a rule that pauses healing comes again': [
      { calendar: sampleCalendar(1, { intervals: [{ ...sampleInterval(), again: [[30_000, 40_000]] }] }), now: 30_000 },
      { kind: 'no', reason: 'CLOSED', until: 40_000 },
    ],
    'no, when the rule is for a group that it is in': [
      {
        calendar: sampleCalendar(1, {
          intervals: [sampleInterval({ applications: [], groups: ['g'] })],
          groups: { g: ['app-1'] },
        }),
        now: 12_000,
      },
      { kind: 'no', reason: 'CLOSED' },
    ],
    'yes, in a rule that holds only people': [
      { calendar: sampleCalendar(1, { intervals: [sampleInterval({ triggers: ['manual'] })] }), now: 12_000 },
      { kind: 'heal' },
    ],
    'after the calendar’s end no, when a rule came again on its last day': [
      {
        now: 11 * DAY_MS,
        calendar: sampleCalendar(1, {
          until: 10 * DAY_MS,
          intervals: [{ ...sampleInterval({ from: 0, to: 1 }), again: [[9.2 * DAY_MS, 9.3 * DAY_MS]] }],
        }),
      },
      { kind: 'no', reason: 'CALENDAR_ENDED' },
    ],
    'after the calendar’s end yes, when its last day was open': [
      { now: 11 * DAY_MS, calendar: ended(8 * DAY_MS, 9 * DAY_MS) },
      { kind: 'heal' },
    ],
    'after the calendar’s end no, when anything was closed on its last day': [
      { now: 11 * DAY_MS, calendar: ended(9.5 * DAY_MS, 9.6 * DAY_MS) },
      { kind: 'no', reason: 'CALENDAR_ENDED' },
    ],
  }
  for (const [sentence, [over, answer]] of Object.entries(cases)) {
    test(sentence, () => expect(mayHeal({ ...open, ...over })).toMatchObject(answer))
  }
})
