import type { Log } from '@flotilla/core/ports/log'
import type { Store } from '@flotilla/core/ports/store'
import type { HubKeyRotation } from './gateway/rotate-hub-key.ts'
import type { ViewKeeper } from './keep-view.ts'
import type { Loop } from './loop/loop.ts'

/** Who hears of agents. */
export interface GreetingParts {
  readonly store: Store
  readonly log: Log
  readonly loop: () => Loop
  readonly shown: Pick<ViewKeeper, 'connected' | 'refresh'>
  readonly hubKeys: () => HubKeyRotation | undefined
}

/** What follows when an agent comes, is admitted, or says which key of this hub it knows. */
export class AgentGreeter {
  readonly #parts: GreetingParts

  constructor(parts: GreetingParts) {
    this.#parts = parts
  }

  /** An agent is connected. */
  came(clusterId: string): void {
    const loop = this.#parts.loop()
    this.#parts.shown.connected(clusterId)
    const cluster = loop.world.clusterById(clusterId)
    if (cluster) loop.connected(cluster.name)
    else void this.joined(clusterId)
  }

  /** A cluster was admitted, or something about who its agent is was stored. Never rejects. */
  async joined(clusterId: string): Promise<void> {
    const { store, log, loop: loopOf, shown } = this.#parts
    try {
      const row = await store.read(rows => rows.cluster(clusterId))
      if (!row) return
      const loop = loopOf()
      loop.world.putCluster(row)
      shown.refresh({ clusters: [row.name] })
      if (row.registered) loop.clusterRegistered()
      loop.connected(row.name)
    } catch (error) {
      log.error('a cluster that joined could not be looked at', { cluster: clusterId, error })
    }
  }

  /** An agent names the newest hub key that it knows. Never rejects. */
  async knowsKey(clusterId: string, kid: string): Promise<void> {
    try {
      await this.#parts.hubKeys()?.known(clusterId, kid)
    } catch (error) {
      // It is said again with the next connection.
      this.#parts.log.error('which hub key an agent knows could not be kept', { cluster: clusterId, error })
    }
  }
}
