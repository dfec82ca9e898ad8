import type { DeletionPlan, PlannedRemoval, RemovalCount } from '../model/deletion-plan.ts'
import { isoTime } from '../time/epoch-ms.ts'

/** A removal that waits, or was decided on, as people read it. */
export interface DeletionView {
  readonly id: string
  readonly kind: 'deletion'
  readonly state: DeletionPlan['state']
  readonly cause: DeletionPlan['kind']
  readonly set: string | null
  readonly source: string
  readonly reason: string
  readonly since: string
  /** Of the list: said again at the decision, it makes sure that this list is decided on. */
  readonly digest: string
  readonly count: RemovalCount
  readonly projects: readonly (RemovalCount & { readonly project: string })[]
  /** On how many clusters. */
  readonly clusters: number
  readonly applications: readonly PlannedRemoval[]
  readonly decision: { readonly by: string; readonly at: string; readonly reason: string } | null
}

export function viewDeletion(plan: DeletionPlan): DeletionView {
  const { decision } = plan
  return {
    id: plan.id,
    kind: 'deletion',
    state: plan.state,
    cause: plan.kind,
    set: plan.set ?? null,
    source: plan.source,
    reason: plan.reason,
    since: isoTime(plan.since),
    digest: plan.digest,
    count: plan.count,
    projects: plan.projects,
    clusters: new Set(plan.applications.map(({ cluster }) => cluster)).size,
    applications: plan.applications,
    decision: decision ? { by: decision.by, at: isoTime(decision.at), reason: decision.reason } : null,
  }
}
