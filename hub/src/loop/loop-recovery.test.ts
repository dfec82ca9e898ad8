import type { OfferPayload } from '@flotilla/core/protocol/documents'
import { readJws, signJws } from '@flotilla/core/protocol/jws'
import { sampleKey, sampleOffer } from '@flotilla/core/protocol/samples'
import { describe, expect, test } from 'vitest'
import { voidResults } from '../gateway/enrol.ts'
import { recoverStore } from '../recovery/recover-store.ts'
import type { ShownDocument } from '../recovery/take-proofs.ts'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

const FLEET = {
  'clusters/eu-1.json': cluster('eu-1'),
  'projects/shop.json': project('shop'),
  'sets/shop.json': set('shop', { automated: { prune: true } }),
}
const WEB = { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) }

async function started(doubts: Partial<LoopHarness['doubts']> = {}) {
  const hub = new LoopHarness()
  Object.assign(hub.doubts, doubts)
  hub.git.commit(CONFIG, FLEET)
  hub.git.commit(APPS, WEB)
  await hub.start()
  await hub.refresh(APPS)
  return hub
}

/** As `hub recover` leaves the store; the process goes on. */
async function recovered(hub: LoopHarness): Promise<number> {
  const { epoch } = await hub.store.write(rows => recoverStore(rows, 'ana', hub.clock.now()))
  hub.doubts.unacknowledged = true
  hub.loop.lookAgain()
  await hub.loop.idle()
  return epoch
}

async function clusterRow(hub: LoopHarness) {
  return (await hub.store.read(rows => rows.clusterByName('eu-1')))!
}

/** The agent shows that it holds an Application under this id. */
function shown(clusterId: string, id: string, over: Partial<OfferPayload> = {}): ShownDocument {
  const payload = sampleOffer(9, {
    cluster: clusterId,
    application: { id, name: 'web-eu-1', project: 'shop' },
    ...over,
  })
  return { payload, jws: signJws('offer', payload, sampleKey()) }
}

async function adopt(hub: LoopHarness, ...documents: readonly ShownDocument[]): Promise<void> {
  await hub.loop.adopt(await clusterRow(hub), documents)
  await hub.loop.idle()
}

async function caughtUp(hub: LoopHarness): Promise<void> {
  const { recovery: _, ...row } = await clusterRow(hub)
  await hub.store.write(rows => rows.putCluster(row))
  hub.loop.lookAgain(['eu-1'])
  await hub.loop.idle()
}

const holdOf = (hub: LoopHarness) => hub.application('web-eu-1').hold?.code
const typs = async (hub: LoopHarness) =>
  (await hub.store.read(async rows => rows.documents((await clusterRow(hub)).id))).map(
    ({ typ, number }) => `${typ} ${number.epoch}`,
  )

