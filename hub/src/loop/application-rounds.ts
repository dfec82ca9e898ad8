import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { ObjectId } from '@flotilla/core/ports/git'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import type { ClusterCalendars } from '../gates/cluster-calendars.ts'
import type { Mutex } from '../store/mutex.ts'
import { afterRound } from './after-round.ts'
import type { BroughtSources } from './brought-sources.ts'
import { readBy } from './decide-release.ts'
import { reconcileApplications } from './reconcile-applications.ts'
import type { LoopServices } from './services.ts'
import type { SetRounds } from './set-rounds.ts'
import type { WorkQueue } from './work-queue.ts'
import { applicationOf, type World } from './world.ts'

export interface ApplicationRoundsParts {
  readonly world: World
  readonly services: LoopServices
  readonly queue: Pick<WorkQueue, 'add' | 'addAt'>
  readonly sets: SetRounds
  readonly calendars: ClusterCalendars
  readonly brought: BroughtSources
  /** Held while rows are written and taken over in memory. */
  readonly rows: Mutex
}

/** Decides on Applications: what is offered and allowed; and what they bring to the fleet, and read, themselves. */
export class ApplicationRounds {
  readonly #parts: ApplicationRoundsParts

  constructor(parts: ApplicationRoundsParts) {
    this.#parts = parts
  }

  /** @returns Ids of those that failed and are to be tried again. */
  async reconcile(ids: readonly string[]): Promise<readonly string[]> {
    const { world, services, queue, sets, calendars, rows } = this.#parts
    const round = await reconcileApplications(
      ids,
      world,
      services,
      row => sets.holdOf(row),
      row => this.#mayRemove(row),
      calendars,
      rows,
    )
    afterRound(round, queue, services.announce)
    for (const [row, release] of round.documents) this.#bring(row, release.documents, release.revision)
    return round.failed
  }

  /** A row is in force: its Application is looked at again when the folder that it renders changes. */
  register(row: ApplicationRow): void {
    const { world } = this.#parts
    // Whoever is gone brings nothing any more; what it brought goes within the budget.
    if (world.applicationNamed(row.name)?.state !== 'active') this.#bring(row, [], row.revision ?? '')
    world.readers.set(`application/${row.id}`, row.state === 'active' ? readBy(applicationOf(row)) : [])
  }

  /** Whether what a withdrawn Application came from is known now, and still does not want it. */
  #mayRemove(row: ApplicationRow): boolean {
    const { world, sets } = this.#parts
    if (sets.pending || world.claimsOn(row.name).length > 0) return false
    return world.fleet.clusters.has(row.clusterName) && sets.originOf(row).kind === 'current'
  }

  /** What an Application renders for the fleet is read as a source, after what is being read. */
  #bring(row: ApplicationRow, documents: readonly KubernetesObject[], commit: ObjectId): void {
    const { brought, queue } = this.#parts
    const name = brought.take(row, documents, commit)
    if (name !== undefined) queue.add(`source/${name}`)
  }
}
