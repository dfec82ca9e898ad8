import { assessHealth } from '@flotilla/core/health/assess-health'
import {
  type CustomRuleMistake,
  type CustomRuleSource,
  loadCustomRules,
} from '@flotilla/core/health/custom/custom-rules'
import { ruleKeyOf } from '@flotilla/core/health/find-rule'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Health } from '@flotilla/core/model/status'

/** Reads live objects' health by the rules of one Application's Offer, and the shipped ones behind them. */
export class Assessor {
  readonly #now: () => number
  #readFrom = '[]'
  #custom: Awaited<ReturnType<typeof loadCustomRules>>['table'] | undefined

  /** @param now Milliseconds since 1970: some conditions are forgiven for a while. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Takes these rules from now on. @returns undefined when they are in use already, else their mistakes. */
  async use(sources: readonly CustomRuleSource[] = []): Promise<readonly CustomRuleMistake[] | undefined> {
    const text = stringifyJson(sources as never)
    if (text === this.#readFrom) return undefined
    const { table, mistakes } = await loadCustomRules(sources, this.#now)
    this.#readFrom = text
    this.#custom = sources.length === 0 ? undefined : table
    return mistakes
  }

  /** Whether a rule of the Offer looks at such an object, and so perhaps at its data. */
  reads(live: KubernetesObject): boolean {
    return this.#custom?.find(ruleKeyOf(live)) !== undefined
  }

  readonly assess = (live: KubernetesObject): Health | null => {
    return assessHealth(live, { now: this.#now(), ...(this.#custom ? { custom: this.#custom } : {}) })
  }
}
