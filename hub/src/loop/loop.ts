import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { Digest } from '@flotilla/core/json/canonical-json'
import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import type { Hold } from '@flotilla/core/model/hold'
import type { ApplicationRow, ClusterRow, SetRow } from '@flotilla/core/ports/store'
import { sourcesOf } from '@flotilla/core/project/permit'
import { normaliseRepositoryUrl } from '@flotilla/core/project/repository-url'
import { requeueAfterMs } from '@flotilla/generators/requeue'
import { strategyHold } from '@flotilla/generators/strategy-hold'
import { Mutex } from '../store/mutex.ts'
import { type ConfigSource, ConfigSources, storeSource } from './config-sources.ts'
import { revisionOf } from './decide-release.ts'
import { declaredApplication } from './declared-application.ts'
import { keysOfChange } from './fleet-change.ts'
import { compareFleets, type FleetIndex } from './fleet-index.ts'
import { restOf } from './keys.ts'
import { lookAtRepository, readSource } from './look-at-repository.ts'
import { type NamePlan, type Origin, planNames } from './plan-names.ts'
import { loadProjectsLastSeen, rememberProjects } from './projects-last-seen.ts'
import { reconcileApplications } from './reconcile-applications.ts'
import { reconcileClusters } from './reconcile-clusters.ts'
import { expandSet } from './reconcile-sets.ts'
import type { LoopServices } from './services.ts'
import { WorkQueue } from './work-queue.ts'
import { applicationOf, World } from './world.ts'

const CONTESTED_NAMES = 'contested-names'
/** One write of a thousand rows would hold up the event loop for tens of milliseconds. */
const ROWS_A_WRITE = 500

/**
 * The hub's reconcile loop: a commit's path (docs/architecture.md, section 2) as handlers of keys. Each handler looks
 * at what is, writes what differs, and adds the keys that this concerns; losing any of them costs a look, never
 * correctness.
 *
 *     repository ─► source ─► set ─► names ─► application ─► (Offer, Grant)
 *                     └────► cluster ──────────────┘
 */
export class Loop {
  readonly world = new World()
  readonly sources: ConfigSources
  readonly #services: LoopServices
  readonly #queue: WorkQueue
  /** Applications are decided from memory and written to the store: one of those who do both at a time. */
  readonly #rows = new Mutex()
  readonly #setRows = new Map<string, SetRow>()
  /** Sets that have been expanded since the start, and whether any of their inputs was away. */
  readonly #stale = new Map<string, boolean>()
  /** Whether a set is being expanded; with those that wait, why a name may have to be decided later. */
  #expanding = false
  readonly #postponed = new Set<string>()
  /** Sets that came in the push in which this one went: it may have been renamed. */
  readonly #successors = new Map<string, readonly string[]>()
  /** The admission under which everything for a cluster was last looked at. */
  readonly #admissions = new Map<string, number>()
  /** How often sets want their repositories looked at, where they say so. */
  readonly #requeues = new Map<string, { readonly ms: number; readonly urls: ReadonlySet<string> }>()

