import type { ApplicationRow, Store } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { World } from '../loop/world.ts'

const ROWS_A_WRITE = 500

/**
 * Presumes that every Application that could be rendered has been applied in its cluster: what no cluster was ever
 * offered would go without a question, and a preview of that would call every deletion harmless.
 */
export async function presumeApplied(world: World, store: Store, now: EpochMs): Promise<void> {
  const applied: ApplicationRow[] = []
  for (const row of world.applications()) {
    const cluster = world.cluster(row.clusterName)
    if (row.state !== 'active' || row.digest === undefined || cluster === undefined) continue
    const waits = row.hold?.code === 'CLUSTER_NOT_JOINED'
    applied.push({ ...row, clusterId: cluster.id, hold: waits ? undefined : row.hold, changedAt: now })
  }
  for (let from = 0; from < applied.length; from += ROWS_A_WRITE) {
    const rows = applied.slice(from, from + ROWS_A_WRITE)
    await store.write(async writer => {
      for (const row of rows) await writer.putApplication(row)
    })
    for (const row of rows) world.putApplication(row)
  }
}
