import { setPolicy, withinDeletionBudget } from '@flotilla/core/decide/decide-withdrawal'
import { equalJson, type JsonObject } from '@flotilla/core/json/json'
import { type Application, applicationJson } from '@flotilla/core/model/application'
import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import type { Hold } from '@flotilla/core/model/hold'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { type Incumbent, resolveNames } from '@flotilla/generators/resolve-names'
import { applicationOf, type Claim, type World } from './world.ts'

/** What the claims on some names make of the stored Applications. */
export interface NamePlan {
  /** Rows to write, new ones among them; each is to be looked at again. */
  readonly put: readonly ApplicationRow[]
  /** Rows of which only the place in the config repository moved: kept in memory, not worth a write. */
  readonly moved: readonly ApplicationRow[]
  readonly refused: readonly { readonly claim: Claim; readonly diagnostic: Diagnostic }[]
  /** Names that are decided when every set has been expanded: who has them is not known before. */
  readonly postponed: readonly string[]
}

export interface NamePlanInput {
  readonly now: EpochMs
  /** Whether sets wait to be expanded: a name that nobody has may be another's, and what is missing may come. */
  readonly setsPending: boolean
  newId(): string
  /** What is known of the claimant that an Application without a claim came from. */
  origin(row: ApplicationRow): Origin
}

export type Origin =
  /** The config source is no longer configured (decision 19). */
  | { readonly kind: 'source-removed' }
  | {
      /**
       * `stale`: an input of it is away, or its document is broken: nothing it yielded goes. `pending`: what may come in
       * its place is still to be looked at.
       */
      readonly kind: 'current' | 'stale' | 'pending'
      readonly applicationsSync?: string
    }

/**
 * Decides, name by name, which claim an Application follows (decision 13): the one it came from, else the same
 * destination whoever claims it, else a new Application. Absence withdraws only when every input is fresh, the set's
 * policy lets go, and the budget holds (decisions 4 and 28).
 */
export function planNames(names: readonly string[], world: World, input: NamePlanInput): NamePlan {
  const put: ApplicationRow[] = []
  const moved: ApplicationRow[] = []
  const leaving: ApplicationRow[] = []
  const postponed: string[] = []
  const claimed: { readonly name: string; readonly claims: readonly Claim[] }[] = []
  for (const name of names) {
    const claims = world.claimsOn(name)
    const row = world.applicationNamed(name)
    const absent = row?.state === 'active' && !claims.some(({ claimant }) => claimant === claimantOf(row))
    const origin = absent ? input.origin(row) : undefined
    if (origin?.kind === 'pending' || (input.setsPending && (absent || !row))) postponed.push(name)
    else if (origin?.kind === 'stale') {
      // Nobody else takes its place meanwhile: that it does not ask for the name says nothing.
    } else if (claims.length > 0) claimed.push({ name, claims })
    else if (row && absent) leaving.push(row)
  }
  const { winners, refused } = chooseClaims(claimed, world)
  for (const claim of winners) {
    const row = world.applicationNamed(claim.application.metadata.name)
    const origin = row && claim.claimant === claimantOf(row) ? input.origin(row) : undefined
    const sync = origin && 'applicationsSync' in origin ? origin.applicationsSync : undefined
    const after = follow(row, claim, setPolicy(sync).update, world, input)
    put.push(...after.put)
    if (after.moved) moved.push(after.moved)
  }
  put.push(...withdraw(leaving, world, input))
  return { put, moved, refused, postponed }
}

/** Holds that only a change of the claims lifts: looking at the Application again must not. */
export function isLasting(hold: Hold | undefined): boolean {
  return hold?.code === 'DELETION_BUDGET' || hold?.code === 'SOURCE_REMOVED'
}

