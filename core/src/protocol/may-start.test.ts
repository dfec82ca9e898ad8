import { describe, expect, test } from 'vitest'
import { mayContinue, mayStart, type StartQuestion } from './may-start.ts'
import { sampleCalendar, sampleGrant, sampleInterval, sampleOffer, sampleTombstone } from './samples.ts'

const open: StartQuestion = {
  grant: sampleGrant(),
  held: sampleOffer(2),
  calendar: sampleCalendar(1),
  now: 5000,
  operationExists: false,
}
const frozen = sampleCalendar(1, { intervals: [sampleInterval()] })
const recurring = (interval = sampleInterval()) =>
  sampleCalendar(1, { intervals: [{ ...interval, again: [[40_000, 50_000]] }] })
const grouped = (ids: readonly string[]) =>
  sampleCalendar(1, {
    intervals: [sampleInterval({ applications: [], groups: ['g1'] })],
    groups: { g1: ids, g2: ['app-1'] },
  })
const passing = sampleGrant({ passes: [{ rule: 'freeze-1', until: 15_000 }] })

describe('may this Grant start now', () => {
  const cases: Record<string, [Partial<StartQuestion>, object]> = {
    'yes, when its document and calendar are here and nothing is closed': [{}, { kind: 'start' }],
    'it waits for a pulse, whatever was kept': [{ now: undefined }, { kind: 'wait', reason: 'NO_PULSE' }],
    'it waits for its Offer': [{ held: undefined }, { kind: 'wait', reason: 'DOCUMENT_MISSING' }],
    'it waits while an older Offer is held': [{ held: sampleOffer(1) }, { kind: 'wait', reason: 'DOCUMENT_MISSING' }],
    'it waits for a calendar': [{ calendar: undefined }, { kind: 'wait', reason: 'CALENDAR_MISSING' }],
    'it waits for the calendar that it was decided with': [
      { grant: sampleGrant({ cal: { epoch: 1, n: 4 } }) },
      { kind: 'wait', reason: 'CALENDAR_BEHIND' },
    ],
    'it waits when the calendar has ended': [
      { calendar: sampleCalendar(1, { until: 5000 }) },
      { kind: 'wait', reason: 'CALENDAR_ENDED' },
    ],
    'it waits in a freeze, until its end, and says which': [
      { calendar: frozen, now: 10_000 },
      { kind: 'wait', reason: 'CLOSED', until: 20_000, rule: 'freeze-1' },
    ],
    'it waits whenever a rule comes again, and until that has ended': [
      { calendar: recurring(), now: 40_000 },
      { kind: 'wait', reason: 'CLOSED', until: 50_000 },
    ],
    'between two times of a rule it may start': [{ calendar: recurring(), now: 30_000 }, { kind: 'start' }],
    'it waits when the rule is for a group that it is in': [
      { calendar: grouped(['app-0', 'app-1']), now: 12_000 },
      { kind: 'wait', reason: 'CLOSED' },
    ],
    'a rule for groups that it is not in does not concern it': [
      { calendar: grouped(['app-0']), now: 12_000 },
      { kind: 'start' },
    ],
    'a rule that became another is not the one that was passed': [
      {
        calendar: sampleCalendar(2, { intervals: [sampleInterval({ rule: 'freeze-1b' })] }),
        now: 12_000,
        grant: passing,
      },
      { kind: 'wait', reason: 'CLOSED', rule: 'freeze-1b' },
    ],
    'a freeze is half-open: at its end it may start': [{ calendar: frozen, now: 20_000 }, { kind: 'start' }],
    'a pass opens the rule that it names': [{ calendar: frozen, now: 14_999, grant: passing }, { kind: 'start' }],
    'a pass that has ended opens nothing': [
      { calendar: frozen, now: 15_000, grant: passing },
      { kind: 'wait', reason: 'CLOSED' },
    ],
    'a dry run writes nothing, so nothing closes it': [
      {
        calendar: frozen,
        now: 12_000,
        grant: sampleGrant({ options: { dryRun: true, prune: false, revision: 'abc' } }),
      },
      { kind: 'start' },
    ],
    'an operation under its id means that it is used up': [{ operationExists: true }, { kind: 'refuse', code: 'USED' }],
    'a calendar may void it': [
      { calendar: sampleCalendar(9, { void: ['grant-1'] }) },
      { kind: 'refuse', code: 'VOID' },
    ],
    'too late is too late': [{ now: 900_000 }, { kind: 'refuse', code: 'LATE' }],
    'a newer Offer makes it void': [{ held: sampleOffer(3) }, { kind: 'refuse', code: 'SUPERSEDED' }],
    'a Tombstone makes it void': [{ held: sampleTombstone(3) }, { kind: 'refuse', code: 'SUPERSEDED' }],
    'a deletion needs a Tombstone': [
      { grant: sampleGrant({ trigger: 'delete' }) },
      { kind: 'refuse', code: 'TRIGGER' },
    ],
    'a deletion waits for its Tombstone while the Offer before it is held': [
      { grant: sampleGrant({ trigger: 'delete', document: { epoch: 1, n: 3 } }) },
      { kind: 'wait', reason: 'DOCUMENT_MISSING' },
    ],
    'a deletion is closed by rules that block pruning': [
      {
        grant: sampleGrant({ trigger: 'delete' }),
        held: sampleTombstone(2),
        calendar: sampleCalendar(1, { intervals: [sampleInterval({ blocks: ['prune'] })] }),
        now: 12_000,
      },
      { kind: 'wait', reason: 'CLOSED' },
    ],
  }
  for (const [sentence, [over, answer]] of Object.entries(cases)) {
    test(sentence, () => expect(mayStart({ ...open, ...over })).toMatchObject(answer))
  }
})

