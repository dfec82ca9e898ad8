import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { Digest } from '@flotilla/core/json/canonical-json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { ObjectId } from '@flotilla/core/ports/git'
import type { ApplicationRow, ClusterRow } from '@flotilla/core/ports/store'
import { normaliseRepositoryUrl } from '@flotilla/core/project/repository-url'
import type { ClusterCalendars } from '../gates/cluster-calendars.ts'
import { waitsForTime } from '../gates/gate-hold.ts'
import { Gates } from '../gates/gates.ts'
import type { ShownDocument } from '../recovery/take-proofs.ts'
import { Mutex } from '../store/mutex.ts'
import { adoptIds } from './adopt-ids.ts'
import { afterRound } from './after-round.ts'
import { isBroughtSource, storedBroughtSource } from './brought-documents.ts'
import { BroughtSources } from './brought-sources.ts'
import { calendarsOf } from './calendars-of.ts'
import { type ConfigSource, ConfigSources, storeSource } from './config-sources.ts'
import { confirmRemoval, type RemovalAnswer, type RemovalConfirmation } from './confirm-removal.ts'
import { type AdoptionDecision, decideAdoption, type WaitingAdoption, waitingAdoptions } from './decide-adoption.ts'
import { type DeletionAnswer, type DeletionDecision, decideDeletion } from './decide-deletion.ts'
import { readBy } from './decide-release.ts'
import { declaredApplication } from './declared-application.ts'
import { DeletionPlans } from './deletion-plans.ts'
import { keysOfChange } from './fleet-change.ts'
import { compareFleets, type FleetIndex } from './fleet-index.ts'
import { Interventions } from './intervene.ts'
import { restOf } from './keys.ts'
import { lookAtRepository, readSource, type SourceReading } from './look-at-repository.ts'
import { decideNames, type NamesBench, refreshPlans } from './names-round.ts'
import { loadProjectsLastSeen, rememberProjects } from './projects-last-seen.ts'
import { reconcileApplications } from './reconcile-applications.ts'
import { reconcileClusters } from './reconcile-clusters.ts'
import { RuleRounds } from './rule-rounds.ts'
import type { LoopServices } from './services.ts'
import { isGeneratedSource, storedGeneratedSource } from './set-documents.ts'
import { SetRounds } from './set-rounds.ts'
import { isLasting, ownerOf } from './withdraw-names.ts'
import { type QueueDepth, WorkQueue } from './work-queue.ts'
import { applicationOf, World } from './world.ts'

