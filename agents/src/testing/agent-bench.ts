import type { Json } from '@flotilla/core/json/json'
import { textAt } from '@flotilla/core/json/read-json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import {
  type ClusterRequest,
  type ClusterResponse,
  type ClusterTransport,
  ClusterUnreachable,
} from '@flotilla/core/ports/cluster-transport'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { SimulatedCluster } from '@flotilla/sim'
import { afterEach, expect } from 'vitest'
import { type Agent, createAgent } from '../agent.ts'
import { SHOP, TestHub } from './documents.ts'

export const QUIET: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => QUIET }
const NO_STATE = {
  get: async () => undefined,
  put: async () => {},
  putIfAbsent: async (_key: string, value: Uint8Array) => value,
  delete: async () => {},
  list: async () => [],
  close: async () => {},
}

/** What stands between the agent and its cluster: passes a request on, changes it or its answer, or does something else. */
export type Between = (
  request: ClusterRequest,
  pass: (request: ClusterRequest) => Promise<ClusterResponse>,
) => Promise<ClusterResponse>

/** One agent on a simulated cluster, with time that moves when told to. */
export class AgentBench {
  readonly clock = new VirtualClock({ startAt: Date.UTC(2026, 0, 1), settle: () => new Promise(setImmediate) })
  readonly cluster = new SimulatedCluster({ name: 'eu-1', clock: this.clock, random: seededRandom(1) })
  readonly hub = new TestHub(() => this.clock.now())
  readonly messages: string[] = []
  agent: Agent | undefined
  /** Requests of the last process. */
  asked = 0
  /** False: another process is the agent. */
  mayWrite = true
  between: Between = (request, pass) => pass(request)

  /** @param requests After so many the process is as good as dead: nothing of it gets through any more. */
  async start(requests = Number.POSITIVE_INFINITY): Promise<this> {
    const whole = this.cluster.transport()
    let left = requests
    this.asked = 0
    const cluster: ClusterTransport = {
      request: async request => {
        this.asked++
        if (left-- <= 0) throw new ClusterUnreachable('the process was killed')
        return this.between(request, passed => whole.request(passed))
      },
      close: () => whole.close(),
    }
    const note = (message: string, fields?: object) => void this.messages.push(`${message} ${JSON.stringify(fields)}`)
    const log: Log = { ...QUIET, info: note, warn: note, error: note, child: () => log }
    this.agent = createAgent({
      name: 'eu-1',
      cluster,
      link: this.hub.link,
      state: NO_STATE,
      clock: this.clock,
      random: seededRandom(2),
      log,
      mayWrite: () => this.mayWrite,
    })
    await this.agent.start()
    await this.pass(100)
    return this
  }

  async stop(): Promise<void> {
    const stopped = this.agent?.stop()
    await this.clock.advance(1)
    await stopped
    this.agent = undefined
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms)
  }

  read(kind: string, name: string, group = '', namespace = 'shop'): KubernetesObject | undefined {
    return this.cluster.read({ group, kind, namespace, name })
  }

  /** Entries of the Application's Inventory, one a line. */
  get inventory(): string {
    return textAt(this.read('ConfigMap', `flotilla-inventory-${SHOP.id}`, '', 'flotilla-system'), 'data', 'entries')
  }

  get report() {
    const report = this.hub.link.latest(SHOP.id)
    if (!report) throw new Error(`nothing was reported; log:\n${this.messages.join('\n')}`)
    return report
  }

  /** Writes to objects of Applications since the last look, without dry runs and records. */
  writes(): readonly string[] {
    const writes = this.cluster.requests
      .filter(({ dryRun, path }) => !dryRun && !/flotilla-system|namespaces$|\/leases\/|\/pods|replicasets/.test(path))
      .filter(({ fieldManager, verb }) => fieldManager.startsWith('flotilla') || verb === 'delete')
      .map(({ verb, path, status }) => `${verb} ${path} ${status}`)
    this.cluster.clearRequests()
    return writes
  }

  async edit(path: string, patch: Json): Promise<void> {
    const response = await this.cluster.handle({
      method: 'PATCH',
      path: `${path}?fieldManager=kubectl-edit`,
      headers: { 'content-type': 'application/merge-patch+json' },
      body: JSON.stringify(patch),
    })
    expect(response.status).toBe(200)
  }

  async remove(path: string): Promise<void> {
    const response = await this.cluster.handle({ method: 'DELETE', path, headers: {} })
    expect(response.status).toBe(200)
  }
}

const benches: AgentBench[] = []
/** A bench that ends with the test, for the test to start. */
export function newBench(): AgentBench {
  const bench = new AgentBench()
  benches.push(bench)
  return bench
}

/** A started bench that ends with the test. */
export function startBench(): Promise<AgentBench> {
  return newBench().start()
}

afterEach(async () => {
  for (const bench of benches.splice(0)) {
    if (bench.agent) await bench.stop()
    bench.cluster.stop()
  }
})
