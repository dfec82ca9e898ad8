import type { Digest } from '@flotilla/core/json/canonical-json'
import { isJsonObject } from '@flotilla/core/json/json'
import type { Bundle } from '@flotilla/core/model/bundle'
import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import { type HubResponse, type HubTransport, HubUnreachable } from '@flotilla/core/ports/hub-transport'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import { parseBoundedJsonBytes } from '@flotilla/core/protocol/bounded-json'
import type {
  CalendarPayload,
  CommandPayload,
  GrantPayload,
  OfferPayload,
  TombstonePayload,
} from '@flotilla/core/protocol/documents'
import type { CommandAnswer } from '@flotilla/core/protocol/frames'
import type { ReportEntry } from '@flotilla/core/protocol/report'
import { INCARNATION_HEADER, PROTOCOL_HEADER } from '@flotilla/core/protocol/versions'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { AgentIdentity } from './agent-identity.ts'
import { BundleKeep } from './bundle-keep.ts'
import type { KeyChangeOutcome } from './change-key.ts'
import { ConnectionLoop } from './connection-loop.ts'
import type { Proposal } from './enrol-agent.ts'
import { Exchange } from './exchange.ts'
import type { HeldCommand } from './held-commands.ts'
import { HubClient, type Speaker } from './hub-client.ts'
import type { HubLink, UploadAnswer } from './hub-link.ts'
import { loadTrust } from './hub-trust.ts'
import type { KeptAdmission } from './identity.ts'
import type { Incarnation, IncarnationNumber } from './incarnation.ts'
import { type LinkStatus, sleepUnlessStopped } from './link-status.ts'
import { namedBundles } from './named-bundles.ts'
import { redialAfterFailureMs } from './redial.ts'
import { uploadStream } from './upload-stream.ts'

const SWEEP_EVERY_MS = 60 * 60_000
/** A connection that lasted for so long was no attempt. */
const SETTLED_MS = 60_000
/** An incarnation above this is not one of ours: one start in a second for a hundred years. */
const MOST_STARTS = 2 ** 32

export interface AgentLinkOptions {
  readonly transport: HubTransport
  readonly state: AgentState
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly incarnation: Incarnation
  /** Aborted when `stop` is about to come: what fails from then on was ended, and is no failure. */
  readonly ending?: AbortSignal
  /** `flj1.…`; not needed any more once the agent was admitted. */
  readonly joinToken?: string
  /** UID of the cluster's namespace `kube-system`; asked only when enrolling. */
  readonly clusterUid: () => Promise<string>
  /** For a join token for many: what this cluster would like to be called. */
  readonly proposal?: Proposal
  /** What the hub shows of this agent: `{ agent: '0.1.0', kubernetes: '1.36' }`. */
  readonly versions: Readonly<Record<string, string>>
}

export type { LinkStatus }

