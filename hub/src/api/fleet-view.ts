import { type Digest, sha256 } from '@flotilla/core/json/canonical-json'
import { equalJson, type Json } from '@flotilla/core/json/json'
import type { ApplicationRow, ReportRow, SetRow, SourceRow, Store } from '@flotilla/core/ports/store'
import { normaliseRepositoryUrl } from '@flotilla/core/project/repository-url'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { type ApplicationView, viewApplication } from '@flotilla/core/view/application-view'
import {
  type ClusterView,
  type SetView,
  type SourceView,
  type Tally,
  viewSet,
  viewSource,
} from '@flotilla/core/view/fleet-parts'
import { incumbent } from '../store/row-rules.ts'
import { ApplicationPages, type WrittenPage } from './application-pages.ts'
import type { ApplicationPage, ApplicationQuery, Position } from './application-query.ts'
import { ChangeLog, type Told } from './change-log.ts'
import { ClusterIndex } from './cluster-index.ts'
import { type ChangedNames, type FleetChanges, readChanges } from './fleet-changes.ts'
import { FleetCounts, setKeyOf } from './fleet-counts.ts'
import { HiddenNumbers } from './hidden-numbers.ts'
import { JoinedRefreshes } from './joined-refreshes.ts'
import { addTo, removeFrom } from './key-sets.ts'
import { ListedApplication } from './listed-application.ts'
import { RepositoryUses } from './repository-uses.ts'
import { SeenCounts } from './seen-counts.ts'
import { EVERYTHING_VISIBLE, type VisibleSet } from './visible-set.ts'

export interface FleetViewOptions {
  /** Names the numbering of changes; another one each time the hub starts. */
  readonly run: string
  readonly now: EpochMs
  /** The HMAC that people see instead of the digest of a Bundle with Secrets; without it they see none. */
  readonly hiddenDigest?: (digest: Digest) => string
  /** How many changes a watcher may be behind. */
  readonly keepChanges?: number
}

/** Nobody can tell whether an agent is silent since a second ago, and whoever reads a lot need not look each time. */
const AGED_EVERY_MS = 250

/** What a view is made from. */
interface Parts {
  readonly row: ApplicationRow
  readonly report: ReportRow | undefined
}

/**
 * The fleet as people read it, in memory: built from the store at the start, told of each commit afterwards, aged by
 * `now`. Reading is synchronous and touches neither store nor network. All that is shown can be made again from the
 * store; connections and what the config repo declares of clusters are told by the hub's loop.
 */
export class FleetView {
  readonly changes: ChangeLog
  /** For cursors: good as long as the hub's key is the same, and not for this run alone. */
  readonly numbers: HiddenNumbers
  private readonly counts = new FleetCounts()
  private readonly hiddenDigest: ((digest: Digest) => string) | undefined
  private readonly parts = new Map<string, Parts>()
  private readonly listed = new Map<string, ListedApplication>()
  private readonly names = new Map<string, Set<string>>()
  /** Ids by the name of the destination, and by the id of the agent's cluster. */
  private readonly idsOfCluster = new Map<string, Set<string>>()
  private readonly idsOfAgent = new Map<string, Set<string>>()
  /** Reports that came before their Application. */
  private readonly loose = new Map<string, ReportRow>()
  private readonly sets = new Map<string, SetRow>()
  private readonly sources = new Map<string, SourceRow>()
  private readonly clusterIndex = new ClusterIndex()
  private readonly repositoryUses = new RepositoryUses()
  private readonly refreshes = new JoinedRefreshes()
  /** When agents were last looked at for silence. */
  private agedAt = 0
  /** Counts changes of rows. */
  private rowChanges = 0
  /** Ids by name; made anew only when Applications came, went or were renamed. */
  private ordered: readonly string[] | undefined
  /** The rows in that order; made anew whenever one of them is another. */
  private rows: readonly ListedApplication[] | undefined
  private readonly pages: ApplicationPages
  /** What is counted of the Applications that one caller sees. */
  private readonly sight: SeenCounts

  constructor(options: FleetViewOptions) {
    this.changes = new ChangeLog(options.run, options.keepChanges)
    this.hiddenDigest = options.hiddenDigest
    this.numbers = new HiddenNumbers(options.hiddenDigest?.(sha256('numbers in cursors')) ?? options.run)
    const rowsStamp = (): number => this.rowChanges
    this.sight = new SeenCounts(this.counts, () => this.allRows(), rowsStamp)
    this.pages = new ApplicationPages({
      ordered: () => this.allRows(),
      rowsStamp,
      writtenStamp: () => `${this.rowChanges} ${this.clusterIndex.minutesHeard}`,
    })
  }

