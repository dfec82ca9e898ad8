import { type ClusterRow, type EnrolmentRow, StoreError } from '@flotilla/core/ports/store'
import { keyThumbprint } from '@flotilla/core/protocol/ed25519'
import type { Hub } from '@flotilla/hub/hub'
import type { SimulatedFleet } from './fleet.ts'

/** How long it takes until somebody has noticed something and read what to do. */
const NOTICED_AFTER_MS = 45_000
const INVITE_AGAIN_MS = 4 * 60_000
/** Agents of a hub that has kept its key come back by themselves, as soon as they reach it. */
const FORGOTTEN_AFTER_MS = 3 * 60_000

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
      this.#fleet.laws.recovered()
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
    await this.#inviteForgotten(rows)
    for (const { name, cloned, revokedAt, agentKey } of rows.clusters) {
      if (revokedAt !== undefined || agentKey === undefined) this.#toRevoke.delete(name)
      if (this.#toRevoke.has(name)) await this.#revoke(hub, name, agentKey)
      // A backup of before the revocation does not know of it; the hub does, and the agent does not come back.
      const refused = this.#decided.has(name) && this.#fleet.agents.get(name)?.link?.connected() === false
      const waiting = rows.enrolments.filter(({ state, clusterName }) => state === 'waiting' && clusterName === name)
      // A recovery voids the tokens of those that had not joined yet. Who asks to come back needs none.
      const voided = this.#fleet.laws.restores > 0 && agentKey === undefined && waiting.length === 0
      const shut = cloned !== undefined || revokedAt !== undefined || refused || voided
      // A backup whose keys are lost names the clusters, and none of their agents believes the hub that has it.
      const keyless = this.#fleet.laws.lostKeys > 0 && this.#fleet.agents.get(name)?.link?.connected() === false
      if (!shut && !keyless) this.#invited.delete(name)
      const patientMs = this.#fleet.clock.monotonicMs() - (this.#invited.get(name) ?? Number.NEGATIVE_INFINITY)
      const isDue =
        this.#isDue(`shut ${name}`, shut && patientMs > INVITE_AGAIN_MS) ||
        this.#isDue(`keyless ${name}`, keyless && patientMs > INVITE_AGAIN_MS, FORGOTTEN_AFTER_MS)
      if (isDue) await this.#invite(name)
      if (!this.#isDue(`waits ${name}`, waiting.length > 0)) continue
      const outcome = await this.#approve(hub, name, waiting)
      this.#decided.add(name)
      if (outcome.kind === 'approved' && agentKey && agentKey !== outcome.cluster.agentKey) {
        this.#fleet.laws.revoked(keyThumbprint(agentKey))
      }
    }
  }

  /** Clusters that a hub with an empty store knows nothing of, unless their agents ask to come back by themselves. */
  async #inviteForgotten(rows: {
    readonly clusters: readonly ClusterRow[]
    readonly enrolments: readonly EnrolmentRow[]
  }): Promise<void> {
    if (this.#fleet.laws.losses === 0) return
    const known = new Set(rows.clusters.map(({ name }) => name))
    for (const { state, clusterName } of rows.enrolments)
      if (state === 'waiting' && clusterName !== undefined) known.add(clusterName)
    for (const name of this.#fleet.agents.keys()) {
      if (this.#isDue(`forgotten ${name}`, !known.has(name), FORGOTTEN_AFTER_MS)) await this.#invite(name)
    }
  }

  /** One agent may wait twice, by its token and by the admission it had: the later is meant, and the others are not. */
  async #approve({ admissions }: Hub, name: string, waiting: readonly EnrolmentRow[]) {
    const [meant, ...others] = waiting.toSorted((a, b) => b.requestedAt - a.requestedAt)
    for (const { id } of others) await admissions.reject(id, 'operator', 'asked again')
    const outcome = await admissions.approve({ name, enrolment: meant?.id ?? '', replace: true, by: 'operator' })
    this.#fleet.trace.say('person', `lets ${name} be replaced: ${outcome.kind}`)
    return outcome
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

  #isDue(what: string, isSo: boolean, afterMs = NOTICED_AFTER_MS): boolean {
    if (!isSo) {
      this.#noticed.delete(what)
      return false
    }
    const now = this.#fleet.clock.monotonicMs()
    const since = this.#noticed.get(what) ?? now
    this.#noticed.set(what, since)
    if (now - since < afterMs) return false
    this.#noticed.delete(what)
    return true
  }
}
