import type { Digest } from '@flotilla/core/json/canonical-json'
import { isJsonObject } from '@flotilla/core/json/json'
import type { Bundle } from '@flotilla/core/model/bundle'
import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import { HubRefused, type HubResponse, type HubTransport, HubUnreachable } from '@flotilla/core/ports/hub-transport'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import { parseBoundedJsonBytes } from '@flotilla/core/protocol/bounded-json'
import type { CalendarPayload, GrantPayload, OfferPayload, TombstonePayload } from '@flotilla/core/protocol/documents'
import type { SigningKey } from '@flotilla/core/protocol/ed25519'
import { type AgentFrame, decodePollAnswer, encodeFrame } from '@flotilla/core/protocol/frames'
import { type JoinToken, parseJoinToken } from '@flotilla/core/protocol/join-token'
import type { ReportEntry } from '@flotilla/core/protocol/report'
import { INCARNATION_HEADER } from '@flotilla/core/protocol/versions'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { BundleKeep } from './bundle-keep.ts'
import { enrolAgent } from './enrol-agent.ts'
import { Exchange } from './exchange.ts'
import { HubClient, type Speaker } from './hub-client.ts'
import type { HubLink } from './hub-link.ts'
import { type KeptAdmission, loadAdmission, loadOrMakeKey } from './identity.ts'
import type { Incarnation, IncarnationNumber } from './incarnation.ts'
import {
  FAILED_SOCKETS_BEFORE_POLLING,
  redialAfterFailureMs,
  redialAfterStandingMs,
  socketRetryMs,
  spreadIntervalMs,
} from './redial.ts'
import { SocketConversation } from './socket-conversation.ts'

const REFUSED_RETRY_MS = 60_000
const SWEEP_EVERY_MS = 60 * 60_000

export interface AgentLinkOptions {
  readonly transport: HubTransport
  readonly state: AgentState
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly incarnation: Incarnation
  /** `flj1.…`; not needed any more once the agent was admitted. */
  readonly joinToken?: string
  /** UID of the cluster's namespace `kube-system`; asked only when enrolling. */
  readonly clusterUid: () => Promise<string>
  /** What the hub shows of this agent: `{ agent: '0.1.0', kubernetes: '1.36' }`. */
  readonly versions: Readonly<Record<string, string>>
}

/** Where the connection stands, for the local administrator. */
export type LinkStatus =
  | { readonly kind: 'starting' | 'enrolling' | 'connecting' | 'connected' | 'polling' | 'stopped' }
  | { readonly kind: 'waiting'; readonly message: string }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }

interface SocketEnd {
  /** Whether the hub had said welcome. */
  readonly stood: boolean
  /** Whether this counts as a socket that could not be had. */
  readonly socketsFail: boolean
  readonly spreadMs?: number
  readonly retryAfterMs?: number
}

/** The agent's side of the hub–agent protocol (protocol.md); see {@link HubLink} for what its engine sees. */
export class AgentLink implements HubLink {
  readonly #options: AgentLinkOptions
  readonly #client: HubClient
  readonly #exchange: Exchange
  readonly #bundles: BundleKeep
  readonly #listeners: (() => void)[] = []
  readonly #stopping = new AbortController()
  #status: LinkStatus = { kind: 'starting' }
  #key: SigningKey | undefined
  #kept: KeptAdmission | undefined
  #acquiring: Promise<IncarnationNumber> | undefined
  #current: IncarnationNumber | undefined
  #reportNumber = 0
  #highestInc: number | undefined
  #conversation: SocketConversation | undefined
  #connected = false
  #running: Promise<void> | undefined
  #sweeping: Timer | undefined

