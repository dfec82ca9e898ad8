import { setTimeout as sleep } from 'node:timers/promises'
import { controlPlaneAvailability, readAuditLog } from '@flotilla/controlplane'
import { listAt, numberIfAny, textAt } from '@flotilla/core/json/read-json'
import { dump } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askCluster, objectIn } from './support/cluster-client.ts'
import { LEASE, OneCluster, WEB_FILE } from './support/one-cluster.ts'
import { configMap } from './support/small-fleet.ts'
import { until } from './support/until.ts'

const availability = await controlPlaneAvailability()
/** Longer than the agent's Lease holds without being renewed, so that it may write nothing more. */
const FROZEN_MS = 16_000
const KILLED_MS = 3_000

/** What befalls the cluster under an agent, and the agent beside its cluster, on a real control plane. */
describe.skipIf(availability.kind === 'unavailable')('a real control plane under an agent', () => {
  let world: OneCluster

  beforeAll(async () => {
    world = await OneCluster.start({ files: { [WEB_FILE]: dump(configMap('web', 'one')) } })
    await world.join()
  })
  afterAll(() => world?.close())

  const job = async (name: string) => await objectIn(world.cluster, `/apis/batch/v1/namespaces/shop/jobs/${name}`)
  const told = () => world.told()

  /** Creates that the apiserver granted, by a part of the object's name. */
  async function created(resource: string, beginning: string): Promise<readonly string[]> {
    const events = await readAuditLog(world.plane.auditLog())
    const granted = events.filter(({ responseStatus, objectRef, requestURI }) => {
      return objectRef?.resource === resource && responseStatus?.code === 201 && !requestURI.includes('dryRun=')
    })
    return granted.map(({ objectRef }) => objectRef?.name ?? '').filter(name => name.startsWith(beginning))
  }

  /** Commits what is in three steps, of which the middle one takes some seconds, and waits until that one runs. */
  async function inTheMiddleOf(round: string): Promise<void> {
    await world.fleet.commit({
      [WEB_FILE]: [migration(`before-${round}`), configMap('web', round)].map(each => dump(each)).join('---\n'),
    })
    await world.hub.push()
    await until('the first step runs', async () => (await job(`before-${round}`)) !== undefined, { told })
  }

  async function goesThrough(round: string, recordsBefore: number): Promise<void> {
    await until(`${round} is there`, async () => (await world.valueOf('web')) === round, { withinMs: 120_000, told })
    await world.hub.settled(1)
    expect(numberIfAny(await job(`before-${round}`), 'status', 'succeeded')).toBeGreaterThanOrEqual(1)
    expect(await created('jobs', `before-${round}`), 'its first step ran once').toHaveLength(1)
    const records = await created('configmaps', 'flotilla-operation')
    expect(new Set(records).size, 'no operation was begun twice').toBe(records.length)
    expect(records.length, `one operation did it\n${await phases()}`).toBe(recordsBefore + 1)
  }

  /** What the records of operations in the cluster say. */
  async function phases(): Promise<string> {
    const list = listAt(await objectIn(world.cluster, '/api/v1/namespaces/flotilla-system/configmaps'), 'items')
    const texts = list.map(item => textAt(item, 'data', 'operation')).filter(text => text !== '')
    return texts
      .map(text => {
        const { grant, report } = JSON.parse(text) as {
          grant: Record<string, unknown>
          report: Record<string, unknown>
        }
        const { id, trigger, by, document, iat } = grant
        const { phase, message, startedAt, finishedAt } = report
        return JSON.stringify({ id, trigger, by, document, iat, phase, message, startedAt, finishedAt })
      })
      .join('\n')
  }

  const records = async () => (await created('configmaps', 'flotilla-operation')).length

  test('its apiserver is frozen in the middle of a sync: the sync goes on, once, when it answers again', async () => {
    const before = await records()
    await inTheMiddleOf('frozen')
    world.plane.pause()
    try {
      await sleep(FROZEN_MS)
      expect(world.agent.isRunning()).toBe(true)
      // It has said so, and the hub shows what it knew.
      expect((await world.hub.applications()).length).toBe(1)
    } finally {
      world.plane.resume()
    }
    await goesThrough('frozen', before)
  })

  test('its apiserver is killed in the middle of a sync, and comes back: the same', async () => {
    const before = await records()
    await inTheMiddleOf('killed')
    await world.plane.kill()
    await sleep(KILLED_MS)
    expect(world.agent.isRunning()).toBe(true)
    await world.plane.restart()
    await goesThrough('killed', before)
  })

  test('its agent is killed in the middle of a sync, too: the next process goes on with it', async () => {
    const before = await records()
    await inTheMiddleOf('both')
    await Promise.all([world.agent.end('SIGKILL'), world.plane.kill()])
    await world.plane.restart()
    world.startAgent()
    await goesThrough('both', before)
  })

  test('its Lease is deleted: the agent goes on under a higher incarnation, and does nothing again', async () => {
    const [before, raised] = [await records(), await world.incarnation()]
    await world.agent.end('SIGKILL')
    expect((await askCluster(world.cluster, 'DELETE', LEASE)).status).toBe(200)
    world.startAgent()
    await until('it is the agent again', async () => (await world.incarnation()) > raised, { told })
    await until('the hub hears it', async () =>
      (await world.hub.clusters()).every(
        each => (each['agent'] as { readonly connected?: boolean } | null)?.connected === true,
      ),
    )
    await world.hub.settled(1)
    expect(await records()).toBe(before)
  })

  test('a second process has the same folder and cluster: it waits, and one of them writes', async () => {
    const holder = async () => textAt(await objectIn(world.cluster, LEASE), 'spec', 'holderIdentity')
    const [first, raised, before] = [await holder(), await world.incarnation(), await records()]
    const writing = world.agent
    const second = world.startAgent()
    await second.says(/waiting for the lease of another agent process/)
    await inTheMiddleOf('two')
    await goesThrough('two', before)
    expect(second.isRunning()).toBe(true)
    expect([await holder(), await world.incarnation()]).toEqual([first, raised])
    // The one that writes dies: the other one takes its place when the term is over.
    await writing.end('SIGKILL')
    await until('the other one is the agent', async () => (await world.incarnation()) > raised, { told })
    await inTheMiddleOf('three')
    await goesThrough('three', before + 1)
    const shown = await world.hub.api.get('/api/v1/clusters/real-1')
    expect(shown['cloned'], 'one after the other is no clone').toBeNull()
  })
})

/** A Job before everything else, which takes some seconds. */
function migration(name: string): object {
  const template = {
    metadata: { annotations: { 'sim/run-for': '3s' } },
    spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'registry.example.com/app:1' }] },
  }
  const annotations = { 'argocd.argoproj.io/sync-wave': '-1' }
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name, annotations }, spec: { backoffLimit: 0, template } }
}
