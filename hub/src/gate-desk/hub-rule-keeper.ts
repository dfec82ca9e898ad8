import { inScope } from '@flotilla/core/gates/compile-scope'
import type { GateTarget } from '@flotilla/core/gates/rules'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import type { Gates } from '../gates/gates.ts'
import type { RuleKeeper, RuleProgress, RulesNow } from './rule-keeper.ts'

export interface KeeperParts {
  readonly gates: Pick<Gates, 'current' | 'target'>
  /** Every Application that is there. */
  readonly rows: () => Iterable<ApplicationRow>
  /** Reads what is stored and puts it in force, here and in the clusters' calendars. */
  readonly refresh: () => Promise<void>
  /** How far the calendars of these clusters have got. */
  readonly reached?: (clusters: ReadonlySet<string>) => Promise<Omit<RuleProgress, 'clusters'>>
}

/** The rules that the hub's loop goes by, for those who ask about them. */
export class HubRuleKeeper implements RuleKeeper {
  readonly #parts: KeeperParts

  constructor(parts: KeeperParts) {
    this.#parts = parts
  }

  now(): RulesNow {
    const { gates } = this.#parts
    const { written, rules: compiled, version } = gates.current
    const targets = () => this.#targets()
    return {
      ...{ written, compiled, version: `rules-${version}` },
      // Whoever wants to know the version does not want to go through the whole fleet.
      get targets() {
        return targets()
      },
    }
  }

  async changed(): Promise<void> {
    await this.#parts.refresh()
  }

  async progress(ruleName: string): Promise<RuleProgress | undefined> {
    const { compiled, targets } = this.now()
    const rule = compiled.rules.find(({ name }) => name === ruleName)
    if (rule === undefined) return undefined
    const clusters = new Set(
      targets.filter(target => inScope(rule.scope, target)).flatMap(({ cluster }) => cluster?.name ?? []),
    )
    const reached = await this.#parts.reached?.(clusters)
    return { clusters: clusters.size, inForce: reached?.inForce ?? 0, latestStart: reached?.latestStart }
  }

  /** One object for each Application while nothing of it changes: answers are remembered by it. */
  #targets(): readonly GateTarget[] {
    const { gates, rows } = this.#parts
    const targets: GateTarget[] = []
    for (const row of rows()) if (row.state === 'active') targets.push(gates.target(row))
    return targets
  }
}
