import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Store } from '@flotilla/core/ports/store'
import type { DeclaredCluster } from '@flotilla/core/view/application-view'
import type { FleetView } from './api/fleet-view.ts'
import type { Connection } from './gateway/connections.ts'
import { REGISTERED_SOURCE } from './loop/registered-clusters.ts'
import type { World } from './loop/world.ts'
import type { RepositoryMirrors } from './source/mirror.ts'

/** What the view is kept from. */
export interface ViewSources {
  readonly view: FleetView
  readonly store: Store
  readonly mirrors: Pick<RepositoryMirrors, 'list'>
  readonly clock: Clock
  readonly log: Log
  readonly world: () => World
  readonly connections: () => readonly Connection[]
}

/** Keeps the fleet as people read it the one that store, loop, connections and mirrors have. */
export class ViewKeeper {
  readonly #from: ViewSources
  readonly #connected = new Set<string>()
  #refreshes: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(from: ViewSources) {
    this.#from = from
  }

  /** These were written: what the view says of them is read again. */
  refresh(names: Parameters<FleetView['refresh']>[1]): void {
    const { view, store, clock, log } = this.#from
    const refreshed = view
      .refresh(store, names, () => clock.now())
      .catch((error: unknown) => {
        if (!this.#stopped) log.error('the view could not be refreshed', { error })
      })
    this.#refreshes = Promise.all([this.#refreshes, refreshed]).then(() => undefined)
  }

  /** Resolves when the view shows all that it was told of. */
  async settled(): Promise<void> {
    await this.#refreshes
  }

  /** From now on it is no mistake that nothing can be read any more. */
  stopping(): void {
    this.#stopped = true
  }

  /** An agent is there. This one alone: when a thousand come back, each would otherwise be told of with all the others. */
  connected(clusterId: string): void {
    const { view, clock } = this.#from
    const now = clock.now()
    this.#connected.add(clusterId)
    view.apply({ connections: [{ clusterId, connected: true, lastSeenAt: now }] }, now)
  }

  /** Connections and ages are not stored: they are told from here, and silence shows without a message. */
  tick(): void {
    const { view, mirrors, clock } = this.#from
    const now = clock.now()
    const connections = this.#from.connections()
    const present = new Set(connections.map(({ clusterId }) => clusterId))
    const gone = [...this.#connected].filter(clusterId => !present.has(clusterId))
    this.#connected.clear()
    for (const clusterId of present) this.#connected.add(clusterId)
    view.apply(
      {
        connections: [
          ...connections.map(({ clusterId, lastSeenAt }) => ({ clusterId, connected: true, lastSeenAt })),
          ...gone.map(clusterId => ({ clusterId, connected: false, lastSeenAt: now })),
        ],
        repositories: mirrors.list(),
      },
      now,
    )
    view.age(now)
  }

  /** Which clusters the fleet declares. */
  tellDeclared(): void {
    const { view, clock, world } = this.#from
    const declaredClusters = [...world().fleet.clusters.values()].map(
      ({ name, servers, local, document }): DeclaredCluster => ({
        name,
        servers,
        local,
        ...(document.source === REGISTERED_SOURCE && { registered: true as const }),
        labels: document.labels,
        environment: document.spec.environment,
        timeZone: document.spec.timeZone,
      }),
    )
    view.apply({ declaredClusters }, clock.now())
  }
}
