import { expect, test } from 'vitest'
import { APPS } from './declared-fleet.ts'
import { SimulatedFleet } from './fleet.ts'

const MINUTE_MS = 60_000

/** A law that nothing can break proves nothing: here each is broken on purpose, from outside. */
async function smallFleet() {
  const fleet = await SimulatedFleet.start({ seed: 7, clusters: ['eu', 'us'] })
  const shop = { kind: 'folder', name: 'shop', cluster: 'eu', version: 1, parts: ['a', 'b'] } as const
  fleet.declare(fleet.declared.put(shop), true)
  await fleet.run(MINUTE_MS)
  expect(await fleet.converged()).toEqual([])
  expect(fleet.laws.breaches).toEqual([])
  return { fleet, shop }
}

test('what was not committed as wanted and is there is told', async () => {
  const { fleet, shop } = await smallFleet()
  fleet.declared.put({ ...shop, version: 2 })
  expect(await fleet.converged()).toEqual(['shop-eu: the hub has not rendered the newest revision'])
  fleet.declared.put({ ...shop, parts: ['a'] })
  expect(await fleet.converged()).toContain('eu: ConfigMap shop/shop-b is left over')
  fleet.declared.remove('shop')
  expect(await fleet.converged()).toContain('shop-eu is still there, active')
})

test('an object that no revision withdrew and that an agent deletes is told', async () => {
  const { fleet } = await smallFleet()
  const { cluster, link } = fleet.agent('eu')
  const request = { method: 'DELETE', path: '/api/v1/namespaces/shop/configmaps/shop-a' } as const
  await fleet.laws.asked(cluster, link?.held() ?? new Map(), request)
  expect(fleet.laws.breaches).toEqual([
    'eu deletes ConfigMap shop/shop-a, which no revision withdrew',
    expect.stringContaining('eu deletes ConfigMap shop/shop-a, although it holds an Offer with it'),
  ])
})

test('a removal before its ten minutes are over is told, one after them is not', async () => {
  const { fleet } = await smallFleet()
  fleet.declare(fleet.declared.remove('shop'), true)
  await fleet.run(MINUTE_MS)
  // It was all that its set made: a person is asked.
  const [plan] = await fleet.store.read(rows => rows.deletionPlans())
  await fleet.hub!.loop.decideDeletion(plan!.id, { verdict: 'approve', by: 'ana', reason: '' })
  await fleet.run(MINUTE_MS)
  const { cluster, link } = fleet.agent('eu')
  const request = { method: 'DELETE', path: '/api/v1/namespaces/shop/configmaps/shop-a' } as const
  await fleet.laws.asked(cluster, link?.held() ?? new Map(), request)
  expect(fleet.laws.breaches).toEqual([expect.stringMatching(/^eu deletes .* only 60000 ms after it was withdrawn$/)])
  await fleet.run(12 * MINUTE_MS)
  expect(await fleet.converged()).toEqual([])
  expect(fleet.laws.breaches).toHaveLength(1)
})

test("another cluster's Bundle is told", async () => {
  const { fleet } = await smallFleet()
  const row = await fleet.store.read(rows => rows.applicationByName('shop-eu'))
  await fleet.laws.fetched('us', row!.digest!)
  expect(fleet.laws.breaches).toContain('us was given ConfigMap shop-a, which is meant for eu')
})

test('numbers that go back are told, at the hub and at an agent', async () => {
  const { fleet } = await smallFleet()
  const held = fleet.agent('eu').link?.held() ?? new Map()
  const [[id, offer] = ['', undefined]] = [...held]
  const older = { ...offer!, number: { epoch: 0, n: 1 } }
  fleet.laws.holds('eu', new Map([[id, older]]))
  fleet.laws.issued('offer', older)
  expect(fleet.laws.breaches).toEqual([
    'eu holds 0.1 of shop-eu after a newer one',
    expect.stringMatching(/^the hub gave out number 0\.1 after 1\.\d+$/),
  ])
})

test('a hub that is killed in the middle of its work goes on from what it had committed', async () => {
  const { fleet, shop } = await smallFleet()
  fleet.declare(fleet.declared.put({ ...shop, version: 2 }), true)
  fleet.killHub()
  await fleet.run(MINUTE_MS)
  expect(await fleet.converged()).not.toEqual([])
  await fleet.startHub()
  await fleet.run(2 * MINUTE_MS)
  expect(await fleet.converged()).toEqual([])
  expect(fleet.laws.breaches).toEqual([])
})

test('a file that is broken changes nothing, and everything once it is whole', async () => {
  const { fleet } = await smallFleet()
  const [path = ''] = fleet.declared.files()
  const before = fleet.agent('eu').cluster.objects()
  fleet.commit(APPS, { [path]: '{' }, true)
  await fleet.run(MINUTE_MS)
  expect(await fleet.converged()).toEqual([expect.stringMatching(/^shop-eu is held: MANIFEST/)])
  const own = (objects: typeof before) => objects.filter(({ metadata }) => metadata.namespace === 'shop')
  expect(own(fleet.agent('eu').cluster.objects())).toEqual(own(before))
  fleet.commit(APPS, { [path]: fleet.declared.text(APPS, path) ?? null }, true)
  await fleet.run(MINUTE_MS)
  expect(await fleet.converged()).toEqual([])
})
