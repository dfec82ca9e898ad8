import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClosedInterval } from './documents.ts'
import { type HealQuestion, mayHeal } from './may-heal.ts'
import { SAMPLE_DIGEST, sampleCalendar, sampleInterval, sampleOffer, sampleTombstone } from './samples.ts'

const EARLIER = `sha256:${'cd'.repeat(32)}` as const
const HOUR_MS = 60 * 60 * 1000
/** Days enough that the last one of a calendar is not the whole. */
const time = fc.integer({ min: 0, max: 72 }).map(hours => hours * HOUR_MS)
const number = fc.record({ epoch: fc.integer({ min: 1, max: 2 }), n: fc.integer({ min: 1, max: 4 }) })

const interval: fc.Arbitrary<ClosedInterval> = fc
  .record({
    applications: fc.constantFrom<ClosedInterval['applications']>('all', ['app-1'], ['app-2']),
    from: time,
    length: time,
    triggers: fc.subarray(['automated', 'manual'] as const),
    blocks: fc.subarray(['sync', 'heal'] as const),
    selfHeal: fc.boolean(),
  })
  .map(({ length, ...rest }) => sampleInterval({ ...rest, to: rest.from + length }))

const offer = fc
  .record({ number, cal: number, selfHeal: fc.boolean() })
  .map(({ selfHeal, ...rest }) => sampleOffer(0, { ...rest, options: { ...sampleOffer(0).options, selfHeal } }))

const question: fc.Arbitrary<HealQuestion> = fc.record({
  held: fc.oneof(
    { weight: 8, arbitrary: offer },
    { weight: 1, arbitrary: fc.constant(sampleTombstone(3)) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  ),
  lastSucceeded: fc.constantFrom(SAMPLE_DIGEST, EARLIER, undefined),
  laterFailed: fc.boolean(),
  calendar: fc.option(
    fc
      .record({ number, until: time, intervals: fc.array(interval, { maxLength: 3 }) })
      .map(calendar => sampleCalendar(0, calendar)),
    { nil: undefined },
  ),
  now: fc.option(time, { nil: undefined }),
})

/** Independent of the code: whether healing of the Application is closed at some time in [from, to). */
function closedWithin({ held, calendar }: HealQuestion, from: number, to: number): boolean {
  const id = held?.application.id ?? ''
  return (calendar?.intervals ?? []).some(
    one =>
      (one.applications === 'all' || one.applications.includes(id)) &&
      one.triggers.includes('automated') &&
      (one.blocks.includes('heal') || !one.selfHeal) &&
      one.from < to &&
      from < one.to,
  )
}

describe('drift is put right', () => {
  test('only under an Offer that asks for it, to what last succeeded under a Grant, with a calendar as new as the Offer', () => {
    fc.assert(
      fc.property(question, asked => {
        const answer = mayHeal(asked)
        if (answer.kind === 'no') return
        const { held, calendar, lastSucceeded, laterFailed } = asked
        expect(held?.typ === 'offer' && held.options.selfHeal && !laterFailed).toBe(true)
        expect(answer.digest).toBe(lastSucceeded)
        const { cal } = held as ReturnType<typeof sampleOffer>
        const { epoch, n } = calendar!.number
        expect(epoch > cal.epoch || (epoch === cal.epoch && n >= cal.n)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  test('never while it is closed, nor after the calendar unless nothing was closed on its last day', () => {
    fc.assert(
      fc.property(question, asked => {
        const { calendar, now } = asked
        if (mayHeal(asked).kind === 'no' || !calendar) return
        if (now === undefined) expect(closedWithin(asked, -1, Number.POSITIVE_INFINITY)).toBe(false)
        else if (now < calendar.until) expect(closedWithin(asked, now, now + 1)).toBe(false)
        else expect(closedWithin(asked, calendar.until - 24 * HOUR_MS, calendar.until)).toBe(false)
      }),
      { numRuns: 2000 },
    )
  })

  test('without a pulse only where it would be at every time of the calendar', () => {
    fc.assert(
      fc.property(question, time, (asked, now) => {
        if (mayHeal({ ...asked, now: undefined }).kind === 'heal') expect(mayHeal({ ...asked, now }).kind).toBe('heal')
      }),
      { numRuns: 2000 },
    )
  })

  test('no more often when something more is closed', () => {
    fc.assert(
      fc.property(question, interval, (asked, more) => {
        const { calendar } = asked
        if (!calendar || mayHeal(asked).kind === 'heal') return
        const closedMore = { ...calendar, intervals: [...calendar.intervals, more] }
        expect(mayHeal({ ...asked, calendar: closedMore }).kind).toBe('no')
      }),
      { numRuns: 2000 },
    )
  })
})
