import type { EpochMs } from '../time/epoch-ms.ts'
import type { Interval } from './intervals.ts'
import { type Closing, type GroupMember, HORIZON_MS, isAllow, type RuleGroup } from './rule-group.ts'

/** So many boundaries are walked; then it is given up, and said to be unknown. */
const MOST_BOUNDARIES = 10_000

/**
 * The first instant after `now` at which a start without overrides is judged otherwise; undefined when there is none
 * within 400 days. Walks from boundary to boundary, over all those that cannot change anything: while a freeze or deny
 * is active, up to its end.
 */
export function nextChangeOf(
  group: RuleGroup,
  closing: Pick<Closing, 'automated' | 'healing'>,
  now: EpochMs,
): EpochMs | undefined {
  const walk = new Walk(group, closing)
  const closed = walk.look(now).closed
  let at = now
  for (let boundary = 0; boundary < MOST_BOUNDARIES; boundary++) {
    at = walk.look(at).until
    if (at > now + HORIZON_MS) return undefined
    if (walk.look(at).closed !== closed) return at
  }
  return undefined
}

interface Moment {
  readonly closed: boolean
  /** Until then it is certainly so. */
  readonly until: EpochMs
}

interface Rhythm {
  /** Denies that people pass: for them no inactive allow of it counts while one of these is active. */
  readonly lenient: readonly GroupMember[]
  readonly allows: readonly GroupMember[]
}

class Walk {
  readonly #automated: boolean
  /** Any of them closes while it is active. */
  readonly #closers: readonly GroupMember[]
  readonly #rhythms: readonly Rhythm[]
  #last: (Moment & { readonly at: EpochMs }) | undefined

  constructor(group: RuleGroup, { automated, healing }: Pick<Closing, 'automated' | 'healing'>) {
    this.#automated = automated
    const closers: GroupMember[] = []
    for (const member of group.members) {
      const { effect } = member.rule
      if (effect.kind === 'freeze') {
        if ((automated || effect.freeze === 'hard') && !(healing && effect.selfHeal === 'continue'))
          closers.push(member)
      } else if (effect.effect === 'deny' && (automated || !effect.manualSync)) closers.push(member)
    }
    this.#closers = closers
    this.#rhythms = group.rhythms.map(rhythm => ({
      lenient: rhythm.filter(member => !isAllow(member.rule) && !closers.includes(member)),
      allows: rhythm.filter(({ rule }) => isAllow(rule)),
    }))
  }

  look(at: EpochMs): Moment {
    if (this.#last?.at !== at) this.#last = { at, ...this.#judge(at) }
    return this.#last
  }

  #judge(at: EpochMs): Moment {
    let closedUntil = at
    let next = Number.POSITIVE_INFINITY
    for (const member of this.#closers) {
      const interval = timesOf(member, at)
      if (interval === undefined) continue
      if (interval.from <= at) closedUntil = Math.max(closedUntil, interval.to)
      else next = Math.min(next, interval.from)
    }
    // Whatever else happens meanwhile, it is closed to the last end of what is active.
    if (closedUntil > at) return { closed: true, until: closedUntil }
    let until = next
    for (const rhythm of this.#rhythms) {
      const windows = this.#judgeAllows(rhythm, at)
      if (windows.closed) return windows
      until = Math.min(until, windows.until)
    }
    return { closed: false, until }
  }

  #judgeAllows({ allows, lenient }: Rhythm, at: EpochMs): Moment {
    let until = Number.POSITIVE_INFINITY
    let counting = 0
    let strict = false
    let active = false
    for (const member of allows) {
      // Before this it is no window of theirs at all.
      if (at < member.exemptUntil) {
        until = Math.min(until, member.exemptUntil)
        continue
      }
      counting++
      const { effect } = member.rule
      strict ||= effect.kind === 'window' && !effect.manualSync
      const interval = timesOf(member, at)
      if (interval === undefined) continue
      const isNow = interval.from <= at
      active ||= isNow
      until = Math.min(until, isNow ? interval.to : interval.from)
    }
    if (counting === 0 || (!this.#automated && !strict)) return { closed: false, until }
    let passed = false
    for (const member of lenient) {
      const interval = timesOf(member, at)
      if (interval === undefined) continue
      const isNow = interval.from <= at
      passed ||= isNow
      until = Math.min(until, isNow ? interval.to : interval.from)
    }
    return { closed: !active && !passed, until }
  }
}

/** The time of a rule that holds at an instant, or the first after it. */
function timesOf({ clock, zone, exemptUntil }: GroupMember, at: EpochMs): Interval | undefined {
  if (exemptUntil === Number.NEGATIVE_INFINITY || exemptUntil <= at) return clock.atOrAfter(zone, at)
  const later = clock.atOrAfter(zone, exemptUntil)
  return later && { from: Math.max(later.from, exemptUntil), to: later.to }
}
