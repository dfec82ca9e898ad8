import {
  civilDateOf,
  DAY_MS,
  type DayNumber,
  dayNumberOf,
  dayOf,
  daysInMonth,
  HOUR_MS,
  isLeapYear,
  MINUTE_MS,
  parseLocalTime,
  type WallMs,
  weekdayOf,
} from './civil-time.ts'
import type { TimeZone } from './time-zone.ts'

/**
 * A recurrence in the words of RFC 5545, of which these are read: FREQ (YEARLY, MONTHLY, WEEKLY, DAILY), INTERVAL,
 * BYMONTH, BYMONTHDAY (also from the end), BYDAY (also the nth), BYHOUR, BYMINUTE, COUNT, UNTIL and WKST. All of it is
 * about what clocks and calendars show; zones come later.
 */
export interface Recurrence {
  readonly frequency: 'YEARLY' | 'MONTHLY' | 'WEEKLY' | 'DAILY'
  readonly interval: number
  readonly months?: readonly number[]
  readonly monthDays?: readonly number[]
  readonly weekdays?: readonly { readonly weekday: number; readonly nth?: number }[]
  readonly hours: readonly number[]
  readonly minutes: readonly number[]
  readonly count?: number
  readonly until?: { readonly kind: 'local'; readonly wall: WallMs } | { readonly kind: 'instant'; readonly at: number }
  /** The first day of a week, 0 is Sunday. */
  readonly weekStart: number
  /** Counting begins here; nothing before it happens. */
  readonly start: WallMs
}

export type RecurrenceReading =
  | { readonly kind: 'recurrence'; readonly recurrence: Recurrence }
  | { readonly kind: 'mistake'; readonly message: string }

const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA']
const KNOWN = ['FREQ', 'INTERVAL', 'BYMONTH', 'BYMONTHDAY', 'BYDAY', 'BYHOUR', 'BYMINUTE', 'COUNT', 'UNTIL', 'WKST']
const MOST_COUNT = 10_000
const YEARS_TO_WALK = 100

class Mistake extends Error {}

/** @param start Without one: midnight of 1 January 1970, and then nothing may count from it. */
export function parseRecurrence(text: string, start?: WallMs): RecurrenceReading {
  try {
    return { kind: 'recurrence', recurrence: read(text, start) }
  } catch (error) {
    if (!(error instanceof Mistake)) throw error
    return { kind: 'mistake', message: error.message }
  }
}

function read(text: string, start: WallMs | undefined): Recurrence {
  if (text.length > 1000) throw new Mistake('is longer than 1000 characters')
  const parts = new Map<string, string>()
  for (const part of text.split(';').filter(each => each !== '')) {
    const [key = '', value] = part.split('=', 2)
    const name = key.trim().toUpperCase()
    if (!KNOWN.includes(name)) throw new Mistake(`"${key}" is not understood; it may hold ${KNOWN.join(', ')}`)
    if (value === undefined || parts.has(name)) throw new Mistake(`${name} needs one value`)
    parts.set(name, value.trim().toUpperCase())
  }
  const frequency = parts.get('FREQ')
  if (frequency !== 'YEARLY' && frequency !== 'MONTHLY' && frequency !== 'WEEKLY' && frequency !== 'DAILY') {
    throw new Mistake('FREQ must be YEARLY, MONTHLY, WEEKLY or DAILY')
  }
  const at = start ?? 0
  const interval = number(parts.get('INTERVAL') ?? '1', 'INTERVAL', 1, 1000)
  const count = parts.has('COUNT') ? number(parts.get('COUNT')!, 'COUNT', 1, MOST_COUNT) : undefined
  if (start === undefined && (interval > 1 || count !== undefined)) {
    throw new Mistake(`${interval > 1 ? 'INTERVAL' : 'COUNT'} counts from a first day: give one as start`)
  }
  const weekdays = parts.get('BYDAY')?.split(',').map(readWeekday)
  const monthDays = numbers(parts, 'BYMONTHDAY', -31, 31)
  if (weekdays?.some(({ nth }) => nth !== undefined) && (frequency === 'WEEKLY' || frequency === 'DAILY')) {
    throw new Mistake(`the nth weekday has no meaning with FREQ=${frequency}`)
  }
  if (monthDays !== undefined && frequency === 'WEEKLY') throw new Mistake('BYMONTHDAY has no meaning with FREQ=WEEKLY')
  if (start === undefined && weekdays === undefined && monthDays === undefined && frequency !== 'DAILY') {
    throw new Mistake(`FREQ=${frequency} needs BYDAY or BYMONTHDAY, or a start`)
  }
  if (parts.has('COUNT') && parts.has('UNTIL')) throw new Mistake('COUNT and UNTIL exclude each other')
  const weekStart = WEEKDAYS.indexOf(parts.get('WKST') ?? 'MO')
  if (weekStart < 0) throw new Mistake('WKST must be a day such as MO')
  const startTime = at - dayOf(at) * DAY_MS
  return {
    frequency,
    interval,
    months: numbers(parts, 'BYMONTH', 1, 12),
    monthDays,
    weekdays,
    hours: sorted(numbers(parts, 'BYHOUR', 0, 23) ?? [Math.floor(startTime / HOUR_MS)]),
    minutes: sorted(numbers(parts, 'BYMINUTE', 0, 59) ?? [Math.floor((startTime % HOUR_MS) / MINUTE_MS)]),
    count,
    until: parts.has('UNTIL') ? readUntil(parts.get('UNTIL')!) : undefined,
    weekStart,
    start: at,
  }
}

function number(text: string, name: string, lowest: number, highest: number): number {
  const value = Number(text)
  if (!/^[+-]?\d{1,6}$/.test(text) || value < lowest || value > highest) {
    throw new Mistake(`${name} must be from ${lowest} to ${highest}, not "${text}"`)
  }
  return value
}

