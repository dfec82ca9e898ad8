import { GlobSyntaxError } from '../glob/glob.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import {
  civilDateOf,
  DAY_MS,
  dayNumberOf,
  dayOf,
  daysInMonth,
  parseInstant,
  parseLocalTime,
  type WallMs,
} from './civil-time.ts'
import { type Interval, type Intervals, merged, slice } from './intervals.ts'
import { type IsoDuration, parseIsoDuration } from './iso-duration.ts'
import { compileNamePatterns } from './name-patterns.ts'
import { type CalendarEvent, parseCalendar } from './parse-calendar.ts'
import { occurrences, parseBasicTime, parseRecurrence } from './recurrence.ts'
import type { CalendarSnapshot, FreezeTime } from './rules.ts'
import { TimeZone } from './time-zone.ts'

/** When a rule is active, within [from, to) of real time, by the clocks of `zone`. */
export type RuleTiming = (zone: TimeZone, from: EpochMs, to: EpochMs) => Intervals

export interface TimeMistake {
  readonly path: readonly (string | number)[]
  readonly message: string
}

type Entry = RuleTiming | TimeMistake

/** A place in time as documents give it: by the clocks of the zone that asks, or as an instant. */
type Place =
  | { readonly kind: 'local'; readonly wall: WallMs; readonly date: boolean }
  | { readonly kind: 'instant'; readonly at: EpochMs }

/** Longest that one occurrence may reach back into the stretch that is asked for. */
const LOOK_BACK_MS = 3660 * DAY_MS

/**
 * The union of the entries of `when`. Edges are read so that a freeze is never shorter than written: a beginning in an
 * hour that clocks skip is where they go on, an end in an hour that they show twice is the second one.
 *
 * @param calendars By name. Undefined: they are not to be had here, and an entry that names one is taken as sound.
 */
export function compileFreezeTimes(
  when: readonly FreezeTime[],
  calendars: ReadonlyMap<string, CalendarSnapshot> | undefined,
): { readonly timing: RuleTiming; readonly mistakes: readonly TimeMistake[] } {
  const mistakes: TimeMistake[] = when.length === 0 ? [{ path: [], message: 'names no time' }] : []
  const timings: RuleTiming[] = []
  for (const [index, time] of when.entries()) {
    const entry = compileEntry(time, calendars)
    if (typeof entry === 'function') timings.push(entry)
    else mistakes.push({ ...entry, path: [index, ...entry.path] })
  }
  return {
    timing: (zone, from, to) => slice(merged(timings.flatMap(timing => timing(zone, from, to))), from, to),
    mistakes,
  }
}

function compileEntry(time: FreezeTime, calendars: ReadonlyMap<string, CalendarSnapshot> | undefined): Entry {
  if ('yearly' in time) return compileYearly(time.yearly)
  if ('rrule' in time) return compileRecurring(time)
  if ('calendar' in time) return compileCalendar(time, calendars)
  return compileRange(time)
}

/** `2026-12-18`, `2026-12-18T18:00`, or an instant with its zone; undefined for anything else. */
export function parsePlace(text: string): Place | undefined {
  const local = parseLocalTime(text)
  if (local !== undefined) return { kind: 'local', ...local }
  const at = parseInstant(text)
  return at === undefined ? undefined : { kind: 'instant', at }
}

export function instantOfPlace(place: Place, zone: TimeZone, which: 'first' | 'last'): EpochMs {
  return place.kind === 'instant' ? place.at : zone.instantOf(place.wall, which)
}

/** What has no occurrence for so long has none, leap days included. */
const YEARS_TO_HAPPEN_MS = 9 * 366 * DAY_MS
const FIRST_YEAR = Date.UTC(2024, 0, 1)

const NO_TIME = 'is no time: write 2026-12-18, 2026-12-18T18:00, or an instant such as 2026-12-18T17:00:00Z'

function compileRange(range: { readonly from: string; readonly until?: string; readonly through?: string }): Entry {
  const from = parsePlace(range.from)
  if (from === undefined) return { path: ['from'], message: `"${range.from}" ${NO_TIME}` }
  if ((range.until === undefined) === (range.through === undefined)) {
    return { path: [], message: 'needs either until (exclusive) or through (an inclusive date)' }
  }
  const end = range.until === undefined ? throughOf(range.through!) : parsePlace(range.until)
  const key = range.until === undefined ? 'through' : 'until'
  if (end === undefined) {
    const what = key === 'through' ? 'is no date such as 2027-01-03' : NO_TIME
    return { path: [key], message: `"${range[key]}" ${what}` }
  }
  const comparable = from.kind === end.kind
  if (comparable && numberOf(end) <= numberOf(from))
    return { path: [key], message: `${range[key]} is not after ${range.from}` }
  return (zone, start, to) => within(instantOfPlace(from, zone, 'first'), instantOfPlace(end, zone, 'last'), start, to)
}

function numberOf(place: Place): number {
  return place.kind === 'local' ? place.wall : place.at
}

function throughOf(text: string): Place | undefined {
  const date = parseLocalTime(text)
  return date?.date ? { kind: 'local', wall: date.wall + DAY_MS, date: true } : undefined
}

function within(from: EpochMs, to: EpochMs, start: EpochMs, end: EpochMs): Intervals {
  return from < to && from < end && to > start ? [{ from, to }] : []
}

