import type { OperationReport } from '@flotilla/core/protocol/report'
import { describe, expect, it } from 'vitest'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

const FLEET = {
  'clusters/eu-1.json': cluster('eu-1'),
  'projects/shop.json': project('shop'),
  'sets/shop.json': set('shop'),
}
const FOLDERS = {
  'apps/web/cm.json': configMap('web', { greeting: 'hello' }),
  'apps/api/cm.json': configMap('api', { greeting: 'hello' }),
}
const HOUR = 3_600_000

async function started() {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, FLEET)
  hub.git.commit(APPS, FOLDERS)
  await hub.start()
  await hub.refresh(APPS)
  return { hub, id: await hub.join('eu-1') }
}

/** The agent performs the open Grant of an Application, and it fails. */
async function fail(hub: LoopHarness, name: string): Promise<boolean> {
  const row = hub.application(name)
  const grant = (await hub.grants(row.clusterId!)).find(({ application }) => application === row.id)
  if (!grant) return false
  const now = hub.clock.now()
  const operation: OperationReport = {
    id: grant.id,
    trigger: grant.trigger,
    by: grant.by,
    phase: 'Failed',
    message: 'the webhook said no',
    digest: row.digest!,
    revision: '',
    startedAt: now,
    finishedAt: now,
    results: [],
    resultsCut: 0,
  }
  await hub.report(name, { operation })
  return true
}

async function grantsOf(hub: LoopHarness, name: string) {
  const { id, clusterId } = hub.application(name)
  return (await hub.grants(clusterId!)).filter(({ application }) => application === id)
}

/** Those of test/requirements that the hub alone decides: no cluster has a part in them. */
describe('what the hub has to do', () => {
  it('requirement 34: a revision that stays failed is not tried again, whatever else is committed', async () => {
    const { hub } = await started()
    let attempts = 0
    while (attempts < 20 && (await fail(hub, 'web-eu-1'))) {
      attempts++
      await hub.clock.advance(HOUR)
    }
    expect(attempts).toBe(6)
    await hub.clock.advance(48 * HOUR)
    expect(await grantsOf(hub, 'web-eu-1')).toEqual([])
    // Commits that do not touch what it reads, to the fleet's repository and to its own.
    await hub.push(APPS, { 'README.md': 'hello', 'apps/api/cm.json': configMap('api', { greeting: 'salut' }) })
    expect(await grantsOf(hub, 'api-eu-1')).toHaveLength(1)
    await hub.push(CONFIG, { 'README.md': 'hello' })
    expect(await grantsOf(hub, 'web-eu-1')).toEqual([])
    await hub.restart()
    await hub.refresh(APPS)
    await hub.clock.advance(HOUR)
    expect(await grantsOf(hub, 'web-eu-1')).toEqual([])
    await hub.push(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'salut' }) })
    expect(await grantsOf(hub, 'web-eu-1')).toHaveLength(1)
  })

  it('requirement 37: an Application that is removed while its cluster is away stays to be seen', async () => {
    const { hub, id } = await started()
    await hub.report('web-eu-1', { lastSucceeded: hub.application('web-eu-1').digest })
    const { id: applicationId } = hub.application('web-eu-1')
    await hub.push(APPS, { 'apps/web/cm.json': null })
    await hub.clock.advance(30 * 24 * HOUR)
    await hub.restart()
    await hub.refresh(APPS)
    await hub.clock.advance(HOUR)
    const row = hub.application('web-eu-1')
    expect(row).toMatchObject({ id: applicationId, state: 'withdrawn', clusterName: 'eu-1' })
    expect(row.removal?.since).toBeLessThan(hub.clock.now() - 30 * 24 * HOUR + 60_000)
    const tombstone = { typ: 'tombstone', application: { id: applicationId } }
    expect(await hub.documents(id)).toContainEqual(
      expect.objectContaining({ ...tombstone, application: expect.objectContaining(tombstone.application) }),
    )
    // Back, and done: only its agent's word ends it.
    await hub.report('web-eu-1', { gone: true })
    expect(hub.names()).toEqual(['api-eu-1'])
  })

  it('requirement 37: nor does it vanish with the document of its Cluster', async () => {
    const { hub } = await started()
    await hub.report('web-eu-1', { lastSucceeded: hub.application('web-eu-1').digest })
    await hub.report('api-eu-1', { lastSucceeded: hub.application('api-eu-1').digest })
    await hub.push(APPS, { 'apps/web/cm.json': null })
    await hub.push(CONFIG, { 'clusters/eu-1.json': null })
    await hub.clock.advance(48 * HOUR)
    expect(hub.names()).toEqual(['api-eu-1', 'web-eu-1'])
    expect(hub.application('web-eu-1').state).toBe('withdrawn')
    expect(hub.application('api-eu-1').hold?.code).toBe('CLUSTER_REMOVED')
    await hub.restart()
    await hub.clock.advance(48 * HOUR)
    expect(hub.names()).toEqual(['api-eu-1', 'web-eu-1'])
  })
})
