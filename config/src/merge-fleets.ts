import { compareDiagnostics, type Diagnostic } from '@flotilla/core/model/diagnostic'
import type { Declared, Fleet, LoadResult } from '@flotilla/core/model/fleet'
import type { DeclaredGate, UnsupportedGate } from './declared-gate.ts'
import { identityKey } from './last-good.ts'
import type { ConfigLoad } from './load.ts'
import { type RefusedNames, referenceDiagnostics } from './reference-diagnostics.ts'

/** Who has a name now: config source and file, by `identityKey(kind, name)`. */
export type Incumbents = ReadonlyMap<string, { readonly source: string; readonly file: string }>

export interface MergeResult extends LoadResult {
  readonly declaredGates: readonly DeclaredGate[]
  readonly unsupportedGates: readonly UnsupportedGate[]
  readonly refused: RefusedNames
}

/**
 * Several config sources as one fleet. A kind and name belong to whoever has them already; on a cold start to the
 * lowest source, file and document. Every other claimant is left out with a diagnostic and disturbs nobody; a gate
 * that is left out closes what it may concern (gate-rules.ts).
 */
export function mergeFleets(loads: readonly ConfigLoad[], incumbents: Incumbents = new Map()): MergeResult {
  const sorted = [...loads].sort((a, b) => compareText(a.source, b.source))
  const diagnostics = sorted.flatMap(load => load.diagnostics)
  const pick = <Spec>(list: (fleet: Fleet) => readonly Declared<Spec>[]): readonly Declared<Spec>[] => {
    const { winners, refused } = unique(
      sorted.flatMap(load => list(load.fleet)),
      incumbents,
    )
    diagnostics.push(...refused)
    return winners
  }
  const fleet: Fleet = {
    applicationSets: pick(part => part.applicationSets),
    applications: pick(part => part.applications),
    projects: pick(part => part.projects),
    clusters: pick(part => part.clusters),
    repositories: pick(part => part.repositories),
    syncWindows: pick(part => part.syncWindows ?? []),
    freezePeriods: pick(part => part.freezePeriods ?? []),
    resourceCustomizations: pick(part => part.resourceCustomizations ?? []),
    accessPolicies: pick(part => part.accessPolicies ?? []),
    teams: pick(part => part.teams ?? []),
    notificationRoutes: pick(part => part.notificationRoutes ?? []),
    signingKeys: pick(part => part.signingKeys ?? []),
  }
  const refused = refusedIn(sorted)
  return {
    fleet,
    refused,
    diagnostics: [...diagnostics, ...referenceDiagnostics(fleet, refused)].sort(compareDiagnostics),
    declaredGates: sorted.flatMap(load => load.declaredGates),
    unsupportedGates: sorted.flatMap(load => load.unsupportedGates),
  }
}

function refusedIn(loads: readonly ConfigLoad[]): RefusedNames {
  const named = (kind: string): ReadonlySet<string> =>
    new Set(
      loads.flatMap(({ documents }) =>
        documents.flatMap(one =>
          one.kind === kind && one.state === 'refused' && one.name !== undefined ? one.name : [],
        ),
      ),
    )
  return { projects: named('Project'), clusters: named('Cluster') }
}

/** The incumbents for the next merge. */
export function incumbentsOf(fleet: Fleet): Incumbents {
  const all: readonly Declared<unknown>[] = [
    ...fleet.applicationSets,
    ...fleet.applications,
    ...fleet.projects,
    ...fleet.clusters,
    ...fleet.repositories,
    ...(fleet.syncWindows ?? []),
    ...(fleet.freezePeriods ?? []),
    ...(fleet.resourceCustomizations ?? []),
    ...(fleet.accessPolicies ?? []),
    ...(fleet.teams ?? []),
    ...(fleet.notificationRoutes ?? []),
    ...(fleet.signingKeys ?? []),
  ]
  return new Map(
    all.map(({ kind, name, source, position }) => [identityKey(kind, name), { source, file: position.file }]),
  )
}

function unique<Spec>(claimants: readonly Declared<Spec>[], incumbents: Incumbents) {
  const winners = new Map<string, Declared<Spec>>()
  for (const claimant of claimants) {
    const key = identityKey(claimant.kind, claimant.name)
    const incumbent = incumbents.get(key)
    const had = claimant.source === incumbent?.source && claimant.position.file === incumbent.file
    const winner = winners.get(key)
    if (winner === undefined || reach(claimant) > reach(winner) || (had && reach(claimant) === reach(winner))) {
      winners.set(key, claimant)
    }
  }
  const refused: Diagnostic[] = []
  const kept = claimants.filter(claimant => {
    const winner = winners.get(identityKey(claimant.kind, claimant.name))!
    if (winner === claimant) return true
    refused.push(duplicate(claimant, winner))
    return false
  })
  return { winners: kept, refused }
}

/**
 * A gate of the whole fleet does not lose its name to one that a team's source may declare for its own Projects,
 * whoever came first: else a team could keep a freeze of everybody from being in force.
 */
function reach({ kind, trust }: Declared<unknown>): number {
  return (kind === 'SyncWindow' || kind === 'FreezePeriod') && trust.kind === 'all' ? 1 : 0
}

function duplicate(claimant: Declared<unknown>, winner: Declared<unknown>): Diagnostic {
  const { file, line } = winner.position
  const where = winner.source === claimant.source ? '' : ` of config source "${winner.source}"`
  return {
    severity: 'error',
    code: 'DUPLICATE_NAME',
    ...(claimant.source === '' ? {} : { source: claimant.source }),
    ...claimant.positionOf(['metadata', 'name']),
    message: `${claimant.kind} "${claimant.name}" is declared already at ${file}:${line}${where}, and stays what it is there`,
    hint: 'rename one of them, or give the config source a namePrefix',
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