  /** The view of everything that the store has. */
  static async load(store: Store, options: FleetViewOptions): Promise<FleetView> {
    const view = new FleetView(options)
    const everything = await store.read(async rows => ({
      applications: await rows.applications(),
      reports: await rows.reports(),
      sets: await rows.sets(),
      sources: await rows.sources(),
      clusters: await rows.clusters(),
    }))
    view.apply(everything, options.now, { tell: false })
    return view
  }

  /** Reads those rows again and applies them, with whatever else waits to be read: an older row never wins. */
  refresh(store: Store, names: ChangedNames, now: () => EpochMs): Promise<void> {
    return this.refreshes.ask(names, async all => {
      this.apply(await store.read(rows => readChanges(rows, all)), now())
    })
  }

  /** Takes what a commit changed. Watchers are told of what really looks different now. */
  apply(changes: FleetChanges, now: EpochMs, { tell = true }: { readonly tell?: boolean } = {}): void {
    const told: Told[] = []
    const touched = new Touched()
    const dirty = this.takeClusters(changes, now, touched)
    for (const id of changes.removedReports ?? []) {
      this.loose.delete(id)
      const parts = this.parts.get(id)
      if (parts === undefined) continue
      this.parts.set(id, { ...parts, report: undefined })
      dirty.add(id)
    }
    for (const report of changes.reports ?? []) {
      const id = report.applicationId
      const parts = this.parts.get(id)
      this.hear(report.clusterId, { lastSeenAt: report.receivedAt }, now, dirty, touched)
      if (parts === undefined) this.loose.set(id, report)
      else this.parts.set(id, { ...parts, report })
      dirty.add(id)
    }
    for (const row of changes.applications ?? []) {
      this.put(row)
      dirty.add(row.id)
    }
    for (const id of dirty) this.look(id, now, told, touched)
    for (const id of changes.removedApplications ?? []) this.remove(id, told, touched)
    this.takeSetsAndSources(changes, told, touched)
    for (const state of changes.repositories ?? []) this.repositoryUses.learn(state)
    this.tellCounts(touched, now, told)
    if (tell) this.changes.append(told)
  }

  /** Lets silent agents grow old: to be called before reading, and now and then for those who watch. */
  age(now: EpochMs): void {
    if (now >= this.agedAt && now - this.agedAt < AGED_EVERY_MS) return
    this.agedAt = now
    const aged = this.clusterIndex.aged(now)
    if (aged.length > 0) this.apply({ connections: aged }, now)
  }

  applications(query: ApplicationQuery, now: EpochMs, visible: VisibleSet = EVERYTHING_VISIBLE): ApplicationPage {
    this.age(now)
    return this.pages.page(query, visible)
  }

  /** As {@link applications}, as it is sent. The parameters are those of {@link ApplicationPages.written}. */
  applicationsText(
    query: ApplicationQuery,
    now: EpochMs,
    visible: VisibleSet,
    list: string,
    cursorOf: (position: Position) => string,
    reader: string,
  ): WrittenPage {
    this.age(now)
    return this.pages.written(query, visible, list, cursorOf, reader)
  }

  /** Every row, by name and id. */
  private allRows(): readonly ListedApplication[] {
    this.ordered ??= [...this.listed.values()]
      .map(({ view }) => view)
      .sort(byNameAndId)
      .map(({ id }) => id)
    this.rows ??= this.ordered.map(id => this.listed.get(id)!)
    return this.rows
  }

  /** The Application that a name means, of several the incumbent. */
  application(name: string, now: EpochMs): ApplicationView | undefined {
    this.age(now)
    const row = this.applicationRow(name)
    const listed = row === undefined ? undefined : this.listed.get(row.id)
    return listed?.present()
  }

  /** By its id, whatever its name means by now; undefined for one that is gone. */
  applicationOf(id: string): ApplicationView | undefined {
    return this.listed.get(id)?.view
  }

  /** The stored row behind {@link application}, for what the view does not carry. */
  applicationRow(name: string): ApplicationRow | undefined {
    const rows = [...(this.names.get(name) ?? [])].map(id => this.parts.get(id)!.row)
    return incumbent(rows)
  }

  /** @param visible Of whose Applications it is counted. */
  cluster(name: string, now: EpochMs, visible: VisibleSet = EVERYTHING_VISIBLE): ClusterView | undefined {
    return this.clusterIndex.view(name, this.sight.tally('cluster', name, visible), now)
  }

  clusters(now: EpochMs, visible: VisibleSet = EVERYTHING_VISIBLE): readonly ClusterView[] {
    this.age(now)
    return this.clusterIndex.names().map(name => this.cluster(name, now, visible)!)
  }

  /** How many clusters that have joined are in which state, without a look at what else is known of them. */
  agentStates(now: EpochMs): ReturnType<ClusterIndex['agentStates']> {
    this.age(now)
    return this.clusterIndex.agentStates(now)
  }

