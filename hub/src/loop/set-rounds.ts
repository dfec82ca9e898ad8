import { setPolicy } from '@flotilla/core/decide/decide-withdrawal'
import { DEFAULT_DELETION_BUDGET, type DeletionBudget, readDeletionBudget } from '@flotilla/core/decide/deletion-guard'
import { type KeepRules, readKeepRules } from '@flotilla/core/decide/keep-fields'
import { effectivePolicy, OWN_SET_POLICIES } from '@flotilla/core/decide/set-policy'
import type { RemovalPolicy } from '@flotilla/core/model/deletion-plan'
import type { ApplicationSetSpec, Declared, ProjectSpec } from '@flotilla/core/model/fleet'
import type { Hold } from '@flotilla/core/model/hold'
import type { ApplicationRow, SetRow, StoreReader } from '@flotilla/core/ports/store'
import { requeueAfterRoundMs } from '@flotilla/generators/requeue'
import { strategyHold } from '@flotilla/generators/strategy-hold'
import type { BroughtSources } from './brought-sources.ts'
import type { ConfigSources } from './config-sources.ts'
import type { DeletionPlans } from './deletion-plans.ts'
import type { FleetIndex } from './fleet-index.ts'
import { restOf } from './keys.ts'
import type { Origin, PolicyRights } from './plan-names.ts'
import { expandSet } from './reconcile-sets.ts'
import type { LoopServices } from './services.ts'
import { dropSetDocuments, takeSetDocuments } from './set-documents.ts'
import { tellSet } from './tell-set.ts'
import { offeredRows } from './withdraw-names.ts'
import type { WorkQueue } from './work-queue.ts'
import type { World } from './world.ts'

/**
 * The rounds of all sets: what each yielded last, on fresh inputs or not, and so what can be said of an Application
 * that came from one.
 */
export class SetRounds {
  readonly #world: World
  readonly #sources: ConfigSources
  readonly #services: LoopServices
  readonly #queue: Pick<WorkQueue, 'add' | 'waiting'>
  readonly #rows = new Map<string, SetRow>()
  /** As they were stored last, with what was said about them. */
  readonly #told = new Map<string, SetRow>()
  readonly #plans: DeletionPlans
  readonly #brought: BroughtSources
  /** Sets that have been expanded since the start, and whether any of their inputs was away. */
  readonly #stale = new Map<string, boolean>()
  /** Generators whose last list was their provider's word, by set, while the set's document is what it was before. */
  readonly #authoritative = new Map<string, ReadonlySet<string>>()
  /** Whether a set is being expanded; with those that wait, why a name may have to be decided later. */
  #expanding = false
  readonly #postponed = new Set<string>()
  /** Sets that came in the push in which this one went: it may have been renamed. */
  readonly #successors = new Map<string, readonly string[]>()
  readonly #projectBudgets = new WeakMap<ProjectSpec, DeletionBudget>()
  readonly #endings = new WeakMap<Declared<ApplicationSetSpec>, NonNullable<SetRow['ending']>>()
  readonly #keepRules = new WeakMap<Declared<ApplicationSetSpec>, KeepRules>()
  /** How often sets want their repositories looked at, where they say so. */
  readonly #requeues = new Map<string, { readonly ms: number; readonly urls: ReadonlySet<string> }>()

  constructor(
    world: World,
    sources: ConfigSources,
    services: LoopServices,
    queue: Pick<WorkQueue, 'add' | 'waiting'>,
    plans: DeletionPlans,
    brought: BroughtSources,
  ) {
    this.#world = world
    this.#sources = sources
    this.#services = services
    this.#queue = queue
    this.#plans = plans
    this.#brought = brought
  }

  async restore(rows: StoreReader): Promise<void> {
    for (const row of await rows.sets()) {
      this.#rows.set(row.key, row)
      this.#told.set(row.key, row)
    }
  }

  /** Another fleet is in force, in which these sets differ. */
  takeChange(before: FleetIndex, after: FleetIndex, changed: readonly string[]): void {
    const came = changed.filter(key => !before.sets.has(key))
    for (const key of changed) {
      if (after.sets.has(key)) this.#successors.delete(key)
      else {
        this.#stale.delete(key)
        if (came.length > 0) this.#successors.set(key, came)
      }
    }
    // Removed while the hub was down: no change tells of it.
    for (const [key, row] of this.#rows) {
      const gone = !after.sets.has(key) && row.removedAt === undefined && this.#sources.loaded(row.source)
      if (gone && !changed.includes(key)) this.#queue.add(`set/${key}`)
    }
  }

