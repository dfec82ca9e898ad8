import { join } from 'node:path'
import { type ControlPlane, controlPlaneAvailability, readAuditLog, startControlPlane } from '@flotilla/controlplane'
import type { JsonObject } from '@flotilla/core/json/json'
import { listAt, textAt, valueAt } from '@flotilla/core/json/read-json'
import { dump } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askCluster, objectIn } from './support/cluster-client.ts'
import { CLUSTER, LEASE, OneCluster, WEB_FILE } from './support/one-cluster.ts'
import { run, type Started } from './support/processes.ts'
import { configMap } from './support/small-fleet.ts'
import { until } from './support/until.ts'

const availability = await controlPlaneAvailability()
const SHOP = '/api/v1/namespaces/shop/configmaps'
const BYSTANDER = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'bystander' } }

/** A cluster whose etcd is put back to what it was, or is there twice. What the agent keeps is in that etcd, too. */
describe.skipIf(availability.kind === 'unavailable')('a real control plane with a past', () => {
  let world: OneCluster
  let copy: ControlPlane | undefined

  beforeAll(async () => {
    const files = { [WEB_FILE]: filesOf('one') }
    // Without controllers nobody collects what a foreground deletion leaves.
    const syncOptions = ['PrunePropagationPolicy=background']
    world = await OneCluster.start({ plane: { components: 'apiserver' }, files, syncOptions, state: 'secrets' })
    await world.join()
    expect((await askCluster(world.cluster, 'POST', SHOP, BYSTANDER)).status).toBe(201)
  })
  afterAll(async () => {
    await world?.close()
    await copy?.stop()
  })

  const told = () => world.told()
  const flotilla = async (...words: string[]) => await run(words, { env: world.hub.clientEnvironment })
  const shown = async (): Promise<JsonObject> => await world.hub.api.get(`/api/v1/clusters/${CLUSTER}`)

  async function commit(round: string): Promise<void> {
    await world.fleet.commit({ [WEB_FILE]: filesOf(round) })
    await world.hub.push()
  }

  /** Whoever supervises an agent starts it again when it ends because another one was the agent. */
  function supervise(): void {
    if (world.agent.isRunning()) return
    world.startAgent()
  }

  async function comesTo(round: string): Promise<void> {
    const names = ['bystander', 'web', `web-extra-${round}`]
    const isThere = async () => {
      supervise()
      return (await world.valueOf('web')) === round && String(await namesIn(world.plane)) === String(names)
    }
    await until(`${round} is there, and nothing else`, isThere, { told })
    await world.hub.settled(1)
  }

  async function namesIn(plane: ControlPlane): Promise<readonly string[]> {
    const transport = plane.transport()
    try {
      const names = listAt(await objectIn(transport, SHOP), 'items').map(item => textAt(item, 'metadata', 'name'))
      return names.filter(name => name !== 'kube-root-ca.crt').sort()
    } finally {
      await transport.close()
    }
  }

  /** What was deleted in `shop`, ever. */
  async function deletions(plane: ControlPlane): Promise<readonly string[]> {
    const events = await readAuditLog(plane.auditLog())
    const granted = events.filter(({ verb, objectRef, requestURI, responseStatus }) => {
      const done = (responseStatus?.code ?? 500) < 300 && !requestURI.includes('dryRun=')
      return done && verb.startsWith('delete') && objectRef?.namespace === 'shop'
    })
    return granted.map(({ objectRef }) => objectRef?.name ?? '')
  }

  /** Somebody changes what is ours by hand: it is noticed and put right. */
  async function drifts(by: string, to: string): Promise<void> {
    expect((await askCluster(world.cluster, 'PATCH', `${SHOP}/web`, { data: { value: by } })).status).toBe(200)
    await until('the drift is corrected', async () => (await world.valueOf('web')) === to, { told })
  }

  test('etcd is put back under an agent that runs: it notices, and comes to what is offered, once more', async () => {
    const [snapshot, raised] = [join(world.folder.path, 'snapshot'), await world.incarnation()]
    await world.plane.saveData(snapshot)
    await commit('two')
    await comesTo('two')
    await commit('three')
    await comesTo('three')
    expect(await deletions(world.plane)).toEqual(['web-extra-one', 'web-extra-two'])

    // The agent may have put it right before anybody can look; what it deletes once more says that it was put back.
    await world.plane.restoreData(snapshot)
    await comesTo('three')
    await drifts('by hand', 'three')

    // The same once more, and by an agent that starts on it.
    await world.agent.end('SIGKILL')
    await world.plane.restoreData(snapshot)
    expect(await world.valueOf('web')).toBe('one')
    await freeLease(world.plane)
    world.startAgent()
    await comesTo('three')
    await drifts('by hand again', 'three')
    await commit('four')
    await comesTo('four')
    // Of each past what a revision has withdrawn, and nothing else: not what came later, and not what is nobody's.
    const withdrawn = ['web-extra-one', 'web-extra-two', 'web-extra-one', 'web-extra-one', 'web-extra-three']
    expect(await deletions(world.plane)).toEqual(withdrawn)
    expect(await world.incarnation()).toBeGreaterThan(raised)
    expect(valueAt(await shown(), 'cloned'), 'one past is no clone').toBeNull()
  })

  test('it is there twice: both are shown, the right one is kept as it is, and gets it by a new key', async () => {
    // As the image of a machine is taken: while nothing runs on it.
    await world.agent.end('SIGTERM')
    const data = join(world.folder.path, 'copy')
    await world.plane.saveData(data)
    copy = await startControlPlane({ components: 'apiserver', data })
    world.startAgent()
    let clone: Started = world.processOfAgent(copy.kubeconfigPath)
    await until('it is found', async () => (await shown())['cloned'] !== null, { told })
    const { stdout } = await flotilla('cluster', 'get', CLUSTER)
    expect(stdout).toContain('CLONED')
    expect(listAt(valueAt(await shown(), 'cloned'), 'instances').length).toBeGreaterThanOrEqual(2)

    // Nothing new is begun in either of them; what each has is kept.
    await commit('five')
    await drifts('while there are two', 'four')
    expect(await namesIn(copy)).toEqual(['bystander', 'web', 'web-extra-four'])

    // As docs/operating.md says.
    await Promise.all([clone.end('SIGTERM'), world.agent.end('SIGTERM')])
    world.startAgent(['--join-token', await world.joinToken()])
    const approve = async () => (await flotilla('cluster', 'approve', CLUSTER, '--replace')).code === 0
    await until('the right one asks, and is approved', approve, { everyMs: 500, told })
    await until('there is one', async () => (await shown())['cloned'] === null, { told })
    await comesTo('five')

    clone = world.processOfAgent(copy.kubeconfigPath)
    await clone.says(/the hub refuses this agent/)
    expect(await namesIn(copy)).toEqual(['bystander', 'web', 'web-extra-four'])
    expect(await deletions(copy)).toEqual([])
    expect(valueAt(await shown(), 'cloned')).toBeNull()
  })
})

/** A process that is dead for certain holds no Lease: its term need not pass. */
async function freeLease(plane: ControlPlane): Promise<void> {
  const transport = plane.transport()
  try {
    expect((await askCluster(transport, 'PATCH', LEASE, { spec: { holderIdentity: '' } })).status).toBe(200)
  } finally {
    await transport.close()
  }
}

/** An object that stays, and one that comes with the round and goes with it. */
function filesOf(round: string): string {
  return [configMap('web', round), configMap(`web-extra-${round}`, round)].map(each => dump(each)).join('---\n')
}