function chooseClaims(
  claimed: readonly { readonly name: string; readonly claims: readonly Claim[] }[],
  world: World,
): { readonly winners: readonly Claim[]; readonly refused: NamePlan['refused'] } {
  const byApplication = new Map<Application, Claim>()
  const incumbents = new Map<string, Incumbent>()
  for (const { name, claims } of claimed) {
    for (const claim of claims) byApplication.set(claim.application, claim)
    const row = world.applicationNamed(name)
    if (row) incumbents.set(name, incumbentOf(row))
  }
  const { winners, refusals } = resolveNames([...byApplication.keys()], incumbents)
  return {
    winners: winners.map(application => byApplication.get(application)!),
    refused: refusals.map(({ application, diagnostic }) => ({
      claim: byApplication.get(application)!,
      diagnostic: { ...diagnostic, source: application.provenance.source },
    })),
  }
}

function incumbentOf(row: ApplicationRow): Incumbent {
  const { provenance, spec } = applicationOf(row)
  return { source: row.source, file: provenance.file, set: row.set, destination: spec.destination }
}

/** Who an Application came from, as {@link Claim.claimant} names it. */
export function claimantOf(row: ApplicationRow): string {
  return row.set === undefined ? `document/${row.source}/Application/${row.name}` : `set/${row.source}/${row.set}`
}

function follow(
  row: ApplicationRow | undefined,
  claim: Claim,
  mayUpdate: boolean,
  world: World,
  input: NamePlanInput,
): { readonly put: readonly ApplicationRow[]; readonly moved?: ApplicationRow } {
  const { application } = claim
  const destination = world.fleet.destination(application.spec.destination)
  const clusterName = destination.kind === 'cluster' ? destination.cluster.name : (row?.clusterName ?? '')
  const declared = {
    name: application.metadata.name,
    state: 'active' as const,
    project: application.spec.project,
    set: application.provenance.set,
    source: application.provenance.source,
    clusterName,
    namespace: application.spec.destination.namespace ?? '',
    labels: application.metadata.labels ?? {},
    document: applicationJson(application),
    provenance: application.provenance as unknown as JsonObject,
  }
  // Where it was before it moved away, it is still what it was: an orphan comes back under its id.
  const orphan = world.orphanOf(declared.name, clusterName)
  const there: ApplicationRow = orphan
    ? { ...orphan, ...declared, hold: undefined, changedAt: input.now }
    : { ...declared, id: input.newId(), images: [], createdAt: input.now, changedAt: input.now }
  if (!row) return { put: [there] }
  if (!mayUpdate && row.state === 'active') {
    return { put: isLasting(row.hold) ? [{ ...row, hold: undefined, changedAt: input.now }] : [] }
  }
  // An id belongs to one cluster for ever: elsewhere is another Application, and the old one waits to be let go.
  if (row.clusterId !== undefined && row.clusterName !== clusterName) {
    const hold: Hold = {
      code: 'DESTINATION_CHANGED',
      reason: `"${row.name}" now goes to cluster "${clusterName}"; what it left on "${row.clusterName}" stays until it is let go`,
    }
    return { put: [{ ...row, state: 'orphaned', hold, changedAt: input.now }, there] }
  }
  // It was never offered anywhere, and the one that was returns.
  if (orphan) return { put: [{ ...row, state: 'withdrawn', hold: undefined, changedAt: input.now }, there] }
  const updated = { ...row, ...declared }
  if (sameMeaning(row, updated)) {
    return equalJson(row.provenance, updated.provenance) ? { put: [] } : { put: [], moved: updated }
  }
  return { put: [{ ...updated, hold: undefined, changedAt: input.now }] }
}

function sameMeaning(a: ApplicationRow, b: ApplicationRow): boolean {
  return (
    a.state === b.state &&
    a.clusterName === b.clusterName &&
    a.set === b.set &&
    a.source === b.source &&
    !isLasting(a.hold) &&
    equalJson(a.document, b.document)
  )
}

