import { assembleAgent } from '@flotilla/agents/assemble-agent'
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
  const { name, cluster, clock, hubUrl } = options
  const state = await openFolderState(options.directory)
  const hub = createNodeHubTransport({ url: hubUrl, environment: {}, clock })
  const { agent, stop } = assembleAgent({ ...options, hub, state, log: options.log.child({ cluster: name }) })
  await agent.start()
  return {
    name,
    stop: async () => {
      await stop()
      await hub.close()
      await state.close()
      await cluster.close()
    },
  }
}
