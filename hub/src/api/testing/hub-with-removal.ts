import type { DeletionPlan } from '@flotilla/core/model/deletion-plan'
import type { Express } from 'express'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from '../../loop/testing/loop-harness.ts'
import { createMetrics } from '../../metrics.ts'
import { silentLog } from '../../store/test-store.ts'
import { createApi } from '../create-api.ts'
import { FleetView } from '../fleet-view.ts'
import { ensureAdminToken, makeToken } from '../tokens.ts'

export const REMOVED = ['a', 'b', 'c', 'd'] as const

/** Folders of {@link APPS} that the set yields an Application of each. */
export function removedFolders(content: string | null) {
  return Object.fromEntries(
    REMOVED.map(name => [`apps/${name}/cm.json`, content === null ? null : configMap(name, {})]),
  )
}

export interface HubWithRemoval {
  readonly hub: LoopHarness
  readonly app: Express
  readonly admin: string
  readonly reader: string
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
  const admin = (await ensureAdminToken(hub.store, hub.clock, hub.random))!
  const { text: reader, row } = makeToken(hub.random, { name: 'reader', role: 'readonly', now: hub.clock.now() })
  await hub.store.write(rows => rows.putToken(row))
  const view = await FleetView.load(hub.store, { run: 'run', now: hub.clock.now(), hiddenDigest: () => 'hidden' })
  const unused = () => Promise.reject(new Error('not asked for here'))
  const app = createApi({
    ...{ store: hub.store, view, bundles: hub.bundles, clock: hub.clock, random: hub.random, log: silentLog },
    metrics: createMetrics({ process: false }),
    settings: { version: '0.1.0' },
    actions: {
      ...{ refreshSource: unused, refreshRepository: unused, heard: unused, refreshPlugin: unused },
      ...{ previewChange: unused, createJoinToken: unused },
      decideDeletion: (id, decision) => hub.loop.decideDeletion(id, decision),
    },
  })
  const [plan] = await hub.store.read(rows => rows.deletionPlans())
  return { hub, app, admin, reader, plan: plan! }
}
