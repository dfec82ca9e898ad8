import type { EpochMs } from '../time/epoch-ms.ts'
import { DAY_MS } from './civil-time.ts'
import type { RuleTiming } from './freeze-times.ts'
import { firstEndingAfter, type Interval, type Intervals, slice } from './intervals.ts'
import type { TimeZone } from './time-zone.ts'

const HORIZON_MS = 400 * DAY_MS
const NEAR_MS = 20 * DAY_MS

interface Known {
  readonly from: EpochMs
  readonly to: EpochMs
  readonly intervals: Intervals
}

/** When one rule is active, remembered by zone for the stretch that was asked for last. */
export class RuleClock {
  readonly #timing: RuleTiming
  readonly #known = new Map<TimeZone, Known>()
  /** For walks from boundary to boundary: they all begin about now, and few go far. */
  readonly #near = new Map<TimeZone, Known>()
  readonly #far = new Map<TimeZone, Known>()

  constructor(timing: RuleTiming) {
    this.#timing = timing
  }

  /** Within [from, to). */
  intervals(zone: TimeZone, from: EpochMs, to: EpochMs): Intervals {
    const known = this.#known.get(zone)
    if (known !== undefined && known.from <= from && known.to >= to) return slice(known.intervals, from, to)
    // A day before and three after: the next questions are about the same days.
    const stretch = { from: from - DAY_MS, to: to + 3 * DAY_MS }
    const intervals = this.#timing(zone, stretch.from, stretch.to)
    this.#known.set(zone, { ...stretch, intervals })
    return slice(intervals, from, to)
  }

  /**
   * The time at which it is active at `at`, or the first after it; undefined when none begins within 400 days. What is
   * active for longer ends later than anybody asks about.
   */
  atOrAfter(zone: TimeZone, at: EpochMs): Interval | undefined {
    let near = this.#near.get(zone)
    if (near === undefined || at < near.from) {
      const stretch = { from: at - DAY_MS, to: at + NEAR_MS }
      near = { ...stretch, intervals: this.#timing(zone, stretch.from, stretch.to) }
      this.#near.set(zone, near)
    }
    const soon = soonIn(near, at)
    if (soon !== undefined) return soon
    let far = this.#far.get(zone)
    if (far === undefined || at < far.from || at + HORIZON_MS > far.to) {
      // Once for all walks that begin about now.
      const stretch = { from: at - 30 * DAY_MS, to: at + 30 * DAY_MS + 2 * HORIZON_MS }
      far = { ...stretch, intervals: this.#timing(zone, stretch.from, stretch.to) }
      this.#far.set(zone, far)
    }
    const found = far.intervals[firstEndingAfter(far.intervals, at)]
    if (found === undefined || found.from > at + HORIZON_MS) return undefined
    return found.to < far.to ? found : { from: found.from, to: Number.POSITIVE_INFINITY }
  }

  activeAt(zone: TimeZone, at: EpochMs): boolean {
    return this.intervals(zone, at, at + 1).length > 0
  }
}

/** As far as what is known says it: nothing that reaches its end, which may go on. */
function soonIn(known: Known, at: EpochMs): Interval | undefined {
  if (at >= known.to) return undefined
  const found = known.intervals[firstEndingAfter(known.intervals, at)]
  return found !== undefined && found.to < known.to ? found : undefined
}
