import { describe, expect, test } from 'vitest'
import { parseInstant, wallText } from './civil-time.ts'
import { type Cron, parseCron } from './parse-cron.ts'
import { TimeZone } from './time-zone.ts'
import { cronIntervals, nextInstant, nextStart, previousInstant, previousStart } from './walk-cron.ts'

function cron(text: string): Cron {
  const reading = parseCron(text)
  if (reading.kind === 'mistake') throw new Error(reading.mistake.message)
  return reading.cron
}

const at = (text: string): number => parseInstant(`${text}Z`)!
const shown = (wall: number | undefined): string | undefined => (wall === undefined ? undefined : wallText(wall))

describe('the next and the previous start on the wall line', () => {
  test.each<[string, string, string, string | undefined, string | undefined]>([
    ['strictly after and before', '0 2 * * *', '2026-03-11T02:00', '2026-03-12T02:00', '2026-03-10T02:00'],
    ['within the hour', '*/15 * * * *', '2026-03-11T12:07', '2026-03-11T12:15', '2026-03-11T12:00'],
    ['over a month', '0 0 31 * *', '2026-04-01T00:00', '2026-05-31T00:00', '2026-03-31T00:00'],
    ['over a year', '30 23 24 12 *', '2026-12-25T00:00', '2027-12-24T23:30', '2026-12-24T23:30'],
    ['a leap day', '0 0 29 2 *', '2026-01-01T00:00', '2028-02-29T00:00', '2024-02-29T00:00'],
    ['a leap day over 2100', '0 0 29 2 *', '2098-01-01T00:00', '2104-02-29T00:00', '2096-02-29T00:00'],
    ['either day', '0 0 13 * 5', '2026-03-11T00:00', '2026-03-13T00:00', '2026-03-06T00:00'],
    ['every second day or a Monday', '0 2 */2 * 1', '2026-03-07T03:00', '2026-03-09T02:00', '2026-03-07T02:00'],
    ['never', '0 0 30 2 *', '2026-03-11T00:00', undefined, undefined],
  ])('%s: %s', (_, text, from, next, previous) => {
    expect(shown(nextStart(cron(text), at(from)))).toBe(next)
    expect(shown(previousStart(cron(text), at(from)))).toBe(previous)
  })
})

describe('the next and the previous start in a zone', () => {
  test.each<[string, string, string, string, string, string]>([
    [
      'New York skips 02:30',
      '30 2 * * *',
      'America/New_York',
      '2026-03-08T00:00',
      '2026-03-08T07:00',
      '2026-03-07T07:30',
    ],
    [
      'New York shows 01:30 twice',
      '30 1 * * *',
      'America/New_York',
      '2026-11-01T05:45',
      '2026-11-02T06:30',
      '2026-11-01T05:30',
    ],
    [
      'Lord Howe skips half an hour',
      '15 2 * * *',
      'Australia/Lord_Howe',
      '2026-10-03T15:00',
      '2026-10-03T15:30',
      '2026-10-02T15:45',
    ],
    ['Cairo skips midnight', '0 0 * * *', 'Africa/Cairo', '2026-04-23T12:00', '2026-04-23T22:00', '2026-04-22T22:00'],
    ['Kathmandu is odd', '0 0 * * *', 'Asia/Kathmandu', '2026-03-11T00:00', '2026-03-11T18:15', '2026-03-10T18:15'],
    [
      'Apia skipped a whole day',
      '0 12 30 12 *',
      'Pacific/Apia',
      '2011-12-29T00:00',
      '2011-12-30T10:00',
      '2010-12-30T22:00',
    ],
  ])('%s', (_, text, zone, from, next, previous) => {
    expect(shown(nextInstant(cron(text), TimeZone.find(zone)!, at(from)))).toBe(next)
    expect(shown(previousInstant(cron(text), TimeZone.find(zone)!, at(from)))).toBe(previous)
  })
})

describe('intervals of a schedule', () => {
  const day = { from: at('2026-03-11T00:00'), to: at('2026-03-12T00:00') }
  const intervals = (text: string, hours: number) =>
    cronIntervals(cron(text), hours * 3_600_000)(day.from, day.to).map(({ from, to }) => [wallText(from), wallText(to)])

  test('what overlaps is one', () => {
    expect(intervals('* 10 * * *', 2)).toEqual([['2026-03-11T10:00', '2026-03-11T12:59']])
    expect(intervals('0 0 * * *', 24)).toHaveLength(1)
  })

  test('what began long before is there', () => {
    expect(intervals('0 0 1 * *', 24 * 15)).toEqual([['2026-03-01T00:00', '2026-03-16T00:00']])
  })

  test('no duration is no interval', () => {
    expect(intervals('* * * * *', 0)).toEqual([])
    expect(intervals('* * * * *', -1)).toEqual([])
  })
})
