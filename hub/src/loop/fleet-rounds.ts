import type { StoreReader } from '@flotilla/core/ports/store'
import { Mutex } from '../store/mutex.ts'
import type { ConfigSources } from './config-sources.ts'
import { declaredApplication } from './declared-application.ts'
import { keysOfChange } from './fleet-change.ts'
import { compareFleets, type FleetIndex } from './fleet-index.ts'
import { loadProjectsLastSeen, rememberProjects } from './projects-last-seen.ts'
import type { RuleRounds } from './rule-rounds.ts'
import type { LoopServices } from './services.ts'
import type { SetRounds } from './set-rounds.ts'
import type { WorkQueue } from './work-queue.ts'
import type { World } from './world.ts'

const CONTESTED_NAMES = 'contested-names'

export interface FleetRoundsParts {
  readonly world: World
  readonly sources: ConfigSources
  readonly services: LoopServices
  readonly queue: Pick<WorkQueue, 'add'>
  readonly sets: SetRounds
  readonly ruleRounds: RuleRounds
}

/** Makes one fleet of what all config sources declare, and puts it in force, one fleet at a time. */
export class FleetRounds {
  readonly #parts: FleetRoundsParts
  readonly #merging = new Mutex()

  constructor(parts: FleetRoundsParts) {
    this.#parts = parts
  }

  /** What a fleet is compared with that is not in its documents: as it was stored. */
  async restore(rows: StoreReader): Promise<void> {
    const { sources, world } = this.#parts
    sources.restoreContested((await rows.setting(CONTESTED_NAMES)) ?? {})
    await loadProjectsLastSeen(rows, world.projectsLastSeen)
  }

  /** One after the other: a fleet that was merged earlier is never put in force later. */
  async merge(): Promise<void> {
    await this.#merging.run(() => this.#mergeNow())
  }

  /** A Cluster that no document declares is one of the fleet. */
  async mergeRegistered(): Promise<void> {
    await this.merge()
    // The view learns the declared Clusters with the sources.
    this.#parts.services.announce.sources([])
  }

  async #mergeNow(): Promise<void> {
    const { world, sources, services } = this.#parts
    const { store, announce } = services
    const { index, changed, contested } = sources.merge(world.clusters())
    if (changed.length > 0 || contested) {
      await store.write(async writer => {
        for (const row of changed) await writer.putSource(row)
        if (contested) await writer.putSetting(CONTESTED_NAMES, contested)
      })
      if (contested) sources.keepContested(contested)
      announce.sources(changed.map(({ name }) => name))
    }
    await this.#take(index)
  }

  /** Puts a fleet in force and adds what differs from the one before. */
  async #take(index: FleetIndex): Promise<void> {
    const { world, services, sets, ruleRounds, queue } = this.#parts
    const before = world.fleet
    const change = compareFleets(before, index)
    // Whatever may fail comes first: once the fleet is in force, nobody compares it with the one before again.
    const { store, access } = services
    await rememberProjects(before, index, change.projects, world.projectsLastSeen, store)
    await access?.take(index.fleet, world.projectsLastSeen, store)
    // Before anything else is looked at: the commit that brings a freeze starts nothing that it forbids.
    const ofRules = await ruleRounds.take(
      () => index,
      () => {
        world.fleet = index
      },
    )
    sets.takeChange(before, index, change.sets)
    for (const key of change.applications) this.#claimDocument(key)
    queue.add(...ofRules, ...keysOfChange(before, change, world))
  }

  #claimDocument(key: string): void {
    const { world, queue } = this.#parts
    const document = world.fleet.applications.get(key)
    const applications = document ? [declaredApplication(document)] : []
    const names = world.setClaims(`document/${key}`, applications)
    queue.add(...names.map(name => `names/${name}`))
  }
}
