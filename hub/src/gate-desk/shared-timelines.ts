import type { CompiledRules } from '@flotilla/core/gates/compile-rules'
import { isAllow, type RuleGroup } from '@flotilla/core/gates/rule-group'
import type { GateTarget } from '@flotilla/core/gates/rules'
import { type TimelineInterval, timeline } from '@flotilla/core/gates/timeline'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

/** A stretch, and the rules that hold the hub at its beginning. */
export interface HeldInterval extends TimelineInterval {
  readonly rules: readonly string[]
}

/** Applications with one and the same times. */
export interface SharedTimeline {
  readonly applications: readonly string[]
  /** By whose clocks people there read them. */
  readonly timeZone: string
  readonly intervals: readonly HeldInterval[]
}

/** More than anybody reads; working out and sending as many takes the hub a second. */
export const MOST_INTERVALS = 100_000

/**
 * When Applications are open and closed over [from, to). Whom the same rules concern shares every answer.
 *
 * @returns Undefined when there are more than {@link MOST_INTERVALS}: ask for fewer Applications, or for less time.
 */
export function sharedTimelines(
  compiled: CompiledRules,
  targets: readonly GateTarget[],
  from: EpochMs,
  to: EpochMs,
): readonly SharedTimeline[] | undefined {
  const groups = new Map<unknown, GateTarget[]>()
  for (const target of targets) {
    // With overrides, what is open may be of one Application alone.
    const key = compiled.overrides.length > 0 ? target : compiled.groupOf(target, 'sync')
    const known = groups.get(key)
    if (known === undefined) groups.set(key, [target])
    else known.push(target)
  }
  const merged = new Map<
    string,
    { readonly applications: string[]; readonly timeZone: string; readonly intervals: readonly HeldInterval[] }
  >()
  let count = 0
  for (const members of groups.values()) {
    const [first] = members
    const intervals = withRules(compiled.groupOf(first!, 'sync'), timeline(compiled, first!, from, to), from, to)
    count += intervals.length
    if (count > MOST_INTERVALS) return undefined
    const timeZone = compiled.zoneOf(first!).name
    const names = members.map(({ name }) => name)
    const key = `${timeZone} ${intervals.map(textOf).join()}`
    const known = merged.get(key)
    if (known === undefined) merged.set(key, { applications: names, timeZone, intervals })
    else known.applications.push(...names)
  }
  return [...merged.values()]
}

/**
 * The rules that hold the hub at the beginning of each interval, as `decide` would name them. A walk along all of them
 * at once: a fleet has hundreds of thousands of intervals, too many to decide each by itself.
 */
function withRules(
  group: RuleGroup,
  intervals: readonly TimelineInterval[],
  from: EpochMs,
  to: EpochMs,
): readonly HeldInterval[] {
  const members = group.members.map(member => ({ member, active: group.activeOf(member, from, to), next: 0 }))
  const isActive = (each: (typeof members)[number], at: EpochMs): boolean => {
    while (each.next < each.active.length && each.active[each.next]!.to <= at) each.next++
    const interval = each.active[each.next]
    return at >= each.member.exemptUntil && interval !== undefined && interval.from <= at
  }
  const freezes = members.filter(({ member: { rule } }) => rule.effect.kind === 'freeze')
  const rhythms = group.rhythms.map(rhythm => {
    const windows = members.filter(({ member }) => rhythm.includes(member))
    return {
      denies: windows.filter(({ member: { rule } }) => !isAllow(rule)),
      allows: windows.filter(({ member: { rule } }) => isAllow(rule)),
    }
  })
  return intervals.map(interval => {
    if (interval.automated === 'open') return { ...interval, rules: [] }
    const at = interval.from
    const windows = rhythms.flatMap(({ denies, allows }) => {
      const denying = denies.filter(each => isActive(each, at))
      if (denying.length > 0) return denying
      const allowing = allows.some(each => isActive(each, at))
      return allowing ? [] : allows.filter(({ member }) => at >= member.exemptUntil)
    })
    const holding = [...freezes.filter(each => isActive(each, at)), ...windows]
    return { ...interval, rules: holding.map(({ member: { rule } }) => rule.name) }
  })
}

function textOf({ from, to, automated, manual, rules }: HeldInterval): string {
  return `${from} ${to} ${automated} ${manual} ${rules.join('|')}`
}
