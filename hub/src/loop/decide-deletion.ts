import type { DeletionPlan } from '@flotilla/core/model/deletion-plan'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import { type NamesBench, namesInput, refreshPlans, takeRows } from './names-round.ts'
import { planDeletion } from './plan-deletion.ts'
import { rowsOfOwner, withdrawn } from './withdraw-names.ts'

/** What a person says of a removal that waits. */
export interface DeletionDecision {
  readonly verdict: 'approve' | 'reject'
  /** Their name, for the audit. */
  readonly by: string
  readonly reason: string
  /** The digest that was shown to them; anything else is not what they decided on. */
  readonly digest?: string
}

export type DeletionAnswer =
  /** Done; also when it was done before. */
  | { readonly kind: 'decided'; readonly plan: DeletionPlan }
  | { readonly kind: 'unknown' }
  /** The list is another one now: it waits as `current`, or nothing waits any more. */
  | { readonly kind: 'changed'; readonly plan: DeletionPlan; readonly current?: DeletionPlan }
  /** It was approved before and cannot be rejected any more. */
  | { readonly kind: 'too-late'; readonly plan: DeletionPlan }
  /** Inputs are away, so that nobody knows whether the list is right: nothing is let go meanwhile. */
  | { readonly kind: 'stale'; readonly plan: DeletionPlan }

/**
 * Approves or rejects a removal that waits. What is approved is exactly the list under that id: the Applications are let
 * go in the same transaction, and a list that differs by one is refused.
 */
export async function decideDeletion(
  id: string,
  decision: DeletionDecision,
  bench: NamesBench,
): Promise<DeletionAnswer> {
  return await bench.rows.run(async () => {
    const plan = bench.plans.plan(id)
    if (!plan) return { kind: 'unknown' }
    if (decision.digest !== undefined && decision.digest !== plan.digest) return changed(plan, bench)
    if (plan.state === 'approved')
      return decision.verdict === 'approve' ? { kind: 'decided', plan } : { kind: 'too-late', plan }
    if (plan.state === 'superseded') return changed(plan, bench)
    // Another look at the Applications themselves: nothing may go that was not in the list, whatever else was missed.
    const now = planDeletion(plan.claimant, bench.world, namesInput(bench))
    if (now?.digest !== plan.digest) return changed(plan, bench)
    return decision.verdict === 'approve' ? await approve(plan, decision, bench) : await reject(plan, decision, bench)
  })
}

function changed(plan: DeletionPlan, { plans }: NamesBench): DeletionAnswer {
  const current = plans.current(plan.claimant)
  return { kind: 'changed', plan, ...(current && current.id !== plan.id && { current }) }
}

async function approve(
  plan: DeletionPlan,
  { by, reason }: DeletionDecision,
  bench: NamesBench,
): Promise<DeletionAnswer> {
  const { services, plans } = bench
  const input = namesInput(bench)
  const listed = listedRows(plan, bench)
  if (listed.some(row => !isFresh(input.origin(row).kind))) return { kind: 'stale', plan }
  // Somebody wants one of them again; the names have not been looked at since.
  if (listed.some(row => bench.world.claimsOn(row.name).length > 0)) return changed(plan, bench)
  const approved: DeletionPlan = { ...plan, state: 'approved', decision: { by, at: input.now, reason } }
  const policies = new Map(plan.applications.map(each => [each.id, each.policy]))
  const rows = listed.map(row => withdrawn(row, input, { plan: plan.id, policy: policies.get(row.id)! }))
  const changes = plans.changesOfApproval(approved)
  await services.store.write(async writer => {
    for (const row of rows) await writer.putApplication(row)
    for (const put of changes.put) await writer.putDeletionPlan(put)
    for (const drop of changes.drop) await writer.deleteDeletionPlan(drop)
    await writer.appendAudit(auditOf(approved, 'deletion.approve', plan.state))
  })
  plans.take(changes)
  takeRows(rows, bench)
  bench.queue.add(...rows.map(row => `application/${row.id}`))
  services.announce.applications(rows.map(row => row.id))
  services.log.info('a removal was approved', { plan: plan.id, by, removed: rows.length })
  plans.pending.add(plan.claimant)
  await refreshPlans(bench)
  return { kind: 'decided', plan: approved }
}

async function reject(
  plan: DeletionPlan,
  { by, reason }: DeletionDecision,
  bench: NamesBench,
): Promise<DeletionAnswer> {
  if (plan.state === 'rejected') return { kind: 'decided', plan }
  const { services, plans } = bench
  const now = bench.services.clock.now()
  const rejected: DeletionPlan = { ...plan, state: 'rejected', decision: { by, at: now, reason } }
  const told = `${plan.reason}; ${by} rejected this, so they stay until the list changes${reason === '' ? '' : `: ${reason}`}`
  const rows = listedRows(plan, bench).map(
    (row): ApplicationRow => ({ ...row, hold: { code: row.hold!.code, reason: told }, changedAt: now }),
  )
  await services.store.write(async writer => {
    for (const row of rows) await writer.putApplication(row)
    await writer.putDeletionPlan(rejected)
    await writer.appendAudit(auditOf(rejected, 'deletion.reject', plan.state))
  })
  plans.take({ put: [rejected], drop: [] })
  takeRows(rows, bench)
  services.announce.applications(rows.map(row => row.id))
  plans.pending.add(plan.claimant)
  await refreshPlans(bench)
  services.log.info('a removal was rejected', { plan: plan.id, by, removed: rows.length })
  return { kind: 'decided', plan: rejected }
}

function listedRows(plan: DeletionPlan, { world }: NamesBench): readonly ApplicationRow[] {
  const ids = new Set(plan.applications.map(({ id }) => id))
  return rowsOfOwner(plan.claimant, world).filter(row => ids.has(row.id))
}

function isFresh(kind: string): boolean {
  return kind === 'current' || kind === 'set-removed'
}

function auditOf(
  { id, claimant, digest, applications, decision, state }: DeletionPlan,
  action: string,
  before: DeletionPlan['state'],
) {
  return {
    at: decision!.at,
    actor: decision!.by,
    action,
    subject: claimant,
    detail: {
      plan: id,
      digest,
      reason: decision!.reason,
      applications: applications.map(({ name, cluster, policy }) => ({ name, cluster, policy })),
    },
    ...{ before: { state: before }, after: { state } },
  }
}
