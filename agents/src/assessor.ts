import { assessHealth } from '@flotilla/core/health/assess-health'
import {
  type CustomRuleMistake,
  type CustomRuleSource,
  loadCustomRules,
} from '@flotilla/core/health/custom/custom-rules'
import { ruleKeyOf } from '@flotilla/core/health/find-rule'
import type { HealthOptions } from '@flotilla/core/health/health-rule'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import { type KubernetesObject, keyOf } from '@flotilla/core/model/kubernetes-object'
import type { Health } from '@flotilla/core/model/status'

/** How long a controller has to write the first status of an object that was made a moment ago. */
export const FIRST_STATUS_MS = 2_000
/** Older ones whose controller never wrote a status have none; clocks of cluster and agent may differ by less. */
const YOUNG_MS = 60_000

/** Whether a kind has a status that its controller has to write; of Kubernetes' own kinds nobody asks. */
export type HasStatus = (group: string, kind: string) => boolean

/** Reads live objects' health by the rules of one Application's Offer, and the shipped ones behind them. */
export class Assessor {
  readonly #now: () => number
  readonly #hasStatus: HasStatus
  /** Since when a young object without a status has been seen, by UID. */
  readonly #unwritten = new Map<string, number>()
  #readFrom = '[]'
  #ignoreIngressAddress = false
  #custom: Awaited<ReturnType<typeof loadCustomRules>>['table'] | undefined

  /** @param now Milliseconds since 1970: some conditions are forgiven for a while. */
  constructor(now: () => number, hasStatus: HasStatus) {
    this.#now = now
    this.#hasStatus = hasStatus
  }

  /** Whether an object's health will be another in a moment, though nothing tells of it. */
  get awaitsStatus(): boolean {
    const now = this.#now()
    for (const [uid, since] of this.#unwritten) if (now - since >= YOUNG_MS) this.#unwritten.delete(uid)
    return [...this.#unwritten.values()].some(since => now - since < FIRST_STATUS_MS)
  }

  /** Takes these rules from now on. @returns undefined when they are in use already, else their mistakes. */
  async use(
    sources: readonly CustomRuleSource[] = [],
    { ignoreIngressAddress = false }: Pick<HealthOptions, 'ignoreIngressAddress'> = {},
  ): Promise<readonly CustomRuleMistake[] | undefined> {
    this.#ignoreIngressAddress = ignoreIngressAddress
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
    const now = this.#now()
    const awaitsStatus = this.#awaits(live, now)
    const ignoreIngressAddress = this.#ignoreIngressAddress
    const custom = this.#custom ? { custom: this.#custom } : {}
    return assessHealth(live, { now, awaitsStatus, ignoreIngressAddress, ...custom })
  }

  /** An object that its controller has not looked at yet would be taken for one that has nothing to say. */
  #awaits(live: KubernetesObject, now: number): boolean {
    const { uid = '', creationTimestamp = '' } = live.metadata
    const young = now - Date.parse(creationTimestamp) < YOUNG_MS
    const { group, kind } = keyOf(live)
    if (live['status'] !== undefined || !young || !this.#hasStatus(group, kind)) {
      this.#unwritten.delete(uid)
      return false
    }
    const since = this.#unwritten.get(uid) ?? now
    this.#unwritten.set(uid, since)
    return now - since < FIRST_STATUS_MS
  }
}
