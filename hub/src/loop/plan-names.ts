import type { DeletionBudget } from '@flotilla/core/decide/deletion-guard'
import { type KeepRules, keepFields } from '@flotilla/core/decide/keep-fields'
import { equalJson, type JsonObject } from '@flotilla/core/json/json'
import { type Application, applicationJson } from '@flotilla/core/model/application'
import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import type { Hold } from '@flotilla/core/model/hold'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import { type Incumbent, resolveNames } from '@flotilla/generators/resolve-names'
import { isLasting, type WithdrawalInput, withdrawNames, withdrawn } from './withdraw-names.ts'
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

export interface NamePlanInput extends WithdrawalInput {
  /** Whether sets wait to be expanded: a name that nobody has may be another's, and what is missing may come. */
  readonly setsPending: boolean
  newId(): string
  /** Which fields of what a claimant generates keep the value that is stored; undefined: none. */
  keepRules(claimant: string): KeepRules | undefined
}

export type Origin =
  /** The config source is no longer configured (decision 19). */
  | { readonly kind: 'source-removed' }
  /** The set's document is gone: what it generated waits until somebody decides. */
  | {
      readonly kind: 'set-removed'
      readonly budget: DeletionBudget
    }
  | {
      /**
       * `stale`: an input of it is away, or its document is broken: nothing it yielded goes. `pending`: what may come in
       * its place is still to be looked at.
       */
      readonly kind: 'current' | 'stale' | 'pending'
      readonly policy: PolicyRights
      readonly budget: DeletionBudget
      /** Whether a provider said that what this was made of is over: it does not count against the budget. */
      readonly declaredGone: boolean
    }

/** Whether a set may update and remove what it generated. */
export interface PolicyRights {
  readonly update: boolean
  readonly remove: boolean
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
    const mayUpdate = origin === undefined || !('policy' in origin) || origin.policy.update
    const after = follow(row, keepStored(row, claim, input), mayUpdate, world, input)
    put.push(...after.put)
    if (after.moved) moved.push(after.moved)
  }
  put.push(...withdrawNames(leaving, world, input))
  return { put, moved, refused, postponed }
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

/** What a set generates, with what its rules keep of the Application that is there. */
function keepStored(row: ApplicationRow | undefined, claim: Claim, input: NamePlanInput): Claim {
  const rules = row && claim.claimant === claimantOf(row) ? input.keepRules(claim.claimant) : undefined
  if (!row || !rules) return claim
  const generated = applicationJson(claim.application)
  const kept = keepFields(row.document, generated, rules)
  if (kept === generated) return claim
  return { ...claim, application: { ...kept, provenance: claim.application.provenance } as unknown as Application }
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
    removal: undefined,
  }
  // Where it was before it moved away, it is still what it was: an orphan comes back under its id.
  const orphan = world.orphanOf(declared.name, clusterName)
  const there: ApplicationRow = orphan
    ? { ...orphan, ...declared, hold: undefined, changedAt: input.now }
    : {
        ...declared,
        id: idFor(declared.name, clusterName, world, input),
        images: [],
        createdAt: input.now,
        changedAt: input.now,
      }
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
  if (orphan) return { put: [withdrawn(row, input), there] }
  const updated = { ...row, ...declared }
  if (sameMeaning(row, updated)) {
    return equalJson(row.provenance, updated.provenance) ? { put: [] } : { put: [], moved: updated }
  }
  return { put: [{ ...updated, hold: undefined, changedAt: input.now }] }
}

/** A new id, or the one under which the cluster's agent has held it since before the store was lost (protocol.md 5.7). */
function idFor(name: string, clusterName: string, world: World, input: NamePlanInput): string {
  const adopted = world.adopted.idOf(name, clusterName)
  return adopted !== undefined && world.application(adopted) === undefined ? adopted : input.newId()
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
