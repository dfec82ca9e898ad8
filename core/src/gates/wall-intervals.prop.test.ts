import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MINUTE_MS, parseInstant } from './civil-time.ts'
import { intervalAt } from './intervals.ts'
import { parseCron } from './parse-cron.ts'
import { TimeZone } from './time-zone.ts'
import { cronIntervals } from './walk-cron.ts'
import { realIntervals } from './wall-intervals.ts'

/** Days on which clocks are set, and zones whose offset is no whole hour. */
const DAYS: readonly (readonly [string, string])[] = [
  ['Europe/Berlin', '2026-03-29'],
  ['Europe/Berlin', '2026-10-25'],
  ['America/New_York', '2026-03-08'],
  ['America/New_York', '2026-11-01'],
  ['Australia/Lord_Howe', '2026-04-05'],
  ['Australia/Lord_Howe', '2026-10-04'],
  ['Asia/Kathmandu', '2026-06-01'],
  ['Africa/Casablanca', '2026-02-15'],
  ['Africa/Casablanca', '2026-03-22'],
  ['Africa/Cairo', '2026-04-24'],
  ['Africa/Cairo', '2026-10-30'],
  ['Pacific/Apia', '2011-12-30'],
]

const MINUTES_AROUND = 36 * 60

/** What the clocks show in each minute around a day, from Intl's calendar fields and nothing of ours. */
function walk(zone: string, day: string): { readonly from: number; readonly walls: readonly number[] } {
  const from = parseInstant(`${day}T00:00:00Z`)! - MINUTES_AROUND * MINUTE_MS
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })
  const walls = Array.from({ length: 2 * MINUTES_AROUND }, (_, index) => {
    const fields = new Map(
      format.formatToParts(from + index * MINUTE_MS).map(({ type, value }) => [type, Number(value)]),
    )
    const field = (name: 'year' | 'month' | 'day' | 'hour' | 'minute') => fields.get(name)!
    return Date.UTC(field('year'), field('month') - 1, field('day'), field('hour'), field('minute')) / MINUTE_MS
  })
  return { from, walls }
}

const known = DAYS.map(([zone, day]) => ({ zone, day, ...walk(zone, day) }))

interface Fields {
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  readonly weekdays: readonly number[]
}

const fieldsArbitrary: fc.Arbitrary<Fields> = fc.record({
  minutes: fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 3 }),
  hours: fc.uniqueArray(fc.integer({ min: 0, max: 23 }), { minLength: 1, maxLength: 4 }),
  weekdays: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 7 }),
})

/** The minutes of the wall line that are within `length` minutes of a start, as stretches [first, last]. */
function stretches(fields: Fields, length: number, low: number, high: number): readonly (readonly [number, number])[] {
  const found: [number, number][] = []
  let since = Number.NEGATIVE_INFINITY
  for (let minute = low - length; minute <= high + length; minute++) {
    const date = new Date(minute * MINUTE_MS)
    const starts =
      fields.minutes.includes(date.getUTCMinutes()) &&
      fields.hours.includes(date.getUTCHours()) &&
      fields.weekdays.includes(date.getUTCDay())
    if (starts) since = minute
    if (minute - since >= length) continue
    const last = found.at(-1)
    if (last?.[1] === minute - 1) last[1] = minute
    else found.push([minute, minute])
  }
  return found
}

describe('intervals by field arithmetic are those of a walk over every minute', () => {
  test.each(known)('$zone around $day', ({ zone, from, walls }) => {
    const shownTwice = walls.map((wall, index) => walls.indexOf(wall) !== index)
    const repeated = new Set(walls.filter((_, index) => shownTwice[index]))
    fc.assert(
      fc.property(
        fieldsArbitrary,
        fc.integer({ min: 1, max: 700 }),
        fc.constantFrom('closes', 'opens'),
        (fields, length, folding) => {
          const { minutes, hours, weekdays } = fields
          const reading = parseCron(`${minutes.join(',')} ${hours.join(',')} * * ${weekdays.join(',')}`)
          if (reading.kind === 'mistake') throw new Error(reading.mistake.message)
          const expected = walls.map(() => false)
          for (const [first, last] of stretches(fields, length, Math.min(...walls), Math.max(...walls))) {
            const inside = walls.flatMap((wall, index) => (wall >= first && wall <= last ? [index] : []))
            if (inside.length === 0) continue
            if (folding === 'closes') expected.fill(true, inside[0]!, inside.at(-1)! + 1)
            else {
              const whole = [...repeated].every(wall => wall >= first && wall <= last)
              for (const index of inside) if (whole || !shownTwice[index]) expected[index] = true
            }
          }
          const to = from + walls.length * MINUTE_MS
          const intervals = realIntervals(
            TimeZone.find(zone)!,
            cronIntervals(reading.cron, length * MINUTE_MS),
            folding,
            from,
            to,
          )
          const actual = walls.map((_, index) => intervalAt(intervals, from + index * MINUTE_MS) !== undefined)
          expect(actual.findIndex((active, index) => active !== expected[index])).toBe(-1)
          // Both edges are on the minute, so that the minutes are all there is to compare.
          expect(intervals.every(one => one.from % MINUTE_MS === 0 && one.to % MINUTE_MS === 0)).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })
})
