import type { CompiledRule } from './compile-rule.ts'
import { compileFreeze, compileWindow } from './compile-rule.ts'
import { inScope } from './compile-scope.ts'
import { type CompiledOverride, compileOverride } from './override.ts'
import { RuleClock } from './rule-clock.ts'
import { type GroupMember, MOST_GROUPS, RuleGroup } from './rule-group.ts'
import type {
  CalendarSnapshot,
  FreezeRule,
  GateAction,
  GateCluster,
  GateRules,
  GateTarget,
  WindowRule,
} from './rules.ts'
import { TimeZone } from './time-zone.ts'

/**
 * Rules made ready to be asked about many Applications: who is concerned is found once for Applications alike in
 * project and cluster, and those whom the same rules concern share every answer.
 *
 * Remembers by the Application's object (see {@link GateTarget}); holds no time of its own.
 */
export class CompiledRules {
  readonly rules: readonly CompiledRule[]
  readonly overrides: readonly CompiledOverride[]
  readonly defaultZone: TimeZone
  readonly #clocks: readonly RuleClock[]
  readonly #near = new WeakMap<GateCluster, Map<string, readonly Near[]>>()
  readonly #byProject = new Map<string, readonly number[]>()
  readonly #groups = new Map<string, RuleGroup>()
  readonly #groupOf = new Map<GateAction, WeakMap<GateTarget, RuleGroup>>()
  readonly #indexOf: ReadonlyMap<CompiledRule, number>
  /** The rules before these, for as long as an Application may be asked about that was asked about then. */
  #previous: Previous | undefined