/** The agent's side of the hub–agent protocol (protocol.md); see {@link HubLink} for what its engine sees. */
export class AgentLink implements HubLink {
  readonly #options: AgentLinkOptions
  readonly #client: HubClient
  readonly #exchange: Exchange
  readonly #bundles: BundleKeep
  readonly #connection: ConnectionLoop
  readonly #listeners: (() => void)[] = []
  readonly #stopping = new AbortController()
  #status: LinkStatus = { kind: 'starting' }
  readonly #identity: AgentIdentity
  #acquiring: Promise<IncarnationNumber> | undefined
  readonly #became = Promise.withResolvers<void>()
  #hasBecome = false
  #current: IncarnationNumber | undefined
  #reportNumber = 0
  #highestInc: number | undefined
  #connected = false
  /** The connection ends, so that the hub is asked with a join token. */
  #asksAnew = false
  #asking: Timer | undefined
  #running: Promise<void> | undefined
  #sweeping: Timer | undefined
  /** Bundles that the engine needs besides those that are offered. */
  #inUse: () => ReadonlySet<Digest> | undefined = () => new Set()

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
      took: () => this.#noteNumber(),
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
    this.#identity = new AgentIdentity({
      ...options,
      client: this.#client,
      signal: this.#stopping.signal,
      speaks: () => (this.#maySpeak() ? this.#current : undefined),
      trust: kept => this.#trust(kept),
      setStatus: status => this.#setStatus(status),
      outranked: response => this.#refusedBy(response),
    })
    this.#connection = new ConnectionLoop({
      exchange: this.#exchange,
      client: this.#client,
      clock,
      random,
      log,
      signal: this.#stopping.signal,
      versions: options.versions,
      speaker: () => this.#speaker(),
      maySpeak: () => this.#maySpeak() && !this.#identity.unknown && !this.#asksAnew,
      refusedBy: response => this.#refusedBy(response),
      setStatus: status => this.#setStatus(status),
      setConnected: connected => this.#setConnected(connected),
    })
  }

  async start(): Promise<void> {
    await this.#exchange.hubClock.load()
    await this.#identity.load()
    this.#running = this.#run()
    this.#armSweep()
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the link stops'))
    this.#sweeping?.cancel()
    this.#asking?.cancel()
    this.#connection.close('the agent stops')
    this.#exchange.lost()
    this.#bundles.stop()
    await this.#running
    await this.#exchange.idle()
    this.#setStatus({ kind: 'stopped' })
  }

  async becomesAgent(signal: AbortSignal): Promise<void> {
    await unlessStopped(this.#became.promise, signal)
  }

  status(): LinkStatus {
    return this.#status
  }

  /** The cluster id that the hub gave; undefined before the first admission. */
  clusterId(): string | undefined {
    return this.#identity.clusterId
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

  keepBundles(named: () => ReadonlySet<Digest> | undefined): void {
    this.#inUse = named
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  async settleGrant(id: string, outcome: 'started' | 'refused' | 'lapsed', reason?: string): Promise<void> {
    await this.#exchange.grants.settle(id, outcome, reason)
    this.#connection.sendSettled()
  }

  commands(): readonly HeldCommand[] {
    return this.#exchange.commands.open()
  }

  async beginCommand(command: CommandPayload): Promise<void> {
    await this.#exchange.commands.begin(command)
  }

  async answerCommand(answer: CommandAnswer): Promise<void> {
    await this.#exchange.commands.answer(answer)
    this.#connection.sendSettled()
  }

  async upload(commandId: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<UploadAnswer> {
    return await uploadStream(this.#client, this.#speaker(), { commandId, body, signal })
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
    const { log, random, clock } = this.#options
    const { signal } = this.#stopping
    let failures = 0
    let raised = 0
    while (!signal.aborted) {
      try {
        await unlessStopped(this.#acquired(), signal)
        this.#asksAnew = false
        const admitted = await this.#identity.establish()
        failures = 0
        const beganMs = clock.monotonicMs()
        if (admitted) await this.#connection.run()
        // Raising at once is for the one time that it is needed; a hub that goes on naming higher starts is waited for.
        raised = this.#highestInc === undefined || clock.monotonicMs() - beganMs > SETTLED_MS ? 0 : raised + 1
        if (raised > 1) await sleepUnlessStopped(clock, redialAfterFailureMs(raised, random.fraction()), signal)
      } catch (error) {
        if (signal.aborted || this.#options.ending?.aborted) return
        log.error('the link to the hub failed; it is tried again', { error })
        await sleepUnlessStopped(clock, Math.max(1000, redialAfterFailureMs(++failures, random.fraction())), signal)
      }
    }
  }

  /**
   * Gives this agent another key now (protocol.md 1), whatever the age of the present one.
   *
   * @throws HubUnreachable while the hub cannot be asked.
   */
  async rotateKey(): Promise<KeyChangeOutcome> {
    return await this.#identity.rotateKey()
  }

  async #trust(kept: KeptAdmission): Promise<void> {
    await this.#exchange.trust(await loadTrust(this.#options.state, kept))
    if (this.#current) await this.#compareNumbers()
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
    if (!this.#hasBecome) await this.#readAnew()
    const isAnother = this.#current !== undefined && this.#current.inc !== acquired.inc
    this.#current = acquired
    // What was numbered by the incarnation before may be older at the hub than what another process said.
    if (isAnother) this.#exchange.outbox.renumber(() => ({ inc: acquired.inc, n: ++this.#reportNumber }))
    if (this.#identity.clusterId !== undefined) await this.#compareNumbers()
    if (this.#highestInc !== undefined && acquired.inc > this.#highestInc) this.#highestInc = undefined
    return acquired
  }

  /**
   * While this process waited another one was the agent: who it is, what it holds and what it has answered are as that
   * one left them, and by what was read before it would lead the cluster back.
   */
  async #readAnew(): Promise<void> {
    await this.#exchange.hubClock.load()
    await this.#identity.load()
    this.#hasBecome = true
    this.#became.resolve()
  }

  /** The Lease remembers how far this cluster's agents have come, where a folder was lost; and the other way round. */
  async #compareNumbers(): Promise<void> {
    const cluster = this.#identity.clusterId ?? ''
    await this.#exchange.protect(this.#options.incarnation.notedNumber?.(cluster))
    this.#noteNumber()
  }

  #noteNumber(): void {
    const cluster = this.#identity.clusterId
    const highest = this.#exchange.documents.highest()
    if (cluster !== undefined && highest) this.#options.incarnation.noteNumber?.(cluster, highest)
  }

  #maySpeak(): boolean {
    return this.#highestInc === undefined && this.#options.incarnation.held()
  }

  #refusedBy(response: HubResponse): void {
    const { log } = this.#options
    if (response.status === 409) {
      const body = parseBoundedJsonBytes(response.body, 64 * 1024)
      const highest = Number((isJsonObject(body) && body['highestInc']) || response.headers[INCARNATION_HEADER])
      if (!Number.isSafeInteger(highest)) {
        this.#refusedAsClone()
        return
      }
      // Raising above it would leave no numbers for later starts, whatever this hub is.
      if (highest > MOST_STARTS) {
        const message = `the hub names ${highest} as the newest start of this agent: nobody starts so often`
        this.#refusedForGood('INCARNATION', message)
        return
      }
      this.#highestInc = highest
      log.warn('the hub knows a newer start of this agent', { highestInc: this.#highestInc })
      this.#connection.close('a newer start is known')
    } else if (response.status === 401) {
      if (!this.#identity.refused()) return
      this.#setStatus({ kind: 'refused', code: 'UNAUTHORISED', message: 'the hub does not know this agent (any more)' })
      log.error(
        'the hub refuses this agent: it was revoked, its name was given to another, or the hub has lost its store',
      )
      this.#connection.close('the hub does not know this agent')
    } else if (response.status === 426) {
      const spoken = response.headers[PROTOCOL_HEADER] ?? 'another version'
      this.#setStatus({ kind: 'refused', code: 'PROTOCOL', message: `the hub speaks protocol ${spoken}` })
      log.error('this agent and its hub have no protocol version in common; it keeps what it holds', { spoken })
    }
  }

  /** Raising the incarnation would change nothing: a person says which of the two is the right one. */
  #refusedAsClone(): void {
    const message = 'another agent speaks for this cluster too; an operator has to say which of them is the right one'
    this.#refusedForGood('CLONED', message)
  }

  #refusedForGood(code: 'CLONED' | 'INCARNATION', message: string): void {
    this.#setStatus({ kind: 'refused', code, message })
    this.#options.log.error(message)
    // A join token that is new here may be the operator's answer.
    this.#identity.refused()
    this.#connection.close(code.toLowerCase())
  }

  #speaker(): Speaker {
    return this.#identity.speaker()
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

  #setConnected(connected: boolean): void {
    if (this.#connected === connected) return
    this.#connected = connected
    this.#asking?.cancel()
    if (!connected) return
    const askInMs = this.#identity.askAgainInMs
    if (askInMs !== undefined) this.#asking = this.#options.clock.setTimer(askInMs, () => this.#askAnew())
    this.#bundles.reconnected()
    this.#notify()
  }

  #askAnew(): void {
    this.#asksAnew = true
    this.#connection.close('asks with its join token')
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
      this.#identity
        .changeKeyWhenDue()
        .then(() => this.#sweep())
        .catch((error: unknown) => log.warn('what is done every hour failed', { error }))
        .finally(() => {
          if (!this.#stopping.signal.aborted) this.#armSweep()
        })
    })
  }

  async #sweep(): Promise<void> {
    const named = namedBundles(this.held().values(), this.#exchange.outbox, this.#inUse())
    if (named && this.#maySpeak()) await this.#bundles.sweep(named)
  }
}

/** The result, or a rejection as soon as the link stops: what it waits for may never come. */
function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
