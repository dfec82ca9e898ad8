import type { EpochMs } from '../time/epoch-ms.ts'
import type { CompiledRules } from './compile-rules.ts'
import { closingOf } from './decide.ts'
import { type Intervals, union } from './intervals.ts'
import type { GateAction, GateTarget } from './rules.ts'

/** A stretch in which both answers stay the same. */
export interface TimelineInterval {
  readonly from: EpochMs
  readonly to: EpochMs
  /** Whether the hub may start something by itself. */
  readonly automated: 'open' | 'closed'
  /** Whether a person may. */
  readonly manual: 'open' | 'closed'
}

/** What is open and closed for an Application over [from, to), without gaps. Whom the same rules concern share it. */
export function timeline(
  rules: CompiledRules,
  target: GateTarget,
  from: EpochMs,
  to: EpochMs,
  action: GateAction = 'sync',
): readonly TimelineInterval[] {
  const group = rules.groupOf(target, action)
  const byItself = closingOf(rules, target, { trigger: 'automated', action })
  const byHand = closingOf(rules, target, { trigger: 'manual', action })
  const make = () => combine(group.closed(byItself, from, to), group.closed(byHand, from, to), from, to)
  if (byItself.overrides.length > 0 || byHand.overrides.length > 0) return make()
  const key = `timeline ${from} ${to}`
  const known = group.answers.get(key) as readonly TimelineInterval[] | undefined
  if (known !== undefined) return known
  const made = make()
  if (group.answers.size > 1000) group.answers.clear()
  group.answers.set(key, made)
  return made
}

function combine(automated: Intervals, manual: Intervals, from: EpochMs, to: EpochMs): readonly TimelineInterval[] {
  const result: TimelineInterval[] = []
  let left = 0
  let right = 0
  for (let at = from; at < to; ) {
    while (left < automated.length && automated[left]!.to <= at) left++
    while (right < manual.length && manual[right]!.to <= at) right++
    const a = automated[left]
    const m = manual[right]
    const closedA = a !== undefined && a.from <= at
    const closedM = m !== undefined && m.from <= at
    const end = Math.min(to, edge(a, closedA), edge(m, closedM))
    result.push({ from: at, to: end, automated: closedA ? 'closed' : 'open', manual: closedM ? 'closed' : 'open' })
    at = end
  }
  return result
}

function edge(interval: Intervals[number] | undefined, inside: boolean): number {
  if (interval === undefined) return Number.POSITIVE_INFINITY
  return inside ? interval.to : interval.from
}

/** When it is not open all the time for this trigger. */
export function closedOf(line: readonly TimelineInterval[], trigger: 'automated' | 'manual'): Intervals {
  return union(line.filter(each => each[trigger] === 'closed').map(({ from, to }) => [{ from, to }]))
}
