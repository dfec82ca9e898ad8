import { seededRandom } from '@flotilla/core/ports/create-random'
import { expect, test } from 'vitest'
import { SimulatedFleet } from './fleet.ts'

const MINUTE_MS = 60_000
const SHOP = { kind: 'folder', name: 'shop', cluster: 'eu', version: 1, parts: ['blue'] } as const

/** A copy of a cluster has removed something in its place and said so; then the two were told apart. */
async function toldApart(order: 'withdrawn before the copy' | 'withdrawn after the copy') {
  const fleet = await SimulatedFleet.start({ seed: 11, clusters: ['eu', 'us'] })
  fleet.declare(fleet.declared.put(SHOP), true)
  fleet.declare(fleet.declared.put({ ...SHOP, name: 'till' }), true)
  await fleet.run(MINUTE_MS)
  expect(await fleet.converged()).toEqual([])
  if (order === 'withdrawn before the copy') {
    fleet.declare(fleet.declared.remove('shop'), true)
    await fleet.run(5 * MINUTE_MS)
  }
  fleet.partition('eu', 20 * MINUTE_MS)
  fleet.clone('eu')
  await fleet.run(4 * MINUTE_MS)
  if (order === 'withdrawn after the copy') fleet.declare(fleet.declared.remove('shop'), true)
  await fleet.run(12 * MINUTE_MS)
  // Nobody could know it for a copy.
  expect(await fleet.store.read(rows => rows.applicationByName('shop-eu'))).toBeUndefined()
  const before = uid(fleet)
  expect(before).toBeDefined()
  // Both are shown, the copy is switched off, and the cluster is admitted anew, by the operator of the fleet.
  await fleet.run(30 * MINUTE_MS)
  const row = (await fleet.store.read(rows => rows.clusterByName('eu')))!
  expect(row).toMatchObject({ admission: 2 })
  expect([row.cloned, row.recovery]).toEqual([undefined, undefined])
  expect(await fleet.converged()).toEqual([])
  expect(uid(fleet)).toBe(before)
  const unclaimed = await unclaimedBy(fleet)
  expect(unclaimed.map(({ application }) => application.name)).toEqual(['shop-eu'])
  return { fleet, before, unclaimed }
}

/** What the agent holds and the hub has issued nothing of. */
async function unclaimedBy(fleet: SimulatedFleet) {
  const row = (await fleet.store.read(rows => rows.clusterByName('eu')))!
  const issued = new Set((await fleet.store.read(rows => rows.documents(row.id))).map(each => each.applicationId))
  return [...(fleet.agent('eu').link?.held() ?? [])].flatMap(([id, held]) => (issued.has(id) ? [] : [held]))
}

function uid(fleet: SimulatedFleet): string | undefined {
  const key = { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'shop-blue' }
  return fleet.agent('eu').cluster.read(key)?.metadata.uid
}

test.each([
  ['withdrawn before the copy', 'tombstone'],
  ['withdrawn after the copy', 'offer'],
] as const)(
  'what was %s, which removed it, stays in the cluster, and is taken up when it is declared again',
  async (order, typ) => {
    const { fleet, before, unclaimed } = await toldApart(order)
    expect(unclaimed.map(held => held.typ)).toEqual([typ])
    fleet.killHub()
    await fleet.startHub()
    fleet.declare(fleet.declared.put({ ...SHOP, version: 2 }), true)
    await fleet.run(5 * MINUTE_MS)
    expect(await fleet.converged()).toEqual([])
    expect(await unclaimedBy(fleet)).toEqual([])
    expect(uid(fleet)).toBe(before)
    expect(fleet.laws.breaches).toEqual([])
  },
)

test.each(['withdrawn before the copy', 'withdrawn after the copy'] as const)(
  'what was %s, and declared again while that still spoke, goes on as the real cluster has it',
  async order => {
    const fleet = await SimulatedFleet.start({ seed: 11, clusters: ['eu', 'us'] })
    fleet.declare(fleet.declared.put(SHOP), true)
    fleet.declare(fleet.declared.put({ ...SHOP, name: 'till' }), true)
    await fleet.run(MINUTE_MS)
    const before = uid(fleet)
    const withdraw = () => fleet.declare(fleet.declared.remove('shop'), true)
    if (order === 'withdrawn before the copy') withdraw()
    await fleet.run(5 * MINUTE_MS)
    fleet.partition('eu', 25 * MINUTE_MS)
    fleet.clone('eu')
    await fleet.run(4 * MINUTE_MS)
    if (order === 'withdrawn after the copy') withdraw()
    await fleet.run(14 * MINUTE_MS)
    expect(await fleet.store.read(rows => rows.applicationByName('shop-eu'))).toBeUndefined()
    // The copy deploys it under another id than that of what the real cluster still has.
    fleet.declare(fleet.declared.put({ ...SHOP, version: 2 }), true)
    await fleet.run(60 * MINUTE_MS)
    expect(await fleet.store.read(rows => rows.clusterByName('eu'))).toMatchObject({ admission: 2 })
    expect(await fleet.converged()).toEqual([])
    expect(await unclaimedBy(fleet)).toEqual([])
    expect([before, uid(fleet)]).toEqual([expect.any(String), before])
    expect(fleet.laws.breaches).toEqual([])
  },
)

test('a cluster that is set back, with its agent, to before something was withdrawn and declared again has it whole', async () => {
  const fleet = await SimulatedFleet.start({ seed: 11, clusters: ['eu'] })
  fleet.declare(fleet.declared.put(SHOP), true)
  fleet.declare(fleet.declared.put({ ...SHOP, name: 'till' }), true)
  await fleet.run(MINUTE_MS)
  const [before, running] = [uid(fleet), fleet.agent('eu')]
  const [random, clusterRandom, networkRandom] = [seededRandom(1), seededRandom(2), seededRandom(3)]
  const snapshot = running.clone({ name: 'eu', random, clusterRandom, networkRandom })
  fleet.declare(fleet.declared.remove('shop'), true)
  await fleet.run(13 * MINUTE_MS)
  fleet.declare(fleet.declared.put({ ...SHOP, version: 2 }), true)
  await fleet.run(3 * MINUTE_MS)
  expect(await fleet.converged()).toEqual([])
  expect(uid(fleet)).not.toBe(before)
  // What this cluster has now bears the id of before, of which the hub knows nothing any more.
  await fleet.stopAgent('eu')
  running.cluster.stop()
  fleet.agents.set('eu', snapshot)
  await fleet.wait('the start of the agent', snapshot.start())
  await fleet.run(30 * MINUTE_MS)
  expect(await fleet.converged()).toEqual([])
  expect(await unclaimedBy(fleet)).toEqual([])
  expect(uid(fleet)).toBe(before)
  // Laws take an agent that goes back for one that forgets; that it deletes nothing meanwhile is asked of it all the same.
  expect(fleet.laws.breaches.filter(sentence => sentence.includes(' deletes '))).toEqual([])
})
