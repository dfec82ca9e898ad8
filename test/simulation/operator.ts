import { StoreError } from '@flotilla/core/ports/store'
import { keyThumbprint } from '@flotilla/core/protocol/ed25519'
import type { Hub } from '@flotilla/hub/hub'
import type { SimulatedFleet } from './fleet.ts'

/** How long it takes until somebody has noticed something and read what to do. */
const NOTICED_AFTER_MS = 45_000
const INVITE_AGAIN_MS = 4 * 60_000

/**
 * Whoever runs the fleet, looking in now and then: recovers a hub that is behind, acknowledges what the recovery left,
 * tells cloned agents apart, and admits again what was revoked, each as the documentation says.
 */
export class Operator {
  readonly #fleet: SimulatedFleet
  /** What was noticed, since when. */
  readonly #noticed = new Map<string, number>()
  readonly #toRevoke = new Set<string>()
  /** Clusters whose agents were revoked or replaced at some time. */
  readonly #decided = new Set<string>()
  /** Clusters whose agents were given a new join token, and when: it may be void by now, or was asked with in vain. */
  readonly #invited = new Map<string, number>()
  /** A hub that was asked for something and may not live to answer. */
  #asked: Hub | undefined

  constructor(fleet: SimulatedFleet) {
    this.#fleet = fleet
  }

  /** Revokes a cluster's agent, as often as it takes until the hub has said so, and invites it again after a while. */
  revoke(name: string): void {
    this.#toRevoke.add(name)
    this.look()
  }

  /** One look at everything; what is found is done once it has been so for a while. */
  look(): void {
    const { hub } = this.#fleet
    if (!hub || this.#asked === hub) return
    this.#asked = hub
    this.#lookAt(hub)
      .catch(error => {
        // Nothing can be done on a full disk: later.
        if (!(error instanceof StoreError)) throw error
      })
      .finally(() => {
        if (this.#asked === hub) this.#asked = undefined
      })
      .catch(error => this.#fleet.failed(error))
  }

  async #lookAt(hub: Hub): Promise<void> {
    const { trace } = this.#fleet
    const { kind } = hub.recovery.state
    if (this.#isDue('behind', kind === 'behind')) {
      trace.say('person', 'recovers the hub')
      await hub.recovery.recover('operator')
    }
    if (this.#isDue('recovered', kind === 'recovered')) {
      const { digest } = await hub.recovery.list()
      trace.say('person', `acknowledges the recovery: ${(await hub.recovery.acknowledge('operator', digest)).kind}`)
    }
    const rows = await this.#fleet.store.read(async reader => ({
      clusters: await reader.clusters(),
      enrolments: await reader.enrolments(),
    }))
    for (const { name, cloned, revokedAt, agentKey } of rows.clusters) {
      if (revokedAt !== undefined || agentKey === undefined) this.#toRevoke.delete(name)
      if (this.#toRevoke.has(name)) await this.#revoke(hub, name, agentKey)
      // A backup of before the revocation does not know of it; the hub does, and the agent does not come back.
      const refused = this.#decided.has(name) && this.#fleet.agents.get(name)?.link?.connected() === false
      // A recovery voids the tokens of those that had not joined yet.
      const voided = this.#fleet.laws.restores > 0 && agentKey === undefined
      const shut = cloned !== undefined || revokedAt !== undefined || refused || voided
      if (!shut) this.#invited.delete(name)
      const patientMs = this.#fleet.clock.monotonicMs() - (this.#invited.get(name) ?? Number.NEGATIVE_INFINITY)
      if (this.#isDue(`shut ${name}`, shut && patientMs > INVITE_AGAIN_MS)) await this.#invite(name)
      const waits = rows.enrolments.some(({ state, clusterName }) => state === 'waiting' && clusterName === name)
      if (!this.#isDue(`waits ${name}`, waits)) continue
      const outcome = await hub.admissions.approve({ name, replace: true, by: 'operator' })
      trace.say('person', `lets ${name} be replaced: ${outcome.kind}`)
      this.#decided.add(name)
      if (outcome.kind === 'approved' && agentKey && agentKey !== outcome.cluster.agentKey) {
        this.#fleet.laws.revoked(keyThumbprint(agentKey))
      }
    }
  }

  async #revoke({ admissions }: Hub, name: string, agentKey: string | undefined): Promise<void> {
    this.#fleet.trace.say('person', `revokes ${name}`)
    await admissions.revoke(name, 'operator', 'lost machine')
    this.#toRevoke.delete(name)
    this.#decided.add(name)
    if (agentKey !== undefined) this.#fleet.laws.revoked(keyThumbprint(agentKey))
  }

  /** The copies are switched off, and the one that is meant gets a token of its own. */
  async #invite(name: string): Promise<void> {
    this.#fleet.trace.say('person', `invites ${name} again`)
    this.#invited.set(name, this.#fleet.clock.monotonicMs())
    this.#fleet.endCopies(name)
    await this.#fleet.invite(name)
  }

  #isDue(what: string, isSo: boolean): boolean {
    if (!isSo) {
      this.#noticed.delete(what)
      return false
    }
    const now = this.#fleet.clock.monotonicMs()
    const since = this.#noticed.get(what) ?? now
    this.#noticed.set(what, since)
    if (now - since < NOTICED_AFTER_MS) return false
    this.#noticed.delete(what)
    return true
  }
}
