import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ControlPlane, controlPlaneAvailability, readAuditLog, startControlPlane } from '@flotilla/controlplane'
import { listAt, numberIfAny, textAt } from '@flotilla/core/json/read-json'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { dump } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askCluster, objectIn } from './support/cluster-client.ts'
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts'
import { HubUnderTest } from './support/hub-under-test.ts'
import { endAll, type Started, start } from './support/processes.ts'
import { configMap, SmallFleet } from './support/small-fleet.ts'
import { until } from './support/until.ts'

const availability = await controlPlaneAvailability()
/** Longer than the agent's Lease holds without being renewed, so that it may write nothing more. */
const FROZEN_MS = 16_000
const KILLED_MS = 3_000
const LEASE = '/apis/coordination.k8s.io/v1/namespaces/flotilla-system/leases/flotilla-agent'

/** What befalls the cluster under an agent, and the agent beside its cluster, on a real control plane. */
describe.skipIf(availability.kind === 'unavailable')('a real control plane under an agent', () => {
  let folder: TemporaryFolder
  let plane: ControlPlane
  let cluster: ClusterTransport
  let fleet: SmallFleet
  let hub: HubUnderTest
  let agent: Started

  beforeAll(async () => {
    folder = await temporaryFolder()
    ;[plane, fleet] = await Promise.all([
      startControlPlane(),
      SmallFleet.create(join(folder.path, 'repo'), ['real-1'], ['web']),
    ])
    cluster = plane.transport()
    await fleet.commit({ [FILE]: dump(configMap('web', 'one')) })
    hub = new HubUnderTest({ data: join(folder.path, 'hub'), repository: fleet.directory })
    await hub.start()
    await until('the Cluster is known', async () => (await hub.clusters()).length === 1)
    const { token } = await hub.api.post('/api/v1/clusters/real-1/join-tokens')
    agent = startAgent(['--join-token', String(token)])
    await hub.settled(1)
  })
  afterAll(async () => {
    await hub?.close()
    await endAll()
    await cluster?.close()
    await plane?.stop()
    await folder?.remove()
  })

  function startAgent(flags: readonly string[] = []): Started {
    const where = ['--kubeconfig', plane.kubeconfigPath, '--data-directory', join(folder.path, 'agent')]
    return start(['agent', '--name', 'real-1', ...where, ...flags])
  }

  const value = async () => textAt(await objectIn(cluster, '/api/v1/namespaces/shop/configmaps/web'), 'data', 'value')
  const job = async (name: string) => await objectIn(cluster, `/apis/batch/v1/namespaces/shop/jobs/${name}`)
  const incarnation = async () =>
    Number(textAt(await objectIn(cluster, LEASE), 'metadata', 'annotations', 'flotilla.dev/incarnation'))

  async function told(): Promise<string> {
    return `${JSON.stringify(await hub.applications())}\n${agent.stderr().slice(-5000)}`
  }

  /** Creates that the apiserver granted, by a part of the object's name. */
  async function created(resource: string, beginning: string): Promise<readonly string[]> {
    const events = await readAuditLog(plane.auditLog())
    const granted = events.filter(({ responseStatus, objectRef, requestURI }) => {
      return objectRef?.resource === resource && responseStatus?.code === 201 && !requestURI.includes('dryRun=')
    })
    return granted.map(({ objectRef }) => objectRef?.name ?? '').filter(name => name.startsWith(beginning))
  }

  /** Commits what is in three steps, of which the middle one takes some seconds, and waits until that one runs. */
  async function inTheMiddleOf(round: string): Promise<void> {
    await fleet.commit({
      [FILE]: [migration(`before-${round}`), configMap('web', round)].map(each => dump(each)).join('---\n'),
    })
    await hub.push()
    await until('the first step runs', async () => (await job(`before-${round}`)) !== undefined, { told })
  }

  async function goesThrough(round: string, recordsBefore: number): Promise<void> {
    await until(`${round} is there`, async () => (await value()) === round, { withinMs: 120_000, told })
    await hub.settled(1)
    expect(numberIfAny(await job(`before-${round}`), 'status', 'succeeded')).toBeGreaterThanOrEqual(1)
    expect(await created('jobs', `before-${round}`), 'its first step ran once').toHaveLength(1)
    const records = await created('configmaps', 'flotilla-operation')
    expect(new Set(records).size, 'no operation was begun twice').toBe(records.length)
    expect(records.length, `one operation did it\n${await phases()}`).toBe(recordsBefore + 1)
  }

  /** What the records of operations in the cluster say. */
  async function phases(): Promise<string> {
    const list = listAt(await objectIn(cluster, '/api/v1/namespaces/flotilla-system/configmaps'), 'items')
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
    plane.pause()
    try {
      await sleep(FROZEN_MS)
      expect(agent.isRunning()).toBe(true)
      // It has said so, and the hub shows what it knew.
      expect((await hub.applications()).length).toBe(1)
    } finally {
      plane.resume()
    }
    await goesThrough('frozen', before)
  })

  test('its apiserver is killed in the middle of a sync, and comes back: the same', async () => {
    const before = await records()
    await inTheMiddleOf('killed')
    await plane.kill()
    await sleep(KILLED_MS)
    expect(agent.isRunning()).toBe(true)
    await plane.restart()
    await goesThrough('killed', before)
  })

  test('its agent is killed in the middle of a sync, too: the next process goes on with it', async () => {
    const before = await records()
    await inTheMiddleOf('both')
    await Promise.all([agent.end('SIGKILL'), plane.kill()])
    await plane.restart()
    agent = startAgent()
    await goesThrough('both', before)
  })

  test('its Lease is deleted: the agent goes on under a higher incarnation, and does nothing again', async () => {
    const [before, raised] = [await records(), await incarnation()]
    await agent.end('SIGKILL')
    expect((await askCluster(cluster, 'DELETE', LEASE)).status).toBe(200)
    agent = startAgent()
    await until('it is the agent again', async () => (await incarnation()) > raised, { told })
    await until('the hub hears it', async () =>
      (await hub.clusters()).every(
        each => (each['agent'] as { readonly connected?: boolean } | null)?.connected === true,
      ),
    )
    await hub.settled(1)
    expect(await records()).toBe(before)
  })

  test('a second process has the same folder and cluster: it waits, and one of them writes', async () => {
    const holder = async () => textAt(await objectIn(cluster, LEASE), 'spec', 'holderIdentity')
    const [first, raised, before] = [await holder(), await incarnation(), await records()]
    const second = startAgent()
    await second.says(/waiting for the lease of another agent process/)
    await inTheMiddleOf('two')
    await goesThrough('two', before)
    expect(second.isRunning()).toBe(true)
    expect([await holder(), await incarnation()]).toEqual([first, raised])
    // The one that writes dies: the other one takes its place when the term is over.
    await agent.end('SIGKILL')
    await until('the other one is the agent', async () => (await incarnation()) > raised, { told })
    agent = second
    await inTheMiddleOf('three')
    await goesThrough('three', before + 1)
    const shown = await hub.api.get('/api/v1/clusters/real-1')
    expect(shown['cloned'], 'one after the other is no clone').toBeNull()
  })
})

const FILE = 'apps/web/real-1/app.yaml'

/** A Job before everything else, which takes some seconds. */
function migration(name: string): object {
  const template = {
    metadata: { annotations: { 'sim/run-for': '3s' } },
    spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'registry.example.com/app:1' }] },
  }
  const annotations = { 'argocd.argoproj.io/sync-wave': '-1' }
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name, annotations }, spec: { backoffLimit: 0, template } }
}
