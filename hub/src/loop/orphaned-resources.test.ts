import { expect, it } from 'vitest'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

it('agents look for orphans where the Project asks, by its rules, and stop when it does not', async () => {
  const hub = new LoopHarness()
  const asking = (orphanedResources?: object): string => {
    const document = JSON.parse(project('shop')) as { readonly spec: object }
    return JSON.stringify({ ...document, spec: { ...document.spec, ...(orphanedResources && { orphanedResources }) } })
  }
  const ignore = [{ group: '', kind: 'Secret', name: 'sh.helm.*' }]
  hub.git.commit(CONFIG, {
    'clusters/eu-1.json': cluster('eu-1'),
    'projects/shop.json': asking({ ignore }),
    'sets/shop.json': set('shop'),
  })
  hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) })
  await hub.start()
  await hub.refresh(APPS)
  const eu1 = await hub.join('eu-1')
  const asked = async () => {
    await hub.clock.advance(2_000)
    const documents = (await hub.documents(eu1)) as readonly { readonly typ: string; readonly orphans?: object }[]
    return documents.find(({ typ }) => typ === 'offer')?.orphans
  }
  const warns = () => hub.application('web-eu-1').warnsOfOrphans
  expect([await asked(), warns()]).toEqual([{ warn: true, ignore }, true])
  await hub.push(CONFIG, { 'projects/shop.json': asking({ warn: false }) })
  expect([await asked(), warns()]).toEqual([{ warn: false, ignore: [] }, undefined])
  await hub.push(CONFIG, { 'projects/shop.json': asking() })
  expect([await asked(), warns()]).toEqual([undefined, undefined])
})
