import type { EpochMs } from '../time/epoch-ms.ts'
import {
  type CivilDate,
  civilDateOf,
  DAY_MS,
  type DayNumber,
  dayNumberOf,
  dayOf,
  HOUR_MS,
  MINUTE_MS,
  type WallMs,
  weekdayOf,
} from './civil-time.ts'
import { type Interval, type Intervals, merged, NONE } from './intervals.ts'
import type { Cron } from './parse-cron.ts'
import type { TimeZone } from './time-zone.ts'

/** The 29th of February is eight years away where a century is no leap year. */
const YEARS_TO_SEARCH = 9

/** The first start strictly after `wall`; undefined when there is none within `years`. */
export function nextStart(cron: Cron, wall: WallMs, years = YEARS_TO_SEARCH): WallMs | undefined {
  const today = dayOf(wall)
  const last = civilDateOf(today).year + years
  for (let day = nextDay(cron, today, 1, last); day !== undefined; day = nextDay(cron, day + 1, 1, last)) {
    const start = inDay(cron, day, wall, 'after')
    if (start !== undefined) return start
  }
  return undefined
}

/** The last start strictly before `wall`. */
export function previousStart(cron: Cron, wall: WallMs, years = YEARS_TO_SEARCH): WallMs | undefined {
  const today = dayOf(wall)
  const last = civilDateOf(today).year - years
  for (let day = nextDay(cron, today, -1, last); day !== undefined; day = nextDay(cron, day - 1, -1, last)) {
    const start = inDay(cron, day, wall, 'before')
    if (start !== undefined) return start
  }
  return undefined
}

/**
 * The first instant after `at` at which a zone's clocks show a start. A start in a skipped hour is where the clocks go
 * on; one that is shown twice counts the first time.
 */
export function nextInstant(cron: Cron, zone: TimeZone, at: EpochMs): EpochMs | undefined {
  // From before any fold at `at`: a start that was shown twice must not be taken for one to come.
  for (let wall = nextStart(cron, zone.wallOf(at) - DAY_MS); wall !== undefined; wall = nextStart(cron, wall)) {
    const instant = zone.instantOf(wall, 'first')
    if (instant > at) return instant
  }
  return undefined
}

/** The last such instant before `at`. */
export function previousInstant(cron: Cron, zone: TimeZone, at: EpochMs): EpochMs | undefined {
  let latest: EpochMs | undefined
  for (let wall = previousStart(cron, zone.wallOf(at) + DAY_MS); wall !== undefined; wall = previousStart(cron, wall)) {
    const instant = zone.instantOf(wall, 'first')
    if (instant < at) latest = Math.max(latest ?? instant, instant)
    if (latest !== undefined && wall < zone.wallOf(latest) - DAY_MS) return latest
  }
  return latest
}

/** The first day at or after `day` (or before, going back) that the schedule names. */
function nextDay(cron: Cron, day: DayNumber, step: 1 | -1, lastYear: number): DayNumber | undefined {
  let at = day
  let date = civilDateOf(at)
  while (step > 0 ? date.year <= lastYear : date.year >= lastYear) {
    if (!cron.months[date.month]) at = besideMonth(date, step)
    else if (namesDay(cron, date, at)) return at
    else at += step
    date = civilDateOf(at)
  }
  return undefined
}

function besideMonth({ year, month }: CivilDate, step: 1 | -1): DayNumber {
  const first = dayNumberOf({ year, month: step > 0 ? month + 1 : month, day: 1 })
  return step > 0 ? first : first - 1
}

function namesDay({ daysOfMonth, weekdays, bothDays }: Cron, { day }: CivilDate, number: DayNumber): boolean {
  const ofMonth = daysOfMonth[day] === true
  const ofWeek = weekdays[weekdayOf(number)] === true
  return bothDays ? ofMonth && ofWeek : ofMonth || ofWeek
}

function inDay(cron: Cron, day: DayNumber, wall: WallMs, side: 'after' | 'before'): WallMs | undefined {
  const after = side === 'after'
  const bound = wall - day * DAY_MS
  const fits = (time: number) => (after ? time > bound : time < bound)
  for (const hour of after ? cron.hours : cron.hours.toReversed()) {
    const furthest = hour * HOUR_MS + (after ? cron.minutes.at(-1)! : cron.minutes[0]!) * MINUTE_MS
    if (!fits(furthest)) continue
    const minutes = after ? cron.minutes : cron.minutes.toReversed()
    return day * DAY_MS + minutes.map(minute => hour * HOUR_MS + minute * MINUTE_MS).find(fits)!
  }
  return undefined
}

/** Longer ones than this are as long as this: they close or open for ever anyway. */
export const LONGEST_DURATION_MS = 3660 * DAY_MS

/**
 * For each start s the interval [s, s + duration) of the wall line, joined where they overlap; as a function of the
 * stretch that is asked for. What one day holds is worked out once; a year of it is then a walk over days.
 */
export function cronIntervals(cron: Cron, durationMs: number): (from: WallMs, to: WallMs) => Intervals {
  if (durationMs <= 0) return () => NONE
  const duration = Math.min(durationMs, LONGEST_DURATION_MS)
  const starts = cron.hours.flatMap(hour => cron.minutes.map(minute => hour * HOUR_MS + minute * MINUTE_MS))
  const ofDay = merged(starts.map(start => ({ from: start, to: start + duration })))
  return (from, to) => {
    const found: Interval[] = []
    const lastDay = dayOf(to)
    for (let day = dayOf(from - duration) - 1; day <= lastDay; day++) {
      const date = civilDateOf(day)
      if (!cron.months[date.month]) day = besideMonth(date, 1) - 1
      else if (namesDay(cron, date, day)) {
        const at = day * DAY_MS
        for (const one of ofDay) if (at + one.from < to) append(found, at + one.from, at + one.to, from)
      }
    }
    return found
  }
}

/** Starts come in order, and all last equally long but where a day's own have been joined. */
function append(found: Interval[], from: number, to: number, lowest: number): void {
  if (to <= lowest) return
  const last = found.at(-1)
  if (last !== undefined && from <= last.to) found[found.length - 1] = { from: last.from, to: Math.max(last.to, to) }
  else found.push({ from, to })
}
