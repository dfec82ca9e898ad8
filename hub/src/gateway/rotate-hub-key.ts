import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { Store } from '@flotilla/core/ports/store'
import { clustersWithoutKey } from '@flotilla/core/protocol/hub-key-chain'
import type { HubKeyEntry, HubKeyRing } from './hub-keys.ts'

export interface HubKeyRotationOptions {
  readonly keys: HubKeyRing
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Agents are to be told that there is a newer key, or that it signs. */
  readonly changed: () => void
}

export interface HubKeysShown {
  readonly keys: readonly HubKeyEntry[]
  /** Clusters that do not know the announced key yet; empty when none is announced. */
  readonly waitingFor: readonly string[]
}

export type RotationOutcome =
  /** `announced`: agents learn it. `signing`: it signs from now on. */
  | { readonly kind: 'announced' | 'signing'; readonly shown: HubKeysShown }
  /** A key is announced already, and these clusters do not know it yet. */
  | { readonly kind: 'waiting'; readonly shown: HubKeysShown }

/**
 * Rotates the hub's signing key (protocol.md 1). A new key is announced; it signs once every cluster that joined has
 * said that it knows it, or an operator says so: then the others walk the chain when they come back.
 */
export class HubKeyRotation {
  readonly #options: HubKeyRotationOptions

  constructor(options: HubKeyRotationOptions) {
    this.#options = options
  }

  async show(): Promise<HubKeysShown> {
    const { keys } = this.#options
    return { keys: keys.list(), waitingFor: keys.newest === keys.kid ? [] : await this.#lacking() }
  }

  /**
   * Announces a key, or goes on with the one that is announced.
   *
   * @param force Sign with it now, whoever does not know it yet.
   * @throws HubKeyError when `hub.key` or its copy cannot be written; then nothing has changed.
   */
  async rotate(by: string, force: boolean): Promise<RotationOutcome> {
    const { keys, clock, random, changed } = this.#options
    const announced = await keys.announce(random, clock.now())
    if (announced) {
      await this.#audit(by, 'hub-key.announce', announced.kid)
      changed()
    }
    if (await this.#activate(by, force)) return { kind: 'signing', shown: await this.show() }
    return { kind: announced ? 'announced' : 'waiting', shown: await this.show() }
  }

  /** An agent has named the newest key that it knows. */
  async known(clusterId: string, kid: string): Promise<void> {
    const { keys, store, log } = this.#options
    if (!keys.publicKeys.has(kid)) {
      log.error('an agent knows a hub key that hub.key does not have: hub.key is older than the hub was', {
        cluster: clusterId,
        kid,
      })
      return
    }
    const known = await store.read(rows => rows.cluster(clusterId))
    if (known?.hubKid === kid) return
    await store.write(async rows => {
      const cluster = await rows.cluster(clusterId)
      if (cluster && cluster.hubKid !== kid) await rows.putCluster({ ...cluster, hubKid: kid })
    })
    await this.look()
  }

  /** Lets the announced key sign when nobody is left who does not know it. */
  async look(): Promise<void> {
    await this.#activate('flotilla', false)
  }

  async #activate(by: string, force: boolean): Promise<boolean> {
    const { keys, changed, log } = this.#options
    if (keys.newest === keys.kid) return false
    const lacking = await this.#lacking()
    if (lacking.length > 0 && !force) return false
    const signing = await keys.activate()
    if (!signing) return false
    log.info('the hub signs with another key', { kid: signing.kid, without: lacking.length })
    await this.#audit(by, 'hub-key.sign', signing.kid)
    changed()
    return true
  }

  async #lacking(): Promise<readonly string[]> {
    const { keys, store } = this.#options
    return clustersWithoutKey(keys.newest, await store.read(rows => rows.clusters()))
  }

  async #audit(actor: string, action: string, kid: string): Promise<void> {
    const { store, clock } = this.#options
    const at = Math.floor(clock.now())
    await store.write(rows => rows.appendAudit({ at, actor, action, subject: 'hub.key', detail: { kid } }))
  }
}
