import { readFileSync } from 'node:fs'
import { createAgent } from '@flotilla/agents/agent'
import { KubernetesClient } from '@flotilla/agents/kubernetes/client'
import { AgentLease } from '@flotilla/agents/lease'
import { openSecretState } from '@flotilla/agents/state/secret-state'
import { bundleOf, configMap, deployment, object, SHOP, TestHub } from '@flotilla/agents/testing/documents'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { SimulatedCluster } from '@flotilla/sim'
import { loadAll } from 'js-yaml'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const QUIET: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => QUIET }
const ACCOUNT = {
  name: 'system:serviceaccount:flotilla-system:flotilla-agent',
  groups: ['system:serviceaccounts', 'system:serviceaccounts:flotilla-system', 'system:authenticated'],
}

/** The agent with the rights of deploy/agent.yaml and no others, its state in Secrets: as it runs in a cluster. */
describe('deploy/agent.yaml', () => {
  const clock = new VirtualClock({ startAt: Date.UTC(2030, 0, 1), settle: () => new Promise(setImmediate) })
  let cluster: SimulatedCluster
  let hub: TestHub
  let refused: string[]
  let stop: () => Promise<void>

  beforeEach(async () => {
    cluster = new SimulatedCluster({ name: 'eu-1', clock, random: seededRandom(1) })
    const administrator = new KubernetesClient({
      transport: cluster.transport(),
      clock,
      random: seededRandom(2),
      cluster: '',
    })
    const manifest = readFileSync(new URL('../deploy/agent.yaml', import.meta.url), 'utf8')
    for (const each of loadAll(manifest) as KubernetesObject[])
      await administrator.apply(each, { fieldManager: 'kubectl' })
    hub = new TestHub(() => clock.now())
    refused = []
    const whole = cluster.transport(ACCOUNT)
    const transport: ClusterTransport = {
      request: async request => {
        const response = await whole.request(request)
        if (response.status === 403) refused.push(`${request.method} ${request.path.split('?', 1)[0]}`)
        return response
      },
      close: () => whole.close(),
    }
    const namespace = 'flotilla-system'
    const random = seededRandom(3)
    const state = await openSecretState({ transport, namespace, random, clock })
    const client = new KubernetesClient({ transport, clock, random, cluster: 'eu-1' })
    const stopping = new AbortController()
    const lease = new AgentLease({ client, namespace, clock, log: QUIET, signal: stopping.signal })
    const { link } = hub
    const mayWrite = () => lease.held()
    const agent = createAgent({
      name: 'eu-1',
      cluster: transport,
      link,
      state,
      clock,
      random,
      log: QUIET,
      namespace,
      client,
      mayWrite,
    })
    await drive(lease.acquire())
    await drive(agent.start())
    await drive(state.put('key', Buffer.from('kept')))
    stop = async () => {
      stopping.abort(new Error('the test ends'))
      await drive(agent.stop())
      await drive(lease.release())
      await drive(state.close())
    }
  })

  afterEach(() => stop())

  /** Time goes on while somebody works. */
  async function drive<T>(work: Promise<T>): Promise<T> {
    let done = false
    const ended = work.finally(() => {
      done = true
    })
    while (!done) await clock.advance(100)
    return await ended
  }

  function exists(kind: string, name: string): boolean {
    return cluster.read({ group: '', kind, namespace: 'shop', name }) !== undefined
  }

  async function pass(seconds: number): Promise<void> {
    for (let step = 0; step < seconds * 10; step++) await clock.advance(100)
  }

  it('lets the agent apply, heal, prune and remove what it names, and asks for nothing that is refused', async () => {
    const service = object('v1', 'Service', 'web', { spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } })
    hub.sync(bundleOf(deployment('web'), service, configMap('a'), configMap('b')))
    await pass(30)
    const report = hub.link.latest(SHOP.id)
    expect(report?.sync).toEqual({ status: 'Synced' })
    expect(report?.health.status).toBe('Healthy')
    hub.sync(bundleOf(deployment('web'), service, configMap('a')))
    await pass(30)
    expect(['a', 'b'].map(name => exists('ConfigMap', name))).toEqual([true, false])
    const tombstone = hub.tombstone()
    hub.grant(tombstone, { trigger: 'delete' })
    hub.link.changed()
    await pass(60)
    expect(hub.link.latest(SHOP.id)?.gone).toBe(true)
    expect(exists('ConfigMap', 'a')).toBe(false)
    expect(refused).toEqual([])
  })

  it('is the limit: what it does not name is refused by the cluster, with its words', async () => {
    const role = object('rbac.authorization.k8s.io/v1', 'ClusterRole', 'everything', {
      rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
    })
    hub.sync(bundleOf(role))
    await pass(30)
    expect(JSON.stringify(hub.link.latest(SHOP.id))).toMatch(/forbidden/i)
    expect(refused).not.toEqual([])
  })
})
