import { withdrawalPolicy } from '@flotilla/core/decide/decide-withdrawal'
import { brokenRule, type DeletionBudget, judgeRemoval } from '@flotilla/core/decide/deletion-guard'
import type { RemovalPolicy } from '@flotilla/core/model/deletion-plan'
import type { Hold, HoldCode } from '@flotilla/core/model/hold'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { Origin } from './plan-names.ts'
import { applicationOf, type World } from './world.ts'

export interface WithdrawalInput {
  readonly now: EpochMs
  /** What is known of whoever an Application came from. */
  origin(row: ApplicationRow): Origin
  /** What the document of a set that is gone said, or says while it is there. */
  endOfSet(row: ApplicationRow): { readonly deletion: RemovalPolicy; readonly mayRemove: boolean }
  /** What the Project allows in one round. */
  projectBudget(project: string): DeletionBudget
}

/**
 * What becomes of Applications that nobody wants any more: they go within the budget of their set and Project, and are
 * held above it; what the policy of their set keeps goes on as it was (decisions 4 and 28).
 *
 * @returns The rows that differ.
 */
export function withdrawNames(
  leaving: readonly ApplicationRow[],
  world: World,
  input: WithdrawalInput,
): readonly ApplicationRow[] {
  const put: ApplicationRow[] = []
  const going: ApplicationRow[] = []
  for (const row of leaving) {
    const origin = input.origin(row)
    if (origin.kind === 'source-removed') {
      const reason = `config source "${row.source}" is no longer configured`
      put.push(...holdOnce(row, { code: 'SOURCE_REMOVED', reason }, input))
    } else if (origin.kind === 'current' && !origin.policy.remove) {
      // As in Argo CD: the set may create and update, so what it no longer yields goes on as it was.
      if (isLasting(row.hold)) put.push({ ...row, hold: undefined, changedAt: input.now })
    } else if (row.clusterId === undefined) {
      // Never offered to any cluster, say because of the very mistake that is being taken back: nothing is lost.
      put.push(withdrawn(row, input))
    } else if (row.clusterName !== '' && !world.fleet.clusters.has(row.clusterName)) {
      const reason = `Cluster "${row.clusterName}" is no longer declared; its workloads stay until they are let go`
      put.push(...holdOnce(row, { code: 'CLUSTER_REMOVED', reason }, input))
    } else if (origin.kind === 'set-removed') {
      const reason = `set "${row.set}" was removed; this Application stays as it is until somebody decides: flotilla appset deletions ${row.set}`
      put.push(...holdOnce(row, { code: 'SET_REMOVED', reason }, input))
    } else if (row.hold?.code === 'DELETION_BUDGET') {
      // What waits for approval goes on waiting, however the rest of its set grows.
    } else if (origin.kind === 'current' && origin.declaredGone) put.push(withdrawn(row, input))
    else going.push(row)
  }
  const held = overBudget(going, world, input)
  for (const row of going) {
    const reason = held.get(row)
    if (reason !== undefined) put.push(...holdOnce(row, { code: 'DELETION_BUDGET', reason }, input))
    else put.push(withdrawn(row, input))
  }
  return put
}

/** Holds that only a change of the claims lifts, or a person: looking at the Application again must not. */
export function isLasting(hold: Hold | undefined): boolean {
  return hold !== undefined && LASTING.has(hold.code)
}

const LASTING: ReadonlySet<HoldCode> = new Set(['DELETION_BUDGET', 'SET_REMOVED', 'SOURCE_REMOVED'])

/** The Application as it is when nobody wants it any more. */
export function withdrawn(
  row: ApplicationRow,
  input: Pick<WithdrawalInput, 'now' | 'origin'>,
  approved?: { readonly plan: string; readonly policy: RemovalPolicy },
): ApplicationRow {
  const origin = input.origin(row)
  const graceMs = 'budget' in origin ? origin.budget.graceMs : undefined
  return {
    ...row,
    state: 'withdrawn',
    hold: undefined,
    removal: {
      since: input.now,
      policy: approved?.policy ?? withdrawalPolicy(applicationOf(row)),
      ...(graceMs !== undefined && { graceMs }),
      ...(approved !== undefined && { plan: approved.plan }),
    },
    changedAt: input.now,
  }
}

