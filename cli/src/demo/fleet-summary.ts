import type { ApplicationView } from '@flotilla/core/view/application-view'
import type { ClusterView } from '@flotilla/core/view/fleet-parts'

/** The demo's fleet in numbers: what `--once -o json` prints. */
export interface FleetSummary {
  readonly clusters: number
  readonly connected: number
  readonly applications: number
  readonly synced: number
  readonly healthy: number
  readonly held: readonly { readonly name: string; readonly code: string; readonly reason: string }[]
  /** Whether every Application that was expected is Synced and Healthy. */
  readonly complete: boolean
  readonly elapsedMs: number
}

export function summarise(input: {
  readonly clusters: readonly ClusterView[]
  readonly applications: readonly ApplicationView[]
  /** How many Applications the fleet has when everything is there. */
  readonly expected: number
  readonly elapsedMs: number
}): FleetSummary {
  const { clusters, applications, expected, elapsedMs } = input
  const synced = applications.filter(isSynced).length
  const healthy = applications.filter(({ health }) => health.status === 'Healthy').length
  const done = applications.filter(each => isSynced(each) && each.health.status === 'Healthy').length
  return {
    clusters: clusters.length,
    connected: clusters.filter(({ agent }) => agent.connected).length,
    applications: applications.length,
    synced,
    healthy,
    held: applications.flatMap(({ name, hold }) => (hold ? [{ name, code: hold.code, reason: hold.reason }] : [])),
    complete: done >= expected && done === applications.length,
    elapsedMs: Math.round(elapsedMs),
  }
}

/** Synced to what it is to hold now, not to what it held before. */
function isSynced({ sync }: ApplicationView): boolean {
  return sync.status === 'Synced'
}
