import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Clock } from '@flotilla/core/ports/clock'
import { type HubResponse, HubUnreachable } from '@flotilla/core/ports/hub-transport'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import { admitAgent } from './admit-agent.ts'
import { changeKey, isKeyChangeDue, type KeyChangeOutcome, repeatKeyChange } from './change-key.ts'
import type { Proposal } from './enrol-agent.ts'
import type { HubClient, Speaker } from './hub-client.ts'
import { type HeldKey, type KeptAdmission, loadAdmission, loadKey } from './identity.ts'
import type { IncarnationNumber } from './incarnation.ts'
import { type LinkStatus, sleepUnlessStopped } from './link-status.ts'
import { type ReturnOutcome, returnToHub } from './return-agent.ts'

/** How long an agent that its hub refuses waits before it dials again. */
const UNKNOWN_RETRY_MS = 60_000
/** Refusals of requests under the key before are passed over for so long. */
const KEY_SETTLES_MS = 30_000
const ASK_AGAIN_MS = 1_000
const MOST_ASK_AGAIN_MS = 10 * 60_000

export interface AgentIdentityOptions {
  readonly client: HubClient
  readonly state: AgentState
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly signal: AbortSignal
  readonly joinToken?: string
  readonly clusterUid: () => Promise<string>
  readonly versions: Readonly<Record<string, string>>
  readonly proposal?: Proposal
  /** As which start of this agent to speak; undefined while that is another's right. */
  readonly speaks: () => IncarnationNumber | undefined
  /** An admission is in force from now on. */
  readonly trust: (kept: KeptAdmission) => Promise<void>
  readonly setStatus: (status: LinkStatus) => void
  /** A request about the key was answered with 409. */
  readonly outranked: (response: HubResponse) => void
}

/** Who this agent is to its hub: its key, its admission, and what it does when the hub has another opinion. */
export class AgentIdentity {
  readonly #options: AgentIdentityOptions
  #key: HeldKey | undefined
  #kept: KeptAdmission | undefined
  /** Since when, of monotonic time, the key is another one: what was under way bears the one before. */
  #keyChangedMs = Number.NEGATIVE_INFINITY
  #changingKey: Promise<KeyChangeOutcome> | undefined
  #unknown = false
  /** How often the hub could not be asked with a join token that is new here. */
  #unasked = 0

  constructor(options: AgentIdentityOptions) {
    this.#options = options
  }

  async load(): Promise<void> {
    const { state, random } = this.#options
    this.#key = await loadKey(state, random)
    this.#kept = await loadAdmission(state, this.#key.signing)
    if (this.#kept) await this.#options.trust(this.#kept)
  }

  /** The cluster id that the hub gave; undefined before the first admission. */
  get clusterId(): string | undefined {
    return this.#kept?.admission.payload.cluster
  }

  /** The hub has refused us since it last admitted us. */
  get unknown(): boolean {
    return this.#unknown
  }

  /**
   * How long after the hub has answered it is to be asked with a join token that it could not be asked with before, ever
   * longer, because asking breaks off the connection; undefined when there is nothing to ask.
   */
  get askAgainInMs(): number | undefined {
    return this.#unasked === 0 ? undefined : Math.min(ASK_AGAIN_MS * 2 ** this.#unasked, MOST_ASK_AGAIN_MS)
  }

  /** The hub refuses this agent; false for what was on its way when the key changed. */
  refused(): boolean {
    if (this.#options.clock.monotonicMs() - this.#keyChangedMs < KEY_SETTLES_MS) return false
    this.#unknown = true
    return true
  }

  /** Whether there is an admission to speak under; asks for one as long as it takes. */
  async establish(): Promise<boolean> {
    return this.#unknown ? await this.#returned() : await this.#admitted()
  }

  /** @throws HubUnreachable while there is nobody to speak as. */
  speaker(): Speaker {
    const kept = this.#kept
    if (!kept) throw new HubUnreachable('this agent is not admitted yet')
    const incarnation = this.#options.speaks()
    if (!incarnation) throw new HubUnreachable('another process speaks for this agent')
    const { cluster, adm, hubId } = kept.admission.payload
    return { cluster, admission: adm, hubId, key: this.#requireKey().signing, incarnation }
  }

  /**
   * Gives this agent another key now (protocol.md 1), whatever the age of the present one.
   *
   * @throws HubUnreachable while the hub cannot be asked.
   */
  async rotateKey(): Promise<KeyChangeOutcome> {
    this.#changingKey ??= this.#changeKey().finally(() => {
      this.#changingKey = undefined
    })
    return await this.#changingKey
  }

  async #changeKey(): Promise<KeyChangeOutcome> {
    const kept = this.#kept
    if (!kept) throw new HubUnreachable('this agent is not admitted yet')
    return this.#tookKey(await changeKey(this.speaker(), this.#requireKey(), kept, this.#keyOptions()))
  }