  constructor(options: AgentLinkOptions) {
    this.#options = options
    const { transport, clock, state, random, log } = options
    this.#client = new HubClient(transport, clock)
    this.#exchange = new Exchange({
      state,
      clock,
      random,
      log,
      request: async request => await this.#client.request(this.#speaker(), request),
      refused: response => this.#refusedBy(response),
      changed: () => this.#notify(),
    })
    this.#bundles = new BundleKeep({
      state,
      clock,
      random,
      log,
      ask: path => this.#askForBundle(path),
      offeredSize: digest => this.#offeredSize(digest),
      mayAskAgain: () => this.#notify(),
    })
  }

  async start(): Promise<void> {
    const { state, random } = this.#options
    this.#key = await loadOrMakeKey(state, random)
    await this.#exchange.hubClock.load()
    this.#kept = await loadAdmission(state, this.#key)
    if (this.#kept) await this.#trust(this.#kept)
    this.#running = this.#run()
    this.#armSweep()
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the link stops'))
    this.#sweeping?.cancel()
    this.#conversation?.close('the agent stops')
    this.#exchange.lost()
    this.#bundles.stop()
    await this.#running
    await this.#exchange.idle()
    this.#setStatus({ kind: 'stopped' })
  }

  status(): LinkStatus {
    return this.#status
  }

  /** The cluster id that the hub gave; undefined before the first admission. */
  clusterId(): string | undefined {
    return this.#kept?.admission.payload.cluster
  }

  held(): ReadonlyMap<string, OfferPayload | TombstonePayload> {
    return this.#exchange.documents.applications()
  }

  calendar(): CalendarPayload | undefined {
    return this.#exchange.documents.calendar()
  }

  grants(): readonly GrantPayload[] {
    return this.#exchange.grants.open()
  }

  hubTime(): EpochMs | undefined {
    return this.#exchange.hubClock.now()
  }

  connected(): boolean {
    return this.#connected
  }

  async bundle(digest: Digest): Promise<Bundle | undefined> {
    return await this.#bundles.get(digest)
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  async settleGrant(id: string, outcome: 'started' | 'refused' | 'lapsed', reason?: string): Promise<void> {
    await this.#exchange.grants.settle(id, outcome, reason)
    this.#conversation?.sendSettled()
  }

  async report(entries: readonly ReportEntry[]): Promise<void> {
    this.#exchange.outbox.put(entries.map(entry => this.#answering(entry)))
    this.#exchange.kick()
  }

  async nextReportNumber(): Promise<{ readonly inc: number; readonly n: number }> {
    const { inc } = await this.#acquired()
    return { inc, n: ++this.#reportNumber }
  }

  /** An end names the Tombstone that it answers, so that both sides can let go of the same document. */
  #answering(entry: ReportEntry): ReportEntry {
    const held = this.#exchange.documents.application(entry.application)
    if (entry.document || !held) return entry
    return entry.gone && held.typ !== 'tombstone' ? entry : { ...entry, document: held.number }
  }

  async #run(): Promise<void> {
    const { log, random } = this.#options
    const { signal } = this.#stopping
    let failures = 0
    while (!signal.aborted) {
      try {
        await this.#acquired()
        const admitted = await this.#admitted()
        failures = 0
        if (admitted) await this.#talk()
      } catch (error) {
        if (signal.aborted) return
        log.error('the link to the hub failed; it is tried again', { error })
        await this.#sleep(Math.max(1000, redialAfterFailureMs(++failures, random.fraction())))
      }
    }
  }

  /** Dials, listens, and dials again; returns when the incarnation has to be raised. */
  async #talk(): Promise<void> {
    const { random, clock } = this.#options
    let failures = 0
    let failedSockets = 0
    let pollingSince = 0
    let socketNotBefore = 0
    while (!this.#stopping.signal.aborted && this.#maySpeak()) {
      if (clock.monotonicMs() >= socketNotBefore) {
        this.#setStatus({ kind: 'connecting' })
        const end = await this.#socket()
        if (end.stood) {
          failures = failedSockets = pollingSince = socketNotBefore = 0
          await this.#sleep(redialAfterStandingMs(end.spreadMs, random.fraction()))
          continue
        }
        failures++
        if (end.socketsFail) failedSockets++
        if (!end.socketsFail || failedSockets < FAILED_SOCKETS_BEFORE_POLLING || !this.#maySpeak()) {
          await this.#sleep(Math.max(end.retryAfterMs ?? 0, redialAfterFailureMs(failures, random.fraction())))
          continue
        }
      }
      const pollMs = await this.#poll()
      if (pollMs === undefined) {
        failures++
        await this.#sleep(redialAfterFailureMs(failures, random.fraction()))
        continue
      }
      // Requests get through where sockets do not: they are the connection, and the socket is tried ever more rarely.
      failures = 0
      if (clock.monotonicMs() >= socketNotBefore) socketNotBefore = clock.monotonicMs() + socketRetryMs(pollingSince++)
      await this.#sleep(spreadIntervalMs(pollMs, random.fraction()))
    }
    this.#setConnected(false)
  }

  async #socket(): Promise<SocketEnd> {
    const { clock, random, log } = this.#options
    try {
      const speaker = this.#speaker()
      const socket = await this.#client.connect(speaker)
      const conversation = new SocketConversation(socket, {
        exchange: this.#exchange,
        clock,
        random,
        log,
        hello: nonce => this.#hello(speaker, nonce),
        stood: () => {
          this.#setStatus({ kind: 'connected' })
          this.#setConnected(true)
        },
        maySpeak: () => this.#maySpeak(),
      })
      this.#conversation = conversation
      if (this.#stopping.signal.aborted) conversation.close('the agent stops')
      const end = await conversation.ended
      log.info('the connection to the hub ended', { code: end.code, reason: end.reason, stood: end.stood })
      return { ...end, socketsFail: !end.stood }
    } catch (error) {
      return { stood: false, ...this.#failedDial(error) }
    } finally {
      this.#conversation = undefined
      this.#setConnected(false)
    }
  }

  #failedDial(error: unknown): Omit<SocketEnd, 'stood'> {
    const { log } = this.#options
    if (error instanceof HubRefused) {
      log.warn('the hub refused the connection', { status: error.status })
      const retryAfterMs = (Number(error.headers['retry-after']) || 0) * 1000
      // These say something about us or the hub; anything else comes from what stands between, and forbids sockets.
      if (![401, 409, 429, 503].includes(error.status)) return { socketsFail: true, retryAfterMs }
      this.#refusedBy({ status: error.status, headers: error.headers, body: new Uint8Array() })
      return { socketsFail: false, retryAfterMs: error.status === 401 ? REFUSED_RETRY_MS : retryAfterMs }
    }
    if (!(error instanceof HubUnreachable)) throw error
    log.warn('the hub cannot be reached', { error })
    return { socketsFail: true }
  }

  /** One poll and what it leads to; the time to the next, or undefined when it failed. */
  async #poll(): Promise<number | undefined> {
    const { log } = this.#options
    const settled = this.#exchange.settled()
    const waiting: AgentFrame[] = [this.#exchange.heartbeat(), ...(settled ? [settled] : [])]
    let pollMs = 0
    try {
      for (let frames = waiting.splice(0); frames.length > 0; frames = waiting.splice(0, 1)) {
        const body = Buffer.from(`{"frames":[${frames.map(encodeFrame).join(',')}]}`)
        const response = await this.#client.request(this.#speaker(), { method: 'POST', path: '/agent/v1/poll', body })
        if (response.status !== 200) {
          this.#refusedBy(response)
          throw new HubUnreachable(`the hub answered a poll with ${response.status}`)
        }
        const decoded = decodePollAnswer(response.body)
        if (decoded.kind === 'refused') throw new HubUnreachable(`a poll's answer cannot be read: ${decoded.message}`)
        pollMs = Math.min(Math.max(decoded.value.pollMs, 1000), 600_000)
        this.#exchange.stands(decoded.value.upTo)
        for (const frame of decoded.value.frames) waiting.push(...(await this.#exchange.take(frame)))
      }
    } catch (error) {
      if (!(error instanceof HubUnreachable)) throw error
      log.warn('a poll of the hub failed', { error })
      this.#exchange.lost()
      this.#setConnected(false)
      return undefined
    }
    this.#setStatus({ kind: 'polling' })
    this.#setConnected(true)
    return pollMs
  }

  /** Enrols until this agent is admitted; false when it cannot be, or the link stops. */
  async #admitted(): Promise<boolean> {
    const { log, random, state, joinToken, versions, clusterUid } = this.#options
    const token = this.#joinToken(joinToken)
    if (this.#kept && (!token || token.id === this.#kept.tokenId)) return true
    if (!token) {
      this.#setStatus({
        kind: 'refused',
        code: 'NO_JOIN_TOKEN',
        message: 'this agent was never admitted and has no join token',
      })
      log.error('this agent was never admitted and has no join token')
      await this.#sleep(REFUSED_RETRY_MS)
      return false
    }
    this.#setStatus({ kind: 'enrolling' })
    for (let failures = 1; !this.#stopping.signal.aborted; failures++) {
      const backOffMs = Math.max(500, redialAfterFailureMs(failures, random.fraction()))
      try {
        const uid = await clusterUid()
        const outcome = await enrolAgent({ client: this.#client, state, key: this.#requireKey(), token, uid, versions })
        if (outcome.kind === 'admitted') {
          log.info('this agent was admitted', { cluster: outcome.kept.admission.payload.clusterName })
          await this.#trust(outcome.kept)
          return true
        }
        if (outcome.kind === 'refused') {
          log.error(`the hub refused to admit this agent: ${outcome.message}`, { code: outcome.code })
          // An admission that we have is better than a token that is not taken.
          if (this.#kept) return true
          this.#setStatus(outcome)
          await this.#sleep(REFUSED_RETRY_MS * (0.8 + 0.4 * random.fraction()))
        } else if (outcome.kind === 'waiting') {
          this.#setStatus({ kind: 'waiting', message: 'waits for the approval of an operator' })
          await this.#sleep(outcome.retryAfterMs)
        } else {
          log.warn('the enrolment failed; it is tried again', { why: outcome.message })
          await this.#sleep(Math.max(outcome.retryAfterMs ?? 0, backOffMs))
        }
      } catch (error) {
        if (this.#stopping.signal.aborted) return false
        log.warn('the enrolment failed; it is tried again', { error })
        await this.#sleep(backOffMs)
      }
    }
    return false
  }

  #joinToken(pasted: string | undefined): JoinToken | undefined {
    if (pasted === undefined) return undefined
    const parsed = parseJoinToken(pasted)
    if (parsed.kind === 'token') return parsed.token
    this.#options.log.error(`the join token cannot be read: ${parsed.message}`)
    return undefined
  }

  async #trust(kept: KeptAdmission): Promise<void> {
    const { payload, keys, newestKid } = kept.admission
    this.#kept = kept
    await this.#exchange.trust({ cluster: payload.cluster, adm: payload.adm, keys, newestKid })
    this.#notify()
  }

  /** The incarnation, raised where it is lost or outranked; everyone who asks meanwhile waits for the same. */
  async #acquired(): Promise<IncarnationNumber> {
    if (this.#current && this.#maySpeak()) return this.#current
    this.#acquiring ??= this.#acquire().finally(() => {
      this.#acquiring = undefined
    })
    return await this.#acquiring
  }

  async #acquire(): Promise<IncarnationNumber> {
    const above = this.#highestInc
    const acquired = await this.#options.incarnation.acquire(above)
    this.#current = acquired
    if (this.#highestInc !== undefined && acquired.inc > this.#highestInc) this.#highestInc = undefined
    return acquired
  }

  #maySpeak(): boolean {
    return this.#highestInc === undefined && this.#options.incarnation.held()
  }

  #refusedBy(response: HubResponse): void {
    const { log } = this.#options
    if (response.status === 409) {
      const body = parseBoundedJsonBytes(response.body, 64 * 1024)
      const highest = Number((isJsonObject(body) && body['highestInc']) || response.headers[INCARNATION_HEADER])
      this.#highestInc = Number.isSafeInteger(highest) ? highest : (this.#current?.inc ?? 0)
      log.warn('the hub knows a newer start of this agent', { highestInc: this.#highestInc })
      this.#conversation?.close('a newer start is known')
    } else if (response.status === 401) {
      this.#setStatus({ kind: 'refused', code: 'UNAUTHORISED', message: 'the hub does not know this agent (any more)' })
      log.error('the hub refuses this agent: it was revoked, or its name was given to another')
    }
  }

  #hello(speaker: Speaker, nonce: string): AgentFrame {
    const highest = this.#exchange.documents.highestJws()
    const proof = this.#client.helloProof(speaker, nonce)
    return { kind: 'hello', proof, ...(highest !== undefined && { highest }), versions: { ...this.#options.versions } }
  }

  #speaker(): Speaker {
    const kept = this.#kept
    const incarnation = this.#current
    if (!kept || !incarnation) throw new HubUnreachable('this agent is not admitted yet')
    const { cluster, adm, hubId } = kept.admission.payload
    return { cluster, admission: adm, hubId, key: this.#requireKey(), incarnation }
  }

  async #askForBundle(path: string): Promise<HubResponse | undefined> {
    if (!this.#connected) return undefined
    try {
      return await this.#client.request(this.#speaker(), { method: 'GET', path })
    } catch (error) {
      if (!(error instanceof HubUnreachable)) throw error
      return undefined
    }
  }

  #offeredSize(digest: Digest): number | undefined {
    for (const document of this.held().values()) {
      if (document.typ === 'offer' && document.digest === digest) return document.size
    }
    return undefined
  }

  #requireKey(): SigningKey {
    if (!this.#key) throw new HubUnreachable('this agent has no key yet')
    return this.#key
  }

  #setConnected(connected: boolean): void {
    if (this.#connected === connected) return
    this.#connected = connected
    if (!connected) return
    this.#bundles.reconnected()
    this.#notify()
  }

  #setStatus(status: LinkStatus): void {
    this.#status = status
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }

  #armSweep(): void {
    const { clock, log } = this.#options
    this.#sweeping = clock.setTimer(SWEEP_EVERY_MS, () => {
      this.#sweep()
        .catch((error: unknown) => log.warn('Bundles could not be swept', { error }))
        .finally(() => {
          if (!this.#stopping.signal.aborted) this.#armSweep()
        })
    })
  }

  /** Only when every Application held was reported on by this process is it known what its last success was. */
  async #sweep(): Promise<void> {
    const { outbox } = this.#exchange
    const held = [...this.held().values()]
    if (!this.#maySpeak() || !held.every(document => outbox.hasReported(document.application.id))) return
    const named = new Set(outbox.digests())
    for (const document of held) if (document.typ === 'offer') named.add(document.digest)
    await this.#bundles.sweep(named)
  }

  async #sleep(delayMs: number): Promise<void> {
    try {
      await this.#options.clock.sleep(delayMs, this.#stopping.signal)
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error
    }
  }
}
