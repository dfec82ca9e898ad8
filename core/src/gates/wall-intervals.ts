import type { EpochMs } from '../time/epoch-ms.ts'
import { DAY_MS } from './civil-time.ts'
import { type Interval, type Intervals, merged, slice } from './intervals.ts'
import type { TimeZone } from './time-zone.ts'

/** Intervals of the wall line that overlap [from, to) of it. */
export type WallIntervals = (from: number, to: number) => Intervals

/**
 * What the hour that clocks show twice means. `closes`: one stretch from the first time its beginning is shown to the
 * last time its end is, so that nothing opens in between. `opens`: the hour counts the first time only, unless the
 * interval reaches over all of it. Each is the careful reading for what it does.
 */
export type Folding = 'closes' | 'opens'

/**
 * The real time in which a zone's clocks show one of the wall intervals, within [from, to).
 *
 * Durations of wall intervals are as clocks show them: 22:00 to 06:00 lasts seven or nine hours in the nights of a
 * change. What begins in a skipped hour begins where the clocks go on; what is in it entirely never is.
 */
export function realIntervals(
  zone: TimeZone,
  wall: WallIntervals,
  folding: Folding,
  from: EpochMs,
  to: EpochMs,
): Intervals {
  // Around both ends by more than any clock is set: what a fold joins may reach across them.
  const spans = zone.spans(from - 2 * DAY_MS, to + 2 * DAY_MS)
  const all = wall(from - 4 * DAY_MS, to + 4 * DAY_MS)
  const pieces: Interval[] = []
  let excluded: Interval[] = []
  for (const [index, span] of spans.entries()) {
    for (const { from: start, to: end } of slice(all, span.from + span.offsetMs, span.to + span.offsetMs)) {
      pieces.push({ from: start - span.offsetMs, to: end - span.offsetMs })
    }
    const before = spans[index - 1]
    if (before === undefined || before.offsetMs <= span.offsetMs) continue
    const again = { from: span.from + span.offsetMs, to: span.from + before.offsetMs }
    const shownTwice = slice(all, again.from, again.to)
    if (folding === 'closes') {
      for (const one of shownTwice) pieces.push({ from: one.from - before.offsetMs, to: one.to - span.offsetMs })
    } else if (
      shownTwice.length > 1 ||
      (shownTwice[0] && shownTwice[0].to - shownTwice[0].from < again.to - again.from)
    ) {
      excluded = [...excluded, { from: span.from, to: span.from + (again.to - again.from) }]
    }
  }
  const joined = merged(pieces)
  return slice(excluded.length === 0 ? joined : without(joined, excluded), from, to)
}

function without(list: Intervals, excluded: readonly Interval[]): Intervals {
  let result = list
  for (const gap of excluded) {
    result = merged(
      [...result].flatMap(({ from, to }) => [
        { from, to: Math.min(to, gap.from) },
        { from: Math.max(from, gap.to), to },
      ]),
    )
  }
  return result
}
