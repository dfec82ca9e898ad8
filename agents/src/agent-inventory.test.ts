import { expect, it } from 'vitest'
import { type AgentBench, startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, OPTIONS, SHOP } from './testing/documents.ts'

const INVENTORY = `/api/v1/namespaces/flotilla-system/configmaps/flotilla-inventory-${SHOP.id}`
const PRUNES = { options: { ...OPTIONS, prune: true } }

/** Synced with two objects, then without its Inventory and with another process. */
async function robbed(): Promise<AgentBench> {
  const bench = await startBench()
  bench.hub.sync(bundleOf(configMap('a'), configMap('b')), PRUNES)
  await bench.pass(5_000)
  await bench.remove(INVENTORY)
  await bench.stop()
  await bench.start()
  await bench.pass(1_000)
  return bench
}

it('makes a lost Inventory anew from the marks on live objects, and asks before it prunes by them', async () => {
  const bench = await robbed()
  bench.hub.sync(bundleOf(configMap('a')), PRUNES)
  await bench.pass(5_000)
  expect(bench.read('ConfigMap', 'b')).toBeDefined()
  expect(bench.report.objects).toMatchObject([{ key: { name: 'b' }, reason: 'Extra' }])
  expect(bench.report.objects[0]?.message).toContain('the Inventory was lost')
  const offer = bench.hub.offer(bundleOf(configMap('a')), PRUNES)
  bench.hub.grant(offer, { trigger: 'manual', options: { dryRun: false, prune: true, revision: '' } })
  bench.hub.link.changed()
  await bench.pass(5_000)
  expect(bench.read('ConfigMap', 'b')).toBeUndefined()
  expect(bench.read('ConfigMap', 'a')).toBeDefined()
})

it('what is applied again needs nobody’s word any more', async () => {
  const bench = await robbed()
  bench.hub.sync(bundleOf(configMap('a'), configMap('b', { x: '2' })), PRUNES)
  await bench.pass(5_000)
  bench.hub.sync(bundleOf(configMap('a')), PRUNES)
  await bench.pass(5_000)
  expect(bench.read('ConfigMap', 'b')).toBeUndefined()
})

it('a copied manifest with somebody else’s marks is not taken for ours', async () => {
  const bench = await startBench()
  bench.hub.sync(bundleOf(configMap('a')), PRUNES)
  await bench.pass(5_000)
  const { metadata } = bench.read('ConfigMap', 'a')!
  const copy = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...pick(metadata), name: 'copy' } }
  const response = await bench.cluster.handle({
    method: 'POST',
    path: '/api/v1/namespaces/shop/configmaps',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(copy),
  })
  expect(response.status).toBe(201)
  await bench.remove(INVENTORY)
  await bench.stop()
  await bench.start()
  bench.hub.sync(bundleOf(configMap('a', { x: '2' })), PRUNES)
  await bench.pass(5_000)
  expect(bench.read('ConfigMap', 'copy')).toBeDefined()
  expect(bench.report).toMatchObject({ sync: { status: 'Synced' }, objectCount: 2 })
})

it('a removal with a lost Inventory waits for an approval, and leaves nothing behind with one', async () => {
  const bench = await robbed()
  await bench.remove(INVENTORY)
  await bench.stop()
  await bench.start()
  bench.hub.grant(bench.hub.tombstone())
  bench.hub.link.changed()
  await bench.pass(10_000)
  expect(bench.read('ConfigMap', 'a')).toBeDefined()
  expect(bench.report.gone).toBe(false)
  bench.hub.grant(bench.hub.tombstone({ approvedBy: 'ana' }))
  bench.hub.link.changed()
  await bench.pass(20_000)
  expect([bench.read('ConfigMap', 'a'), bench.read('ConfigMap', 'b')]).toEqual([undefined, undefined])
  expect(bench.report.gone).toBe(true)
})

it('what was confirmed goes to its end, though less of it waits after each wave', async () => {
  const bench = await startBench()
  const at = (name: string, wave: string) =>
    configMap(name, {}, { annotations: { 'argocd.argoproj.io/sync-wave': wave } })
  const asks = { options: { ...OPTIONS, prune: true, pruneDefault: 'confirm' as const } }
  bench.hub.sync(bundleOf(configMap('a'), at('b', '0'), at('c', '1'), at('d', '2')), asks)
  await bench.pass(10_000)
  bench.hub.sync(bundleOf(configMap('a')), asks)
  await bench.pass(10_000)
  expect(bench.report.heldPrunes).toMatchObject({ count: 3 })
  expect(bench.read('ConfigMap', 'd')).toBeDefined()
  const offer = bench.hub.offer(bundleOf(configMap('a')), asks)
  const options = { dryRun: false, prune: true, revision: '', confirms: bench.report.heldPrunes!.digest }
  bench.hub.grant(offer, { trigger: 'manual', options })
  bench.hub.link.changed()
  await bench.pass(10_000)
  expect(['b', 'c', 'd'].filter(name => bench.read('ConfigMap', name))).toEqual([])
  expect(bench.report).toMatchObject({ operation: { phase: 'Succeeded' }, sync: { status: 'Synced' } })
})