  applicationSets(visible: VisibleSet = EVERYTHING_VISIBLE): readonly SetView[] {
    return [...this.sets.keys()].sort().map(key => this.viewOfSet(this.sets.get(key)!, visible))
  }

  /** How the Applications of a set are that somebody sees. */
  tallyOfSet({ source, name }: Pick<SetView, 'source' | 'name'>, visible: VisibleSet): Tally {
    return this.sight.tally('set', `${source}/${name}`, visible)
  }

  /** How the Applications of a Project or for a cluster are that somebody sees. */
  tallyOf(by: 'project' | 'cluster', name: string, visible: VisibleSet): Tally {
    return this.sight.tally(by, name, visible)
  }

  /** Projects of what a set has generated, whoever sees it; none for one that has generated nothing. */
  projectsOfSet(source: string, name: string): readonly string[] {
    return this.sight.projectsOfSet(`${source}/${name}`)
  }

  /** Every Application that is seen, by name, less what changes with each heartbeat. */
  seen(visible: VisibleSet): readonly ApplicationView[] {
    return this.allRows().flatMap(({ view }) => (visible.sees(view) ? [view] : []))
  }

  configSources(): readonly SourceView[] {
    return [...this.sources.keys()].sort().map(name => viewSource(this.sources.get(name)!))
  }

  /** @param visible Whose Applications count, and tell in which Projects a repository is used. */
  repositories(visible: VisibleSet = EVERYTHING_VISIBLE) {
    const projectOf = (id: string): string | undefined => {
      const view = this.listed.get(id)?.view
      return view !== undefined && visible.sees(view) ? view.project : undefined
    }
    return this.repositoryUses.list([...this.sources.values()], projectOf)
  }

  /** The address under which the hub knows a repository, however it is spelt; undefined for a strange one. */
  knownRepository(url: string): string | undefined {
    return this.repositoryUses.known(normaliseRepositoryUrl(url), [...this.sources.values()])
  }

  /** A Bundle's digest as people may see it: not that of one that holds Secrets, or may. */
  shownDigest(digest: Digest, holdsSecrets: boolean | undefined): string | null {
    return holdsSecrets === false ? digest : (this.hiddenDigest?.(digest) ?? null)
  }

  counted(visible: VisibleSet = EVERYTHING_VISIBLE): { readonly all: Tally; readonly by: Pick<FleetCounts, 'by'> } {
    const counts = this.sight.counts(visible)
    return { all: counts.total(), by: counts }
  }

  /** When the agent of an Application was last heard, to the minute: kept views leave out what each heartbeat changes. */
  private readonly lastSeenOf = (view: ApplicationView): number | undefined => {
    const { row } = this.parts.get(view.id)!
    return this.clusterIndex.line(row.clusterId)?.lastSeenMinute
  }

  private takeClusters(changes: FleetChanges, now: EpochMs, touched: Touched): Set<string> {
    const dirty = new Set<string>()
    for (const row of changes.clusters ?? []) {
      this.clusterIndex.put(row)
      touched.clusters.add(row.name)
    }
    const declared = changes.declaredClusters === undefined ? [] : this.clusterIndex.declare(changes.declaredClusters)
    for (const { name, gone, environmentChanged } of declared) {
      touched.clusters.add(name)
      if (gone) touched.gone.add(name)
      if (environmentChanged) for (const id of this.idsOfCluster.get(name) ?? []) dirty.add(id)
    }
    for (const { clusterId, ...line } of changes.connections ?? []) this.hear(clusterId, line, now, dirty, touched)
    return dirty
  }

  /** An agent was heard, or its line changed; its Applications look different only if it spoke up or fell silent. */
  private hear(
    clusterId: string,
    heard: { readonly connected?: boolean; readonly lastSeenAt: EpochMs },
    now: EpochMs,
    dirty: Set<string>,
    touched: Touched,
  ): void {
    if (!this.clusterIndex.hear(clusterId, heard, now)) return
    const name = this.clusterIndex.nameOf(clusterId)
    if (name !== undefined) touched.clusters.add(name)
    for (const id of this.idsOfAgent.get(clusterId) ?? []) dirty.add(id)
  }

  /** Puts a row in its place, without looking at it yet. */
  private put(row: ApplicationRow): void {
    const before = this.parts.get(row.id)
    // Most that happens to an Application moves it nowhere.
    if (before !== undefined && hasSameNames(before.row, row) && this.repositoryUses.isUsedAlike(before.row, row)) {
      this.parts.set(row.id, { ...before, row })
      return
    }
    if (before !== undefined) this.unlist(before.row)
    addTo(this.names, row.name, row.id)
    addTo(this.idsOfCluster, row.clusterName, row.id)
    if (row.clusterId !== undefined) addTo(this.idsOfAgent, row.clusterId, row.id)
    this.repositoryUses.add(row)
    this.parts.set(row.id, { row, report: before?.report ?? this.loose.get(row.id) })
    this.loose.delete(row.id)
  }

