import { readJws } from '@flotilla/core/protocol/jws'
import { describe, expect, it } from 'vitest'
import { APPS, application, CONFIG, cluster, configMap, LoopHarness, project } from './testing/loop-harness.ts'

const ANA = { by: 'ana', reason: 'the store has closed', dryRun: false }

/** An Application on eu-1, synced; eu-2 has one that stays. */
async function deployed() {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, {
    'clusters/eu-1.json': cluster('eu-1'),
    'clusters/eu-2.json': cluster('eu-2'),
    'projects/shop.json': project('shop'),
    'applications/web.json': application('web', APPS, 'apps/web'),
  })
  hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) })
  await hub.start()
  await hub.refresh(APPS)
  await hub.join('eu-1')
  await hub.join('eu-2')
  await hub.report('web', { lastSucceeded: hub.application('web').digest! })
  return hub
}

const released = (hub: LoopHarness) => hub.loop.releaseCluster('eu-1', ANA)
const names = (rows: readonly { readonly name: string }[]) => rows.map(({ name }) => name)

describe('a cluster that is not declared any more', () => {
  it('keeps what it has until somebody lets go, and then nothing is deleted', async () => {
    const hub = await deployed()
    await hub.push(CONFIG, { 'clusters/eu-1.json': null, 'applications/web.json': null })
    const { id, clusterId, hold } = hub.application('web')
    expect(hold).toMatchObject({ code: 'CLUSTER_REMOVED' })
    const planned = await hub.loop.releaseCluster('eu-1', { ...ANA, dryRun: true })
    expect([planned.kind, names(planned.list.released), planned.list.kept]).toEqual(['planned', ['web'], []])
    expect(hub.application('web').state).toBe('active')
    expect(await released(hub)).toMatchObject({ kind: 'released', list: { digest: planned.list.digest } })
    await hub.loop.idle()
    expect(hub.application('web')).toMatchObject({ state: 'withdrawn', removal: { policy: 'detach' } })
    const document = await hub.store.read(rows => rows.document(clusterId!, `application/${id}`))
    const read = readJws(document!.jws)
    const payload = read.kind === 'unverified' ? read.payload : undefined
    expect(payload).toMatchObject({ typ: 'tombstone', policy: 'detach', reason: 'ana let it go' })
    const [last] = await hub.store.read(rows => rows.audit({ limit: 1 }))
    expect(last).toMatchObject({ action: 'cluster.release', actor: 'ana', subject: 'eu-1' })
    // Once more there is nothing to let go.
    expect((await released(hub)).list.released).toEqual([])
  })

  it('is forgotten at once where no agent is left to be told', async () => {
    const hub = await deployed()
    await hub.push(CONFIG, { 'clusters/eu-1.json': null, 'applications/web.json': null })
    const { clusterId } = hub.application('web')
    await hub.store.write(async rows => {
      const row = (await rows.cluster(clusterId!))!
      await rows.putCluster({ ...row, revokedAt: hub.clock.now() })
    })
    await released(hub)
    await hub.loop.idle()
    await hub.store.read(async rows => {
      expect(await rows.applicationByName('web')).toBeUndefined()
      expect(await rows.documents(clusterId!)).not.toContainEqual(expect.objectContaining({ typ: 'tombstone' }))
    })
  })

  it('keeps what is still declared for it, and says so', async () => {
    const hub = await deployed()
    await hub.push(CONFIG, { 'clusters/eu-1.json': null })
    const { list } = await released(hub)
    expect([names(list.released), list.kept.map(({ row }) => row.name)]).toEqual([[], ['web']])
    expect(hub.application('web').state).toBe('active')
  })

  it('another list than the one that was shown is refused', async () => {
    const hub = await deployed()
    await hub.push(CONFIG, { 'clusters/eu-1.json': null, 'applications/web.json': null })
    expect(await hub.loop.releaseCluster('eu-1', { ...ANA, digest: 'sha256:0' })).toMatchObject({ kind: 'changed' })
    expect(hub.application('web').state).toBe('active')
  })
})

describe('a cluster that is declared', () => {
  it('lets go of what an Application left there when it moved, and of nothing else', async () => {
    const hub = await deployed()
    await hub.push(CONFIG, {
      'applications/web.json': application('web', APPS, 'apps/web', {
        destination: { name: 'eu-2', namespace: 'shop' },
      }),
    })
    const [left] = [...hub.loop.world.applications()].filter(({ state }) => state === 'orphaned')
    expect(left).toMatchObject({ clusterName: 'eu-1', hold: { code: 'DESTINATION_CHANGED' } })
    const { list } = await released(hub)
    expect(list.released.map(({ id }) => id)).toEqual([left!.id])
    await hub.loop.idle()
    expect(hub.loop.world.application(left!.id)).toMatchObject({ state: 'withdrawn', removal: { policy: 'detach' } })
    expect(hub.application('web')).toMatchObject({ state: 'active', clusterName: 'eu-2' })
  })
})
