import { planRemoval } from '@flotilla/core/plan/plan-removal'
import type { SyncPlan } from '@flotilla/core/plan/sync-plan'
import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Clock } from '@flotilla/core/ports/clock'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { OfferPayload, TombstonePayload } from '@flotilla/core/protocol/documents'
import type { ReportEntry } from '@flotilla/core/protocol/report'
import { ApplicationState } from './application-state.ts'
import type { HasStatus } from './assessor.ts'
import { DriftWatch, type GroupKind, type SeenChange } from './drift-watch.ts'
import { type Engine, emptyFindings, lookAt } from './engine.ts'
import { InventoryStore } from './inventory-store.ts'
import { KubernetesClient } from './kubernetes/client.ts'
import type { HubLink } from './link/hub-link.ts'
import type { AgentMetrics } from './metrics/agent-metrics.ts'
import { observe } from './observe.ts'
import { OperationStore } from './operations.ts'
import { OrphanSurveys } from './orphan-surveys.ts'
import { reconcileOffer } from './reconcile.ts'
import { approvalOf, NO_DIGEST, reconcileRemoval } from './reconcile-removal.ts'
import { ensureNamespace, SYSTEM_NAMESPACE } from './records.ts'
import { RemovalHooks } from './removal-hooks.ts'
import { Reporter } from './report.ts'
import { runCommand } from './run-command.ts'
import { SelfHealBackOff } from './self-heal.ts'
import { StatusObject } from './status-object.ts'
import { CommandStreams } from './streams/command-streams.ts'
import { WorkQueue } from './work-queue.ts'

export interface AgentOptions {
  /** Name of the cluster: the first word of messages. */
  readonly name: string
  readonly cluster: ClusterTransport
  readonly link: HubLink
  /** The engine keeps nothing there itself: its records are in the cluster. The link does, and closes with the agent. */
  readonly state: AgentState
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Where the agent's records are. Default `flotilla-system`. */
  readonly namespace?: string
  /** Applications looked at at the same time. Default 4. */
  readonly concurrency?: number
  /** False while another process may be the agent. Default: always true. */
  readonly mayWrite?: () => boolean
  /** A client over `cluster` that is there already: the Lease uses it before the agent does. */
  readonly client?: KubernetesClient
  /** What is counted of it; nothing, without it. */
  readonly metrics?: AgentMetrics
}

export interface Agent {
  /** Resolves once the hub's documents are readable and the loop runs; the cluster may still be away. */
  start(): Promise<void>
  /** Ends what runs at the next safe point; an operation goes on at the next start. */
  stop(): Promise<void>
  /** What a sync of the held document would do now. Writes nothing. @throws AgentPlanError, KubernetesError */
  plan(applicationName: string): Promise<SyncPlan>
}

export class AgentPlanError extends Error {
  readonly code: 'APPLICATION_UNKNOWN' | 'BUNDLE_MISSING'
  readonly subject: string
  readonly retry: boolean
  constructor(code: AgentPlanError['code'], subject: string, message: string, retry: boolean) {
    super(`${subject}: ${message} (${code})`)
    this.name = 'AgentPlanError'
    this.code = code
    this.subject = subject
    this.retry = retry
  }
}

const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 60_000
const CONCURRENCY = 4
/** Commands that are done at the same time. */
const COMMANDS_AT_ONCE = 4
/** A command that waits for a pulse, or for the right to write. */
const COMMAND_AGAIN_MS = 2_000
/** Several events of one change are one look. */
const GATHER_MS = 50

/** Receive → observe → plan → apply → assess → report, for one cluster. */
export function createAgent(options: AgentOptions): Agent {
  return new ClusterAgent(options)
}

class ClusterAgent implements Agent {
  readonly #options: AgentOptions
  readonly #namespace: string
  readonly #stopping = new AbortController()
  readonly #engine: Engine
  readonly #queue: WorkQueue
  readonly #commands: WorkQueue
  readonly #status: StatusObject
  readonly #states = new Map<string, ApplicationState>()
  readonly #seenNews = new Map<string, string>()
  #ready = false
  #preparing: Promise<void> | undefined

