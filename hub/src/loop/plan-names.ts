import { setPolicy, withinDeletionBudget } from '@flotilla/core/decide/decide-withdrawal'
import { equalJson, type JsonObject } from '@flotilla/core/json/json'
import { type Application, applicationJson } from '@flotilla/core/model/application'
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
  readonly refused: readonly { readonly claim: Claim; readonly message: string }[]
}

export interface NamePlanInput {
  readonly now: EpochMs
  newId(): string
  /** What is known of the claimant that an Application without a claim came from. */
  origin(row: ApplicationRow): Origin
}

export type Origin =
  /** An input of it is away, or its document is broken: nothing it yielded goes. */
  | { readonly kind: 'stale' }
  /** The config source is no longer configured (decision 19). */
  | { readonly kind: 'source-removed' }
  | { readonly kind: 'current'; readonly applicationsSync?: string }

/**
 * Decides, name by name, which claim an Application follows (decision 13): the one it came from, else the same
 * destination whoever claims it, else a new Application. Absence withdraws only when every input is fresh, the set's
 * policy lets go, and the budget holds (decisions 4 and 28).
 */
export function planNames(names: readonly string[], world: World, input: NamePlanInput): NamePlan {
  const put: ApplicationRow[] = []
  const moved: ApplicationRow[] = []
  const leaving: ApplicationRow[] = []
  const claimed: { readonly name: string; readonly claims: readonly Claim[] }[] = []
  for (const name of names) {
    const claims = world.claimsOn(name)
    const row = world.applicationNamed(name)
    if (claims.length > 0) claimed.push({ name, claims })
    else if (row && row.state === 'active') leaving.push(row)
  }
  const { winners, refused } = chooseClaims(claimed, world)
  for (const claim of winners) {
    const row = world.applicationNamed(claim.application.metadata.name)
    const origin = row && claim.claimant === claimantOf(row) ? input.origin(row) : undefined
    const mayUpdate = origin?.kind !== 'current' || setPolicy(origin.applicationsSync).update
    const after = follow(row, claim, mayUpdate, world, input)
    put.push(...after.put)
    if (after.moved) moved.push(after.moved)
  }
  put.push(...withdraw(leaving, world, input))
  return { put, moved, refused }
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
      message: diagnostic.message,
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
  if (!row) {
    return { put: [{ ...declared, id: input.newId(), images: [], createdAt: input.now, changedAt: input.now }] }
  }
  if (!mayUpdate && row.state === 'active') return { put: [] }
  // An id belongs to one cluster for ever: elsewhere is another Application, and the old one waits to be let go.
  if (row.clusterId !== undefined && row.clusterName !== clusterName) {
    const hold: Hold = {
      code: 'DESTINATION_CHANGED',
      reason: `"${row.name}" now goes to cluster "${clusterName}"; what it left on "${row.clusterName}" stays until it is let go`,
    }
    return {
      put: [
        { ...row, state: 'orphaned', hold, changedAt: input.now },
        { ...declared, id: input.newId(), images: [], createdAt: input.now, changedAt: input.now },
      ],
    }
  }
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
    a.hold?.code !== 'DELETION_BUDGET' &&
    equalJson(a.document, b.document)
  )
}

function withdraw(leaving: readonly ApplicationRow[], world: World, input: NamePlanInput): ApplicationRow[] {
  const put: ApplicationRow[] = []
  const going = new Map<string, ApplicationRow[]>()
  for (const row of leaving) {
    const origin = input.origin(row)
    if (origin.kind === 'stale') continue
    if (origin.kind === 'source-removed') {
      put.push(
        ...holdOnce(
          row,
          { code: 'SOURCE_REMOVED', reason: `config source "${row.source}" is no longer configured` },
          input,
        ),
      )
    } else if (!setPolicy(origin.applicationsSync).remove) {
      // As in Argo CD: the set may create and update, so what it no longer yields goes on as it was.
    } else if (row.clusterName !== '' && !world.fleet.clusters.has(row.clusterName)) {
      const reason = `Cluster "${row.clusterName}" is no longer declared; its workloads stay until they are let go`
      put.push(...holdOnce(row, { code: 'CLUSTER_REMOVED', reason }, input))
    } else {
      const claimant = claimantOf(row)
      going.set(claimant, [...(going.get(claimant) ?? []), row])
    }
  }
  for (const rows of going.values()) {
    const first = rows[0]!
    const total = first.set === undefined ? rows.length : world.idsOf('set', `${first.source}/${first.set}`).length
    if (first.set === undefined || withinDeletionBudget(rows.length, total)) {
      put.push(...rows.map(row => ({ ...row, state: 'withdrawn' as const, hold: undefined, changedAt: input.now })))
      continue
    }
    const reason = `set "${first.set}" would remove ${rows.length} of its ${total} Applications at once: more than its budget, so it waits for approval`
    put.push(...rows.flatMap(row => holdOnce(row, { code: 'DELETION_BUDGET', reason }, input)))
  }
  return put
}

function holdOnce(row: ApplicationRow, hold: Hold, input: NamePlanInput): ApplicationRow[] {
  return row.hold?.code === hold.code && row.hold.reason === hold.reason ? [] : [{ ...row, hold, changedAt: input.now }]
}
