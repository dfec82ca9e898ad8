import type { Digest } from '@flotilla/core/json/canonical-json'
import type { ApplicationRow, ClusterRow } from '@flotilla/core/ports/store'
import { normaliseRepositoryUrl } from '@flotilla/core/project/repository-url'
import { waitsForTime } from '../gates/gate-hold.ts'
import { Gates } from '../gates/gates.ts'
import type { ShownDocument } from '../recovery/take-proofs.ts'
import { Mutex } from '../store/mutex.ts'
import { adoptIds } from './adopt-ids.ts'
import { afterRound } from './after-round.ts'
import { ApplicationRounds } from './application-rounds.ts'
import { isBroughtSource, storedBroughtSource } from './brought-documents.ts'
import { BroughtSources } from './brought-sources.ts'
import { calendarsOf } from './calendars-of.ts'
import { ClusterRounds } from './cluster-rounds.ts'
import { type ConfigSource, ConfigSources } from './config-sources.ts'
import { confirmRemoval, type RemovalAnswer, type RemovalConfirmation } from './confirm-removal.ts'
import { type AdoptionDecision, decideAdoption, type WaitingAdoption, waitingAdoptions } from './decide-adoption.ts'
import { type DeletionAnswer, type DeletionDecision, decideDeletion } from './decide-deletion.ts'
import { DeletionPlans } from './deletion-plans.ts'
import { FleetRounds } from './fleet-rounds.ts'
import { Interventions } from './intervene.ts'
import { restOf } from './keys.ts'
import { decideNames, type NamesBench, refreshPlans } from './names-round.ts'
import { type ReleaseAnswer, type ReleaseWish, releaseCluster } from './release-cluster.ts'
import { RuleRounds } from './rule-rounds.ts'
import type { LoopServices } from './services.ts'
import { isGeneratedSource, storedGeneratedSource } from './set-documents.ts'
import { SetRounds } from './set-rounds.ts'
import { SourceRounds } from './source-rounds.ts'
import { isLasting, ownerOf } from './withdraw-names.ts'
import { type QueueDepth, WorkQueue } from './work-queue.ts'
import { World } from './world.ts'

/**
 * The hub's reconcile loop: a commit's path (docs/architecture.md, section 2) as handlers of keys. Each handler looks
 * at what is, writes what differs, and adds the keys that this concerns; losing any of them costs a look, never
 * correctness.
 *
 *     repository ─► source ─► set ─► names ─► application ─► (Offer, Grant)
 *                     └────► cluster ──────────────┘
 */
export class Loop {
  readonly world: World
  readonly sources: ConfigSources
  /** What people hold Applications to. */
  readonly interventions: Interventions
  readonly #services: LoopServices
  readonly #queue: WorkQueue
  /** What waits, by kind of key. */
  readonly depths = (): readonly QueueDepth[] => this.#queue.depths
  readonly #sets: SetRounds
  readonly #plans = new DeletionPlans()
  readonly #namesBench: NamesBench
  readonly #ruleRounds: RuleRounds
  /** Applications are decided from memory and written to the store: one of those who do both at a time. */
  readonly #rows = new Mutex()
  readonly #fleetRounds: FleetRounds
  readonly #sourceRounds: SourceRounds
  readonly #clusterRounds: ClusterRounds
  readonly #applicationRounds: ApplicationRounds

