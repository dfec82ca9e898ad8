import { describe, expect, test } from 'vitest'
import { parseInstant } from './civil-time.ts'
import { compileFreezeTimes } from './freeze-times.ts'
import type { CalendarSnapshot, FreezeTime } from './rules.ts'
import { TimeZone } from './time-zone.ts'

const at = (text: string): number => parseInstant(`${text}:00Z`)!

function stretches(
  when: FreezeTime,
  from: string,
  to: string,
  zone = 'Europe/Berlin',
  calendars: readonly CalendarSnapshot[] = [],
): readonly string[] {
  const { timing, mistakes } = compileFreezeTimes([when], new Map(calendars.map(each => [each.name, each])))
  expect(mistakes).toEqual([])
  const text = (time: number) => new Date(time).toISOString().slice(0, 16)
  return timing(TimeZone.find(zone)!, at(`${from}T00:00`), at(`${to}T00:00`)).map(
    one => `${text(one.from)} ${text(one.to)}`,
  )
}

describe('ranges of dates', () => {
  test.each<[string, FreezeTime, string, string]>([
    [
      'local times',
      { from: '2026-12-18T18:00', until: '2027-01-04T06:00' },
      'Europe/Berlin',
      '2026-12-18T17:00 2027-01-04T05:00',
    ],
    ['whole days', { from: '2026-12-18', through: '2027-01-03' }, 'Europe/Berlin', '2026-12-17T23:00 2027-01-03T23:00'],
    [
      'until a date is until it begins',
      { from: '2026-12-18', until: '2026-12-19' },
      'UTC',
      '2026-12-18T00:00 2026-12-19T00:00',
    ],
    [
      'instants',
      { from: '2026-12-18T17:00:00Z', until: '2026-12-18T20:00:00+01:00' },
      'Asia/Tokyo',
      '2026-12-18T17:00 2026-12-18T19:00',
    ],
    [
      'from a time that clocks skip',
      { from: '2026-03-29T02:30', until: '2026-03-29T06:00' },
      'Europe/Berlin',
      '2026-03-29T01:00 2026-03-29T04:00',
    ],
    [
      'from a time shown twice: the first',
      { from: '2026-10-25T02:30', until: '2026-10-25T06:00' },
      'Europe/Berlin',
      '2026-10-25T00:30 2026-10-25T05:00',
    ],
    [
      'until a time shown twice: the last',
      { from: '2026-10-25', until: '2026-10-25T02:30' },
      'Europe/Berlin',
      '2026-10-24T22:00 2026-10-25T01:30',
    ],
    [
      'a midnight that clocks skip',
      { from: '2026-04-24', through: '2026-04-24' },
      'Africa/Cairo',
      '2026-04-23T22:00 2026-04-24T21:00',
    ],
  ])('%s', (_, when, zone, expected) => {
    const year = expected.slice(0, 4)
    expect(stretches(when, `${year}-01-01`, `${Number(year) + 1}-12-31`, zone)).toEqual([expected])
  })
})

describe('every year', () => {
  const yearly = (from: string, through: string) => ({ yearly: { from, through } })

  test('over the turn of the year', () => {
    expect(stretches(yearly('12-24', '01-01'), '2026-12-01', '2027-12-30', 'UTC')).toEqual([
      '2026-12-24T00:00 2027-01-02T00:00',
      '2027-12-24T00:00 2027-12-30T00:00',
    ])
  })

  test('the 29th of February is the 28th in other years', () => {
    expect(stretches(yearly('02-29', '02-29'), '2026-01-01', '2029-01-01', 'UTC')).toEqual([
      '2026-02-28T00:00 2026-03-01T00:00',
      '2027-02-28T00:00 2027-03-01T00:00',
      '2028-02-29T00:00 2028-03-01T00:00',
    ])
  })
})