  constructor(services: LoopServices, configSources: readonly ConfigSource[]) {
    this.#services = services
    this.sources = new ConfigSources(configSources)
    this.#queue = new WorkQueue({
      clock: services.clock,
      random: services.random,
      log: services.log,
      handlers: {
        repository: { batch: 1, handle: keys => this.#each(keys, url => this.#repository(url)) },
        source: { batch: 1, handle: keys => this.#each(keys, name => this.#source(name)) },
        set: { batch: 1, handle: keys => this.#each(keys, key => this.#set(key)) },
        // All that wait at once: the deletion budget counts what one round of a set would take away.
        names: { batch: Number.POSITIVE_INFINITY, handle: keys => this.#names(keys.map(restOf)) },
        cluster: { batch: 200, handle: keys => this.#clusters(keys.map(restOf)) },
        application: { batch: 50, handle: keys => this.#applications(keys.map(restOf)) },
      },
    })
  }

  /** Starts from what is stored, then looks at every source. */
  async start(): Promise<void> {
    const { store } = this.#services
    await store.read(async rows => {
      await this.world.load(rows)
      await this.sources.restore(rows)
      for (const row of await rows.sets()) this.#setRows.set(row.key, row)
      this.sources.restoreContested((await rows.setting(CONTESTED_NAMES)) ?? {})
      await loadProjectsLastSeen(rows, this.world.projectsLastSeen)
    })
    for (const row of this.world.applications()) this.#register(row)
    // Everything is looked at once at a start, under whatever admission.
    for (const { name, admission } of this.world.clusters()) this.#admissions.set(name, admission)
    for (const config of this.sources.configs) {
      const { name, repository, revision, path } = config
      this.world.readers.set(`source/${name}`, [{ repository, revision, path }])
    }
    await this.#merge()
    this.#queue.add(...this.sources.configs.map(({ name }) => `source/${name}`))
    // Whatever they came from may be gone, so that nothing else leads to them.
    const withdrawn = [...this.world.applications()].filter(({ state }) => state === 'withdrawn')
    this.#queue.add(...withdrawn.map(({ id }) => `application/${id}`))
  }

  /** Fetches a repository now and looks at whatever reads what changed there. */
  refreshRepository(url: string): void {
    this.#queue.add(`repository/${url}`)
  }

  refreshSource(name: string): boolean {
    const config = this.sources.config(name)
    if (!config) return false
    this.#queue.add(`repository/${config.repository}`, `source/${name}`)
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
    const asked = [...this.#requeues.values()].flatMap(({ urls, ms }) => (urls.has(url) ? [ms] : []))
    return Math.min(declared?.spec.pollIntervalMs ?? defaultMs, ...asked)
  }

  /** An agent reported on these Applications. */
  reported(applicationIds: readonly string[]): void {
    this.#queue.add(...applicationIds.filter(id => this.world.application(id)).map(id => `application/${id}`))
  }

  /** A cluster joined, or its agent came back; under another admission everything is issued again. */
  connected(clusterName: string): void {
    this.#queue.add(`cluster/${clusterName}`)
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
    await lookAtRepository(url, this.world, this.sources, this.#services, keys => this.#queue.add(...keys))
  }

  async #source(name: string): Promise<void> {
    const config = this.sources.config(name)
    if (!config) return
    const { store, clock, announce } = this.#services
    const { read, away } = await readSource(config, this.world, this.sources, this.#services)
    const taken = this.sources.take(name, read, clock.now(), away)
    await store.write(writer => storeSource(writer, taken))
    announce.sources([name])
    if (read.kind === 'read') await this.#merge()
  }

  async #merge(): Promise<void> {
    const { store, announce } = this.#services
    const { index, changed, contested } = this.sources.merge()
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

  /** Puts a fleet in force and adds what differs from the one before. */
  async #takeFleet(index: FleetIndex): Promise<void> {
    const { world } = this
    const before = world.fleet
    const change = compareFleets(before, index)
    // Whatever may fail comes first: once the fleet is in force, nobody compares it with the one before again.
    await rememberProjects(before, index, change.projects, world.projectsLastSeen, this.#services.store)
    world.fleet = index
    const came = change.sets.filter(key => !before.sets.has(key))
    for (const key of change.sets) {
      if (index.sets.has(key)) this.#successors.delete(key)
      else {
        this.#stale.delete(key)
        if (came.length > 0) this.#successors.set(key, came)
      }
    }
    for (const key of change.applications) this.#claimDocument(key)
    this.#queue.add(...keysOfChange(before, change, world))
  }

  #claimDocument(key: string): void {
    const document = this.world.fleet.applications.get(key)
    const applications = document ? [declaredApplication(document)] : []
    const names = this.world.setClaims(`document/${key}`, applications)
    this.#queue.add(...names.map(name => `names/${name}`))
  }

  async #set(key: string): Promise<void> {
    this.#expanding = true
    try {
      await this.#lookAtSet(key)
    } finally {
      this.#expanding = false
      if (this.#queue.waiting('set') === 0) {
        const names = [...this.#postponed]
        this.#postponed.clear()
        this.#queue.add(...names.map(name => `names/${name}`))
      }
    }
  }

  async #lookAtSet(key: string): Promise<void> {
    const { world } = this
    const { store, announce } = this.#services
    const set = world.fleet.sets.get(key)
    const claimant = `set/${key}`
    if (!set) {
      this.world.readers.remove(claimant)
      this.#requeues.delete(key)
      const names = world.setClaims(claimant, [])
      // Before the write: if that fails, a second look finds the claims changed already.
      this.#queue.add(...names.map(name => `names/${name}`))
      this.#setRows.delete(key)
      await store.write(writer => writer.deleteSet(key))
      announce.sets([key])
      return
    }
    const prefix = this.sources.config(set.source)?.namePrefix
    const round = await expandSet(set, world, this.#services, prefix)
    if (world.fleet.sets.get(key) !== set) return this.#queue.add(`set/${key}`)
    const firstRound = !this.#stale.has(key)
    const wasStale = this.#stale.get(key)
    this.#stale.set(key, round.stale)
    world.readers.set(claimant, round.reads)
    const requeueMs = requeueAfterMs(set.spec, { defaultSeconds: 0 })
    if (requeueMs > 0)
      this.#requeues.set(key, { ms: requeueMs, urls: new Set(round.reads.map(read => read.repository)) })
    else this.#requeues.delete(key)
    const claimed = world.setClaims(claimant, round.applications)
    this.#setRows.set(key, round.row)
    // A name that the set had before the restart, or kept while an input was away, is looked at once with fresh eyes.
    const stored =
      firstRound || wasStale !== round.stale
        ? world.idsOf('set', key).flatMap(id => world.application(id)?.name ?? [])
        : []
    this.#queue.add(...new Set([...claimed, ...stored].map(name => `names/${name}`)))
    // Last: if this write fails, a second look finds the claims changed already.
    await this.#storeSetRow(key)
  }

  async #storeSetRow(key: string): Promise<void> {
    const row = this.#setRows.get(key)
    if (!row) return
    const refused = [...(this.world.refusals.get(`set/${key}`) ?? [])].map(
      ([name, { code, message, hint = '', file, line, column }]) => ({
        code,
        name,
        message,
        hint,
        position: { file, line, column },
      }),
    )
    await this.#services.store.write(writer => writer.putSet({ ...row, errors: [...row.errors, ...refused] }))
    this.#services.announce.sets([key])
  }

  async #names(names: readonly string[]): Promise<readonly string[]> {
    const { clock, random, store, announce } = this.#services
    const plan = await this.#rows.run(async () => {
      const planned = planNames(names, this.world, {
        now: clock.now(),
        setsPending: this.#setsPending(),
        newId: () => uuidV7(clock.now(), random.bytes(10)),
        origin: row => this.#originOf(row),
      })
      for (let from = 0; from < planned.put.length; from += ROWS_A_WRITE) {
        const rows = planned.put.slice(from, from + ROWS_A_WRITE)
        await store.write(async writer => {
          for (const row of rows) await writer.putApplication(row)
        })
        // At once, chunk by chunk: if a later one fails, what is stored is known and not made a second time.
        this.#takeRows(rows)
        this.#queue.add(...rows.map(({ id }) => `application/${id}`))
      }
      this.#takeRows(planned.moved)
      for (const name of planned.postponed) this.#postponed.add(name)
      return planned
    })
    announce.applications(plan.put.map(({ id }) => id))
    await this.#takeRefusals(names, plan.refused)
    return []
  }

  #takeRows(rows: readonly ApplicationRow[]): void {
    for (const row of rows) {
      this.world.putApplication(row)
      this.#register(row)
    }
  }

