import type { KubernetesObject } from '../model/kubernetes-object.ts'
import type { Health, HealthStatus } from '../model/status.ts'
import type { DataRule } from './data/data-rule.ts'
import type { RuleTable } from './find-rule.ts'

/** How health is read. All are off by default. */
export interface HealthOptions {
  /** Argo CD's exact behaviour, its surprises included; for conformance and for people who compare. */
  readonly strictArgo?: boolean
  /** An Ingress is healthy without an address: for controllers that never publish one. */
  readonly ignoreIngressAddress?: boolean
  /** Now, in milliseconds since 1970: without it nothing is ever late. */
  readonly now?: number
  /**
   * The kind has a status that its controller has to write: without one it is Progressing. The caller knows, from the
   * CustomResourceDefinition, and asks for one observe interval only.
   */
  readonly awaitsStatus?: boolean
  /** Rules of one's own; they come before every shipped one. */
  readonly custom?: RuleTable<CustomHealthRule>
}

/** A rule that somebody else wrote. Undefined: it has no opinion, so the next in the chain is asked. */
export interface CustomHealthRule {
  /** The rule looks at `status.observedGeneration` itself, so a stale status is not Progressing before it is asked. */
  readonly ignoreGeneration?: boolean
  /** Never throws: a rule that fails is Unknown with its error. Null: the kind is to have no health. */
  readonly assess: (object: KubernetesObject) => Health | null | undefined
}

/**
 * What one kind's object says about itself. Looks at the object alone; deletion and the observed generation were
 * looked at before. Numbers that are missing count as 0.
 */
export type HealthRule = (object: KubernetesObject, options: HealthOptions) => Health

export interface HealthRuleEntry {
  /** API versions that the rule reads; an object of another one is Unknown. Absent: every version. */
  readonly versions?: readonly string[]
  readonly assess: HealthRule
  /** What the rule was made of, where it is data. */
  readonly data?: DataRule
}

export function health(status: HealthStatus, message?: string): Health {
  return message === undefined || message === '' ? { status } : { status, message }
}
