import type { EpochMs } from '../time/epoch-ms.ts'
import { DAY_MS } from './civil-time.ts'
import type { RuleTiming } from './freeze-times.ts'
import { type Intervals, slice } from './intervals.ts'
import type { TimeZone } from './time-zone.ts'

interface Known {
  readonly from: EpochMs
  readonly to: EpochMs
  readonly intervals: Intervals
}

/** When one rule is active, remembered by zone for the stretch that was asked for last. */
export class RuleClock {
  readonly #timing: RuleTiming
  readonly #known = new Map<TimeZone, Known>()

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

  activeAt(zone: TimeZone, at: EpochMs): boolean {
    return this.intervals(zone, at, at + 1).length > 0
  }
}
