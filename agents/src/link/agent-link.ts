import type { Digest } from '@flotilla/core/json/canonical-json'
import type { Bundle } from '@flotilla/core/model/bundle'
import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import { type HubResponse, type HubTransport, HubUnreachable } from '@flotilla/core/ports/hub-transport'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type {
  CalendarPayload,
  CommandPayload,
  GrantPayload,
  OfferPayload,
  TombstonePayload,
} from '@flotilla/core/protocol/documents'
import type { CommandAnswer } from '@flotilla/core/protocol/frames'
import type { ReportEntry } from '@flotilla/core/protocol/report'
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
import type { Incarnation } from './incarnation.ts'
import { type LinkStatus, sleepUnlessStopped } from './link-status.ts'
import { namedBundles } from './named-bundles.ts'
import { OwnStart } from './own-start.ts'
import { redialAfterFailureMs } from './redial.ts'
import { takeRefusal } from './take-refusal.ts'
import { uploadStream } from './upload-stream.ts'

const SWEEP_EVERY_MS = 60 * 60_000
/** A connection that lasted for so long was no attempt. */
const SETTLED_MS = 60_000

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
  readonly #start: OwnStart
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
      took: () => this.#start.noteNumber(),
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
    this.#start = new OwnStart({
      incarnation: options.incarnation,
      documents: this.#exchange.documents,
      outbox: this.#exchange.outbox,
      clusterId: () => this.#identity.clusterId,
      readAnew: async () => {
        await this.#exchange.hubClock.load()
        await this.#identity.load()
      },
      protect: noted => this.#exchange.protect(noted),
    })
    this.#identity = new AgentIdentity({
      ...options,
      client: this.#client,
      signal: this.#stopping.signal,
      speaks: () => (this.#start.maySpeak() ? this.#start.current : undefined),
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
      maySpeak: () => this.#start.maySpeak() && !this.#identity.unknown && !this.#asksAnew,
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
    await unlessStopped(this.#start.became, signal)
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
    return await this.#start.nextReportNumber()
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
        await unlessStopped(this.#start.acquired(), signal)
        this.#asksAnew = false
        const admitted = await this.#identity.establish()
        failures = 0
        const beganMs = clock.monotonicMs()
        if (admitted) await this.#connection.run()
        // Raising at once is for the one time that it is needed; a hub that goes on naming higher starts is waited for.
        raised = !this.#start.outranked || clock.monotonicMs() - beganMs > SETTLED_MS ? 0 : raised + 1
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
    if (this.#start.current) await this.#start.compareNumbers()
    this.#notify()
  }

  #refusedBy(response: HubResponse): void {
    takeRefusal(response, {
      log: this.#options.log,
      start: this.#start,
      identity: this.#identity,
      setStatus: status => this.#setStatus(status),
      close: why => this.#connection.close(why),
    })
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
    if (named && this.#start.maySpeak()) await this.#bundles.sweep(named)
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
