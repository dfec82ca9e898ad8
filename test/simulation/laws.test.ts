import { decodeOperation, encodeOperation, type OperationRecord } from '@flotilla/agents/operation-record'
import { encodeReportBatch } from '@flotilla/core/protocol/report-batch'
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
    'eu deletes ConfigMap shop/shop-a without an operation under a Grant',
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
  expect(fleet.laws.breaches).toEqual([
    expect.stringMatching(/^eu deletes .* only 120000 ms after it was withdrawn$/),
    expect.stringMatching(/^eu deletes .* without an operation under a Grant$/),
  ])
  await fleet.run(12 * MINUTE_MS)
  expect(await fleet.converged()).toEqual([])
  expect(fleet.laws.breaches).toHaveLength(2)
})

test("another cluster's Bundle is told", async () => {
  const { fleet } = await smallFleet()
  const row = await fleet.store.read(rows => rows.applicationByName('shop-eu'))
  await fleet.laws.fetched('us', row!.digest!)
  expect(fleet.laws.breaches).toContain('us was given ConfigMap shop-a, which is meant for eu')
})

/** The record that the agent made of its only operation, and the request that made it. */
function firstRecord(fleet: SimulatedFleet): OperationRecord {
  const records = fleet.agent('eu').cluster.objects().map(decodeOperation)
  return records.find(record => record !== undefined)!
}

async function ask(fleet: SimulatedFleet, method: 'POST' | 'PUT', record: OperationRecord): Promise<void> {
  const { cluster, link } = fleet.agent('eu')
  const body = JSON.stringify(encodeOperation(record, 'flotilla-system'))
  const path = '/api/v1/namespaces/flotilla-system/configmaps'
  await fleet.laws.asked(cluster, link?.held() ?? new Map(), { method, path, body })
}

test('an operation that no Grant allows, that was started before, that comes too late or that goes on is told', async () => {
  const { fleet } = await smallFleet()
  const record = firstRecord(fleet)
  await ask(fleet, 'POST', { ...record, grant: { ...record.grant, by: 'mallory' } })
  await ask(fleet, 'PUT', { ...record, report: { ...record.report, phase: 'Running' } })
  await fleet.run(11 * MINUTE_MS)
  expect(fleet.laws.breaches).toEqual([
    expect.stringMatching(/ starts sync of shop-eu under Grant .*, which the hub never gave$/),
    expect.stringMatching(/^eu goes on with ended operation .* of shop-eu$/),
  ])
  await ask(fleet, 'POST', record)
  expect(fleet.laws.breaches.slice(2)).toEqual([
    expect.stringMatching(/, which was started before$/),
    expect.stringMatching(/ ms too late$/),
  ])
})

const FREEZE = {
  triggers: ['automated', 'manual', 'override', 'delete'],
  blocks: ['sync', 'prune', 'heal'],
  inFlight: 'pauseAtWave',
  selfHeal: false,
} as const

test('what starts and what is written in a freeze is told', async () => {
  const { fleet } = await smallFleet()
  const record = firstRecord(fleet)
  fleet.freeze('eu', FREEZE, 5 * MINUTE_MS)
  await fleet.run(MINUTE_MS)
  await ask(fleet, 'POST', record)
  expect(fleet.laws.breaches).toContainEqual(expect.stringMatching(/, while rule freeze-0 is closed$/))
  const { cluster, link } = fleet.agent('eu')
  const live = cluster.read({ group: '', kind: 'ConfigMap', namespace: 'shop', name: 'shop-a' })
  const request = {
    method: 'PATCH',
    path: '/api/v1/namespaces/shop/configmaps/shop-a',
    body: JSON.stringify(live),
  } as const
  await fleet.laws.asked(cluster, link?.held() ?? new Map(), request)
  expect(fleet.laws.breaches).toContain('eu writes ConfigMap shop/shop-a on its own, while rule freeze-0 is closed')
})

