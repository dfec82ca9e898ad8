import type { KubernetesObject } from '../model/kubernetes-object.ts'
import type { Health, HealthStatus } from '../model/status.ts'

/** How health is read. All are off by default. */
export interface HealthOptions {
  /** Argo CD's exact behaviour, its surprises included; for conformance and for people who compare. */
  readonly strictArgo?: boolean
  /** An Ingress is healthy without an address: for controllers that never publish one. */
  readonly ignoreIngressAddress?: boolean
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
}

export function health(status: HealthStatus, message?: string): Health {
  return message === undefined || message === '' ? { status } : { status, message }
}
