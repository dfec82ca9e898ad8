import { compareDiagnostics, type Diagnostic } from '@flotilla/core/model/diagnostic'
import type { ApplicationRow, Store } from '@flotilla/core/ports/store'
import type { ExpansionError } from '@flotilla/generators/expansion'
import type { World } from '../loop/world.ts'

/** What the hub knows on one side of a change. */
export interface SideState {
  /** By id. */
  readonly applications: ReadonlyMap<string, ApplicationRow>
  /** Names of the declared Clusters. */
  readonly clusters: ReadonlySet<string>
  readonly diagnostics: readonly Diagnostic[]
}

export async function stateOf(world: World, store: Store): Promise<SideState> {
  const { sources, sets } = await store.read(async rows => ({ sources: await rows.sources(), sets: await rows.sets() }))
  const declared = sources.flatMap(row => row.diagnostics as unknown as readonly Diagnostic[])
  const expanded = sets.flatMap(row => (row.errors as unknown as readonly ExpansionError[]).map(diagnosticOf))
  return {
    applications: new Map([...world.applications()].map(row => [row.id, row])),
    clusters: new Set(world.fleet.clusters.keys()),
    diagnostics: distinct([...declared, ...expanded]).sort(compareDiagnostics),
  }
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
