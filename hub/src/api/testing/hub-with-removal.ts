import type { DeletionPlan } from '@flotilla/core/model/deletion-plan'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from '../../loop/testing/loop-harness.ts'
import { apiOver, type ServedLoop } from './api-over-loop.ts'

export const REMOVED = ['a', 'b', 'c', 'd'] as const

/** Folders of {@link APPS} that the set yields an Application of each. */
export function removedFolders(content: string | null) {
  return Object.fromEntries(
    REMOVED.map(name => [`apps/${name}/cm.json`, content === null ? null : configMap(name, {})]),
  )
}

export interface HubWithRemoval extends ServedLoop {
  readonly plan: DeletionPlan
}

/** The API over a hub's loop, whose set `shop` has lost every Application; `other` never had one. */
export async function hubWithRemoval(): Promise<HubWithRemoval> {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, {
    'clusters/eu-1.json': cluster('eu-1'),
    'projects/shop.json': project('shop'),
    'sets/shop.json': set('shop'),
    'sets/other.json': set('other').replaceAll('apps/*', 'none/*'),
  })
  hub.git.commit(APPS, { ...removedFolders('here'), 'README.md': '' })
  await hub.start()
  await hub.refresh(APPS)
  await hub.join('eu-1')
  await hub.push(APPS, removedFolders(null))
  const served = await apiOver(hub)
  const [plan] = await hub.store.read(rows => rows.deletionPlans())
  return { ...served, plan: plan! }
}
