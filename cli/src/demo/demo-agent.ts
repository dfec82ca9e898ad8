import { createAgent } from '@flotilla/agents/agent'
import { KubernetesClient } from '@flotilla/agents/kubernetes/client'
import { AgentLease } from '@flotilla/agents/lease'
import { AgentLink } from '@flotilla/agents/link/agent-link'
import { createNodeHubTransport } from '@flotilla/agents/link/node-hub-transport'
import { openFolderState } from '@flotilla/agents/state/folder-state'
import type { Clock } from '@flotilla/core/ports/clock'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'

export interface DemoAgentOptions {
  readonly name: string
  readonly cluster: ClusterTransport
  readonly hubUrl: string
  readonly joinToken: string
  readonly directory: string
  readonly version: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface DemoAgent {
  readonly name: string
  stop(): Promise<void>
}

/** The agent as it runs anywhere, in this process and talking to the hub over a real socket. */
export async function startDemoAgent(options: DemoAgentOptions): Promise<DemoAgent> {
  const { name, cluster, clock, random, hubUrl, joinToken, directory, version } = options
  const log = options.log.child({ cluster: name })
  const namespace = 'flotilla-system'
  const stopping = new AbortController()
  const state = await openFolderState(directory)
  const client = new KubernetesClient({ transport: cluster, clock, random, cluster: name })
  const lease = new AgentLease({ client, namespace, clock, log, signal: stopping.signal })
  const transport = createNodeHubTransport({ url: hubUrl, environment: {}, clock })
  const link = new AgentLink({
    transport,
    state,
    clock,
    random,
    log,
    incarnation: lease,
    joinToken,
    clusterUid: async () =>
      (await client.get({ group: '', kind: 'Namespace', namespace: '', name: 'kube-system' }))?.metadata.uid ?? '',
    versions: { agent: version },
  })
  const agent = createAgent({
    name,
    cluster,
    link,
    state,
    clock,
    random,
    log,
    namespace,
    client,
    mayWrite: () => lease.held(),
  })
  await agent.start()
  return {
    name,
    stop: async () => {
      stopping.abort(new Error('the demo ends'))
      await agent.stop()
      await lease.release()
      await transport.close()
      await state.close()
      await cluster.close()
    },
  }
}