const CONTESTED_NAMES = 'contested-names'

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
  /** Keys that a commit concerns whose documents are still to be read. */
  readonly #afterSources = new Set<string>()
  readonly #sets: SetRounds
  readonly #plans = new DeletionPlans()
  readonly #brought: BroughtSources
  readonly #namesBench: NamesBench
  readonly #calendars: ClusterCalendars
  readonly #ruleRounds: RuleRounds
  /** Applications are decided from memory and written to the store: one of those who do both at a time. */
  readonly #rows = new Mutex()
  readonly #merging = new Mutex()
  /** The admission under which everything for a cluster was last looked at. */
  readonly #admissions = new Map<string, number>()

  constructor(services: LoopServices, configSources: readonly ConfigSource[]) {
    this.#services = services
    this.world = new World(new Gates(services.gates))
    this.sources = new ConfigSources(configSources)
    this.#brought = new BroughtSources(this.sources)
    this.#queue = new WorkQueue({
      ...{ clock: services.clock, random: services.random, log: services.log, stages: services.stages },
      handlers: {
        repository: { batch: 1, handle: keys => this.#each(keys, url => this.#repository(url)) },
        source: { batch: 1, handle: keys => this.#sourcesOf(keys) },
        set: { batch: 1, handle: keys => this.#each(keys, key => this.#sets.look(key)) },
        // All that wait at once: the deletion budget counts what one round of a set would take away.
        names: { batch: Number.POSITIVE_INFINITY, handle: keys => this.#names(keys.map(restOf)) },
        gates: { batch: Number.POSITIVE_INFINITY, handle: keys => this.#each(keys, () => this.gatesChanged()) },
        fleet: { batch: Number.POSITIVE_INFINITY, handle: keys => this.#each(keys, () => this.#mergeRegistered()) },
        cluster: { batch: 200, handle: keys => this.#clusters(keys.map(restOf)) },
        application: { batch: 50, handle: keys => this.#applications(keys.map(restOf)) },
      },
    })
    const { world, sources } = this
    this.#calendars = calendarsOf(world, services)
    this.#ruleRounds = new RuleRounds(world, services)
    this.#sets = new SetRounds(world, sources, services, this.#queue, this.#plans, this.#brought)
    world.everySetFresh = () => this.#sets.everyFresh
    this.interventions = new Interventions({
      ...{ world, services, calendars: this.#calendars, rows: this.#rows },
      holdOfSet: row => this.#sets.holdOf(row),
      decided: round => afterRound(round, this.#queue, services.announce),
    })
    this.#namesBench = {
      world,
      sources,
      services,
      sets: this.#sets,
      plans: this.#plans,
      queue: this.#queue,
      rows: this.#rows,
      register: row => this.#register(row),
      input: () => ({
        now: services.clock.now(),
        setsPending: this.#sets.pending,
        newId: () => uuidV7(services.clock.now(), services.random.bytes(10)),
        origin: row => this.#sets.originOf(row),
        keepRules: claimant => this.#sets.keepRules(claimant),
        endOfSet: row => this.#sets.endOfSet(row),
        projectBudget: name => this.#sets.projectBudget(name),
      }),
    }
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
      this.sources.restoreContested((await rows.setting(CONTESTED_NAMES)) ?? {})
      await loadProjectsLastSeen(rows, this.world.projectsLastSeen)
      await this.#services.access?.restore(rows)
    })
    for (const row of this.world.applications()) this.#register(row)
    // Everything is looked at once at a start, under whatever admission.
    for (const { name, admission } of this.world.clusters()) this.#admissions.set(name, admission)
    for (const config of this.sources.configs) {
      const { name, repository, revision, path } = config
      this.world.readers.set(`source/${name}`, [{ repository, revision, path }])
    }
    // As they follow from the Applications: the process may have ended between the two writes.
    const waiting = [...this.world.applications()].filter(({ hold }) => isLasting(hold))
    for (const owner of [...waiting.map(ownerOf), ...this.#plans.claimants()]) this.#plans.pending.add(owner)
    await refreshPlans(this.#namesBench)
    await this.#merge()
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
    const register = (row: ApplicationRow): void => this.#register(row)
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

  async #repository(url: string): Promise<void> {
    await lookAtRepository(url, this.world, this.sources, this.#services, keys => this.#tell([...keys]))
  }

  /**
   * A commit may hold both documents and what they speak of: the documents come first. Else a set would be expanded over
   * its new folders by its old document, and let go of what the new one keeps.
   */
  #tell(keys: readonly string[]): void {
    const sources = keys.filter(key => key.startsWith('source/'))
    const others = keys.filter(key => !key.startsWith('source/'))
    if (sources.length === 0) this.#queue.add(...others)
    else for (const key of others) this.#afterSources.add(key)
    this.#queue.add(...sources)
  }

  async #sourcesOf(keys: readonly string[]): Promise<readonly string[]> {
    try {
      return await this.#each(keys, name => this.#source(name))
    } finally {
      if (this.#queue.waiting('source') === 0) {
        const others = [...this.#afterSources]
        this.#afterSources.clear()
        this.#queue.add(...others)
      }
    }
  }

  async #source(name: string): Promise<void> {
    const { store, clock, announce } = this.#services
    const brought = this.#brought.reading(name)
    if (brought) this.sources.bring(brought.config)
    const config = this.sources.config(name)
    if (!config || (config.broughtBy !== undefined && !brought)) return
    const { read, away }: SourceReading =
      brought ?? (await readSource(config, this.world, this.sources, this.#services))
    const taken = this.sources.take(name, read, clock.now(), away)
    await store.write(writer => storeSource(writer, taken))
    if (brought) this.#brought.done(name, brought)
    announce.sources([name])
    if (read.kind === 'read') await this.#merge()
  }

  /** One after the other: a fleet that was merged earlier is never put in force later. */
  async #merge(): Promise<void> {
    await this.#merging.run(() => this.#mergeNow())
  }

  async #mergeNow(): Promise<void> {
    const { store, announce } = this.#services
    const { index, changed, contested } = this.sources.merge(this.world.clusters())
    if (changed.length > 0 || contested) {
      await store.write(async writer => {
        for (const row of changed) await writer.putSource(row)
        if (contested) await writer.putSetting(CONTESTED_NAMES, contested)
      })
      if (contested) this.sources.keepContested(contested)
      announce.sources(changed.map(({ name }) => name))
    }
    await this.#takeFleet(index)
  }

  async #mergeRegistered(): Promise<void> {
    await this.#merge()
    // The view learns the declared Clusters with the sources.
    this.#services.announce.sources([])
  }

  /** Puts a fleet in force and adds what differs from the one before. */
  async #takeFleet(index: FleetIndex): Promise<void> {
    const { world } = this
    const before = world.fleet
    const change = compareFleets(before, index)
    // Whatever may fail comes first: once the fleet is in force, nobody compares it with the one before again.
    const { store, access } = this.#services
    await rememberProjects(before, index, change.projects, world.projectsLastSeen, store)
    await access?.take(index.fleet, world.projectsLastSeen, store)
    // Before anything else is looked at: the commit that brings a freeze starts nothing that it forbids.
    const ofRules = await this.#ruleRounds.take(
      () => index,
      () => {
        world.fleet = index
      },
    )
    this.#sets.takeChange(before, index, change.sets)
    for (const key of change.applications) this.#claimDocument(key)
    this.#queue.add(...ofRules, ...keysOfChange(before, change, world))
  }

  #claimDocument(key: string): void {
    const document = this.world.fleet.applications.get(key)
    const applications = document ? [declaredApplication(document)] : []
    const names = this.world.setClaims(`document/${key}`, applications)
    this.#queue.add(...names.map(name => `names/${name}`))
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

  async #names(names: readonly string[]): Promise<readonly string[]> {
    await decideNames(names, this.#namesBench)
    return []
  }

  async #clusters(names: readonly string[]): Promise<readonly string[]> {
    const round = await reconcileClusters(names, this.world, this.#services, this.#calendars)
    const { announce } = this.#services
    announce.clusters(names)
    if (round.clusterIds.length > 0) announce.documents(round.clusterIds)
    for (const row of round.rows) this.#takeAdmission(row)
    for (const [name, at] of round.renewAt) this.#queue.addAt(`cluster/${name}`, at)
    this.#queue.add(...round.voided.map(id => `application/${id}`))
    return []
  }

  #takeAdmission({ name, admission }: ClusterRow): void {
    const same = this.#admissions.get(name) === admission
    this.#admissions.set(name, admission)
    const bound = this.world.idsOf('cluster', name)
    const concerned = same ? bound.filter(id => this.world.application(id)?.hold?.code === 'CLUSTER_NOT_JOINED') : bound
    this.#queue.add(...concerned.map(id => `application/${id}`))
  }

  async #applications(ids: readonly string[]): Promise<readonly string[]> {
    const round = await reconcileApplications(
      ids,
      this.world,
      this.#services,
      row => this.#sets.holdOf(row),
      row => this.#mayRemove(row),
      this.#calendars,
      this.#rows,
    )
    afterRound(round, this.#queue, this.#services.announce)
    for (const [row, release] of round.documents) this.#bring(row, release.documents, release.revision)
    return round.failed.map(id => `application/${id}`)
  }

  /** Whether what a withdrawn Application came from is known now, and still does not want it. */
  #mayRemove(row: ApplicationRow): boolean {
    if (this.#sets.pending || this.world.claimsOn(row.name).length > 0) return false
    return this.world.fleet.clusters.has(row.clusterName) && this.#sets.originOf(row).kind === 'current'
  }

  /** What an Application renders for the fleet is read as a source, after what is being read. */
  #bring(row: ApplicationRow, documents: readonly KubernetesObject[], commit: ObjectId): void {
    const name = this.#brought.take(row, documents, commit)
    if (name !== undefined) this.#queue.add(`source/${name}`)
  }

  /** An Application is looked at again when the folder that it renders changes. */
  #register(row: ApplicationRow): void {
    // Whoever is gone brings nothing any more; what it brought goes within the budget.
    if (this.world.applicationNamed(row.name)?.state !== 'active') this.#bring(row, [], row.revision ?? '')
    this.world.readers.set(`application/${row.id}`, row.state === 'active' ? readBy(applicationOf(row)) : [])
  }
}
