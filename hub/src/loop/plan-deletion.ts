import { withdrawalPolicy } from '@flotilla/core/decide/decide-withdrawal'
import { brokenRule, judgeRemoval, removalDigest } from '@flotilla/core/decide/deletion-guard'
import type { DeletionPlan, PlannedRemoval, RemovalPolicy } from '@flotilla/core/model/deletion-plan'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import type { Origin } from './plan-names.ts'
import { offeredRows, rowsOfOwner, type WithdrawalInput } from './withdraw-names.ts'
import { applicationOf, type World } from './world.ts'

/** A plan before it has an id. */
export type PlannedDeletion = Omit<DeletionPlan, 'id' | 'since' | 'state' | 'decision'>

/** What of an owner's Applications waits for a person now, as one list; undefined when nothing does. */
export function planDeletion(
  claimant: string,
  world: World,
  input: Pick<WithdrawalInput, 'origin' | 'projectBudget' | 'endOfSet'>,
  /** The plan that waits so far. */
  before?: DeletionPlan,
): PlannedDeletion | undefined {
  const all = rowsOfOwner(claimant, world)
  const waiting = all.filter(({ hold }) => hold?.code === 'DELETION_BUDGET' || hold?.code === 'SET_REMOVED')
  const [first] = waiting
  if (!first) return undefined
  const kind = waiting.some(({ hold }) => hold?.code === 'SET_REMOVED') ? 'set-removed' : 'shrink'
  const applications = waiting.map(row => removalOf(row, input)).sort((a, b) => (a.name < b.name ? -1 : 1))
  const count = { removed: waiting.length, total: all.length }
  const projects = [...Map.groupBy(waiting, row => row.project)]
    .map(([project, rows]) => ({
      project,
      removed: rows.length,
      total: offeredRows(world, 'project', project).length,
    }))
    .sort((a, b) => (a.project < b.project ? -1 : 1))
  const plan = {
    claimant,
    source: first.source,
    ...(first.set !== undefined && { set: first.set }),
    kind,
    digest: removalDigest(kind, applications),
    applications,
    count,
    projects,
  } as const
  return {
    ...plan,
    reason: reasonOf(plan, input.origin(first), input, before?.state === 'rejected' ? undefined : first.hold?.reason),
  }
}

function removalOf(row: ApplicationRow, input: Pick<WithdrawalInput, 'endOfSet'>): PlannedRemoval {
  return {
    id: row.id,
    name: row.name,
    project: row.project,
    cluster: row.clusterName,
    namespace: row.namespace,
    policy: policyOf(row, input),
  }
}

/**
 * What would become of its objects. The end of a set takes no workload along unless the set said so: `deletion: prune`,
 * or the finalizers of Argo CD's Applications; a policy that forbids to remove holds here too.
 */
function policyOf(row: ApplicationRow, input: Pick<WithdrawalInput, 'endOfSet'>): RemovalPolicy {
  if (row.hold?.code === 'SET_REMOVED') {
    const { deletion, mayRemove } = input.endOfSet(row)
    if (deletion === 'detach' || !mayRemove) return 'detach'
  }
  return withdrawalPolicy(applicationOf(row))
}

function reasonOf(
  plan: Omit<PlannedDeletion, 'reason'>,
  origin: Origin,
  input: Pick<WithdrawalInput, 'projectBudget'>,
  /** What one of them was told when it began to wait. */
  told: string | undefined,
): string {
  const { set, source, count, projects, kind, applications } = plan
  const owner = set === undefined ? `config source "${source}"` : `set "${set}"`
  if (kind === 'set-removed') {
    const clusters = new Set(applications.map(({ cluster }) => cluster)).size
    const pruned = applications.filter(({ policy }) => policy === 'prune').length
    const fate =
      pruned === 0
        ? 'approving lets them go and leaves their workloads'
        : `approving deletes the objects of ${pruned} of them`
    return `${owner} was removed: ${count.removed} Applications on ${clusters} clusters stay until somebody decides; ${fate}`
  }
  const what = `${owner} would remove ${count.removed} of its ${count.total} Applications`
  const budget = 'budget' in origin ? origin.budget : undefined
  const verdict = judgeRemoval(count, budget, set === undefined)
  if (verdict.kind === 'over' && budget) return `${what}: ${brokenRule(verdict.rule, budget)}`
  for (const { project, removed, total } of projects) {
    const allowed = input.projectBudget(project)
    const broken = judgeRemoval({ removed, total }, allowed, true)
    if (broken.kind === 'over')
      return `${what}, ${removed} of ${total} in project "${project}": ${brokenRule(broken.rule, allowed)}`
  }
  // Several sets together were too many for a Project, or some of what was too many came back.
  return told ?? `${what}: it was more than a budget when it began to wait`
}
