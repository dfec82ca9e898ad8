import type { CompiledRule } from './compile-rule.ts'
import { compileFreeze, compileWindow } from './compile-rule.ts'
import { type CompiledOverride, compileOverride } from './override.ts'
import { RuleClock } from './rule-clock.ts'
import { MOST_GROUPS, RuleGroup } from './rule-group.ts'
import type { GateAction, GateCluster, GateRules, GateTarget } from './rules.ts'
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
      group = this.#findGroup(target, action)
      known.set(target, group)
    }
    return group
  }

  zoneOf(target: GateTarget): TimeZone {
    const name = target.cluster?.timeZone
    return (name === undefined ? undefined : TimeZone.find(name)) ?? this.defaultZone
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
    ...rules.windows.map(compileWindow),
    ...rules.freezes.map(freeze => compileFreeze(freeze, calendars)),
  ].map(rule => known.get(rule.id) ?? rule)
  const overrides = (rules.overrides ?? []).flatMap(override => compileOverride(override) ?? [])
  const zone = rules.defaultTimeZone === undefined ? undefined : TimeZone.find(rules.defaultTimeZone)
  return new CompiledRules(compiled, overrides, zone ?? TimeZone.utc, previous)
}