describe('may a running operation begin its next wave', () => {
  const closing = (inFlight: 'finish' | 'pauseAtWave' | 'abort') =>
    sampleCalendar(1, { intervals: [sampleInterval({ inFlight, gracePeriodMs: 30 })] })
  const both = (first: 'finish', second: 'pauseAtWave' | 'abort') =>
    sampleCalendar(1, {
      intervals: [
        sampleInterval({ inFlight: first, gracePeriodMs: 30 }),
        sampleInterval({ rule: 'freeze-2', inFlight: second }),
      ],
    })
  const cases: Record<string, [Partial<StartQuestion>, object]> = {
    'yes, when nothing is closed': [{}, { kind: 'continue' }],
    'yes, when the rule lets running operations finish': [
      { calendar: closing('finish'), now: 10_029 },
      { kind: 'continue' },
    ],
    'after the grace period it pauses, even where the rule lets it finish': [
      { calendar: closing('finish'), now: 10_030 },
      { kind: 'pause', until: 20_000, rule: 'freeze-1' },
    ],
    'each time that a rule comes again it has its grace period': [
      { calendar: recurring(sampleInterval({ inFlight: 'finish', gracePeriodMs: 30 })), now: 40_029 },
      { kind: 'continue' },
    ],
    'the strictest of the rules that hold it counts': [
      { calendar: both('finish', 'abort'), now: 10_001 },
      { kind: 'abort', rule: 'freeze-2' },
    ],
    'it pauses where another rule would let it finish': [
      { calendar: both('finish', 'pauseAtWave'), now: 10_001 },
      { kind: 'pause', rule: 'freeze-2' },
    ],
    'a rule that became another is not the one that was passed': [
      {
        calendar: sampleCalendar(2, { intervals: [sampleInterval({ rule: 'freeze-1b' })] }),
        now: 12_000,
        grant: passing,
      },
      { kind: 'pause', rule: 'freeze-1b' },
    ],
    'it pauses when the rule says so, until it opens': [
      { calendar: closing('pauseAtWave'), now: 12_000 },
      { kind: 'pause', until: 20_000 },
    ],
    'it ends when the rule says so': [
      { calendar: closing('abort'), now: 12_000 },
      { kind: 'abort', gracePeriodMs: 30 },
    ],
    'a pass that ended pauses, even where the rule would let it finish': [
      { calendar: closing('finish'), now: 16_000, grant: passing },
      { kind: 'pause' },
    ],
    'a pass that ended pauses, even where the rule would end it': [
      { calendar: closing('abort'), now: 16_000, grant: passing },
      { kind: 'pause' },
    ],
    'it pauses without a pulse': [{ now: undefined }, { kind: 'pause' }],
    'it pauses when the calendar has ended': [{ calendar: sampleCalendar(1, { until: 5000 }) }, { kind: 'pause' }],
  }
  for (const [sentence, [over, answer]] of Object.entries(cases)) {
    test(sentence, () => expect(mayContinue({ ...open, ...over })).toMatchObject(answer))
  }
})