  /** The intervals at which sets ask for this repository to be looked at (`requeueAfterSeconds`). */
  requeuesOf(url: string): readonly number[] {
    return [...this.#requeues.values()].flatMap(({ urls, ms }) => (urls.has(url) ? [ms] : []))
  }

  /** Whether a set is still to be expanded: until then, absence says nothing. */
  get pending(): boolean {
    return this.#expanding || this.#queue.waiting('set') > 0
  }

  /** Whether every set there is has been expanded, and no input of any was away. */
  get everyFresh(): boolean {
    if (this.pending || !this.#sources.configs.every(({ name }) => this.#sources.loaded(name))) return false
    return [...this.#world.fleet.sets.keys()].every(key => this.#stale.get(key) === false)
  }

  /** Looks at these names again when no set is pending any more. */
  postpone(names: readonly string[]): void {
    for (const name of names) this.#postponed.add(name)
  }

  async look(key: string): Promise<void> {
    this.#expanding = true
    try {
      await this.#lookAt(key)
    } finally {
      this.#expanding = false
      if (this.#queue.waiting('set') === 0) {
        const names = [...this.#postponed]
        this.#postponed.clear()
        this.#queue.add(...names.map(name => `names/${name}`))
      }
    }
  }

  async #lookAt(key: string): Promise<void> {
    const world = this.#world
    const set = world.fleet.sets.get(key)
    const claimant = `set/${key}`
    if (!set) return await this.#remove(key)
    const prefix = this.#sources.config(set.source)?.namePrefix
    const round = await expandSet(set, world, this.#services, prefix)
    if (world.fleet.sets.get(key) !== set) return this.#queue.add(`set/${key}`)
    const firstRound = !this.#stale.has(key)
    const wasStale = this.#stale.get(key)
    this.#stale.set(key, round.stale)
    world.readers.set(claimant, round.reads)
    const failed = round.stale || round.row.generators.some(({ status }) => status !== 'ok')
    const requeueMs = requeueAfterRoundMs(set.spec, { failed, invalid: round.row.errors.length }, { defaultSeconds: 0 })
    if (requeueMs > 0)
      this.#requeues.set(key, { ms: requeueMs, urls: new Set(round.reads.map(read => read.repository)) })
    else this.#requeues.delete(key)
    this.#services.hosted.reads?.(claimant, round.asked, requeueMs)
    if (round.files) this.#read(takeSetDocuments(set, round.files, this.#sources, this.#brought))
    const claimed = world.setClaims(claimant, round.applications)
    const unedited = this.#rows.get(key)?.contentDigest === set.contentDigest
    this.#authoritative.set(key, unedited ? round.authoritative : new Set())
    this.#rows.set(key, { ...round.row, ending: this.#endingOf(set) })
    // A name that the set had before the restart, or kept while an input was away, is looked at once with fresh eyes.
    const stored =
      firstRound || wasStale !== round.stale
        ? world.idsOf('set', key).flatMap(id => world.application(id)?.name ?? [])
        : []
    this.#queue.add(...new Set([...claimed, ...stored].map(name => `names/${name}`)))
    // Last: if this write fails, a second look finds the claims changed already.
    await this.storeRow(key)
  }

  /** What a set makes is read as a source, after what is being read. */
  #read(source: string | undefined): void {
    if (source !== undefined) this.#queue.add(`source/${source}`)
  }

  async #remove(key: string): Promise<void> {
    const { clock, store, announce } = this.#services
    const claimant = `set/${key}`
    this.#world.readers.remove(claimant)
    this.#services.hosted.reads?.(claimant, [], 0)
    this.#requeues.delete(key)
    this.#read(dropSetDocuments(key, this.#sources, this.#brought))
    const names = this.#world.setClaims(claimant, [])
    // Before the write: if that fails, a second look finds the claims changed already.
    this.#queue.add(...names.map(name => `names/${name}`))
    this.#authoritative.delete(key)
    const row = this.#rows.get(key)
    if (row && offeredRows(this.#world, 'set', key).length > 0) {
      this.#rows.set(key, { ...row, removedAt: row.removedAt ?? clock.now() })
      return await this.storeRow(key)
    }
    this.#rows.delete(key)
    this.#told.delete(key)
    await store.write(writer => writer.deleteSet(key))
    announce.sets([key])
  }

  /** A set whose document is gone is forgotten with the last of its Applications. */
  async forget(key: string): Promise<void> {
    if (this.#rows.get(key)?.removedAt !== undefined && !this.#world.fleet.sets.has(key)) await this.#remove(key)
  }

  /** Stores what is to be said about a set: its last round, the names it was refused since, what waits for a person. */
  async storeRow(key: string): Promise<void> {
    const row = this.#rows.get(key)
    if (!row) return
    const refused = [...(this.#world.refusals.get(`set/${key}`) ?? [])].map(
      ([name, { code, message, hint = '', file, line, column }]) => ({
        code,
        stage: 'name',
        name,
        message,
        hint,
        position: { file, line, column },
      }),
    )
    const { clock, store, announce } = this.#services
    const set = this.#world.fleet.sets.get(key)
    const told = tellSet({ ...row, errors: [...row.errors, ...refused] }, this.#told.get(key), {
      plan: this.#plans.current(`set/${key}`),
      rollingSync: set !== undefined && strategyHold(set.spec) !== undefined,
      now: clock.now(),
    })
    this.#told.set(key, told)
    await store.write(writer => writer.putSet(told))
    announce.sets([key])
  }

  /** What is known of whoever an Application came from. */
  originOf(row: ApplicationRow): Origin {
    if (!this.#sources.has(row.source)) return { kind: 'source-removed' }
    const project = this.projectBudget(row.project)
    const known = { policy: ALL_RIGHTS, budget: project, declaredGone: false }
    if (!this.#sources.loaded(row.source)) return { kind: 'stale', ...known }
    if (row.set === undefined) return { kind: 'current', ...known }
    const { sets } = this.#world.fleet
    const key = `${row.source}/${row.set}`
    const set = sets.get(key)
    const isStale = (name: string): boolean => this.#stale.get(name) ?? true
    if (set) {
      const { applicationsSync, budget } = this.#endingOf(set)
      const generator = String(row.provenance['generator'] ?? '').split('.')[0]!
      const declaredGone = this.#authoritative.get(key)?.has(generator) ?? false
      const policy = this.#rights(applicationsSync)
      return { kind: isStale(key) ? 'stale' : 'current', policy, budget, declaredGone }
    }
    const renamed = this.#successors.get(key)?.some(name => sets.has(name) && isStale(name))
    if (renamed) return { kind: 'pending', ...known }
    const ending = this.#rows.get(key)?.ending
    return { kind: 'set-removed', budget: ending?.budget ?? project }
  }

  /** What a set says, or said last, of the end of itself. */
  endOfSet({ source, set }: ApplicationRow): { readonly deletion: RemovalPolicy; readonly mayRemove: boolean } {
    const ending = this.#rows.get(`${source}/${set}`)?.ending
    return { deletion: ending?.deletion ?? 'detach', mayRemove: this.#rights(ending?.applicationsSync).remove }
  }

  /** Which fields of the Applications of a set keep what is stored. */
  keepRules(claimant: string): KeepRules | undefined {
    const set = claimant.startsWith('set/') ? this.#world.fleet.sets.get(restOf(claimant)) : undefined
    if (!set) return undefined
    const known = this.#keepRules.get(set) ?? readKeepRules(set.spec).rules
    this.#keepRules.set(set, known)
    return known
  }

  /** What a Project lets go in one round. */
  projectBudget(name: string): DeletionBudget {
    const project = this.#world.fleet.projects.get(name)
    const spec = project?.spec ?? this.#world.projectsLastSeen.get(name)
    if (spec === undefined) return DEFAULT_DELETION_BUDGET
    const known = this.#projectBudgets.get(spec) ?? readDeletionBudget(spec, project?.annotations ?? {}).budget
    this.#projectBudgets.set(spec, known)
    return known
  }

  #endingOf(set: Declared<ApplicationSetSpec>): NonNullable<SetRow['ending']> {
    const known = this.#endings.get(set) ?? endingOf(set)
    this.#endings.set(set, known)
    return known
  }

  #rights(applicationsSync: string | undefined): PolicyRights {
    return setPolicy(effectivePolicy(this.#services.setPolicy ?? OWN_SET_POLICIES, applicationsSync))
  }

  /** Why the Applications of its set may not be released, if there is a reason. */
  holdOf(row: ApplicationRow): Hold | undefined {
    if (row.set === undefined) return undefined
    const set = this.#world.fleet.sets.get(`${row.source}/${row.set}`)
    return set && strategyHold(set.spec, set.positionOf(['spec', 'strategy']))
  }
}

const ALL_RIGHTS: PolicyRights = { update: true, remove: true }

/** What a set's document says of the end of it and of its Applications. */
function endingOf(set: Declared<ApplicationSetSpec>): NonNullable<SetRow['ending']> {
  const { spec, annotations } = set
  const applicationsSync = spec.syncPolicy?.applicationsSync
  return {
    ...(applicationsSync !== undefined && { applicationsSync }),
    // Under Argo CD's group each Application's finalizer decides.
    deletion: set.group === 'argoproj.io' || spec['deletion'] === 'prune' ? 'prune' : 'detach',
    budget: readDeletionBudget(spec, annotations).budget,
  }
}
