import type { EpochMs } from '../time/epoch-ms.ts'
import { type CalendarPayload, type ClosedInterval, compareNumbers, type DocumentNumber } from './documents.ts'

/** A closed interval with the beginning and end that count, of all those at which it recurs. */
export type Stretch = ClosedInterval

/** Those of a calendar that concern one Application, worked out once: it is asked before each start, wave and heal. */
const known = new WeakMap<CalendarPayload, Map<string, readonly ClosedInterval[]>>()
const MOST_KNOWN = 10_000

/** Everything in the calendar that concerns an Application, as it stands there. */
export function intervalsOf(calendar: CalendarPayload, applicationId: string): readonly ClosedInterval[] {
  let byId = known.get(calendar)
  if (byId === undefined) {
    byId = new Map()
    known.set(calendar, byId)
  }
  let intervals = byId.get(applicationId)
  if (intervals === undefined) {
    const groups = new Set(
      Object.entries(calendar.groups ?? {}).flatMap(([name, ids]) => (ids.includes(applicationId) ? [name] : [])),
    )
    intervals = calendar.intervals.filter(
      interval =>
        interval.applications === 'all' ||
        interval.applications.includes(applicationId) ||
        interval.groups?.some(name => groups.has(name)),
    )
    if (byId.size >= MOST_KNOWN) byId.clear()
    byId.set(applicationId, intervals)
  }
  return intervals
}

/** When an interval holds: its own time, and each at which it comes again. */
export function stretchesOf(interval: ClosedInterval): readonly Stretch[] {
  const { again, ...once } = interval
  return [once, ...(again ?? []).map(([from, to]) => ({ ...once, from, to }))]
}

/** What concerns an Application within [from, to). */
export function stretchesWithin(
  calendar: CalendarPayload,
  applicationId: string,
  from: EpochMs,
  to: EpochMs,
): readonly Stretch[] {
  return intervalsOf(calendar, applicationId)
    .flatMap(stretchesOf)
    .filter(stretch => stretch.from < to && from < stretch.to)
}

/** The closed intervals that concern an Application at this moment. Half-open: at `to` it is open again. */
export function closingIntervals(calendar: CalendarPayload, applicationId: string, now: EpochMs): readonly Stretch[] {
  return stretchesWithin(calendar, applicationId, now, now + 1)
}

/** Whether a calendar is as new as every document that was decided with it. */
export function isBehind(calendar: CalendarPayload, needed: readonly (DocumentNumber | undefined)[]): boolean {
  return needed.some(number => number !== undefined && compareNumbers(calendar.number, number) < 0)
}