function compileYearly({ from, through }: { readonly from: string; readonly through: string }): Entry {
  const first = parseMonthDay(from)
  const last = parseMonthDay(through)
  if (first === undefined)
    return { path: ['yearly', 'from'], message: `"${from}" is no day of the year such as "12-24"` }
  if (last === undefined)
    return { path: ['yearly', 'through'], message: `"${through}" is no day of the year such as "01-01"` }
  const wraps = from > through
  return (zone, start, to) => {
    const found: Interval[] = []
    const lastYear = civilDateOf(dayOf(to) + 1).year
    for (let year = civilDateOf(dayOf(start) - 1).year - 1; year <= lastYear; year++) {
      const begin = dayInYear(year, first) * DAY_MS
      const end = (dayInYear(wraps ? year + 1 : year, last) + 1) * DAY_MS
      found.push(...within(zone.instantOf(begin, 'first'), zone.instantOf(end, 'last'), start, to))
    }
    return found
  }
}

interface MonthDay {
  readonly month: number
  readonly day: number
}

function parseMonthDay(text: string): MonthDay | undefined {
  const found = /^(\d{2})-(\d{2})$/.exec(text)
  const month = Number(found?.[1])
  const day = Number(found?.[2])
  return found !== null && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(2024, month)
    ? { month, day }
    : undefined
}

/** The 29th of February is the 28th in other years. */
function dayInYear(year: number, { month, day }: MonthDay): number {
  return dayNumberOf({ year, month, day: Math.min(day, daysInMonth(year, month)) })
}

function compileRecurring(time: Extract<FreezeTime, { rrule: string }>): Entry {
  const start = time.start === undefined ? undefined : parseLocalTime(time.start)
  if (time.start !== undefined && start === undefined) {
    return { path: ['start'], message: `"${time.start}" is no local time such as 2026-12-18 or 2026-12-18T18:00` }
  }
  const reading = parseRecurrence(time.rrule, start?.wall)
  if (reading.kind === 'mistake') return { path: ['rrule'], message: reading.message }
  const duration = parseIsoDuration(time.duration)
  if (duration === undefined) {
    return {
      path: ['duration'],
      message: `"${time.duration}" is no duration such as PT8H or P2DT14H, of at most ten years`,
    }
  }
  const exdates = new Set<WallMs>()
  for (const [index, text] of (time.exdates ?? []).entries()) {
    const found = parseBasicTime(text)
    if (found === undefined) return { path: ['exdates', index], message: `"${text}" is no local time` }
    exdates.add(found.wall)
  }
  const { recurrence } = reading
  const anchor = Math.max(recurrence.start, FIRST_YEAR)
  if (occurrences(recurrence, anchor, anchor + YEARS_TO_HAPPEN_MS, TimeZone.utc, exdates).length === 0) {
    return { path: ['rrule'], message: `never happens: ${time.rrule}` }
  }
  const timing: RuleTiming = (zone, from, to) => {
    const reach = Math.min(LOOK_BACK_MS, duration.days * DAY_MS + duration.exactMs) + 2 * DAY_MS
    return occurrences(recurrence, from - reach, to + 2 * DAY_MS, zone, exdates).flatMap(wall =>
      within(zone.instantOf(wall, 'first'), endOf(wall, duration, zone), from, to),
    )
  }
  return timing
}

/** Days as clocks show them, then the rest exactly. */
function endOf(wall: WallMs, { days, exactMs }: IsoDuration, zone: TimeZone): EpochMs {
  return (days === 0 ? zone.instantOf(wall, 'first') : zone.instantOf(wall + days * DAY_MS, 'last')) + exactMs
}

function compileCalendar(
  { calendar, summary }: { readonly calendar: string; readonly summary?: string },
  calendars: ReadonlyMap<string, CalendarSnapshot> | undefined,
): Entry {
  if (calendars === undefined) return () => []
  const snapshot = calendars.get(calendar)
  if (snapshot === undefined) return { path: ['calendar'], message: `the calendar "${calendar}" has never been loaded` }
  const reading = parseCalendar(snapshot.text)
  if (reading.kind === 'mistake')
    return { path: ['calendar'], message: `the calendar "${calendar}": ${reading.message}` }
  const wanted = summaryPattern(summary)
  if (typeof wanted !== 'function') return wanted
  const events = reading.events.filter(event => wanted(event.summary))
  return (zone, from, to) => events.flatMap(event => eventIntervals(event, event.zone ?? zone, zone, from, to))
}

function summaryPattern(summary: string | undefined): ((text: string) => boolean) | TimeMistake {
  if (summary === undefined) return () => true
  try {
    return compileNamePatterns([summary])
  } catch (error) {
    if (!(error instanceof GlobSyntaxError)) throw error
    return { path: ['summary'], message: error.message }
  }
}

function eventIntervals(
  event: CalendarEvent,
  zone: TimeZone,
  asking: TimeZone,
  from: EpochMs,
  to: EpochMs,
): Interval[] {
  const { length, start } = event
  const lasts = length.kind === 'until' ? length.wall - start : length.duration.days * DAY_MS + length.duration.exactMs
  const endOfStart = (wall: WallMs): EpochMs =>
    length.kind === 'for'
      ? endOf(wall, length.duration, zone)
      : (length.zone ?? asking).instantOf(length.wall + (wall - start), 'last')
  const reach = Math.min(LOOK_BACK_MS, Math.abs(lasts)) + 2 * DAY_MS
  const starts = event.recurrence
    ? occurrences(event.recurrence, from - reach, to + 2 * DAY_MS, zone, event.exdates)
    : event.exdates.has(start)
      ? []
      : [start]
  return starts.flatMap(wall => [...within(zone.instantOf(wall, 'first'), endOfStart(wall), from, to)])
}
