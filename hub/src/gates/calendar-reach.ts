import type { ClusterRow, StoreReader } from '@flotilla/core/ports/store'
import { compareNumbers, type DocumentNumber } from '@flotilla/core/protocol/documents'
import { readJws } from '@flotilla/core/protocol/jws'
import { CALENDAR_LINE } from '@flotilla/core/protocol/take-document'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

/** How far the calendars of some clusters have got. */
export interface Reach {
  /** Clusters that hold the newest calendar, or where nobody is who could start anything. */
  readonly inForce: number
  /** The latest moment at which anything may still start elsewhere that the calendars forbid. */
  readonly latestStart: EpochMs | undefined
}

/**
 * "In force on n of m clusters, latest possible start hh:mm". An agent that was cut off before a freeze was made starts
 * only under a Grant that it already has, and no later than that says.
 *
 * @param heldUpTo The number up to which the cluster's agent has shown that it holds everything.
 */
export async function calendarReach(
  rows: StoreReader,
  clusters: readonly ClusterRow[],
  heldUpTo: (clusterId: string) => DocumentNumber | undefined,
  now: EpochMs,
): Promise<Reach> {
  let inForce = 0
  let latestStart: EpochMs | undefined
  for (const cluster of clusters) {
    const calendar = await rows.document(cluster.id, CALENDAR_LINE)
    const held = heldUpTo(cluster.id)
    if (!cluster.agentKey || (calendar && held && compareNumbers(held, calendar.number) >= 0)) {
      inForce++
      continue
    }
    const open = await rows.openGrants(cluster.id)
    const voided = await Promise.all(voidIn(calendar?.jws).map(id => rows.grant(id)))
    for (const grant of [...open, ...voided]) {
      const at = grant?.payload.startBefore
      if (at !== undefined && at > now) latestStart = Math.max(latestStart ?? at, at)
    }
  }
  return { inForce, latestStart }
}

function voidIn(jws: string | undefined): readonly string[] {
  const read = jws === undefined ? undefined : readJws(jws)
  const ids = read?.kind === 'unverified' ? read.payload['void'] : undefined
  return Array.isArray(ids) ? ids.filter(id => typeof id === 'string') : []
}
