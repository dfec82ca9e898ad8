import type { EpochMs } from '../time/epoch-ms.ts'
import { DAY_MS, type WallMs } from './civil-time.ts'

/** From `at` on, the zone's clocks are `offsetMs` ahead of UTC. */
export interface Transition {
  readonly at: EpochMs
  readonly beforeMs: number
  readonly offsetMs: number
}

/** A stretch of real time in which a zone's offset does not change. */
export interface OffsetSpan {
  readonly from: EpochMs
  readonly to: EpochMs
  readonly offsetMs: number
}

/**
 * What is known of one IANA zone. Intl answers nothing but "how far from UTC at this instant", at some microseconds a
 * question; so each year is asked once, a day apart, and each change in it is then found to the second by halving.
 */
export class TimeZone {
  readonly name: string
  readonly #format: Intl.DateTimeFormat
  readonly #years = new Map<number, readonly Transition[]>()

  private constructor(name: string, format: Intl.DateTimeFormat) {
    this.name = name
    this.#format = format
  }

  static readonly #known = new Map<string, TimeZone | undefined>()

  /** Undefined when there is no such zone. The answer for a name never changes while the process runs. */
  static find(name: string): TimeZone | undefined {
    const known = TimeZone.#known
    if (known.has(name)) return known.get(name)
    const zone = open(name)
    // Names come from documents of others: what does not exist must not fill the memory.
    if (known.size < 2000) known.set(name, zone && new TimeZone(name, zone))
    return zone && (known.get(name) ?? new TimeZone(name, zone))
  }

  static get utc(): TimeZone {
    return TimeZone.find('UTC')!
  }

  /** Milliseconds to add to `at` to have what the clocks of the zone show. */
  offsetAt(at: EpochMs): number {
    const year = new Date(at).getUTCFullYear()
    const transitions = this.transitionsOf(year)
    const later = transitions.findIndex(transition => transition.at > at)
    if (later >= 0) return transitions[later]!.beforeMs
    return transitions.length > 0 ? transitions.at(-1)!.offsetMs : this.#ask(Date.UTC(year, 0, 1))
  }

  wallOf(at: EpochMs): WallMs {
    return at + this.offsetAt(at)
  }

  /** Every change of the offset within [from, to), in order. */
  transitions(from: EpochMs, to: EpochMs): readonly Transition[] {
    const found: Transition[] = []
    const last = new Date(to).getUTCFullYear()
    for (let year = new Date(from).getUTCFullYear(); year <= last; year++) {
      for (const transition of this.transitionsOf(year)) {
        if (transition.at >= from && transition.at < to) found.push(transition)
      }
    }
    return found
  }

  /** [from, to) cut where the offset changes. */
  spans(from: EpochMs, to: EpochMs): readonly OffsetSpan[] {
    const spans: OffsetSpan[] = []
    let start = from
    let offsetMs = this.offsetAt(from)
    for (const transition of this.transitions(from + 1, to)) {
      spans.push({ from: start, to: transition.at, offsetMs })
      start = transition.at
      offsetMs = transition.offsetMs
    }
    spans.push({ from: start, to, offsetMs })
    return spans
  }

  /**
   * The instant at which the clocks show `wall`. Where they skip it: the first instant after the gap. Where they show
   * it twice: the first or the last time, as `which` says.
   */
  instantOf(wall: WallMs, which: 'first' | 'last'): EpochMs {
    // No zone is further than a day from UTC, and none jumps by more than a day.
    let found: EpochMs | undefined
    for (const span of this.spans(wall - 2 * DAY_MS, wall + 2 * DAY_MS)) {
      const at = wall - span.offsetMs
      if (at >= span.to) continue
      // Before the span although later than the one before it: the wall reading was skipped.
      if (at < span.from) return found ?? span.from
      if (which === 'first') return at
      found = at
    }
    return found ?? wall - this.offsetAt(wall)
  }

  private transitionsOf(year: number): readonly Transition[] {
    const known = this.#years.get(year)
    if (known !== undefined) return known
    const transitions: Transition[] = []
    const end = Date.UTC(year + 1, 0, 1)
    let at = Date.UTC(year, 0, 1) - 1
    let offset = this.#ask(at)
    while (at < end - 1) {
      const next = Math.min(at + DAY_MS, end - 1)
      const offsetThen = this.#ask(next)
      if (offsetThen !== offset) transitions.push(this.#changeBetween(at, next, offset, offsetThen))
      at = next
      offset = offsetThen
    }
    if (this.#years.size < 300) this.#years.set(year, transitions)
    return transitions
  }

  #changeBetween(low: EpochMs, high: EpochMs, beforeMs: number, offsetMs: number): Transition {
    let before = low
    let after = high
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2)
      if (this.#ask(middle) === beforeMs) before = middle
      else after = middle
    }
    return { at: after, beforeMs, offsetMs }
  }

  #ask(at: EpochMs): number {
    if (this.name === 'UTC') return 0
    const text = this.#format.format(at)
    const found = /GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(text)
    if (found === null) throw new Error(`Intl answered "${text}" for the zone ${this.name}`)
    const [, sign, hours, minutes, seconds] = found
    const total = (Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0)) * 1000
    return sign === '-' ? -total : total
  }
}

function open(name: string): Intl.DateTimeFormat | undefined {
  // Intl takes "+01:00" too; documents name a place, whose rules may change.
  if (!/^[A-Za-z]/.test(name) || name.length > 64) return undefined
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' })
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