function numbers(parts: ReadonlyMap<string, string>, name: string, low: number, high: number): number[] | undefined {
  const values = parts
    .get(name)
    ?.split(',')
    .map(text => number(text, name, low, high))
  if (low < 0 && values?.includes(0)) throw new Mistake(`${name} counts from 1, or from the end with -1`)
  return values
}

function sorted(values: readonly number[]): readonly number[] {
  return [...new Set(values)].sort((a, b) => a - b)
}

function readWeekday(text: string) {
  const found = /^([+-]?\d{1,2})?(SU|MO|TU|WE|TH|FR|SA)$/.exec(text.trim())
  const nth = found?.[1] === undefined ? undefined : Number(found[1])
  if (found === null || nth === 0 || Math.abs(nth ?? 1) > 53)
    throw new Mistake(`BYDAY: "${text}" is no day such as MO or -1FR`)
  return { weekday: WEEKDAYS.indexOf(found[2]!), ...(nth === undefined ? {} : { nth }) }
}

function readUntil(text: string): NonNullable<Recurrence['until']> {
  const wall = parseBasicTime(text)
  if (wall === undefined) throw new Mistake(`UNTIL: "${text}" is no time such as 20261231 or 20261231T180000Z`)
  if (text.endsWith('Z')) return { kind: 'instant', at: wall.wall }
  return { kind: 'local', wall: wall.date ? wall.wall + DAY_MS - 1 : wall.wall }
}

/** `20261231`, `20261231T180000`, with or without a `Z` that the caller looks at; also with dashes and colons. */
export function parseBasicTime(text: string): { readonly wall: WallMs; readonly date: boolean } | undefined {
  const found = /^(\d{4})-?(\d{2})-?(\d{2})(?:T(\d{2}):?(\d{2})(?::?(\d{2}))?Z?)?$/.exec(text)
  if (found === null) return undefined
  const [, year, month, day, hour, minute, second = '00'] = found
  return parseLocalTime(`${year}-${month}-${day}${hour === undefined ? '' : `T${hour}:${minute}:${second}`}`)
}

/**
 * The starts within [from, to) of the wall line, ascending, `exdates` left out (they count for COUNT all the same).
 *
 * @param zone Only for an UNTIL that is an instant.
 */
export function occurrences(rule: Recurrence, from: WallMs, to: WallMs, zone: TimeZone, exdates: ReadonlySet<WallMs>) {
  const found: WallMs[] = []
  const first = rule.count === undefined ? Math.max(from, rule.start) : rule.start
  const last = Math.min(dayOf(to), dayOf(first) + YEARS_TO_WALK * 366)
  let left = rule.count ?? Number.POSITIVE_INFINITY
  for (let day = dayOf(first); day <= last; day++) {
    if (!namesDay(rule, day)) continue
    for (const hour of rule.hours) {
      for (const minute of rule.minutes) {
        const wall = day * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS
        if (wall < rule.start) continue
        if (left-- <= 0 || ended(rule, wall, zone)) return found
        if (wall >= from && wall < to && !exdates.has(wall)) found.push(wall)
      }
    }
  }
  return found
}

function ended({ until }: Recurrence, wall: WallMs, zone: TimeZone): boolean {
  if (until === undefined) return false
  return until.kind === 'local' ? wall > until.wall : zone.instantOf(wall, 'first') > until.at
}

function namesDay(rule: Recurrence, day: DayNumber): boolean {
  const date = civilDateOf(day)
  const { months, monthDays, weekdays, frequency, interval } = rule
  if (months !== undefined && !months.includes(date.month)) return false
  if (interval > 1 && periodsSinceStart(rule, day) % interval !== 0) return false
  const length = daysInMonth(date.year, date.month)
  if (monthDays !== undefined && !monthDays.some(each => (each < 0 ? length + 1 + each : each) === date.day))
    return false
  if (weekdays !== undefined)
    return weekdays.some(each => isNthWeekday(each, day, frequency === 'YEARLY' && months === undefined))
  if (monthDays !== undefined || frequency === 'DAILY') return true
  const start = civilDateOf(dayOf(rule.start))
  if (frequency === 'WEEKLY') return weekdayOf(day) === weekdayOf(dayOf(rule.start))
  if (frequency === 'YEARLY' && months === undefined && date.month !== start.month) return false
  return date.day === start.day
}

function periodsSinceStart({ frequency, start, weekStart }: Recurrence, day: DayNumber): number {
  const firstDay = dayOf(start)
  if (frequency === 'DAILY') return day - firstDay
  const weekOf = (each: DayNumber) => Math.floor((each + 4 - weekStart) / 7)
  if (frequency === 'WEEKLY') return weekOf(day) - weekOf(firstDay)
  const date = civilDateOf(day)
  const first = civilDateOf(firstDay)
  const years = date.year - first.year
  return frequency === 'YEARLY' ? years : years * 12 + date.month - first.month
}

function isNthWeekday(
  { weekday, nth }: { readonly weekday: number; readonly nth?: number },
  day: DayNumber,
  ofYear: boolean,
): boolean {
  if (weekdayOf(day) !== weekday) return false
  if (nth === undefined) return true
  const { year, month, day: ofMonth } = civilDateOf(day)
  const index = ofYear ? day - dayNumberOf({ year, month: 1, day: 1 }) : ofMonth - 1
  const length = ofYear ? (isLeapYear(year) ? 366 : 365) : daysInMonth(year, month)
  return nth > 0 ? Math.floor(index / 7) + 1 === nth : Math.floor((length - 1 - index) / 7) + 1 === -nth
}
