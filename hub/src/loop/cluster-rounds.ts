import type { ClusterRow } from '@flotilla/core/ports/store'
import type { ClusterCalendars } from '../gates/cluster-calendars.ts'
import { reconcileClusters } from './reconcile-clusters.ts'
import type { LoopServices } from './services.ts'
import type { WorkQueue } from './work-queue.ts'
import type { World } from './world.ts'

export interface ClusterRoundsParts {
  readonly world: World
  readonly services: LoopServices
  readonly queue: Pick<WorkQueue, 'add' | 'addAt'>
  readonly calendars: ClusterCalendars
}

/** Brings clusters their calendars, and looks at all that is bound to one whose agent was admitted anew. */
export class ClusterRounds {
  readonly #parts: ClusterRoundsParts
  /** The admission under which everything for a cluster was last looked at. */
  readonly #admissions = new Map<string, number>()

  constructor(parts: ClusterRoundsParts) {
    this.#parts = parts
  }

  /** Everything is looked at once at a start, under whatever admission. */
  start(): void {
    for (const { name, admission } of this.#parts.world.clusters()) this.#admissions.set(name, admission)
  }

  async reconcile(names: readonly string[]): Promise<void> {
    const { world, services, queue, calendars } = this.#parts
    const { announce } = services
    const round = await reconcileClusters(names, world, services, calendars)
    announce.clusters(names)
    if (round.clusterIds.length > 0) announce.documents(round.clusterIds)
    for (const row of round.rows) this.#takeAdmission(row)
    for (const [name, at] of round.renewAt) queue.addAt(`cluster/${name}`, at)
    queue.add(...round.voided.map(id => `application/${id}`))
  }

  #takeAdmission({ name, admission }: ClusterRow): void {
    const { world, queue } = this.#parts
    const same = this.#admissions.get(name) === admission
    this.#admissions.set(name, admission)
    const bound = world.idsOf('cluster', name)
    const concerned = same ? bound.filter(id => world.application(id)?.hold?.code === 'CLUSTER_NOT_JOINED') : bound
    queue.add(...concerned.map(id => `application/${id}`))
  }
}
