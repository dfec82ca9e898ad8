import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import type { Mutex } from '../store/mutex.ts'
import type { ConfigSources } from './config-sources.ts'
import type { DeletionPlans, PlanChanges } from './deletion-plans.ts'
import { restOf } from './keys.ts'
import { planDeletion } from './plan-deletion.ts'
import { type NamePlan, type NamePlanInput, planNames } from './plan-names.ts'
import type { LoopServices } from './services.ts'
import type { SetRounds } from './set-rounds.ts'
import { isLasting, ownerOf } from './withdraw-names.ts'
import type { WorkQueue } from './work-queue.ts'
import type { World } from './world.ts'

/** One write of a thousand rows would hold up the event loop for tens of milliseconds. */
const ROWS_A_WRITE = 500

/** What a round of names works with. */
export interface NamesBench {
  readonly world: World
  readonly sources: ConfigSources
  readonly services: LoopServices
  readonly sets: SetRounds
  readonly plans: DeletionPlans
  readonly queue: Pick<WorkQueue, 'add'>
  /** Held while rows are written and taken over in memory. */
  readonly rows: Mutex
  /** A row is in force: it is looked at again when what it reads changes. */
  register(row: ApplicationRow): void
}

/** What names are decided by, as it is now. */
export function namesInput({ services, sets }: Pick<NamesBench, 'services' | 'sets'>): NamePlanInput {
  const { clock, random } = services
  return {
    now: clock.now(),
    setsPending: sets.pending,
    newId: () => uuidV7(clock.now(), random.bytes(10)),
    origin: row => sets.originOf(row),
    keepRules: claimant => sets.keepRules(claimant),
    endOfSet: row => sets.endOfSet(row),
    projectBudget: name => sets.projectBudget(name),
  }
}

/** Decides who has some names, writes the Applications that differ, and tells those who were refused. */
export async function decideNames(names: readonly string[], bench: NamesBench): Promise<void> {
  const { world, services, sets, queue, rows: mutex } = bench
  const { store, announce } = services
  const plan = await mutex.run(async () => {
    const planned = planNames(names, world, namesInput(bench))
    // Before anything is waited for: the set that they wait for may be done meanwhile, and nobody would look again.
    sets.postpone(planned.postponed)
    for (const owner of ownersConcerned(planned.put, world)) bench.plans.pending.add(owner)
    for (let from = 0; from < planned.put.length; from += ROWS_A_WRITE) {
      const rows = planned.put.slice(from, from + ROWS_A_WRITE)
      await store.write(async writer => {
        for (const row of rows) await writer.putApplication(row)
      })
      // At once, chunk by chunk: if a later one fails, what is stored is known and not made a second time.
      takeRows(rows, bench)
      queue.add(...rows.map(({ id }) => `application/${id}`))
    }
    takeRows(planned.moved, bench)
    await refreshPlans(bench)
    return planned
  })
  announce.applications(plan.put.map(({ id }) => id))
  await takeRefusals(names, plan.refused, bench)
}

/** Whose list of removals may be another one when these rows are written. */
function ownersConcerned(put: readonly ApplicationRow[], world: World): readonly string[] {
  const owners = new Set<string>()
  for (const row of put) {
    const before = world.application(row.id)
    if (before && (isLasting(before.hold) || before.state !== row.state || before.set !== row.set))
      owners.add(ownerOf(before))
    if (isLasting(row.hold)) owners.add(ownerOf(row))
  }
  return [...owners]
}

/**
 * Makes the plans of the owners that are pending those that follow from the Applications as they are, and lets their sets
 * tell it. If a write fails, they stay pending for the next round.
 */
export async function refreshPlans(bench: NamesBench): Promise<void> {
  const { plans, world, services, sets } = bench
  const owners = [...plans.pending]
  const input = namesInput(bench)
  const changes: PlanChanges[] = []
  const rows: ApplicationRow[] = []
  for (const owner of owners) {
    const before = plans.current(owner)
    const differing = plans.changesFor(owner, planDeletion(owner, world, input, before), input)
    if (differing.put.length > 0) changes.push(differing)
    if (differing.put.length > 0 && before?.state === 'rejected') rows.push(...withoutRejection(differing, bench))
  }
  if (changes.length > 0) {
    await services.store.write(async writer => {
      for (const { put, drop } of changes) {
        for (const plan of put) await writer.putDeletionPlan(plan)
        for (const id of drop) await writer.deleteDeletionPlan(id)
      }
      for (const row of rows) await writer.putApplication(row)
    })
    takeRows(rows, bench)
    services.announce.applications(rows.map(({ id }) => id))
  }
  for (const each of changes) {
    plans.take(each)
    for (const { id, state, claimant, reason } of each.put)
      if (state === 'held') services.log.warn('a removal waits for approval', { plan: id, claimant, message: reason })
  }
  for (const owner of owners) {
    if (owner.startsWith('set/')) {
      await sets.storeRow(restOf(owner))
      await sets.forget(restOf(owner))
    }
    plans.pending.delete(owner)
  }
}

/** Another list has not been rejected: its Applications no longer say so. */
function withoutRejection({ put }: PlanChanges, { world, services }: NamesBench): readonly ApplicationRow[] {
  const plan = put.find(({ state }) => state === 'held')
  return (plan?.applications ?? []).flatMap(({ id }) => {
    const row = world.application(id)
    return row?.hold ? [{ ...row, hold: { ...row.hold, reason: plan!.reason }, changedAt: services.clock.now() }] : []
  })
}

export function takeRows(rows: readonly ApplicationRow[], { world, register }: NamesBench): void {
  for (const row of rows) {
    world.putApplication(row)
    register(row)
  }
}

async function takeRefusals(names: readonly string[], refused: NamePlan['refused'], bench: NamesBench): Promise<void> {
  const { world, services, sets } = bench
  const touched = new Map<string, string>()
  const { refusals } = world
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
    services.log.warn('an Application was refused its name', { claimant, message: diagnostic.message })
  }
  // A set tells it with its other mistakes; a document has nobody but its source to tell it.
  for (const claimant of touched.keys()) if (claimant.startsWith('set/')) await sets.storeRow(restOf(claimant))
  const documents = [...touched].flatMap(([claimant, source]) => (claimant.startsWith('document/') ? [source] : []))
  for (const source of new Set(documents)) await storeRefusals(source, bench)
}

async function storeRefusals(source: string, { world, sources, services }: NamesBench): Promise<void> {
  const documents = [...world.refusals].filter(([claimant]) => claimant.startsWith('document/'))
  const refused = documents.flatMap(([, byName]) => [...byName.values()].filter(one => one.source === source))
  const row = sources.refuse(source, refused)
  if (row === undefined) return
  await services.store.write(writer => writer.putSource(row))
  services.announce.sources([source])
}
