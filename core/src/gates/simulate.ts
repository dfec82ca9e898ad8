import type { EpochMs } from '../time/epoch-ms.ts'
import type { CompiledRules } from './compile-rules.ts'
import { type Intervals, subtract } from './intervals.ts'
import type { RuleGroup } from './rule-group.ts'
import type { GateTarget } from './rules.ts'
import { closedOf, timeline } from './timeline.ts'

/** How the times of one Application change with the rules, by trigger. */
export interface SimulatedChange {
  readonly application: GateTarget
  readonly automated: TimesChanged
  readonly manual: TimesChanged
}

export interface TimesChanged {
  /** Was open, and would be closed. */
  readonly closes: Intervals
  readonly opens: Intervals
}

export interface Simulation {
  /** Those for whom anything changes, in the order given. */
  readonly changes: readonly SimulatedChange[]
  /** How many would be closed for the hub at `from` that are open now, and in how many clusters. */
  readonly blockedNow: { readonly applications: number; readonly clusters: number }
}

/** What another set of rules would change for Applications over [from, to): asked before it is saved. */
export function simulate(
  before: CompiledRules,
  after: CompiledRules,
  applications: readonly GateTarget[],
  from: EpochMs,
  to: EpochMs,
): Simulation {
  const known = new Map<RuleGroup, Map<RuleGroup, Omit<SimulatedChange, 'application'> | undefined>>()
  const overridden = before.overrides.length > 0 || after.overrides.length > 0
  const changes: SimulatedChange[] = []
  for (const application of applications) {
    const old = before.groupOf(application, 'sync')
    const next = after.groupOf(application, 'sync')
    const pairs = known.get(old) ?? new Map<RuleGroup, Omit<SimulatedChange, 'application'> | undefined>()
    known.set(old, pairs)
    if (overridden || !pairs.has(next)) pairs.set(next, compare(before, after, application, from, to))
    const change = pairs.get(next)
    if (change !== undefined) changes.push({ application, ...change })
  }
  const blocked = changes.filter(({ automated }) => automated.closes[0]?.from === from)
  const clusters = new Set(blocked.map(({ application }) => application.cluster?.name ?? application.destination.name))
  return { changes, blockedNow: { applications: blocked.length, clusters: clusters.size } }
}

function compare(
  before: CompiledRules,
  after: CompiledRules,
  application: GateTarget,
  from: EpochMs,
  to: EpochMs,
): Omit<SimulatedChange, 'application'> | undefined {
  const old = timeline(before, application, from, to)
  const next = timeline(after, application, from, to)
  const of = (trigger: 'automated' | 'manual'): TimesChanged => {
    const was = closedOf(old, trigger)
    const willBe = closedOf(next, trigger)
    return { closes: subtract(willBe, was), opens: subtract(was, willBe) }
  }
  const change = { automated: of('automated'), manual: of('manual') }
  const any = [change.automated, change.manual].some(({ closes, opens }) => closes.length + opens.length > 0)
  return any ? change : undefined
}
