import type { EpochMs } from '../time/epoch-ms.ts'
import type { CompiledRule } from './compile-rule.ts'
import { complement, type Interval, type Intervals, NONE, slice, subtract, union } from './intervals.ts'
import { type CompiledOverride, mayCover, mayCoverWindows } from './override.ts'
import type { RuleClock } from './rule-clock.ts'
import type { TimeZone } from './time-zone.ts'

/** More groups than any fleet has; then they are worked out again. */
export const MOST_GROUPS = 50_000

export interface GroupMember {
  readonly rule: CompiledRule
  readonly clock: RuleClock
  readonly zone: TimeZone
  /** Before this the rule does not hold here. */
  readonly exemptUntil: EpochMs
}

/** How a start is judged: what is closed for it. */
export interface Closing {
  readonly automated: boolean
  /** A self-heal to the digest that is in force: freezes that let it go on do not count. */
  readonly healing: boolean
  /** Those that are meant for this start. */
  readonly overrides: readonly CompiledOverride[]
}

/** Everything that is the same for Applications whom the same rules concern. */
export class RuleGroup {
  readonly members: readonly GroupMember[]
  /** Its windows, those together that are judged together. */
  readonly rhythms: readonly (readonly GroupMember[])[]
  /** What was answered, by question; for whoever asks the same again. */
  readonly answers = new Map<string, unknown>()

  constructor(members: readonly GroupMember[]) {
    this.members = members
    this.rhythms = rhythmsOf(members)
  }

  /** When one of its rules is active. */
  activeOf({ rule, clock, zone, exemptUntil }: GroupMember, from: EpochMs, to: EpochMs): Intervals {
    if (exemptUntil >= to) return NONE
    const whole = clock.intervals(zone, from, to)
    // An allow window from which one is exempt is not a window that is closed: it does not concern one at all.
    return exemptUntil <= from || isAllow(rule) ? whole : slice(whole, exemptUntil, to)
  }

  isActive(member: GroupMember, at: EpochMs): boolean {
    return at >= member.exemptUntil && member.clock.activeAt(member.zone, at)
  }

  /**
   * When it is closed because no allow window of a rhythm is active. While any deny of it is active the allows are not
   * looked at: what is closed then is the denies' affair.
   */
  notOpen(rhythm: readonly GroupMember[], automated: boolean, from: EpochMs, to: EpochMs): Intervals {
    const allows = rhythm.filter(({ rule }) => isAllow(rule))
    if (allows.length === 0) return NONE
    const denies = rhythm.filter(({ rule }) => !isAllow(rule))
    const active = union(denies.map(member => this.activeOf(member, from, to)))
    return subtract(outsideAllows(allows, automated, this, from, to), active)
  }

  /** When a deny of this window's rhythm is active that does not let manual syncs pass. */
  strictlyDenied(window: GroupMember, from: EpochMs, to: EpochMs): Intervals {
    const rhythm = this.rhythms.find(each => each.includes(window)) ?? []
    const strict = rhythm.filter(({ rule: { effect } }) => {
      return effect.kind === 'window' && effect.effect === 'deny' && !effect.manualSync
    })
    return union(strict.map(member => this.activeOf(member, from, to)))
  }

  /** When nothing may start, within [from, to). */
  closed(closing: Closing, from: EpochMs, to: EpochMs): Intervals {
    const open = (override: CompiledOverride): Interval => ({ from: override.rule.from, to: override.rule.until })
    const lists: Intervals[] = []
    for (const member of this.members) {
      const { effect } = member.rule
      if (effect.kind === 'window') continue
      if (effect.freeze === 'soft' && !closing.automated) continue
      if (closing.healing && effect.selfHeal === 'continue') continue
      const covering = closing.overrides.filter(override => mayCover(override, effect.breakGlass))
      lists.push(subtractAll(this.activeOf(member, from, to), covering.map(open)))
    }
    const windows = union(this.rhythms.map(rhythm => windowsClosed(rhythm, closing.automated, this, from, to)))
    lists.push(subtractAll(windows, closing.overrides.filter(mayCoverWindows).map(open)))
    return union(lists)
  }
}

function subtractAll(list: Intervals, taken: readonly Interval[]): Intervals {
  return taken.reduce<Intervals>((left, each) => subtract(left, [each]), list)
}

export function isAllow({ effect }: CompiledRule): boolean {
  return effect.kind === 'window' && effect.effect === 'allow'
}

function rhythmsOf(members: readonly GroupMember[]): readonly (readonly GroupMember[])[] {
  const found = new Map<string, GroupMember[]>()
  for (const member of members) {
    const { effect } = member.rule
    if (effect.kind !== 'window') continue
    const rhythm = found.get(effect.rhythm)
    if (rhythm === undefined) found.set(effect.rhythm, [member])
    else rhythm.push(member)
  }
  return [...found.values()]
}

function windowsClosed(
  rhythm: readonly GroupMember[],
  automated: boolean,
  group: RuleGroup,
  from: EpochMs,
  to: EpochMs,
): Intervals {
  const allows: GroupMember[] = []
  /** Those that block manual syncs too. */
  const strictDenies: Intervals[] = []
  const lenientDenies: Intervals[] = []
  for (const member of rhythm) {
    const { effect } = member.rule
    if (isAllow(member.rule)) allows.push(member)
    else {
      const lenient = effect.kind === 'window' && effect.manualSync
      ;(lenient ? lenientDenies : strictDenies).push(group.activeOf(member, from, to))
    }
  }
  const outside = outsideAllows(allows, automated, group, from, to)
  if (automated) return union([...strictDenies, ...lenientDenies, outside])
  // While denies that let manual syncs pass are active, inactive allows are not looked at.
  return union([...strictDenies, subtract(outside, union(lenientDenies))])
}

/** Where there are allows, closed is the default outside of them. */
function outsideAllows(
  allows: readonly GroupMember[],
  automated: boolean,
  group: RuleGroup,
  from: EpochMs,
  to: EpochMs,
): Intervals {
  // From when on an allow counts: before that one is exempt from it.
  const edges = [...new Set([from, ...allows.map(({ exemptUntil }) => exemptUntil).filter(at => at > from && at < to)])]
  edges.sort((a, b) => a - b)
  return union(
    edges.map((start, index) => {
      const end = edges[index + 1] ?? to
      const counting = allows.filter(({ exemptUntil }) => exemptUntil <= start)
      const strict = counting.some(({ rule }) => rule.effect.kind === 'window' && !rule.effect.manualSync)
      if (counting.length === 0 || (!automated && !strict)) return NONE
      return complement(union(counting.map(member => group.activeOf(member, start, end))), start, end)
    }),
  )
}

const STEPS_DAYS = [2, 15, 100, 400]
/** After so long it is given up, and said to be unknown. */
export const HORIZON_MS = 400 * 86_400_000

/** The first instant after `now` at which `closed` begins or ends; undefined when there is none within 400 days. */
export function firstChange(closed: (from: EpochMs, to: EpochMs) => Intervals, now: EpochMs): EpochMs | undefined {
  for (const days of STEPS_DAYS) {
    const to = now + days * 86_400_000
    const list = closed(now, to)
    const first = list[0]
    if (first === undefined) continue
    if (first.from > now) return first.from
    if (first.to < to) return first.to
  }
  return undefined
}

/** When what is active at `now` ends, or what is not begins. */
export function firstEdge(group: RuleGroup, member: GroupMember, now: EpochMs): EpochMs | undefined {
  return firstChange((from, to) => group.activeOf(member, from, to), now)
}
