import { expect, test } from 'vitest'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

/** Documents and manifests in one repository: what the documents say of a commit counts for all of it. */
const SOURCE = {
  name: 'platform',
  repository: CONFIG,
  revision: 'main',
  path: 'fleet',
  trust: { kind: 'all' },
} as const
const shop = (policy?: string): string => {
  const document = JSON.parse(set('shop').replaceAll(APPS, CONFIG))
  if (policy) document.spec.syncPolicy = { applicationsSync: policy }
  return JSON.stringify(document)
}

async function start(): Promise<LoopHarness> {
  const hub = new LoopHarness([SOURCE])
  const apps = [...'abcdefgh'].map(name => [`apps/${name}/map.yaml`, configMap('m', { a: '1' })])
  hub.git.commit(CONFIG, {
    'fleet/project.yaml': project('shop'),
    'fleet/eu.yaml': cluster('eu-1'),
    'fleet/shop.yaml': shop(),
    ...Object.fromEntries(apps),
  })
  await hub.start()
  await hub.join('eu-1')
  return hub
}

/** So many documents that reading them takes longer than looking at the set. */
const MANY = Object.fromEntries(
  [...Array(60).keys()].map(index => [`fleet/more/c-${index}.yaml`, cluster(`c-${index}`)]),
)

test('a commit that removes a folder and forbids its set to remove lets go of nothing', async () => {
  const hub = await start()
  await hub.push(CONFIG, { ...MANY, 'apps/a/map.yaml': null, 'fleet/shop.yaml': shop('create-update') })
  expect(hub.application('a-eu-1').state).toBe('active')
})

test('a commit that removes a folder and its Cluster leaves what is there, to be let go of', async () => {
  const hub = await start()
  await hub.push(CONFIG, { ...MANY, 'apps/a/map.yaml': null, 'fleet/eu.yaml': null })
  expect(hub.application('a-eu-1')).toMatchObject({ state: 'active', hold: { code: 'CLUSTER_REMOVED' } })
})

test('documents that cannot be read hold up nothing else of their commit', async () => {
  const hub = await start()
  await hub.push(CONFIG, { 'apps/i/map.yaml': configMap('m', {}), 'fleet/shop.yaml': '{ broken' })
  expect(hub.names()).toContain('i-eu-1')
})