  constructor(
    rules: readonly CompiledRule[],
    overrides: readonly CompiledOverride[],
    defaultZone: TimeZone,
    previous?: CompiledRules,
  ) {
    this.rules = rules
    this.overrides = overrides
    this.defaultZone = defaultZone
    const known = new Map(previous?.rules.map((rule, index) => [rule, previous.#clocks[index]!]))
    this.#clocks = rules.map(rule => known.get(rule) ?? new RuleClock(rule.timing))
    this.#indexOf = new Map(rules.map((rule, index) => [rule, index]))
    if (previous !== undefined && previous.defaultZone === defaultZone) {
      const added = rules.flatMap((rule, index) => (known.has(rule) ? [] : [index]))
      // After a change of most rules nothing is gained by looking at each of them again.
      if (added.length <= MOST_ADDED) this.#previous = { rules: previous, added, groups: new Map() }
      previous.#previous = undefined
    }
  }

  /** The rules that concern an Application and action, with what is worked out for all those like it. */
  groupOf(target: GateTarget, action: GateAction): RuleGroup {
    let known = this.#groupOf.get(action)
    if (known === undefined) {
      known = new WeakMap()
      this.#groupOf.set(action, known)
    }
    let group = known.get(target)
    if (group === undefined) {
      group = this.#groupAsBefore(target, action) ?? this.#findGroup(target, action)
      known.set(target, group)
    }
    return group
  }

  zoneOf(target: GateTarget): TimeZone {
    const name = target.cluster?.timeZone
    return (name === undefined ? undefined : TimeZone.find(name)) ?? this.defaultZone
  }

  /**
   * What one edit of one rule changes for an Application that was asked about before: mostly nothing, and then its
   * group is the same with every answer that it has.
   */
  #groupAsBefore(target: GateTarget, action: GateAction): RuleGroup | undefined {
    const previous = this.#previous
    if (previous === undefined) return undefined
    const before = previous.rules.#groupOf.get(action)?.get(target)
    if (before === undefined) return undefined
    let key = ''
    const joining: { readonly index: number; readonly exemptUntil: number }[] = []
    for (const index of previous.added) {
      const rule = this.rules[index]!
      if (!rule.blocks.has(action) || !inScope(rule.scope, target)) continue
      const zone = rule.zone === 'cluster' ? this.zoneOf(target) : rule.zone
      const exemptUntil = rule.exemptUntil(target, zone)
      if (exemptUntil === Number.POSITIVE_INFINITY) continue
      joining.push({ index, exemptUntil })
      key += ` ${index}-${exemptUntil}-${zone.name}`
    }
    let byJoining = previous.groups.get(before)
    if (byJoining === undefined) {
      byJoining = new Map()
      previous.groups.set(before, byJoining)
    }
    let group = byJoining.get(key)
    if (group === undefined) {
      group = this.#changedGroup(before, joining, this.zoneOf(target))
      byJoining.set(key, group)
    }
    return group
  }

  #changedGroup(
    before: RuleGroup,
    joining: readonly { readonly index: number; readonly exemptUntil: number }[],
    zone: TimeZone,
  ): RuleGroup {
    const staying = before.members.filter(({ rule }) => this.#indexOf.has(rule))
    if (staying.length === before.members.length && joining.length === 0) return before
    const joined = joining.map(({ index, exemptUntil }): GroupMember => {
      const rule = this.rules[index]!
      return { rule, clock: this.#clocks[index]!, exemptUntil, zone: rule.zone === 'cluster' ? zone : rule.zone }
    })
    const orderOf = ({ rule }: GroupMember): number => this.#indexOf.get(rule)!
    return new RuleGroup([...staying, ...joined].sort((a, b) => orderOf(a) - orderOf(b)))
  }

  #findGroup(target: GateTarget, action: GateAction): RuleGroup {
    const zone = this.zoneOf(target)
    let key = `${action} ${zone.name}`
    const members: { readonly index: number; readonly exemptUntil: number }[] = []
    for (const { index, certain } of this.#nearOf(target)) {
      const rule = this.rules[index]!
      if (!rule.blocks.has(action) || !(certain || rule.scope.fine(target))) continue
      const exemptUntil = rule.exemptUntil(target, rule.zone === 'cluster' ? zone : rule.zone)
      if (exemptUntil === Number.POSITIVE_INFINITY) continue
      members.push({ index, exemptUntil })
      key += exemptUntil === Number.NEGATIVE_INFINITY ? ` ${index}` : ` ${index}-${exemptUntil}`
    }
    let group = this.#groups.get(key)
    if (group === undefined) {
      group = new RuleGroup(
        members.map(({ index, exemptUntil }) => {
          const rule = this.rules[index]!
          return { rule, clock: this.#clocks[index]!, exemptUntil, zone: rule.zone === 'cluster' ? zone : rule.zone }
        }),
      )
      if (this.#groups.size >= MOST_GROUPS) this.#groups.clear()
      this.#groups.set(key, group)
    }
    return group
  }

  #ofProject(project: string): readonly number[] {
    let indices = this.#byProject.get(project)
    if (indices === undefined) {
      indices = this.rules.flatMap(({ scope }, index) => (scope.project(project) ? [index] : []))
      if (this.#byProject.size >= MOST_NEAR) this.#byProject.clear()
      this.#byProject.set(project, indices)
    }
    return indices
  }

  /** The rules that may concern whoever is of the same project and cluster. */
  #nearOf(target: GateTarget): readonly Near[] {
    const { destination, cluster = NO_CLUSTER, project } = target
    let ofCluster = this.#near.get(cluster)
    if (ofCluster === undefined) {
      ofCluster = new Map()
      this.#near.set(cluster, ofCluster)
    }
    const key = JSON.stringify([project, destination.name, destination.server])
    let near = ofCluster.get(key)
    if (near === undefined) {
      near = this.#ofProject(project).flatMap(index => {
        const coarse = this.rules[index]!.scope.coarse(target)
        return coarse === 'no' ? [] : [{ index, certain: coarse === 'yes' }]
      })
      if (ofCluster.size >= MOST_NEAR) ofCluster.clear()
      ofCluster.set(key, near)
    }
    return near
  }
}

/** Stands for the cluster of an Application whose destination no document declares. */
const NO_CLUSTER: GateCluster = { name: '', servers: [], labels: {} }
const MOST_NEAR = 10_000
const MOST_ADDED = 10

interface Previous {
  readonly rules: CompiledRules
  /** Rules that were not there before. */
  readonly added: readonly number[]
  /** Groups of now by the group of before, and by what joins it. */
  readonly groups: Map<RuleGroup, Map<string, RuleGroup>>
}

interface Near {
  readonly index: number
  readonly certain: boolean
}

/**
 * Makes rules ready. No mistake stops it: a rule that cannot be evaluated closes its scope and says why
 * (`mistakes` of the compiled rule).
 *
 * @param previous What this made before: rules with equal content keep what was worked out for them.
 */
export function compileRules(rules: GateRules, previous?: CompiledRules): CompiledRules {
  const calendars = new Map((rules.calendars ?? []).map(calendar => [calendar.name, calendar]))
  const known = new Map(previous?.rules.map(rule => [rule.id, rule]))
  const compiled = [
    ...rules.windows.map(compiledWindow),
    ...rules.freezes.map(freeze => compiledFreeze(freeze, calendars)),
  ].map(rule => known.get(rule.id) ?? rule)
  const overrides = (rules.overrides ?? []).flatMap(override => compileOverride(override) ?? [])
  const zone = rules.defaultTimeZone === undefined ? undefined : TimeZone.find(rules.defaultTimeZone)
  return new CompiledRules(compiled, overrides, zone ?? TimeZone.utc, previous)
}

/** By the rule as it was written: most documents are the very objects of the time before. */
const compiledBefore = new WeakMap<WindowRule | FreezeRule, CompiledRule>()

function compiledWindow(window: WindowRule): CompiledRule {
  const known = compiledBefore.get(window)
  if (known !== undefined) return known
  const compiled = compileWindow(window)
  compiledBefore.set(window, compiled)
  return compiled
}

function compiledFreeze(freeze: FreezeRule, calendars: ReadonlyMap<string, CalendarSnapshot>): CompiledRule {
  // What goes by a calendar is another rule as soon as that is another.
  if (freeze.when.some(time => 'calendar' in time)) return compileFreeze(freeze, calendars)
  const known = compiledBefore.get(freeze)
  if (known !== undefined) return known
  const compiled = compileFreeze(freeze, calendars)
  compiledBefore.set(freeze, compiled)
  return compiled
}
