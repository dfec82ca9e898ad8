import { expect, test } from 'vitest'
import { SimulatedFleet } from './fleet.ts'

const MINUTE_MS = 60_000
const SHOP = { kind: 'folder', name: 'shop', cluster: 'eu', version: 1, parts: ['blue'] } as const

test('what a copy removed in its place stays in the cluster, and is taken up when it is declared again', async () => {
  const fleet = await SimulatedFleet.start({ seed: 11, clusters: ['eu', 'us'] })
  fleet.declare(fleet.declared.put(SHOP), true)
  fleet.declare(fleet.declared.put({ ...SHOP, name: 'till' }), true)
  await fleet.run(MINUTE_MS)
  expect(await fleet.converged()).toEqual([])
  fleet.declare(fleet.declared.remove('shop'), true)
  await fleet.run(5 * MINUTE_MS)
  fleet.partition('eu', 15 * MINUTE_MS)
  fleet.clone('eu')
  await fleet.run(10 * MINUTE_MS)
  // The copy has said that it is gone, and nobody could know it for a copy.
  expect(await fleet.store.read(rows => rows.applicationByName('shop-eu'))).toBeUndefined()
  const before = uid(fleet)
  expect(before).toBeDefined()
  // Both are shown, the copy is switched off, and the cluster is admitted anew, by the operator of the fleet.
  await fleet.run(30 * MINUTE_MS)
  const row = (await fleet.store.read(rows => rows.clusterByName('eu')))!
  expect(row.cloned).toBeUndefined()
  expect(row.admission).toBeGreaterThan(1)
  expect(await fleet.converged()).toEqual([])
  expect(uid(fleet)).toBe(before)
  fleet.killHub()
  await fleet.startHub()
  fleet.declare(fleet.declared.put({ ...SHOP, version: 2 }), true)
  await fleet.run(5 * MINUTE_MS)
  expect(await fleet.converged()).toEqual([])
  expect(uid(fleet)).toBe(before)
  expect(fleet.laws.breaches).toEqual([])
})

function uid(fleet: SimulatedFleet): string | undefined {
  const key = { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'shop-blue' }
  return fleet.agent('eu').cluster.read(key)?.metadata.uid
}
