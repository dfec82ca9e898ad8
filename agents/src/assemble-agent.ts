import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Clock } from '@flotilla/core/ports/clock'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import type { HubTransport } from '@flotilla/core/ports/hub-transport'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import { type Agent, createAgent } from './agent.ts'
import { KubernetesClient } from './kubernetes/client.ts'
import { AgentLease } from './lease.ts'
import { AgentLink } from './link/agent-link.ts'
import type { AgentMetrics } from './metrics/agent-metrics.ts'
import { SYSTEM_NAMESPACE } from './records.ts'

/** What an agent stands on; the process, the demo and tests bring their own. */
export interface AgentParts {
  /** Name of the cluster: the first word of messages. */
  readonly name: string
  readonly cluster: ClusterTransport
  readonly hub: HubTransport
  readonly state: AgentState
  readonly joinToken?: string
  /** Labels that a cluster with a join token for many proposes, besides its name. */
  readonly labels?: Readonly<Record<string, string>>
  /** Where the agent's records are. Default `flotilla-system`. */
  readonly namespace?: string
  readonly concurrency?: number
  /** Of the Lease; see `lease.ts`. */
  readonly leaseTermSeconds?: number
  /** What the hub shows of this program. */
  readonly version: string
  /** What is counted of it; nothing, without it. */
  readonly metrics?: AgentMetrics
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface AssembledAgent {
  readonly agent: Agent
  readonly link: AgentLink
  /** Resolves when another process has become the agent of this cluster: this one is to end. */
  readonly lost: Promise<void>
  /** Ends at the next safe point and gives the Lease back; the parts are closed by who made them. */
  stop(): Promise<void>
}

/** Lease, link and engine as one agent, not started yet. */
export function assembleAgent(parts: AgentParts): AssembledAgent {
  const { name, hub, state, joinToken, concurrency, version, metrics, clock, random, log } = parts
  const cluster = metrics?.counted(parts.cluster) ?? parts.cluster
  const namespace = parts.namespace ?? SYSTEM_NAMESPACE
  const client = new KubernetesClient({ transport: cluster, clock, random, cluster: name })
  const stopping = new AbortController()
  const lost = Promise.withResolvers<void>()
  const lease = new AgentLease({
    client,
    namespace,
    clock,
    log,
    signal: stopping.signal,
    newInstance: () => Buffer.from(random.bytes(16)).toString('hex'),
    onLost: lost.resolve,
    ...(parts.leaseTermSeconds !== undefined && { termSeconds: parts.leaseTermSeconds }),
  })
  // As long as the cluster: asked once, however often the hub is.
  let clusterUid = ''
  const link = new AgentLink({
    transport: hub,
    state,
    clock,
    random,
    log,
    incarnation: lease,
    ending: stopping.signal,
    ...(joinToken === undefined ? {} : { joinToken }),
    clusterUid: async () => {
      if (clusterUid !== '') return clusterUid
      const system = await client.get({ group: '', kind: 'Namespace', namespace: '', name: 'kube-system' })
      clusterUid = system?.metadata.uid ?? ''
      return clusterUid
    },
    proposal: { name, labels: parts.labels ?? {} },
    versions: { agent: version },
  })
  const mayWrite = (): boolean => lease.held()
  const engine = { name, cluster, link, state, clock, random, log, namespace, concurrency, mayWrite, client }
  const agent = createAgent({ ...engine, ...(metrics && { metrics }) })
  return {
    agent,
    link,
    lost: lost.promise,
    stop: async () => {
      stopping.abort(new Error('the agent is stopping'))
      await agent.stop()
      await lease.release()
    },
  }
}