function pick({ labels, annotations, namespace }: { labels?: unknown; annotations?: unknown; namespace?: unknown }) {
  return { labels, annotations, namespace }
}

it('prunes that wait for a person still wait when other objects were added, and go once exactly they are confirmed', async () => {
  const bench = await startBench()
  const first = 'abcdefghij'.split('').map(name => configMap(name))
  bench.hub.sync(bundleOf(...first), PRUNES)
  await bench.pass(5_000)
  bench.hub.sync(bundleOf(...first.slice(6)), PRUNES)
  await bench.pass(5_000)
  expect(bench.report.heldPrunes).toMatchObject({ count: 6 })
  const more = 'klmnopqr'.split('').map(name => configMap(name))
  bench.hub.sync(bundleOf(...first.slice(6), ...more), PRUNES)
  await bench.pass(5_000)
  const third = bundleOf(...first.slice(6), ...more, configMap('s'))
  bench.hub.sync(third, PRUNES)
  await bench.pass(5_000)
  expect(bench.report.heldPrunes).toMatchObject({ count: 6, reason: expect.stringContaining('6 of 10') })
  const options = { dryRun: false, prune: true, revision: '' }
  const offer = bench.hub.offer(third, PRUNES)
  bench.hub.grant(offer, { trigger: 'manual', options: { ...options, confirms: `sha256:${'0'.repeat(64)}` } })
  bench.hub.link.changed()
  await bench.pass(5_000)
  expect(bench.read('ConfigMap', 'a')).toBeDefined()
  const again = bench.hub.offer(third, PRUNES)
  bench.hub.grant(again, { trigger: 'manual', options: { ...options, confirms: bench.report.heldPrunes!.digest } })
  bench.hub.link.changed()
  await bench.pass(5_000)
  expect(bench.read('ConfigMap', 'a')).toBeUndefined()
  expect(bench.report.heldPrunes).toBeUndefined()
})

it('leaves what another took over between the plan and its prune, and the operation ends all the same', async () => {
  const bench = await startBench()
  bench.hub.sync(bundleOf(configMap('a'), configMap('b')), PRUNES)
  await bench.pass(5_000)
  const other = '0199c2f0-0000-7000-8000-999999999999'
  let reads = 0
  bench.between = async (request, pass) => {
    const response = await pass(request)
    if (request.path.endsWith('/configmaps/b') && request.method === 'GET') reads++
    // The plan is made, and nothing of it was done.
    if (request.method === 'POST' && request.path.includes('/flotilla-system/configmaps')) {
      const annotations = { 'flotilla.dev/tracking-id': `${other}:/ConfigMap:shop/b` }
      await bench.edit('/api/v1/namespaces/shop/configmaps/b', { metadata: { annotations } })
    }
    return response
  }
  bench.hub.sync(bundleOf(configMap('a')), PRUNES)
  await bench.pass(1_000)
  expect(bench.report.operation).toMatchObject({ phase: 'Succeeded' })
  const result = bench.report.operation?.results.find(({ key }) => key.name === 'b')
  expect(result).toMatchObject({ outcome: 'skipped', message: expect.stringContaining('ownership changed') })
  expect(reads).toBeLessThan(5)
  expect(bench.read('ConfigMap', 'b')?.metadata.annotations?.['flotilla.dev/tracking-id']).toContain(other)
})

it('what waits to go and is extraneous on purpose makes its Application no less Synced', async () => {
  const bench = await startBench()
  const extraneous = { annotations: { 'argocd.argoproj.io/compare-options': 'IgnoreExtraneous' } }
  bench.hub.sync(bundleOf(configMap('a'), configMap('b', {}, extraneous), configMap('c')))
  await bench.pass(5_000)
  const kept = { options: { ...OPTIONS, prune: false } }
  bench.hub.sync(bundleOf(configMap('a'), configMap('c')), kept)
  await bench.pass(5_000)
  expect(bench.report.sync).toEqual({ status: 'Synced' })
  expect(bench.report.objects).toMatchObject([{ key: { name: 'b' }, sync: 'OutOfSync', reason: 'Extra' }])
  bench.hub.sync(bundleOf(configMap('a')), kept)
  await bench.pass(5_000)
  expect(bench.report.sync).toMatchObject({ status: 'OutOfSync', message: '1 of 4 objects differ' })
})
