import { gateTargets } from '@flotilla/config/gate-rules'
import type { CompiledRule } from '@flotilla/core/gates/compile-rule'
import { type CompiledRules, compileRules } from '@flotilla/core/gates/compile-rules'
import { inScope } from '@flotilla/core/gates/compile-scope'
import { decide, type GateDecision, type GateQuestion } from '@flotilla/core/gates/decide'
import type { GateRules, GateTarget } from '@flotilla/core/gates/rules'
import type { JsonObject } from '@flotilla/core/json/json'
import type { Application } from '@flotilla/core/model/application'
import type { ApplicationRow, StoreReader, StoreWriter } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { FleetIndex } from '../loop/fleet-index.ts'
import { type GateSettings, readStoredGates, rulesInForce } from './rules-in-force.ts'
import { rulesVersion, versionOfRules } from './rules-version.ts'

/** The rules that count now, as everybody who decides takes them. */
export interface RuleSet {
  /** Rises with every change; see rules-version.ts. */
  readonly version: number
  readonly rules: CompiledRules
  /** As documents write them, wherever they come from. */
  readonly written: GateRules
}

/** A rule set that has been made and not taken yet. */
export interface NextRules extends RuleSet {
  readonly index: FleetIndex
}

/** What a change of rules concerns. */
export interface RulesChange {
  readonly before: RuleSet
  readonly after: RuleSet
  /** Rules of either that the other does not have as they are. */
  readonly rules: readonly CompiledRule[]
  /** Whether this Application's times may be others now. */
  concerns(row: ApplicationRow): boolean
}

export const NO_RULES: RuleSet = {
  version: 0,
  rules: compileRules({ windows: [], freezes: [] }),
  written: { windows: [], freezes: [] },
}

/**
 * The gates of a hub: one set of rules, and the one evaluator over it for scheduler, Grants, calendars, API and
 * previews. It holds no time of its own.
 */
export class Gates {
  readonly #settings: GateSettings
  #current: RuleSet = NO_RULES
  #clusters: unknown
  #target: (application: Application) => GateTarget = gateTargets({
    applicationSets: [],
    applications: [],
    projects: [],
    clusters: [],
    repositories: [],
  })
  #targets = new WeakMap<JsonObject, { readonly row: ApplicationRow; readonly target: GateTarget }>()

  constructor(settings: GateSettings = {}) {
    this.#settings = settings
  }

  get current(): RuleSet {
    return this.#current
  }

  /**
   * Makes the rules of a fleet and of what is stored, and their version. In the transaction that this is called in
   * the version rises if they are others; nothing is in force before {@link take}.
   */
  async prepare(index: FleetIndex, writer: StoreWriter, now: EpochMs): Promise<NextRules> {
    const stored = await readStoredGates(writer)
    const { fleet, declaredGates: declared } = index
    const written = rulesInForce({ fleet, declared, stored, settings: this.#settings, now })
    const version = await versionOfRules(writer, written)
    return { version, written, index, rules: compileRules(written, this.#current.rules) }
  }

  /** Puts rules in force, together with the fleet that they were made for. */
  take({ index, ...after }: NextRules): RulesChange {
    const before = this.#current
    this.#current = after
    const clusters = JSON.stringify(index.fleet.clusters.map(({ name, contentDigest }) => [name, contentDigest]))
    const moved = clusters !== this.#clusters
    if (moved) {
      this.#clusters = clusters
      this.#target = gateTargets(index.fleet)
      this.#targets = new WeakMap()
    }
    const rules = differing(before, after)
    const overrides = differingOverrides(before, after)
    const zone = before.rules.defaultZone !== after.rules.defaultZone
    const scopes = [...rules, ...overrides].map(({ scope }) => scope)
    return {
      before,
      after,
      rules,
      concerns: row => {
        if (moved || zone) return true
        const target = this.target(row)
        return scopes.some(scope => inScope(scope, target))
      },
    }
  }

  /** The Application as gates see it: one object for as long as nothing of that changes. */
  target(row: ApplicationRow): GateTarget {
    const known = this.#targets.get(row.document)
    if (known && known.row.provenance === row.provenance) return known.target
    const target = this.#target({ ...row.document, provenance: row.provenance } as unknown as Application)
    this.#targets.set(row.document, { row, target })
    return target
  }

  decide(row: ApplicationRow, now: EpochMs, question: GateQuestion): GateDecision {
    return decide(this.#current.rules, this.target(row), now, question)
  }

  /** Whether what is decided now may still be stored: in the transaction that stores it. */
  async areCurrent(rows: StoreReader): Promise<boolean> {
    return (await rulesVersion(rows)) === this.#current.version
  }
}

function differing(before: RuleSet, after: RuleSet): readonly CompiledRule[] {
  const [old, next] = [new Set(before.rules.rules), new Set(after.rules.rules)]
  return [...before.rules.rules.filter(rule => !next.has(rule)), ...after.rules.rules.filter(rule => !old.has(rule))]
}

function differingOverrides(before: RuleSet, after: RuleSet) {
  const textOf = ({ rule }: RuleSet['rules']['overrides'][number]) => JSON.stringify(rule)
  const [old, next] = [new Set(before.rules.overrides.map(textOf)), new Set(after.rules.overrides.map(textOf))]
  return [
    ...before.rules.overrides.filter(each => !next.has(textOf(each))),
    ...after.rules.overrides.filter(each => !old.has(textOf(each))),
  ]
}
