import { maskSecret, SecretMarkers } from '@flotilla/core/diff/mask-secret'
import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import { printPlan } from '@flotilla/core/plan/print-plan'
import type { SyncPlan } from '@flotilla/core/plan/sync-plan'

export type PlanOutput = 'text' | 'json'

/**
 * A plan as `agent plan` prints it. As JSON it has the objects that would be sent, Secrets masked: equal values bear
 * equal marks, and no value leaves the agent.
 */
export function formatPlan(plan: SyncPlan, output: PlanOutput): string {
  if (output === 'text') return printPlan(plan)
  const markers = new SecretMarkers()
  const actions = plan.actions.map(action =>
    action.kind === 'create' || action.kind === 'update' || action.kind === 'hook'
      ? { ...action, object: maskSecret(action.object, markers) }
      : action,
  )
  return canonicalJson({ ...plan, actions } as unknown as Json)
}