  constructor(services: LoopServices, configSources: readonly ConfigSource[]) {
    this.#services = services
    this.world = new World(new Gates(services.gates))
    this.sources = new ConfigSources(configSources)
    this.#queue = new WorkQueue({
      ...{ clock: services.clock, random: services.random, log: services.log, stages: services.stages },
      handlers: {
        repository: { batch: 1, handle: keys => this.#each(keys, url => this.#sourceRounds.repository(url)) },
        source: { batch: 1, handle: keys => done(this.#sourceRounds.read(keys.map(restOf))) },
        set: { batch: 1, handle: keys => this.#each(keys, key => this.#sets.look(key)) },
        // All that wait at once: the deletion budget counts what one round of a set would take away.
        names: {
          batch: Number.POSITIVE_INFINITY,
          handle: keys => done(decideNames(keys.map(restOf), this.#namesBench)),
        },
        gates: { batch: Number.POSITIVE_INFINITY, handle: keys => this.#each(keys, () => this.gatesChanged()) },
        fleet: {
          batch: Number.POSITIVE_INFINITY,
          handle: keys => this.#each(keys, () => this.#fleetRounds.mergeRegistered()),
        },
        cluster: { batch: 200, handle: keys => done(this.#clusterRounds.reconcile(keys.map(restOf))) },
        application: { batch: 50, handle: keys => this.#applications(keys.map(restOf)) },
      },
    })
    const { world, sources } = this
    const brought = new BroughtSources(sources)
    const calendars = calendarsOf(world, services)
    this.#ruleRounds = new RuleRounds(world, services)
    this.#sets = new SetRounds(world, sources, services, this.#queue, this.#plans, brought)
    const parts = { ...{ world, sources, services, calendars, brought }, queue: this.#queue, sets: this.#sets }
    this.#fleetRounds = new FleetRounds({ ...parts, ruleRounds: this.#ruleRounds })
    this.#sourceRounds = new SourceRounds({ ...parts, fleets: this.#fleetRounds })
    this.#clusterRounds = new ClusterRounds(parts)
    this.#applicationRounds = new ApplicationRounds({ ...parts, rows: this.#rows })
    world.everySetFresh = () => this.#sets.everyFresh
    this.interventions = new Interventions({
      ...{ world, services, calendars, rows: this.#rows },
      holdOfSet: row => this.#sets.holdOf(row),
      decided: round => afterRound(round, this.#queue, services.announce),
    })
    const register = (row: ApplicationRow): void => this.#applicationRounds.register(row)
    this.#namesBench = { ...parts, plans: this.#plans, rows: this.#rows, register }
  }

  /** Starts from what is stored, then looks at every source. */
  async start(): Promise<void> {
    const { store } = this.#services
    await store.read(async rows => {
      await this.world.load(rows)
      for (const row of await rows.sources())
        if (isBroughtSource(row.name)) this.sources.bring(storedBroughtSource(row, this.world))
        else if (isGeneratedSource(row.name)) this.sources.bring(storedGeneratedSource(row, this.sources))
      await this.sources.restore(rows)
      await this.#sets.restore(rows)
      await this.#plans.restore(rows)
      await this.#fleetRounds.restore(rows)
      await this.#services.access?.restore(rows)
    })
    for (const row of this.world.applications()) this.#applicationRounds.register(row)
    this.#clusterRounds.start()
    for (const config of this.sources.configs) {
      const { name, repository, revision, path } = config
      this.world.readers.set(`source/${name}`, [{ repository, revision, path }])
    }
    // As they follow from the Applications: the process may have ended between the two writes.
    const waiting = [...this.world.applications()].filter(({ hold }) => isLasting(hold))
    for (const owner of [...waiting.map(ownerOf), ...this.#plans.claimants()]) this.#plans.pending.add(owner)
    await refreshPlans(this.#namesBench)
    await this.#fleetRounds.merge()
    this.#queue.add(...this.sources.configs.map(({ name }) => `source/${name}`))
    // Whatever they came from may be gone, so that nothing else leads to them.
    const withdrawn = [...this.world.applications()].filter(
      // What waits for a gate waits for a time that may have come while nobody was looking.
      ({ state, hold }) => state === 'withdrawn' || waitsForTime(hold),
    )
    this.#queue.add(...withdrawn.map(({ id }) => `application/${id}`))
  }

  /** Fetches a repository now and looks at whatever reads what changed there. */
  refreshRepository(url: string): void {
    this.#queue.add(`repository/${url}`)
  }

  refreshSource(name: string): boolean {
    const config = this.sources.config(name)
    if (!config) return false
    this.#queue.add(`repository/${config.repository}`)
    const { broughtBy } = config
    const application = broughtBy === undefined ? undefined : this.world.applicationNamed(broughtBy)
    this.#queue.add(application ? `application/${application.id}` : `source/${name}`)
    return true
  }

  /** Repositories that anything reads: what the poller fetches. */
  repositories(): readonly string[] {
    return this.world.readers.repositories()
  }

  /**
   * How often a repository is polled: as its Repository document says, else as the hub's settings do; sooner when a
   * set that reads it asks for it (`requeueAfterSeconds`).
   */
  pollIntervalMs(url: string, defaultMs: number): number {
    const same = normaliseRepositoryUrl(url)
    const declared = this.world.fleet.fleet.repositories.find(({ spec }) => normaliseRepositoryUrl(spec.url) === same)
    return Math.min(declared?.spec.pollIntervalMs ?? defaultMs, ...this.#sets.requeuesOf(url))
  }

  /** An agent reported on these Applications. */
  reported(applicationIds: readonly string[]): void {
    this.#queue.addPatiently(...applicationIds.filter(id => this.world.application(id)).map(id => `application/${id}`))
  }

  /** A cluster joined, or its agent came back; under another admission everything is issued again. */
  connected(clusterName: string): void {
    this.#queue.add(`cluster/${clusterName}`)
  }

  /** What the store says may be trusted more, or less, than before: all of these clusters is looked at again. */
  lookAgain(names: readonly string[] = [...this.world.clusters()].map(({ name }) => name)): void {
    const bound = (name: string) => this.world.idsOf('cluster', name).map(id => `application/${id}`)
    this.#queue.add(...names.flatMap(name => [`cluster/${name}`, ...bound(name)]))
  }

  /** Takes over the ids under which a cluster's agent holds its Applications. @throws StoreError */
  async adopt(cluster: ClusterRow, shown: readonly ShownDocument[]): Promise<void> {
    const { world } = this
    const register = (row: ApplicationRow): void => this.#applicationRounds.register(row)
    const concerned = await adoptIds(cluster, shown, { world, services: this.#services, rows: this.#rows, register })
    this.#services.announce.applications(concerned)
    // Lists of removals name Applications by their ids: one of before could not be approved any more.
    for (const owner of this.#plans.claimants()) this.#plans.pending.add(owner)
    await this.#rows.run(() => refreshPlans(this.#namesBench))
    this.lookAgain([cluster.name])
  }

  /** Gates or overrides were changed in the store. Resolves when they are the rules in force; calendars follow. */
  async gatesChanged(): Promise<void> {
    this.#queue.add(...(await this.#ruleRounds.take(() => this.world.fleet)))
  }

  /** The rules in memory are not those of the store any more: they are made anew soon. */
  rulesOutdated(): void {
    this.#queue.add('gates/stored')
  }

  /** Looks again at what waits for a gate whose time has come: a clock that was set, or a machine that slept. */
  wake(): void {
    this.#queue.add(...this.#ruleRounds.due())
  }

  /** A Cluster that no document declares was approved: the fleet has one more. */
  clusterRegistered(): void {
    this.#queue.add('fleet/registered')
  }

  /** Whoever read these was told something by a service over the network that is not so any more. */
  hostedChanged(readers: readonly string[]): void {
    this.#queue.add(...readers)
  }

  /** An agent asked for a Bundle that is offered to it and cannot be read: it is made again. */
  bundleMissing(digest: Digest): void {
    this.world.kinds.delete(digest)
    const holders = [...this.world.applications()].filter(row => row.digest === digest)
    this.#queue.add(...holders.map(({ id }) => `application/${id}`))
  }

  /** Resolves when nothing waits to be looked at. */
  idle(): Promise<void> {
    return this.#queue.idle()
  }

  get depth(): number {
    return this.#queue.depth
  }

  stop(): Promise<void> {
    return this.#queue.stop()
  }

  async #each(keys: readonly string[], look: (rest: string) => Promise<void>): Promise<readonly string[]> {
    for (const key of keys) await look(restOf(key))
    return []
  }

  /**
   * Decides on a removal that waits: approving lets go exactly what its list names.
   *
   * @throws StoreError when the decision could not be kept; then nothing was done.
   */
  decideDeletion(id: string, decision: DeletionDecision): Promise<DeletionAnswer> {
    return decideDeletion(id, decision, this.#namesBench)
  }

  /** Lets a removal delete exactly what its agent holds up. @throws StoreError when that could not be kept. */
  confirmRemoval(id: string, confirmation: RemovalConfirmation): Promise<RemovalAnswer> {
    return confirmRemoval(id, confirmation, this.#namesBench)
  }

  /** Lets go of what a cluster has that nobody wants there any more. @throws StoreError when that could not be kept. */
  releaseCluster(name: string, wish: ReleaseWish): Promise<ReleaseAnswer> {
    return releaseCluster(name, wish, this.#namesBench)
  }

  /** Objects of other tools that would become ours, and wait for a person. */
  waitingAdoptions(): Promise<readonly WaitingAdoption[]> {
    return this.#services.store.read(rows => waitingAdoptions(this.world, rows))
  }

  /** Says whether objects of other tools may be taken over; the Applications concerned are looked at again. */
  async decideAdoption(id: string, decision: AdoptionDecision): Promise<WaitingAdoption | undefined> {
    const decided = await decideAdoption(id, decision, this.world, this.#services)
    // A verdict about a Project may concern more than what was shown with it.
    const waiting = [...this.world.applications()].filter(({ hold }) => hold?.code === 'ADOPTION')
    if (decided) this.#queue.add(...waiting.map(row => `application/${row.id}`))
    return decided
  }

  async #applications(ids: readonly string[]): Promise<readonly string[]> {
    const failed = await this.#applicationRounds.reconcile(ids)
    return failed.map(id => `application/${id}`)
  }
}

/** Of a handler that has nothing to be tried again. */
async function done(round: Promise<void>): Promise<readonly string[]> {
  await round
  return []
}
