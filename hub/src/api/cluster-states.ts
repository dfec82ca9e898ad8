import type { ClusterRow, EnrolmentRow } from '@flotilla/core/ports/store'
import { clusterStates, type ShownState, showState } from '@flotilla/core/view/cluster-states'
import type { ClusterView } from '@flotilla/core/view/fleet-parts'
import type { ApiServices } from './route.ts'

/** A cluster with what is to be said of it, the most urgent first. */
export type ClusterWithStates = ClusterView & { readonly states: readonly ShownState[] }

/** Adds to clusters their states: what the store has, what the gateway hears, who waits. One read for all of them. */
export async function withStates(
  views: readonly ClusterView[],
  { store, clusterFacts }: ApiServices,
): Promise<readonly ClusterWithStates[]> {
  const { rows, waiting } = await store.read(async reader => ({
    rows: new Map((await reader.clusters()).map(row => [row.name, row])),
    waiting: namesOf(await reader.enrolments()),
  }))
  return views.map(view => ({
    ...view,
    states: statesOf(view, rows.get(view.name), waiting.has(view.name), clusterFacts).map(code =>
      showState(code, view.name),
    ),
  }))
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
