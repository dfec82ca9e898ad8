import { trackedBy } from '@flotilla/core/plan/tracking'
import type { OfferPayload, TombstonePayload } from '@flotilla/core/protocol/documents'
import type { Engine } from './engine.ts'
import type { Look } from './look.ts'

/**
 * An Inventory is written before the first object is: where there is none and live objects bear our marks, it was lost.
 * It is made anew from those marks.
 *
 * @returns whether it was. @throws KubernetesError
 */
export async function rebuildIfLost(
  engine: Engine,
  { application }: OfferPayload,
  { intent, observation }: Look,
): Promise<boolean> {
  const { inventories } = engine
  if (observation.inventory.length > 0 || !(await inventories.isAbsent(application.id))) return false
  const mine = [...observation.live.values()].some(live => trackedBy(live) === application.id)
  return mine && intent.prepared.targets.length > 0 && (await rebuild(engine, application))
}

/** Before a removal, which knows of nothing but the Inventory: an empty one has to be empty. */
export async function rebuildBeforeRemoval(engine: Engine, { application }: TombstonePayload): Promise<void> {
  if (await engine.inventories.isAbsent(application.id)) await rebuild(engine, application)
}

async function rebuild(
  { inventories, log, mayWrite }: Engine,
  application: { readonly id: string; readonly name: string },
): Promise<boolean> {
  if (!mayWrite()) return false
  const found = await inventories.rebuild(application)
  if (found.length === 0) return false
  const about = { application: application.name, objects: found.length }
  log.warn('the Inventory was lost and is made anew from the marks on live objects', about)
  return true
}
