import type { OperationReport } from '@flotilla/core/protocol/report'
import { describe, expect, it } from 'vitest'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

const FLEET = {
  'clusters/eu-1.json': cluster('eu-1'),
  'projects/shop.json': project('shop'),
  'sets/shop.json': set('shop'),
}
const WEB = { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) }
const HOUR = 3_600_000

async function started(
  fleet: { readonly [path: string]: string } = FLEET,
  apps: { readonly [path: string]: string } = WEB,
) {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, fleet)
  hub.git.commit(APPS, apps)
  await hub.start()
  await hub.refresh(APPS)
  return { hub, id: await hub.join('eu-1') }
}

/** The agent performed what the open Grant of `web-eu-1` permits. */
async function perform(hub: LoopHarness, phase: 'Succeeded' | 'Failed' | 'Running'): Promise<void> {
  const row = hub.application('web-eu-1')
  const [grant] = await hub.grants(row.clusterId!)
  if (!grant) throw new Error('nothing is permitted')
  const before = (await hub.store.read(rows => rows.report(row.id)))?.entry
  const now = hub.clock.now()
  const operation: OperationReport = {
    id: grant.id,
    trigger: grant.trigger,
    by: grant.by,
    phase,
    message: '',
    digest: row.digest!,
    revision: '',
    startedAt: now,
    ...(phase === 'Running' ? {} : { finishedAt: now }),
    results: [],
    resultsCut: 0,
  }
  const lastSucceeded = phase === 'Succeeded' ? row.digest : before?.lastSucceeded
  await hub.report('web-eu-1', { operation, lastSucceeded })
}

describe('an automated Grant', () => {
  it.each([
    [true, { prune: true }],
    [false, { prune: false }],
    [false, {}],
  ])('may prune: %s, under %o', async (prune, automated) => {
    const { hub, id } = await started({ ...FLEET, 'sets/shop.json': set('shop', { automated }) })
    expect((await hub.grants(id)).map(({ options }) => options.prune)).toEqual([prune])
    expect(hub.application('web-eu-1').hold).toBeUndefined()
  })

  it('is given for another namespace, though the Bundle is the same', async () => {
    const { hub, id } = await started()
    await perform(hub, 'Succeeded')
    expect(await hub.grants(id)).toEqual([])
    const elsewhere = FLEET['sets/shop.json'].replace('"namespace":"shop"', '"namespace":"store"')
    await hub.push(CONFIG, { 'sets/shop.json': elsewhere })
    expect(await hub.grants(id)).toHaveLength(1)
    await perform(hub, 'Succeeded')
    expect(await hub.grants(id)).toEqual([])
    await hub.push(CONFIG, { 'README.md': 'hello', 'clusters/eu-1.json': cluster('eu-1', { tier: 'gold' }) })
    expect(await hub.grants(id)).toEqual([])
  })

  it('is given when the options of what failed for good are mended', async () => {
    const { hub, id } = await started()
    for (let attempt = 0; attempt < 6; attempt++) {
      await perform(hub, 'Failed')
      await hub.clock.advance(HOUR)
    }
    expect(await hub.grants(id)).toEqual([])
    const mended = set('shop').replace('"syncPolicy":{', '"syncPolicy":{"syncOptions":["CreateNamespace=true"],')
    await hub.push(CONFIG, { 'sets/shop.json': mended })
    expect(await hub.grants(id)).toHaveLength(1)
  })

  it('is given for what succeeded once, after another failed half-way', async () => {
    const { hub, id } = await started()
    await perform(hub, 'Succeeded')
    await hub.push(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'broken' }) })
    await perform(hub, 'Failed')
    await hub.push(APPS, WEB)
    expect(await hub.grants(id)).toHaveLength(1)
    await perform(hub, 'Succeeded')
    await hub.clock.advance(HOUR)
    expect(await hub.grants(id)).toEqual([])
  })

  it('is not given every ten minutes to an agent that is away, and again when it is back', async () => {
    const { hub, id } = await started()
    const before = hub.signatures
    await hub.clock.advance(48 * HOUR)
    expect(hub.signatures - before).toBeLessThan(50)
    expect(await hub.grants(id)).toHaveLength(1)
    await hub.settle('web-eu-1', 'lapsed')
    await hub.clock.advance(60_000)
    const [grant] = await hub.grants(id)
    expect(grant?.startBefore).toBeGreaterThan(hub.clock.now())
  })

  it('is given ever more rarely to an agent that refuses each at once', async () => {
    const { hub } = await started()
    const before = hub.signatures
    for (let second = 0; second < 600; second++) {
      await hub.settle('web-eu-1', 'refused')
      await hub.clock.advance(1_000)
    }
    expect(hub.signatures - before).toBeGreaterThan(3)
    expect(hub.signatures - before).toBeLessThan(15)
  })
})

