import type { Position } from '@flotilla/core/model/diagnostic'
import type { Trust } from '@flotilla/core/model/fleet'
import { matchesWildcard } from '@flotilla/core/text/wildcard'
import type { PlacedGate } from './read-file.ts'

/** Something that restricts when or what may change, as far as the config can tell, whatever mistakes it has. */
export interface DeclaredGate {
  readonly source: string
  /** `FreezePeriod "december"`, `signatureKeys of Project "shop"`. */
  readonly what: string
  readonly position: Position
  /** Whom it may concern at most. */
  readonly scope: { readonly kind: 'all' } | { readonly kind: 'projects'; readonly projects: readonly string[] }
  /** A SyncWindow or FreezePeriod; or a field of a Project. */
  readonly restricts: 'gate' | 'project'
}

/**
 * A restriction of a Project that this version cannot enforce. Running without it would be unsafe, so everything in its
 * scope is to be held (decision 22).
 */
export type UnsupportedGate = DeclaredGate

export function declaredGate(gate: PlacedGate, source: string, trust: Trust): DeclaredGate {
  const { what, position, project } = gate
  const common = { source, what, position }
  if (project === undefined) return { ...common, scope: trust, restricts: 'gate' }
  return { ...common, scope: { kind: 'projects', projects: [project] }, restricts: 'project' }
}

/** The first restriction that may concern Applications of `project`; undefined when none does. */
export function gateOver(gates: readonly UnsupportedGate[], project: string): UnsupportedGate | undefined {
  return gates.find(
    ({ scope }) => scope.kind === 'all' || scope.projects.some(pattern => matchesWildcard(pattern, project)),
  )
}