  async #takeRefusals(names: readonly string[], refused: NamePlan['refused']): Promise<void> {
    const touched = new Map<string, string>()
    const { refusals } = this.world
    const looked = new Set(names)
    for (const [claimant, byName] of refusals) {
      for (const [name, { source = '' }] of byName) {
        if (looked.has(name) && byName.delete(name)) touched.set(claimant, source)
      }
      if (byName.size === 0) refusals.delete(claimant)
    }
    for (const { claim, diagnostic } of refused) {
      const { claimant, application } = claim
      const byName = refusals.get(claimant) ?? new Map<string, Diagnostic>()
      refusals.set(claimant, byName.set(application.metadata.name, diagnostic))
      touched.set(claimant, application.provenance.source)
      this.#services.log.warn('an Application was refused its name', { claimant, message: diagnostic.message })
    }
    // A set tells it with its other mistakes; a document has nobody but its source to tell it.
    for (const claimant of touched.keys()) if (claimant.startsWith('set/')) await this.#storeSetRow(restOf(claimant))
    const sources = [...touched].flatMap(([claimant, source]) => (claimant.startsWith('document/') ? [source] : []))
    for (const source of new Set(sources)) await this.#storeRefusals(source)
  }

  async #storeRefusals(source: string): Promise<void> {
    const { store, announce } = this.#services
    const documents = [...this.world.refusals].filter(([claimant]) => claimant.startsWith('document/'))
    const refused = documents.flatMap(([, byName]) => [...byName.values()].filter(one => one.source === source))
    const row = this.sources.refuse(source, refused)
    if (row === undefined) return
    await store.write(writer => writer.putSource(row))
    announce.sources([source])
  }

  #originOf(row: ApplicationRow): Origin {
    if (!this.sources.has(row.source)) return { kind: 'source-removed' }
    if (!this.sources.loaded(row.source)) return { kind: 'stale' }
    if (row.set === undefined) return { kind: 'current' }
    const { sets } = this.world.fleet
    const key = `${row.source}/${row.set}`
    const set = sets.get(key)
    const isStale = (name: string): boolean => this.#stale.get(name) ?? true
    if (!set) {
      const renamed = this.#successors.get(key)?.some(name => sets.has(name) && isStale(name))
      return { kind: renamed ? 'pending' : 'current' }
    }
    const applicationsSync = set.spec.syncPolicy?.applicationsSync
    return { kind: isStale(key) ? 'stale' : 'current', applicationsSync }
  }

  async #clusters(names: readonly string[]): Promise<readonly string[]> {
    const round = await reconcileClusters(names, this.world, this.#services)
    const { announce } = this.#services
    announce.clusters(names)
    if (round.clusterIds.length > 0) announce.documents(round.clusterIds)
    for (const row of round.rows) this.#takeAdmission(row)
    for (const name of names) this.#queue.addAt(`cluster/${name}`, round.lookAgainAt)
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
    const { announce } = this.#services
    const round = await reconcileApplications(
      ids,
      this.world,
      this.#services,
      row => this.#holdOfSet(row),
      row => this.#mayRemove(row),
      this.#rows,
    )
    if (round.changed.length > 0) announce.applications(round.changed)
    if (round.clusterIds.size > 0) announce.documents([...round.clusterIds])
    for (const [id, at] of round.lookAgain) this.#queue.addAt(`application/${id}`, at)
    this.#queue.add(...round.again.map(id => `application/${id}`))
    return round.failed.map(id => `application/${id}`)
  }

  /** Whether what a withdrawn Application came from is known now, and still does not want it. */
  #mayRemove(row: ApplicationRow): boolean {
    if (this.#setsPending() || this.world.claimsOn(row.name).length > 0) return false
    return this.world.fleet.clusters.has(row.clusterName) && this.#originOf(row).kind === 'current'
  }

  #setsPending(): boolean {
    return this.#expanding || this.#queue.waiting('set') > 0
  }

  #holdOfSet(row: ApplicationRow): Hold | undefined {
    if (row.set === undefined) return undefined
    const set = this.world.fleet.sets.get(`${row.source}/${row.set}`)
    return set && strategyHold(set.spec, set.positionOf(['spec', 'strategy']))
  }

  /** An Application is looked at again when the folder that it renders changes. */
  #register(row: ApplicationRow): void {
    const reads = sourcesOf(applicationOf(row)).map(source => ({
      repository: source.repoURL,
      revision: revisionOf(source),
      path: source.path ?? '',
    }))
    this.world.readers.set(`application/${row.id}`, row.state === 'active' ? reads : [])
  }
}