function withdraw(leaving: readonly ApplicationRow[], world: World, input: NamePlanInput): ApplicationRow[] {
  const put: ApplicationRow[] = []
  const going: ApplicationRow[] = []
  for (const row of leaving) {
    const origin = input.origin(row)
    if (origin.kind === 'source-removed') {
      const reason = `config source "${row.source}" is no longer configured`
      put.push(...holdOnce(row, { code: 'SOURCE_REMOVED', reason }, input))
    } else if (origin.kind === 'current' && !setPolicy(origin.applicationsSync).remove) {
      // As in Argo CD: the set may create and update, so what it no longer yields goes on as it was.
      if (isLasting(row.hold)) put.push({ ...row, hold: undefined, changedAt: input.now })
    } else if (row.clusterId === undefined) {
      // Never offered to any cluster, say because of the very mistake that is being taken back: nothing is lost.
      put.push({ ...row, state: 'withdrawn', hold: undefined, changedAt: input.now })
    } else if (row.clusterName !== '' && !world.fleet.clusters.has(row.clusterName)) {
      const reason = `Cluster "${row.clusterName}" is no longer declared; its workloads stay until they are let go`
      put.push(...holdOnce(row, { code: 'CLUSTER_REMOVED', reason }, input))
    } else if (row.hold?.code !== 'DELETION_BUDGET') {
      // What waits for approval goes on waiting, however the rest of its set grows.
      going.push(row)
    }
  }
  const held = new Map<ApplicationRow, string>()
  for (const rows of Map.groupBy(going, claimantGroup).values()) {
    const reason = overBudget(rows[0]!, world)
    if (reason !== undefined) for (const row of rows) held.set(row, reason)
  }
  const within = going.filter(row => !held.has(row))
  for (const [project, rows] of Map.groupBy(within, row => row.project)) {
    const total = activeRows(world, 'project', project).length
    if (withinDeletionBudget(rows.length, total)) continue
    const reason = `${rows.length} of the ${total} Applications of project "${project}" would be removed at once: more than its budget, so they wait for approval`
    for (const row of rows) held.set(row, reason)
  }
  for (const row of going) {
    const reason = held.get(row)
    if (reason !== undefined) put.push(...holdOnce(row, { code: 'DELETION_BUDGET', reason }, input))
    else put.push({ ...row, state: 'withdrawn', hold: undefined, changedAt: input.now })
  }
  return put
}

/** Applications of one set share a budget; those written by hand share one within their source and Project. */
function claimantGroup(row: ApplicationRow): string {
  return row.set === undefined ? JSON.stringify([row.source, row.project]) : claimantOf(row)
}

/**
 * Counts everything that is missing, looked at now or not: else what waits for approval would go one by one, each for
 * itself within the budget.
 */
function overBudget(row: ApplicationRow, world: World): string | undefined {
  const { set, source, project } = row
  const siblings =
    set === undefined
      ? activeRows(world, 'project', project).filter(other => other.set === undefined && other.source === source)
      : activeRows(world, 'set', `${source}/${set}`)
  const missing = siblings.filter(({ name }) => world.claimsOn(name).length === 0).length
  if (withinDeletionBudget(missing, siblings.length)) return undefined
  const whose = set === undefined ? `config source "${source}"` : `set "${set}"`
  return `${whose} would remove ${missing} of its ${siblings.length} Applications${set === undefined ? ` of project "${project}"` : ''} at once: more than its budget, so it waits for approval`
}

/** Of which some cluster may have something. */
function activeRows(world: World, index: 'set' | 'project', name: string): readonly ApplicationRow[] {
  return world.idsOf(index, name).flatMap(id => {
    const row = world.application(id)
    return row?.state === 'active' && row.clusterId !== undefined ? [row] : []
  })
}

function holdOnce(row: ApplicationRow, hold: Hold, input: NamePlanInput): ApplicationRow[] {
  return row.hold?.code === hold.code && row.hold.reason === hold.reason ? [] : [{ ...row, hold, changedAt: input.now }]
}