describe('the loop of a hub whose store may not be trusted', () => {
  test('issues nothing while the hub is behind, and says so', async () => {
    const hub = await started({ behind: true })
    const id = await hub.join('eu-1')
    expect(await typs(hub)).toEqual([])
    expect(await hub.grants(id)).toEqual([])
    expect(holdOf(hub)).toBe('STORE_BEHIND')
  })

  test('offers nothing before the agent has shown what it holds, and takes its ids over', async () => {
    const hub = await started({ behind: true })
    const id = await hub.join('eu-1')
    const made = hub.application('web-eu-1').id
    hub.doubts.behind = false
    const epoch = await recovered(hub)
    expect(holdOf(hub)).toBe('RECOVERY_UNPROVED')
    expect(await typs(hub)).toEqual([`calendar ${epoch}`])
    await adopt(hub, shown(id, 'held-before'))
    const row = hub.application('web-eu-1')
    expect([row.id, row.clusterId]).toEqual(['held-before', id])
    expect(hub.loop.world.application(made)).toBeUndefined()
    expect(await hub.store.read(rows => rows.application(made))).toBeUndefined()
    expect(await typs(hub)).toEqual([`calendar ${epoch}`, `offer ${epoch}`])
    expect(await hub.grants(id)).toEqual([])
    expect(holdOf(hub)).toBe('RECOVERY_UNPROVED')
  })

  test('an Application that is declared later has the id under which its cluster holds it; its successor has not', async () => {
    const hub = await started()
    const id = await hub.join('eu-1')
    await recovered(hub)
    await adopt(
      hub,
      shown(id, 'held-before', { application: { id: 'held-before', name: 'api-eu-1', project: 'shop' } }),
    )
    await hub.restart()
    await hub.refresh(APPS)
    await hub.push(APPS, { 'apps/api/cm.json': configMap('api', {}) })
    expect(hub.application('api-eu-1').id).toBe('held-before')
  })

  test('a calendar of an earlier epoch is said again, as Offers are', async () => {
    const hub = await started()
    await hub.join('eu-1')
    expect(await typs(hub)).toEqual(['calendar 1', 'offer 1'])
    const epoch = await recovered(hub)
    expect(await typs(hub)).toEqual(['offer 1', `calendar ${epoch}`])
    await adopt(hub)
    expect(await typs(hub)).toEqual([`calendar ${epoch}`, `offer ${epoch}`])
  })

  test('grants nothing before the cluster has reported and somebody has acknowledged', async () => {
    const hub = await started()
    const id = await hub.join('eu-1')
    expect(await hub.grants(id)).toHaveLength(1)
    await recovered(hub)
    expect(await hub.grants(id)).toEqual([])
    await adopt(hub)
    expect(holdOf(hub)).toBe('RECOVERY_UNPROVED')
    await caughtUp(hub)
    expect(holdOf(hub)).toBe('RECOVERY_UNACKNOWLEDGED')
    expect(await hub.grants(id)).toEqual([])
    hub.doubts.unacknowledged = false
    hub.loop.lookAgain()
    await hub.loop.idle()
    expect(holdOf(hub)).toBeUndefined()
    expect(await hub.grants(id)).toHaveLength(1)
  })

  test('what succeeded before is not granted again, when it is offered as it was', async () => {
    const hub = await started()
    const id = await hub.join('eu-1')
    const row = hub.application('web-eu-1')
    await hub.report('web-eu-1', { lastSucceeded: row.digest })
    const held = (await hub.store.read(rows => rows.document(id, `application/${row.id}`)))!
    const read = readJws(held.jws)
    await recovered(hub)
    await adopt(hub, {
      payload: (read.kind === 'unverified' ? read.payload : {}) as unknown as OfferPayload,
      jws: held.jws,
    })
    await caughtUp(hub)
    hub.doubts.unacknowledged = false
    hub.loop.lookAgain()
    await hub.loop.idle()
    expect(await hub.grants(id)).toEqual([])
    expect(holdOf(hub)).toBeUndefined()
  })

  test('a withdrawn Application gets no Tombstone before its cluster has reported, and no Grant before the acknowledgement', async () => {
    const others = Object.fromEntries([1, 2, 3, 4, 5, 6].map(n => [`apps/other-${n}/cm.json`, configMap('other', {})]))
    const hub = await started()
    await hub.push(APPS, others)
    const id = await hub.join('eu-1')
    const row = hub.application('web-eu-1')
    await recovered(hub)
    await hub.push(APPS, { 'apps/web/cm.json': null })
    expect(hub.application('web-eu-1').state).toBe('withdrawn')
    expect((await typs(hub)).some(typ => typ.startsWith('tombstone'))).toBe(false)
    await adopt(hub, shown(id, row.id))
    expect((await typs(hub)).some(typ => typ.startsWith('tombstone'))).toBe(false)
    await caughtUp(hub)
    expect((await typs(hub)).some(typ => typ.startsWith('tombstone'))).toBe(true)
    await hub.clock.advance(3_600_000)
    await hub.loop.idle()
    expect((await hub.grants(id)).filter(({ trigger }) => trigger === 'delete')).toEqual([])
    hub.doubts.unacknowledged = false
    await hub.clock.advance(3_600_000)
    await hub.loop.idle()
    expect((await hub.grants(id)).filter(({ trigger }) => trigger === 'delete')).toHaveLength(1)
  })

  test('what is said to be gone while two agents speak for its cluster is removed by the one that is admitted', async () => {
    const others = Object.fromEntries([1, 2, 3, 4, 5, 6].map(n => [`apps/other-${n}/cm.json`, configMap('other', {})]))
    const hub = await started()
    await hub.push(APPS, others)
    const id = await hub.join('eu-1')
    await hub.push(APPS, { 'apps/web/cm.json': null })
    const known = await clusterRow(hub)
    await hub.store.write(rows =>
      rows.putCluster({ ...known, cloned: { since: 1, why: 'overtakings', instances: [] } }),
    )
    await hub.report('web-eu-1', { gone: true })
    expect(hub.application('web-eu-1').state).toBe('withdrawn')
    const admitted = { ...known, admission: known.admission + 1 }
    await hub.store.write(async rows => {
      await rows.putCluster(admitted)
      await voidResults(rows, id)
    })
    hub.loop.lookAgain()
    await hub.loop.idle()
    await hub.clock.advance(3_600_000)
    await hub.loop.idle()
    expect((await hub.grants(id)).filter(({ trigger }) => trigger === 'delete')).toHaveLength(1)
    await hub.report('web-eu-1', { gone: true })
    expect(hub.names()).not.toContain('web-eu-1')
  })

  test.each([
    ['made for a copy of the cluster gives way to the one that the real cluster holds', 2, 'held-before'],
    ['offered to the agent that speaks now stays: the other one is unclaimed', 1, 'made'],
  ])('an id that was %s', async (_, admission, expected) => {
    const hub = await started()
    const id = await hub.join('eu-1')
    const made = hub.application('web-eu-1').id
    // Told apart: whoever is admitted has not heard what a copy was offered.
    const told = { ...(await clusterRow(hub)), admission, recovery: 'unproved' } as const
    await hub.store.write(rows => rows.putCluster(told))
    await adopt(hub, shown(id, 'held-before', { number: { epoch: 1, n: 1 } }))
    expect(hub.application('web-eu-1').id).toBe(expected === 'made' ? made : expected)
    const named = (await hub.store.read(rows => rows.documents(id))).flatMap(({ applicationId }) => applicationId ?? [])
    expect(named).toEqual([hub.application('web-eu-1').id])
  })
})