describe('recurrences', () => {
  test.each<[string, string, string, string, string[]]>([
    [
      'the last Friday of a month, for a weekend',
      'FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=16;BYMINUTE=0',
      'P2DT14H',
      '2026-04-01',
      ['2026-04-24T16:00 2026-04-27T06:00'],
    ],
    [
      'the last day of a month',
      'FREQ=MONTHLY;BYMONTHDAY=-1',
      'P1D',
      '2026-02-01',
      ['2026-02-28T00:00 2026-03-01T00:00'],
    ],
    ['the second Tuesday', 'FREQ=MONTHLY;BYDAY=2TU', 'PT6H', '2026-04-01', ['2026-04-14T00:00 2026-04-14T06:00']],
    [
      'a day of some months',
      'FREQ=YEARLY;BYMONTH=4,7;BYMONTHDAY=3',
      'P1D',
      '2026-04-01',
      ['2026-04-03T00:00 2026-04-04T00:00'],
    ],
    [
      'Friday the 13th',
      'FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR',
      'P1D',
      '2026-03-01',
      ['2026-03-13T00:00 2026-03-14T00:00'],
    ],
    [
      'the last Monday of the year',
      'FREQ=YEARLY;BYDAY=-1MO',
      'P1D',
      '2026-12-20',
      ['2026-12-28T00:00 2026-12-29T00:00'],
    ],
    [
      'several a day',
      'FREQ=WEEKLY;BYDAY=WE;BYHOUR=8,12;BYMINUTE=30',
      'PT1H',
      '2026-04-26',
      ['2026-04-29T08:30 2026-04-29T09:30', '2026-04-29T12:30 2026-04-29T13:30'],
    ],
  ])('%s', (_, rrule, duration, from, expected) => {
    const month = new Date(at(`${from}T00:00`) + 30 * 86_400_000).toISOString().slice(0, 10)
    const found = stretches({ rrule, duration }, from, month, 'UTC')
    expect(found.slice(0, expected.length)).toEqual(expected)
  })

  test('counting from a start', () => {
    const weekly = { rrule: 'FREQ=WEEKLY;INTERVAL=2;COUNT=3', duration: 'P1D', start: '2026-01-05' }
    expect(stretches(weekly, '2026-01-01', '2027-01-01', 'UTC').map(text => text.slice(0, 10))).toEqual([
      '2026-01-05',
      '2026-01-19',
      '2026-02-02',
    ])
    const daily = {
      rrule: 'FREQ=DAILY;UNTIL=20260107',
      duration: 'PT1H',
      start: '2026-01-05T08:00',
      exdates: ['2026-01-06T08:00'],
    }
    expect(stretches(daily, '2026-01-01', '2027-01-01', 'UTC').map(text => text.slice(0, 10))).toEqual([
      '2026-01-05',
      '2026-01-07',
    ])
  })

  test('days of a duration are as clocks show them, hours are exact', () => {
    const over = (duration: string) =>
      stretches({ rrule: 'FREQ=MONTHLY;BYMONTHDAY=28;BYHOUR=12', duration }, '2026-03-10', '2026-04-01')
    expect(over('P1D')).toEqual(['2026-03-28T11:00 2026-03-29T10:00'])
    expect(over('PT24H')).toEqual(['2026-03-28T11:00 2026-03-29T11:00'])
  })
})

describe('imported calendars', () => {
  const calendar = (...lines: readonly string[]): CalendarSnapshot => ({
    name: 'holidays',
    text: ['BEGIN:VCALENDAR', 'VERSION:2.0', ...lines, 'END:VCALENDAR', ''].join('\r\n'),
  })
  const event = (...lines: readonly string[]) => ['BEGIN:VEVENT', 'UID:one', ...lines, 'END:VEVENT']
  const of = (text: CalendarSnapshot, summary?: string, zone?: string) =>
    stretches({ calendar: 'holidays', ...(summary && { summary }) }, '2026-01-01', '2027-01-01', zone, [text])

  test('days of a calendar are days of the zone that asks', () => {
    const holiday = calendar(...event('SUMMARY:Labour Day', 'DTSTART;VALUE=DATE:20260501', 'DTEND;VALUE=DATE:20260502'))
    expect(of(holiday)).toEqual(['2026-04-30T22:00 2026-05-01T22:00'])
    expect(of(holiday, undefined, 'Asia/Tokyo')).toEqual(['2026-04-30T15:00 2026-05-01T15:00'])
  })

  test('a day without an end is one day', () => {
    expect(of(calendar(...event('DTSTART;VALUE=DATE:20260501')), undefined, 'UTC')).toEqual([
      '2026-05-01T00:00 2026-05-02T00:00',
    ])
  })

  test('times have the zone that they name', () => {
    const meeting = event('DTSTART;TZID=America/New_York:20260501T090000', 'DURATION:PT2H')
    expect(of(calendar(...meeting))).toEqual(['2026-05-01T13:00 2026-05-01T15:00'])
    expect(of(calendar(...event('DTSTART:20260501T090000Z', 'DTEND:20260501T100000Z')))).toEqual([
      '2026-05-01T09:00 2026-05-01T10:00',
    ])
  })

  test('series lack what was taken out, moved or cancelled', () => {
    const series = event(
      'DTSTART:20260501T090000Z',
      'DTEND:20260501T100000Z',
      'RRULE:FREQ=DAILY;COUNT=4',
      'EXDATE:20260502T090000Z',
    )
    const moved = event('RECURRENCE-ID:20260503T090000Z', 'DTSTART:20260503T120000Z', 'DTEND:20260503T130000Z')
    const cancelled = event(
      'RECURRENCE-ID:20260504T090000Z',
      'STATUS:CANCELLED',
      'DTSTART:20260504T090000Z',
      'DTEND:20260504T100000Z',
    )
    expect(of(calendar(...series, ...moved, ...cancelled))).toEqual([
      '2026-05-01T09:00 2026-05-01T10:00',
      '2026-05-03T12:00 2026-05-03T13:00',
    ])
  })

  test('lines are folded, alarms are not events, and a filter looks at the summary', () => {
    const folded = event(
      'SUMMARY:Christ',
      ' mas\\, first day',
      'DTSTART;VALUE=DATE:20261225',
      'BEGIN:VALARM',
      'DTSTART:nonsense',
      'END:VALARM',
    )
    expect(of(calendar(...folded), 'Christmas,*', 'UTC')).toEqual(['2026-12-25T00:00 2026-12-26T00:00'])
    expect(of(calendar(...folded), 'Easter*', 'UTC')).toEqual([])
  })
})

