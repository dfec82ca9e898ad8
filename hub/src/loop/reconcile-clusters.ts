import type { ClusterRow } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { ClusterCalendars } from '../gates/cluster-calendars.ts'
import { newCluster } from '../gateway/enrol.ts'
import type { LoopServices } from './services.ts'
import type { World } from './world.ts'

export interface ClustersRound {
  readonly clusterIds: readonly string[]
  readonly changed: readonly string[]
  readonly rows: readonly ClusterRow[]
  /** When each one's calendar has to be renewed, by name. */
  readonly renewAt: ReadonlyMap<string, EpochMs>
  /** Applications whose Grants were taken back: what becomes of them is to be decided anew. */
  readonly voided: readonly string[]
}

/** Gives every declared Cluster its record (the id stays for ever) and every cluster that joined its calendar. */
export async function reconcileClusters(
  names: readonly string[],
  world: World,
  services: LoopServices,
  calendars: ClusterCalendars,
): Promise<ClustersRound> {
  const { store, clock, random } = services
  const clusterIds: string[] = []
  const changed: string[] = []
  const rows: ClusterRow[] = []
  const voided: string[] = []
  const renewAt = new Map<string, EpochMs>()
  await store
    .write(async writer => {
      for (const name of names) {
        const known = await writer.clusterByName(name)
        if (known) rows.push(known)
        if (!known && world.fleet.clusters.has(name)) {
          const row = await newCluster(writer, name, clock.now(), random)
          await writer.putCluster(row)
          rows.push(row)
          changed.push(name)
        }
        if (!known?.agentKey || known.revokedAt !== undefined || services.recovery?.behind) continue
        const calendar = await calendars.refresh(writer, known)
        if (calendar.kind === 'issued') clusterIds.push(known.id)
        renewAt.set(name, calendar.renewAt)
        voided.push(...calendar.voided)
      }
    })
    .catch((error: unknown) => {
      calendars.forget()
      throw error
    })
  for (const row of rows) world.putCluster(row)
  return { clusterIds, changed, rows, renewAt, voided }
}