/** Why they may not go without a person, by row. */
function overBudget(
  going: readonly ApplicationRow[],
  world: World,
  input: WithdrawalInput,
): ReadonlyMap<ApplicationRow, string> {
  const held = new Map<ApplicationRow, string>()
  for (const rows of Map.groupBy(going, ownerOf).values()) {
    const reason = overOwnBudget(rows[0]!, world, input)
    if (reason !== undefined) for (const row of rows) held.set(row, reason)
  }
  const within = going.filter(row => !held.has(row))
  for (const [project, rows] of Map.groupBy(within, row => row.project)) {
    const total = offeredRows(world, 'project', project).length
    const budget = input.projectBudget(project)
    const verdict = judgeRemoval({ removed: rows.length, total }, budget, true)
    if (verdict.kind === 'within') continue
    const reason = `${rows.length} of the ${total} Applications of project "${project}" would be removed at once: ${brokenRule(verdict.rule, budget)}, so they wait for approval`
    for (const row of rows) held.set(row, reason)
  }
  return held
}

/**
 * Whose budget a removal counts against, as {@link DeletionPlan.claimant} names it: the set's; Applications written by
 * hand share one within their source and Project.
 */
export function ownerOf(row: ApplicationRow): string {
  return row.set === undefined ? `documents/${row.source}/${row.project}` : `set/${row.source}/${row.set}`
}

/** Every Application of an owner that some cluster may have something of. */
export function rowsOfOwner(owner: string, world: World): readonly ApplicationRow[] {
  const slash = owner.indexOf('/')
  const rest = owner.slice(slash + 1)
  if (owner.slice(0, slash) === 'set') return offeredRows(world, 'set', rest)
  const project = rest.slice(rest.indexOf('/') + 1)
  return offeredRows(world, 'project', project).filter(row => row.set === undefined && ownerOf(row) === owner)
}

/**
 * Counts everything that is missing, looked at now or not: else what waits for approval would go one by one, each for
 * itself within the budget.
 */
function overOwnBudget(row: ApplicationRow, world: World, input: WithdrawalInput): string | undefined {
  const { set, source, project } = row
  const origin = input.origin(row)
  if (!('budget' in origin)) return undefined
  const missing: ApplicationRow[] = []
  let total = 0
  for (const sibling of rowsOfOwner(ownerOf(row), world)) {
    const gone = world.claimsOn(sibling.name).length === 0
    const by = gone ? input.origin(sibling) : undefined
    if (by?.kind === 'current' && by.declaredGone && sibling.hold?.code !== 'DELETION_BUDGET') continue
    total++
    if (gone) missing.push(sibling)
  }
  const verdict = judgeRemoval({ removed: missing.length, total }, origin.budget, set === undefined)
  if (verdict.kind === 'within') return undefined
  const whose = set === undefined ? `config source "${source}"` : `set "${set}"`
  return `${whose} would remove ${missing.length} of its ${total} Applications${set === undefined ? ` of project "${project}"` : ''} at once: ${brokenRule(verdict.rule, origin.budget)}, so they wait for approval`
}

/** Of which some cluster may have something. */
export function offeredRows(world: World, index: 'set' | 'project', name: string): readonly ApplicationRow[] {
  return world.idsOf(index, name).flatMap(id => {
    const row = world.application(id)
    return row?.state === 'active' && row.clusterId !== undefined ? [row] : []
  })
}

function holdOnce(row: ApplicationRow, hold: Hold, input: Pick<WithdrawalInput, 'now'>): ApplicationRow[] {
  // Under the same code it waits already; what was said of it, say that it was rejected, stands.
  const told = row.hold?.code === hold.code && (hold.code === 'SET_REMOVED' || row.hold.reason === hold.reason)
  return told ? [] : [{ ...row, hold, changedAt: input.now }]
}
