import type { JsonObject } from '@flotilla/core/json/json'
import type { RemovalPolicy } from '@flotilla/core/model/deletion-plan'
import { compareDiagnostics, type Diagnostic } from '@flotilla/core/model/diagnostic'
import type { ApplicationRow, Store } from '@flotilla/core/ports/store'
import type { ExpansionError } from '@flotilla/generators/expansion'
import { claimantOf } from '../loop/plan-names.ts'
import type { World } from '../loop/world.ts'

/** What the hub knows on one side of a change. */
export interface SideState {
  /** By id. */
  readonly applications: ReadonlyMap<string, ApplicationRow>
  /** Names of the declared Clusters. */
  readonly clusters: ReadonlySet<string>
  readonly diagnostics: readonly Diagnostic[]
  /** What becomes of the objects of Applications whose removal waits for a person, once it is approved; by id. */
  readonly waiting: ReadonlyMap<string, RemovalPolicy>
}

export async function stateOf(world: World, store: Store): Promise<SideState> {
  const { sources, sets, plans } = await store.read(async rows => ({
    sources: await rows.sources(),
    sets: await rows.sets(),
    plans: await rows.deletionPlans(),
  }))
  const waiting = plans.filter(({ state }) => state === 'held').flatMap(({ applications }) => applications)
  const declared = sources.flatMap(row => row.diagnostics as unknown as readonly Diagnostic[])
  const expanded = sets.flatMap(row => (row.errors as unknown as readonly ExpansionError[]).map(diagnosticOf))
  return {
    applications: new Map([...world.applications()].map(row => [row.id, placed(row, world)])),
    clusters: new Set(world.fleet.clusters.keys()),
    waiting: new Map(waiting.map(({ id, policy }) => [id, policy])),
    diagnostics: distinct([...declared, ...expanded]).sort(compareDiagnostics),
  }
}

/** Where its claim stands now: of a row, what only moved is not worth a write. */
function placed(row: ApplicationRow, world: World): ApplicationRow {
  const claim = world.claimsOf(claimantOf(row)).get(row.name)
  return claim ? { ...row, provenance: claim.application.provenance as unknown as JsonObject } : row
}

function diagnosticOf({ code, message, hint, position }: ExpansionError): Diagnostic {
  const { file, line, column } = position
  return { severity: 'error', code, file, line, column, message, ...(hint ? { hint } : {}) }
}

function distinct(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [
    ...new Map(
      diagnostics.map(one => [JSON.stringify([one.file, one.line, one.column, one.code, one.message]), one]),
    ).values(),
  ]
}
