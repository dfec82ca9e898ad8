import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from '../../loop/testing/loop-harness.ts'
import { apiOver, type ServedLoop } from './api-over-loop.ts'

/** The API over a hub's loop, two Applications of whose set `shop` would take over three objects of Argo CD each. */
export async function hubWithAdoption(): Promise<ServedLoop> {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, {
    'clusters/eu-1.json': cluster('eu-1'),
    'projects/shop.json': project('shop'),
    'sets/shop.json': set('shop'),
  })
  hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', {}), 'apps/api/cm.json': configMap('api', {}) })
  await hub.start()
  await hub.refresh(APPS)
  await hub.join('eu-1')
  await hub.clock.advance(2_000)
  const adoptions = [{ tool: 'argocd' as const, count: 3 }]
  for (const name of ['web-eu-1', 'api-eu-1']) await hub.report(name, { adoptions })
  await hub.clock.advance(60_000)
  return await apiOver(hub)
}