  constructor(options: AgentOptions) {
    const { cluster, link, clock, random, log, name } = options
    this.#options = options
    this.#namespace = options.namespace ?? SYSTEM_NAMESPACE
    const given = options.client ?? new KubernetesClient({ transport: cluster, clock, random, cluster: name })
    const client = given.until(this.#stopping.signal)
    this.#status = new StatusObject(client, this.#namespace, clock, log)
    const reporter = new Reporter(
      link,
      () => link.hubTime() ?? clock.now(),
      entry => this.#reported(entry),
    )
    const mayWrite = options.mayWrite ?? (() => true)
    const inventories = new InventoryStore(client, this.#namespace, mayWrite)
    const operations = new OperationStore(client, this.#namespace, clock, mayWrite)
    this.#engine = {
      client,
      clock,
      random,
      log,
      link,
      reporter,
      inventories,
      operations,
      removalHooks: new RemovalHooks(client, this.#namespace, mayWrite),
      watch: new DriftWatch(client, log, (id, change) => this.#watchTold(id, change)),
      healing: new SelfHealBackOff(clock),
      streams: new CommandStreams(),
      orphans: new OrphanSurveys({
        ...{ client, clock, random, log, link, inventories, operations, signal: this.#stopping.signal },
        onFound: id => this.#somethingChanged(id),
      }),
      followKinds: () => this.#followKinds(),
      mayWrite,
      signal: this.#stopping.signal,
    }
    this.#queue = new WorkQueue({ clock, concurrency: options.concurrency ?? CONCURRENCY, run: id => this.#run(id) })
    options.metrics?.queue(() => this.#queue.depth)
    this.#commands = new WorkQueue({ clock, concurrency: COMMANDS_AT_ONCE, run: id => this.#runCommand(id) })
  }

  async start(): Promise<void> {
    const { link } = this.#options
    link.onChange(() => this.#documentsChanged())
    link.keepBundles(() => (this.#ready ? this.#engine.operations.digestsInUse() : undefined))
    await link.start()
    this.#preparing = this.#prepare()
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the agent is stopping'))
    this.#status.stop()
    await this.#queue.stop()
    await this.#commands.stop()
    await this.#engine.streams.ended()
    await this.#engine.orphans.stop()
    await this.#engine.watch.stop()
    await this.#preparing
    await this.#options.link.stop()
  }

  async plan(applicationName: string): Promise<SyncPlan> {
    const { link, client, inventories } = this.#engine
    const held = [...link.held().values()].find(({ application }) => application.name === applicationName)
    if (!held) {
      const known = [...link.held().values()]
        .map(({ application }) => application.name)
        .sort()
        .join(', ')
      throw new AgentPlanError('APPLICATION_UNKNOWN', applicationName, `not held here; held are: ${known}`, false)
    }
    const state = this.#newState()
    if (held.typ === 'tombstone') {
      const inventory = await inventories.read(held.application.id)
      const live = await observe({
        client,
        applicationId: held.application.id,
        keys: inventory,
        remembered: state.observed,
        isFollowed: () => false,
        needsContent: () => true,
      })
      const unknown = state.observed.unknown(inventory)
      const unproved = inventories.unproved(held.application.id)
      const hooks = held.policy === 'prune' ? await this.#engine.removalHooks.read(held.application.id) : []
      const seen = { inventory, unproved, live, unknown, hooks }
      return planRemoval({ application: held.application, digest: NO_DIGEST, ...seen, ...approvalOf(held) })
    }
    const bundle = await link.bundle(held.digest)
    if (!bundle) throw new AgentPlanError('BUNDLE_MISSING', applicationName, 'its Bundle has not arrived yet', true)
    return (await lookAt(this.#engine, state, held, bundle)).plan
  }

  /** Reads what an earlier process left in the cluster, however long that takes to answer. */
  async #prepare(): Promise<void> {
    const { client, operations, clock, log, random } = this.#engine
    for (let attempt = 0; !this.#stopping.signal.aborted; attempt++) {
      try {
        // Until then another process may be at work here, and what it leaves is what counts.
        await this.#options.link.becomesAgent(this.#stopping.signal)
        await client.discovery.load()
        await ensureNamespace(client, this.#namespace)
        await operations.load()
        this.#ready = true
        await operations.sweepAll(new Set(this.#options.link.held().keys()))
        this.#documentsChanged()
        return
      } catch (error) {
        if (this.#stopping.signal.aborted) return
        log.warn('the cluster cannot be used yet', { error: String(error) })
        const waitMs = Math.min(FIRST_RETRY_MS * 2 ** attempt, LONGEST_RETRY_MS) * (0.5 + random.fraction() / 2)
        await clock.sleep(waitMs, this.#stopping.signal).catch(() => undefined)
      }
    }
  }

  #documentsChanged(): void {
    if (!this.#ready || this.#stopping.signal.aborted) return
    const held = this.#options.link.held()
    for (const { command } of this.#options.link.commands()) this.#commands.add(command.id)
    for (const [id, document] of held) {
      const news = this.#newsOf(document)
      if (this.#seenNews.get(id) === news && !this.#states.get(id)?.lacksBundle) continue
      this.#seenNews.set(id, news)
      this.#lookAt(id, 0)
    }
    for (const id of this.#seenNews.keys()) {
      if (held.has(id)) continue
      // Not named any more, and no Tombstone: nobody asked us to remove anything, so nothing is.
      this.#seenNews.delete(id)
      this.#states.delete(id)
      this.#queue.drop(id)
      this.#engine.reporter.forget(id)
      this.#engine.orphans.forget(id)
      this.#options.metrics?.forget(id)
    }
    this.#status.agent({ hub: this.#options.link.connected() ? 'connected' : 'away' })
  }

  /** All that a document's arrival can change for one Application: of a thousand, only those with news are looked at. */
  #newsOf(document: OfferPayload | TombstonePayload): string {
    const { link } = this.#options
    const grants = link.grants().filter(({ application }) => application === document.application.id)
    const words = [document.typ, document.number, grants.map(({ id }) => id)]
    const free = grants.length === 0 && this.#states.get(document.application.id)?.waitsForNoGate
    return JSON.stringify(free ? words : [...words, link.calendar()?.number, link.hubTime() !== undefined])
  }

  #reported(entry: ReportEntry): void {
    const name = this.#options.link.held().get(entry.application)?.application.name ?? entry.application
    this.#options.metrics?.reported(entry)
    if (entry.gone) this.#status.forget(name)
    else this.#status.application(name, entry)
  }

  #somethingChanged(applicationId: string): void {
    if (!this.#ready || !this.#options.link.held().has(applicationId)) return
    this.#lookAt(applicationId, GATHER_MS)
  }

  /** Whether it is news is asked when it would be looked at: what we write is told before the server has answered. */
  #watchTold(applicationId: string, change: SeenChange): void {
    if (!this.#ready || !this.#options.link.held().has(applicationId)) return
    this.#states.get(applicationId)?.told(change)
    this.#queue.add(applicationId, GATHER_MS)
  }

  #lookAt(applicationId: string, delayMs: number): void {
    this.#stateOf(applicationId).lookDueAtMs = Number.NEGATIVE_INFINITY
    this.#queue.add(applicationId, delayMs)
  }

  async #run(id: string): Promise<number | undefined> {
    const held = this.#options.link.held().get(id)
    if (!held || this.#stopping.signal.aborted) return undefined
    const state = this.#stateOf(id)
    const dueInMs = state.lookDueAtMs - this.#engine.clock.monotonicMs()
    // Most of what watches tell is what was written here, and what the last look has seen.
    if (state.takeTold() === 'known' && dueInMs > 0) return dueInMs
    state.lookDueAtMs = Number.POSITIVE_INFINITY
    state.waitsForNoGate = false
    this.#seenNews.set(id, this.#newsOf(held))
    const againInMs = await this.#look(state, held)
    state.lookDueAtMs = Math.min(state.lookDueAtMs, this.#engine.clock.monotonicMs() + (againInMs ?? 0))
    return againInMs
  }

  async #look(state: ApplicationState, held: OfferPayload | TombstonePayload): Promise<number | undefined> {
    const { log } = this.#engine
    const { id } = held.application
    try {
      const againInMs = await this.#reconcile(state, held)
      state.failures = 0
      // A Grant that this look has settled is no news; one that came meanwhile has put the key into the queue already.
      const now = this.#options.link.held().get(id)
      if (now) this.#seenNews.set(id, this.#newsOf(now))
      return againInMs
    } catch (error) {
      if (this.#stopping.signal.aborted) return undefined
      state.failures++
      // What was remembered may be what went wrong.
      state.observed.clear()
      log.warn('application could not be looked at', { application: held.application.name, error: String(error) })
      await this.#reportTrouble(held, error).catch(trouble => log.warn('report failed', { error: String(trouble) }))
      const longest = Math.min(FIRST_RETRY_MS * 2 ** (state.failures - 1), LONGEST_RETRY_MS)
      return longest * (0.5 + this.#engine.random.fraction() / 2)
    }
  }

  /** People's commands go their own way: they are not to wait behind a sync, which one of them may be to end. */
  async #runCommand(id: string): Promise<number | undefined> {
    const held = this.#options.link.commands().find(({ command }) => command.id === id)
    if (!held || this.#stopping.signal.aborted) return undefined
    try {
      const over = await runCommand(this.#engine, held, { changed: application => this.#somethingChanged(application) })
      return over ? undefined : COMMAND_AGAIN_MS
    } catch (error) {
      if (this.#stopping.signal.aborted) return undefined
      // The state could not be written: nothing was done, or its end is not kept and will be told as unknown.
      this.#engine.log.warn('a command could not be worked on', { command: id, error: String(error) })
      return COMMAND_AGAIN_MS
    }
  }

  async #reconcile(state: ApplicationState, held: OfferPayload | TombstonePayload): Promise<number> {
    const { clock, metrics } = this.#options
    const began = clock.monotonicMs()
    try {
      return held.typ === 'tombstone'
        ? await reconcileRemoval(this.#engine, state, held)
        : await reconcileOffer(this.#engine, state, held)
    } finally {
      metrics?.looked(clock.monotonicMs() - began)
    }
  }

  #followKinds(): void {
    const kinds = new Map<string, GroupKind>()
    for (const state of this.#states.values()) {
      for (const [name, kind] of state.observed.kinds()) kinds.set(name, kind)
    }
    this.#engine.watch.follow(kinds.values())
  }

  async #reportTrouble(held: OfferPayload | TombstonePayload, error: unknown): Promise<void> {
    if (held.typ !== 'offer') return
    const message = error instanceof Error ? error.message : String(error)
    const findings = emptyFindings(this.#engine, held)
    await this.#engine.reporter.report({ ...findings, sync: { status: 'Unknown', message: message.slice(0, 500) } })
  }

  #newState(): ApplicationState {
    const { clock, client } = this.#engine
    const hasStatus: HasStatus = (group, kind) => client.discovery.lookup(group, kind)?.hasStatus ?? false
    return new ApplicationState(() => clock.now(), hasStatus)
  }

  #stateOf(id: string): ApplicationState {
    let state = this.#states.get(id)
    if (!state) {
      state = this.#newState()
      this.#states.set(id, state)
    }
    return state
  }
}