describe('under another admission', () => {
  it('what succeeded before is granted again, and open Grants are void', async () => {
    const { hub, id } = await started(FLEET, { ...WEB, 'apps/api/cm.json': configMap('api', {}) })
    await perform(hub, 'Succeeded')
    await hub.join('eu-1')
    const grants = await hub.grants(id)
    expect(grants.map(({ adm }) => adm)).toEqual([2, 2])
    expect(new Set(grants.map(({ application }) => application)).size).toBe(2)
  })
})

describe('a cluster that joined unnoticed', () => {
  it('has everything issued under its admission when its agent comes', async () => {
    const { hub, id } = await started()
    await perform(hub, 'Succeeded')
    await hub.store.write(async writer => {
      const row = (await writer.cluster(id))!
      await writer.putCluster({ ...row, admission: row.admission + 1 })
    })
    hub.loop.connected('eu-1')
    await hub.loop.idle()
    const documents = await hub.documents(id)
    expect(documents.map(each => ('adm' in each ? each.adm : 0))).toEqual([2, 2])
    const signatures = hub.signatures
    hub.loop.connected('eu-1')
    await hub.loop.idle()
    expect(hub.signatures).toBe(signatures)
  })
})

describe('a removal', () => {
  const BOTH = { ...WEB, 'apps/api/cm.json': configMap('api', {}) }
  const removals = async (hub: LoopHarness, id: string) =>
    (await hub.grants(id)).filter(({ trigger }) => trigger === 'delete')

  it('is not permitted at a start before it is known that nobody wants it back', async () => {
    const { hub, id } = await started(FLEET, BOTH)
    await hub.push(APPS, { 'apps/web/cm.json': null })
    await hub.loop.stop()
    hub.git.commit(APPS, WEB)
    await hub.clock.advance(2 * HOUR)
    await hub.restart(undefined, 'kept')
    await hub.clock.advance(60_000)
    expect(await removals(hub, id)).toEqual([])
    await hub.refresh(APPS)
    expect(hub.application('web-eu-1').state).toBe('active')
    await hub.clock.advance(HOUR)
    expect(await removals(hub, id)).toEqual([])
  })

  it('is not permitted while the inputs of its set are away', async () => {
    const { hub, id } = await started(FLEET, BOTH)
    await hub.push(APPS, { 'apps/web/cm.json': null })
    hub.git.away.add(APPS)
    await hub.restart()
    await hub.clock.advance(5 * HOUR)
    expect(await removals(hub, id)).toEqual([])
    hub.git.away.delete(APPS)
    await hub.refresh(APPS)
    await hub.clock.advance(HOUR)
    expect(await removals(hub, id)).toHaveLength(1)
  })

  it('is not permitted on a Cluster that is declared no more', async () => {
    const { hub, id } = await started(FLEET, BOTH)
    await hub.push(APPS, { 'apps/web/cm.json': null })
    await hub.push(CONFIG, { 'clusters/eu-1.json': null })
    await hub.clock.advance(5 * HOUR)
    expect(await removals(hub, id)).toEqual([])
  })

  it('is permitted once while it runs, and goes on after a restart', async () => {
    const { hub, id } = await started(FLEET, BOTH)
    await perform(hub, 'Succeeded')
    await hub.push(APPS, { 'apps/web/cm.json': null })
    await hub.clock.advance(700_000)
    await hub.settle('api-eu-1', 'started')
    expect(await removals(hub, id)).toHaveLength(1)
    await perform(hub, 'Running')
    const before = hub.signatures
    for (let report = 0; report < 10; report++) {
      await hub.clock.advance(30_000)
      await hub.report('web-eu-1', {})
    }
    expect(hub.signatures).toBe(before)
    await hub.restart(undefined, 'kept')
    await hub.report('web-eu-1', { gone: true })
    expect(hub.names()).toEqual(['api-eu-1'])
  })

  it('waits for an agent where the last one was revoked', async () => {
    const { hub, id } = await started(FLEET, BOTH)
    await hub.push(APPS, { 'apps/web/cm.json': null })
    await hub.store.write(async writer => {
      const row = (await writer.cluster(id))!
      await writer.putCluster({ ...row, agentKey: undefined, revokedAt: hub.clock.now() })
    })
    await hub.clock.advance(5 * HOUR)
    expect(await removals(hub, id)).toEqual([])
    await hub.join('eu-1')
    await hub.clock.advance(HOUR)
    expect(await removals(hub, id)).toHaveLength(1)
  })
})