describe('what cannot be read is said, with its place', () => {
  const mistake = (when: FreezeTime, calendars: readonly CalendarSnapshot[] = []) =>
    compileFreezeTimes([when], new Map(calendars.map(each => [each.name, each]))).mistakes.map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    )[0]

  test.each<[string, FreezeTime, string]>([
    [
      'an end before the beginning',
      { from: '2026-12-18', until: '2026-12-17' },
      '0.until: 2026-12-17 is not after 2026-12-18',
    ],
    [
      'an empty range',
      { from: '2026-12-18T10:00', until: '2026-12-18T10:00' },
      '0.until: 2026-12-18T10:00 is not after',
    ],
    ['no end', { from: '2026-12-18' }, '0: needs either until'],
    ['two ends', { from: '2026-12-18', until: '2026-12-19', through: '2026-12-19' }, '0: needs either until'],
    ['a day that does not exist', { from: '2026-02-30', until: '2026-12-17' }, '0.from: "2026-02-30" is no time'],
    [
      'a time for an inclusive date',
      { from: '2026-02-01', through: '2026-02-02T10:00' },
      '0.through: "2026-02-02T10:00" is no date',
    ],
    [
      'a day of the year that never is',
      { yearly: { from: '02-30', through: '03-01' } },
      '0.yearly.from: "02-30" is no day',
    ],
    ['a frequency', { rrule: 'FREQ=HOURLY', duration: 'PT1H' }, '0.rrule: FREQ must be'],
    [
      'a part that is not understood',
      { rrule: 'FREQ=DAILY;BYSETPOS=1', duration: 'PT1H' },
      '0.rrule: "BYSETPOS" is not understood',
    ],
    ['an interval from nowhere', { rrule: 'FREQ=DAILY;INTERVAL=2', duration: 'PT1H' }, '0.rrule: INTERVAL counts from'],
    ['a month without a day', { rrule: 'FREQ=MONTHLY', duration: 'PT1H' }, '0.rrule: FREQ=MONTHLY needs'],
    [
      'a recurrence that never happens',
      { rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', duration: 'P1D' },
      '0.rrule: never happens',
    ],
    ['a duration', { rrule: 'FREQ=DAILY', duration: '1h' }, '0.duration: "1h" is no duration'],
    ['an unknown calendar', { calendar: 'none' }, '0.calendar: the calendar "none" has never been loaded'],
  ])('%s', (_, when, expected) => {
    expect(mistake(when)).toContain(expected)
  })

  test.each<[string, string, string]>([
    ['text that is none', 'hello', 'line 1 is no iCalendar'],
    ['one that is cut off', 'BEGIN:VCALENDAR\nBEGIN:VEVENT\n', 'is no complete iCalendar'],
    [
      'an unknown zone',
      'BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;TZID=W. Europe:20260501T090000\nDURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR',
      'line 3: the time zone "W. Europe" is not known',
    ],
    [
      'an event without a beginning',
      'BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nEND:VEVENT\nEND:VCALENDAR',
      'line 3: an event has no DTSTART',
    ],
    [
      'dates that are not understood',
      'BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260501\nRDATE:20260601\nEND:VEVENT\nEND:VCALENDAR',
      'line 4: RDATE is not understood',
    ],
    ['too much of it', 'x'.repeat(1_100_000), 'has more than 1 MiB'],
  ])('a calendar: %s', (_, text, expected) => {
    expect(mistake({ calendar: 'one' }, [{ name: 'one', text }])).toContain(expected)
  })
})
