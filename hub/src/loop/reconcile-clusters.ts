import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { ClusterRow } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { issueCalendar } from '../gateway/issue-documents.ts'
import type { LoopServices } from './services.ts'
import type { World } from './world.ts'

/** How far a calendar reaches; it is renewed at half of that. */
const CALENDAR_HORIZON_MS = 14 * 24 * 60 * 60_000

export interface ClustersRound {
  readonly clusterIds: readonly string[]
  readonly changed: readonly string[]
  readonly rows: readonly ClusterRow[]
  readonly lookAgainAt: EpochMs
}

/**
 * Gives every declared Cluster its record (the id stays for ever) and every cluster that joined its calendar: open, as
 * long as no gate is built.
 */
export async function reconcileClusters(
  names: readonly string[],
  world: World,
  services: LoopServices,
): Promise<ClustersRound> {
  const { store, clock, random, keys } = services
  const clusterIds: string[] = []
  const changed: string[] = []
  const rows: ClusterRow[] = []
  await store.write(async writer => {
    for (const name of names) {
      const known = await writer.clusterByName(name)
      if (known) rows.push(known)
      if (!known && world.fleet.clusters.has(name)) {
        const row: ClusterRow = {
          id: uuidV7(clock.now(), random.bytes(10)),
          name,
          admission: 0,
          incarnation: 0,
          epoch: 1,
          lastNumber: 0,
          versions: {},
        }
        await writer.putCluster(row)
        rows.push(row)
        changed.push(name)
      }
      if (!known?.agentKey || known.revokedAt !== undefined || services.recovery?.behind) continue
      const content = { intervals: [], void: [], horizonMs: CALENDAR_HORIZON_MS }
      const issued = await issueCalendar(writer, keys, clock, known.id, content)
      if (issued.kind === 'issued') clusterIds.push(known.id)
    }
  })
  for (const row of rows) world.putCluster(row)
  return { clusterIds, changed, rows, lookAgainAt: clock.now() + CALENDAR_HORIZON_MS / 2 + 60_000 }
}
