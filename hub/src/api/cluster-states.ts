import type { ClusterRow, EnrolmentRow } from '@flotilla/core/ports/store'
import { clusterStates, type ShownState, showState } from '@flotilla/core/view/cluster-states'
import type { ClusterView } from '@flotilla/core/view/fleet-parts'
import type { ApiServices } from './route.ts'

/** A cluster with what is to be said of it, the most urgent first. */
export type ClusterWithStates = ClusterView & {
  readonly states: readonly ShownState[]
  /** The clock of its agent's machine less the hub's; null while no agent says. */
  readonly clockSkewMs: number | null
}

/** Adds to clusters their states: what the store has, what the gateway hears, who waits. One read for all of them. */
export async function withStates(
  views: readonly ClusterView[],
  { store, clusterFacts }: ApiServices,
): Promise<readonly ClusterWithStates[]> {
  const { rows, waiting } = await store.read(async reader => ({
    rows: new Map((await reader.clusters()).map(row => [row.name, row])),
    waiting: namesOf(await reader.enrolments()),
  }))
  return views.map(view => {
    const row = rows.get(view.name)
    const codes = statesOf(view, row, waiting.has(view.name), clusterFacts)
    return {
      ...view,
      states: codes.map(code => showState(code, view.name)),
      clockSkewMs: (row && clusterFacts?.(row).skewMs) ?? null,
    }
  })
}

function statesOf(
  view: ClusterView,
  row: ClusterRow | undefined,
  waiting: boolean,
  live: ApiServices['clusterFacts'],
): ReturnType<typeof clusterStates> {
  const { declared, joined, agent } = view
  return clusterStates({
    declared,
    joined,
    connected: agent.connected,
    silent: agent.silent,
    waiting,
    ...(row?.revokedAt !== undefined && { revokedAt: row.revokedAt }),
    cloned: row?.cloned !== undefined,
    ...(row?.recovery !== undefined && { recovery: row.recovery }),
    ...(row && live?.(row)),
  })
}

function namesOf(enrolments: readonly EnrolmentRow[]): ReadonlySet<string> {
  const waiting = enrolments.filter(({ state }) => state === 'waiting')
  return new Set(waiting.flatMap(({ clusterName, proposedName }) => [clusterName ?? proposedName ?? '']))
}