  /** A key that is old enough, or a change that was begun on, is brought to the hub before anything else is said. */
  async changeKeyWhenDue(): Promise<void> {
    const { state, log } = this.#options
    const kept = this.#kept
    if (!kept || !(await isKeyChangeDue(state, kept, this.#options.client.assertionTime()))) return
    try {
      const outcome = await this.rotateKey()
      if (outcome.kind !== 'changed') log.warn('the key of this agent could not be changed', { why: outcome.message })
    } catch (error) {
      if (!(error instanceof HubUnreachable)) throw error
      log.debug('the key of this agent is changed when the hub can be reached', { error: error.message })
    }
  }

  #keyOptions() {
    const { client, state, random, log, outranked } = this.#options
    return { client, state, random, log, outranked }
  }

  #tookKey(outcome: KeyChangeOutcome): KeyChangeOutcome {
    if (outcome.kind !== 'changed') return outcome
    this.#key = outcome.key
    this.#kept = outcome.kept
    this.#keyChangedMs = this.#options.clock.monotonicMs()
    return outcome
  }

  /** A hub that was restored from before the last change of the key knows only the key before it. */
  async #keyRepeated(): Promise<boolean> {
    const kept = this.#kept
    if (!kept?.previous) return false
    try {
      const outcome = await repeatKeyChange(this.speaker(), this.#requireKey(), kept, this.#keyOptions())
      return this.#tookKey(outcome).kind === 'changed'
    } catch (error) {
      if (!(error instanceof HubUnreachable)) throw error
      return false
    }
  }

  /** Whether this agent is admitted; enrols until it is, or the link stops. */
  async #admitted(): Promise<boolean> {
    const { state, clock, random, log, joinToken, clusterUid, versions, proposal } = this.#options
    await this.changeKeyWhenDue()
    const admitted = await admitAgent({
      client: this.#options.client,
      state,
      clock,
      random,
      log,
      signal: this.#options.signal,
      key: this.#requireKey(),
      joinToken,
      clusterUid,
      versions,
      kept: this.#kept,
      ...(proposal && { proposal }),
      setStatus: status => this.#options.setStatus(status),
    })
    if (!admitted) return false
    this.#key = admitted.key
    this.#unasked = admitted.unasked ? this.#unasked + 1 : 0
    if (admitted.kept !== this.#kept) await this.#trusted(admitted.kept)
    return true
  }

  /** Shows the hub the admission that it gave before; whether to dial again. */
  async #returned(): Promise<boolean> {
    const { clock, random, log } = this.#options
    const kept = this.#kept
    if ((await this.#keyRepeated()) || ((await this.#admitted()) && this.#kept !== kept)) {
      this.#unknown = false
      return true
    }
    const outcome: ReturnOutcome = kept ? await this.#showAdmission(kept) : { kind: 'refused' }
    if (outcome.kind === 'admitted') {
      log.info('the hub has let this agent in again')
      this.#unknown = false
      await this.#trusted(outcome.kept)
      return true
    }
    if (outcome.kind === 'waiting') {
      this.#options.setStatus({
        kind: 'waiting',
        message: 'the hub has lost its store; an operator has to let this agent in again',
      })
      await sleepUnlessStopped(clock, outcome.retryAfterMs, this.#options.signal)
      return false
    }
    if (outcome.kind === 'failed') log.warn('this agent could not return to its hub', { why: outcome.message })
    const waitMs = outcome.kind === 'failed' ? (outcome.retryAfterMs ?? 0) : 0
    await sleepUnlessStopped(
      clock,
      Math.max(waitMs, UNKNOWN_RETRY_MS * (0.8 + 0.4 * random.fraction())),
      this.#options.signal,
    )
    this.#unknown = false
    return true
  }

  async #showAdmission(kept: KeptAdmission): Promise<ReturnOutcome> {
    const { client, state, random, clusterUid, versions } = this.#options
    let uid: string
    try {
      uid = await clusterUid()
    } catch (error) {
      // The API server is away, and the hub has an opinion of us meanwhile: both pass.
      return { kind: 'failed', message: `the UID of this cluster cannot be read: ${String(error)}` }
    }
    return await returnToHub({ client, state, random, key: this.#requireKey().signing, kept, uid, versions })
  }

  async #trusted(kept: KeptAdmission): Promise<void> {
    this.#kept = kept
    await this.#options.trust(kept)
  }

  #requireKey(): HeldKey {
    if (!this.#key) throw new HubUnreachable('this agent has no key yet')
    return this.#key
  }
}
