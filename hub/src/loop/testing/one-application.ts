import type { OperationReport } from '@flotilla/core/protocol/report'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './loop-harness.ts'

/** What {@link oneApplication} is about. */
export const WEB = 'web-eu-1'

/** How long each operation took that {@link succeed} tells of. */
export const OPERATION_MS = 1_500

/** A hub with one Application that is synced by itself, on a cluster that has joined: its first Grant is given. */
export async function oneApplication(): Promise<{ readonly hub: LoopHarness; readonly clusterId: string }> {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, {
    'clusters/eu-1.json': cluster('eu-1'),
    'projects/shop.json': project('shop'),
    'sets/shop.json': set('shop'),
  })
  hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) })
  await hub.start()
  await hub.refresh(APPS)
  return { hub, clusterId: await hub.join('eu-1') }
}

/** The same when it has had two revisions (`greeting` is `hello`, then `salut`), both with success. */
export async function oneApplicationTwice(): Promise<LoopHarness> {
  const { hub } = await oneApplication()
  await succeed(hub)
  await hub.push(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'salut' }) })
  await succeed(hub)
  return hub
}

/** The agent reports that what its Grant permits is done. */
export async function succeed(hub: LoopHarness): Promise<void> {
  const row = hub.application(WEB)
  const [grant] = await hub.grants(row.clusterId!)
  const now = hub.clock.now()
  const operation: OperationReport = {
    ...{ id: grant!.id, trigger: grant!.trigger, by: grant!.by, phase: 'Succeeded', message: 'done' },
    ...{ digest: row.digest!, revision: row.revision!, startedAt: now, finishedAt: now + OPERATION_MS },
    ...{ results: [], resultsCut: 0 },
  }
  await hub.report(WEB, { operation, lastSucceeded: row.digest })
}
