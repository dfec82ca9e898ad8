import type { Position } from '@flotilla/core/model/diagnostic'
import type { Trust } from '@flotilla/core/model/fleet'
import type { PlacedGate } from './read-file.ts'
import { matchesGlob } from './trust.ts'

/**
 * A restriction that the config declares and this version cannot enforce. Running without it would be unsafe, so
 * everything in its scope is to be held (decision 22).
 */
export interface UnsupportedGate {
  readonly source: string
  /** `FreezePeriod "december"`, `syncWindows of Project "shop"`. */
  readonly what: string
  readonly position: Position
  readonly scope: { readonly kind: 'all' } | { readonly kind: 'projects'; readonly projects: readonly string[] }
}

export function unsupportedGate(gate: PlacedGate, source: string, trust: Trust): UnsupportedGate {
  const { what, position, project } = gate
  return { source, what, position, scope: project === undefined ? trust : { kind: 'projects', projects: [project] } }
}

/** The first gate that may concern Applications of `project`; undefined when none does. */
export function gateOver(gates: readonly UnsupportedGate[], project: string): UnsupportedGate | undefined {
  return gates.find(
    ({ scope }) => scope.kind === 'all' || scope.projects.some(pattern => matchesGlob(pattern, project)),
  )
}
