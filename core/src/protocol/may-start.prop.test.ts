import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClosedInterval, GrantPayload, OfferPayload, TombstonePayload } from './documents.ts'
import { mayContinue, mayStart, type StartQuestion } from './may-start.ts'
import { sampleCalendar, sampleGrant, sampleInterval, sampleOffer, sampleTombstone } from './samples.ts'

const number = fc.record({ epoch: fc.integer({ min: 1, max: 2 }), n: fc.integer({ min: 1, max: 5 }) })
const time = fc.integer({ min: 0, max: 100 })
const trigger = fc.constantFrom('automated', 'manual', 'override', 'delete')
const rule = fc.constantFrom('r1', 'r2', 'r3')

const interval: fc.Arbitrary<ClosedInterval> = fc
  .record({
    applications: fc.constantFrom<ClosedInterval['applications']>('all', ['app-1'], ['app-2']),
    from: time,
    length: fc.integer({ min: 0, max: 60 }),
    rule,
    triggers: fc.subarray(['automated', 'manual', 'override', 'delete'] as const),
    blocks: fc.subarray(['sync', 'prune', 'heal'] as const),
    inFlight: fc.constantFrom('finish', 'pauseAtWave', 'abort'),
    selfHeal: fc.boolean(),
  })
  .map(({ length, ...rest }) => sampleInterval({ ...rest, to: rest.from + length }))

const grant: fc.Arbitrary<GrantPayload> = fc
  .record({
    application: fc.constantFrom('app-1', 'app-2'),
    document: number,
    cal: number,
    trigger,
    startBefore: time,
    passes: fc.array(fc.record({ rule, until: time }), { maxLength: 2 }),
    dryRun: fc.boolean(),
  })
  .map(({ dryRun, ...rest }) => sampleGrant({ ...rest, options: { dryRun, prune: true, revision: 'abc' } }))

const held: fc.Arbitrary<OfferPayload | TombstonePayload> = fc
  .record({ number, cal: number, tombstone: fc.boolean() })
  .map(({ tombstone, ...rest }) => (tombstone ? sampleTombstone(0, { number: rest.number }) : sampleOffer(0, rest)))

const question: fc.Arbitrary<StartQuestion> = fc.record({
  grant,
  held: fc.option(held, { nil: undefined }),
  calendar: fc.option(
    fc
      .record({ number, until: time, intervals: fc.array(interval, { maxLength: 3 }), voided: fc.boolean() })
      .map(({ voided, ...rest }) => sampleCalendar(0, { ...rest, void: voided ? ['grant-1'] : [] })),
    { nil: undefined },
  ),
  now: fc.option(time, { nil: undefined }),
  operationExists: fc.boolean(),
})

const starts = (asked: StartQuestion): boolean => mayStart(asked).kind === 'start'
const law = (name: string, excluded: (asked: StartQuestion) => boolean): void => {
  test(name, () => {
    let concerned = 0
    fc.assert(
      fc.property(question, asked => {
        if (!excluded(asked)) return
        concerned++
        expect(starts(asked)).toBe(false)
      }),
      { numRuns: 2000 },
    )
    // Some question of two thousand concerns every law; how many is chance's affair.
    expect(concerned).toBeGreaterThan(0)
  })
}

/** Independent of the code: is there a closed interval, now, for this, that no pass opens? */
function closed({ grant, held, calendar, now }: StartQuestion): boolean {
  if (!calendar || !held || now === undefined) return false
  return calendar.intervals.some(
    ({ applications, from, to, triggers, blocks, rule: name }) =>
      (applications === 'all' || applications.includes(grant.application)) &&
      now >= from &&
      now < to &&
      triggers.includes(grant.trigger) &&
      blocks.includes(held.typ === 'tombstone' ? 'prune' : 'sync') &&
      !grant.passes.some(pass => pass.rule === name && now < pass.until),
  )
}

describe('an operation never starts', () => {
  law('before a pulse', asked => asked.now === undefined)
  law('twice', asked => asked.operationExists)
  law('at or after startBefore', ({ now, grant }) => now !== undefined && now >= grant.startBefore)
  law('when the calendar voids its Grant', ({ calendar }) => calendar?.void.includes('grant-1') ?? false)
  law('inside a closed interval that it may not pass', asked => !asked.grant.options.dryRun && closed(asked))
  law('without its document', ({ held }) => held === undefined)
  law('for another Application', ({ grant, held }) => held !== undefined && held.application.id !== grant.application)
  law('on a document older or newer than the one it names', ({ grant, held }) => {
    return held !== undefined && (held.number.epoch !== grant.document.epoch || held.number.n !== grant.document.n)
  })
  law(
    'without a calendar, or after its end',
    ({ calendar, now }) => !calendar || (now !== undefined && now >= calendar.until),
  )
  law('behind the calendar that it was decided with', ({ grant, calendar }) => {
    return (
      calendar !== undefined && calendar.number.epoch * 100 + calendar.number.n < grant.cal.epoch * 100 + grant.cal.n
    )
  })
  law('behind the calendar that its Offer was decided with', ({ held, calendar }) => {
    if (held?.typ !== 'offer' || !calendar) return false
    return calendar.number.epoch * 100 + calendar.number.n < held.cal.epoch * 100 + held.cal.n
  })
  law('as a deletion while an Offer is held', ({ grant, held }) => grant.trigger === 'delete' && held?.typ === 'offer')
})

describe('an operation', () => {
  test('starts when nothing stands against it', () => {
    fc.assert(
      fc.property(question, asked => {
        const open: StartQuestion = {
          ...asked,
          grant: {
            ...asked.grant,
            application: 'app-1',
            document: { epoch: 1, n: 2 },
            cal: { epoch: 1, n: 1 },
            trigger: 'manual',
            startBefore: 90,
          },
          held: sampleOffer(2),
          calendar: sampleCalendar(1, { until: 1000, intervals: asked.calendar?.intervals ?? [] }),
          now: 50,
          operationExists: false,
        }
        expect(starts(open)).toBe(open.grant.options.dryRun || !closed(open))
      }),
    )
  })

  test('that is refused is refused for good: later it never starts', () => {
    fc.assert(
      fc.property(question, time, (asked, later) => {
        if (mayStart(asked).kind !== 'refuse' || asked.now === undefined) return
        expect(mayStart({ ...asked, now: Math.max(asked.now, later) }).kind).toBe('refuse')
      }),
      { numRuns: 1000 },
    )
  })

  test('that may start now would not be stopped at its first wave', () => {
    fc.assert(
      fc.property(question, asked => {
        if (starts(asked)) expect(mayContinue(asked).kind).toBe('continue')
      }),
      { numRuns: 2000 },
    )
  })
})