  private unlist(row: ApplicationRow): void {
    removeFrom(this.names, row.name, row.id)
    removeFrom(this.idsOfCluster, row.clusterName, row.id)
    if (row.clusterId !== undefined) removeFrom(this.idsOfAgent, row.clusterId, row.id)
    this.repositoryUses.remove(row)
  }

  /** Makes the view of one Application anew; counts and watchers learn of it when it differs. */
  private look(id: string, now: EpochMs, told: Told[], touched: Touched): void {
    const parts = this.parts.get(id)
    if (parts === undefined) return
    const { row, report } = parts
    const cluster = this.clusterIndex.declared(row.clusterName)
    const connection = this.clusterIndex.line(row.clusterId)
    const seen = viewApplication({
      row,
      ...(report !== undefined && { report }),
      ...(cluster !== undefined && { cluster }),
      ...(connection !== undefined && { connection }),
      ...(this.hiddenDigest !== undefined && { hiddenDigest: this.hiddenDigest }),
      now,
    })
    const view: ApplicationView = { ...seen, agent: { ...seen.agent, lastSeen: null } }
    const before = this.listed.get(id)?.view
    if (before !== undefined && equalJson(before as unknown as Json, view as unknown as Json)) return
    if (before !== undefined) {
      this.counts.remove(before)
      touched.add(before)
    }
    this.counts.add(view)
    const listed = new ListedApplication(view, this.lastSeenOf)
    this.listed.set(id, listed)
    this.rows = undefined
    this.rowChanges++
    if (before?.name !== view.name) this.ordered = undefined
    touched.add(view)
    told.push({
      kind: 'applications',
      action: 'put',
      name: view.name,
      object: listed.present(),
      ...(before !== undefined && { before }),
    })
  }

  private remove(id: string, told: Told[], touched: Touched): void {
    this.loose.delete(id)
    const parts = this.parts.get(id)
    const view = this.listed.get(id)?.view
    if (parts === undefined || view === undefined) return
    this.unlist(parts.row)
    this.parts.delete(id)
    this.listed.delete(id)
    this.counts.remove(view)
    this.ordered = undefined
    this.rows = undefined
    this.rowChanges++
    touched.add(view)
    const object = { id, name: view.name }
    told.push({ kind: 'applications', action: 'delete', name: view.name, object, before: view })
  }

  private takeSetsAndSources(changes: FleetChanges, told: Told[], touched: Touched): void {
    for (const row of changes.sets ?? []) {
      this.sets.set(row.key, row)
      touched.sets.add(row.key)
    }
    for (const key of changes.removedSets ?? []) {
      const row = this.sets.get(key)
      if (row === undefined) continue
      this.sets.delete(key)
      const { name, source } = row
      told.push({ kind: 'applicationsets', action: 'delete', name, object: { name, source } })
    }
    for (const row of changes.sources ?? []) {
      this.sources.set(row.name, row)
      told.push({ kind: 'sources', action: 'put', name: row.name, object: viewSource(row) })
    }
    for (const name of changes.removedSources ?? []) {
      if (this.sources.delete(name)) told.push({ kind: 'sources', action: 'delete', name, object: { name } })
    }
  }

  /** Clusters and sets whose own data or whose counts changed. */
  private tellCounts(touched: Touched, now: EpochMs, told: Told[]): void {
    for (const name of touched.clusters) {
      const object = this.cluster(name, now)
      if (object !== undefined) told.push({ kind: 'clusters', action: 'put', name, object })
      else if (touched.gone.has(name)) told.push({ kind: 'clusters', action: 'delete', name, object: { name } })
    }
    for (const key of touched.sets) {
      const row = this.sets.get(key)
      if (row === undefined) continue
      told.push({ kind: 'applicationsets', action: 'put', name: row.name, object: this.viewOfSet(row) })
    }
  }

  private viewOfSet(row: SetRow, visible: VisibleSet = EVERYTHING_VISIBLE): SetView {
    return viewSet(row, this.sight.tally('set', row.key, visible))
  }
}

/** What has to be told because Applications of it look different. */
class Touched {
  readonly clusters = new Set<string>()
  readonly sets = new Set<string>()
  /** Clusters that are declared no longer. */
  readonly gone = new Set<string>()

  add(view: ApplicationView): void {
    this.clusters.add(view.cluster)
    const key = setKeyOf(view)
    if (key !== null) this.sets.add(key)
  }
}

function hasSameNames(a: ApplicationRow, b: ApplicationRow): boolean {
  return a.name === b.name && a.clusterName === b.clusterName && a.clusterId === b.clusterId
}

function byNameAndId(a: ApplicationView, b: ApplicationView): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  return a.id < b.id ? -1 : 1
}