test('a freeze keeps a new revision back until it is over', async () => {
  const { fleet, shop } = await smallFleet()
  fleet.freeze('eu', FREEZE, 5 * MINUTE_MS)
  await fleet.run(MINUTE_MS)
  fleet.declare(fleet.declared.put({ ...shop, version: 2 }), true)
  await fleet.run(3 * MINUTE_MS)
  expect(await fleet.converged()).not.toEqual([])
  await fleet.run(3 * MINUTE_MS)
  expect(await fleet.converged()).toEqual([])
  expect(fleet.laws.breaches).toEqual([])
})

test('what is written on its own and is not what last succeeded is told', async () => {
  const { fleet } = await smallFleet()
  const { cluster, link } = fleet.agent('eu')
  const live = cluster.read({ group: '', kind: 'ConfigMap', namespace: 'shop', name: 'shop-a' })
  const body = JSON.stringify({ ...live, data: { cluster: 'eu', part: 'a', version: '2' } })
  const request = { method: 'PATCH', path: '/api/v1/namespaces/shop/configmaps/shop-a', body } as const
  await fleet.laws.asked(cluster, link?.held() ?? new Map(), request)
  expect(fleet.laws.breaches).toEqual([expect.stringMatching(/^eu writes .* which is not of the Bundle/)])
})

test('a report that was acknowledged and is not there is told', async () => {
  const { fleet } = await smallFleet()
  const [row] = await fleet.store.read(rows => rows.reports())
  const batch = encodeReportBatch([{ ...row!.entry, n: row!.entry.n + 1 }])
  const answer = Buffer.from(JSON.stringify({ taken: [row!.applicationId], known: [], ignored: [] }))
  fleet.laws.acknowledged.reports('eu', batch, answer)
  await fleet.laws.reports(fleet.store)
  expect(fleet.laws.breaches).toEqual([expect.stringMatching(/^the hub took report .* and has /)])
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

test('numbers begin anew for a cluster that is admitted under another id', async () => {
  const { fleet } = await smallFleet()
  const { link } = fleet.agent('eu')
  const [[id, offer] = ['', undefined]] = [...(link?.held() ?? [])]
  const forgotten = { cluster: '01890000-0000-7000-8000-00000000bbbb', number: { epoch: 1, n: 1 } }
  const older = { number: { epoch: 0, n: 1 } }
  fleet.laws.holds('eu', new Map([[id, { ...offer!, ...forgotten }]]))
  fleet.laws.starts.calendar('eu', { ...link!.calendar()!, ...forgotten })
  expect(fleet.laws.breaches).toEqual([])
  fleet.laws.starts.calendar('eu', { ...link!.calendar()!, ...forgotten, ...older })
  expect(fleet.laws.breaches).toEqual(['eu holds calendar 0.1 after a newer one'])
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

test('a key that is served after it was revoked is told, what was being answered then is not', async () => {
  const { fleet } = await smallFleet()
  fleet.laws.revoked('lost-key')
  fleet.laws.served('eu', 'lost-key')
  fleet.laws.served('eu', 'another-key')
  expect(fleet.laws.breaches).toEqual([])
  await fleet.run(1_000)
  fleet.laws.revoked('lost-key')
  fleet.laws.served('eu', 'lost-key')
  expect(fleet.laws.breaches).toEqual(['eu was served by a key that is revoked'])
})

test('what a hub issues while it knows its store to be behind is told', async () => {
  const { fleet } = await smallFleet()
  fleet.backUp()
  fleet.restore(true, 1_000)
  await fleet.run(2_000)
  expect(fleet.hub?.recovery.behind).toBe(true)
  expect(fleet.laws.breaches).toEqual([])
  fleet.laws.issued('offer', { cluster: 'any', number: { epoch: 1, n: 1 } })
  expect(fleet.laws.breaches).toEqual(['the hub issued a document while it knew its store to be behind'])
})
