import { AgentLink } from '@flotilla/agents/link/agent-link'
import { folderIncarnation, type Incarnation } from '@flotilla/agents/link/incarnation'
import { MemoryState } from '@flotilla/agents/state/memory-state'
import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Clock } from '@flotilla/core/ports/clock'
import type { HubTransport } from '@flotilla/core/ports/hub-transport'
import type { Random } from '@flotilla/core/ports/random'
import { KeptLog } from './small-hub.ts'

export interface SmallAgent {
  readonly link: AgentLink
  readonly state: AgentState
  readonly log: KeptLog
  /** How often the engine would have been woken. */
  changes: number
}

/** An agent that consists of its link: the test plays the engine. */
export function smallAgent(options: {
  readonly transport: HubTransport
  readonly clock: Clock
  readonly random: Random
  readonly joinToken?: string
  readonly state?: AgentState
  readonly uid?: string | (() => Promise<string>)
  readonly incarnation?: Incarnation
}): SmallAgent {
  const { transport, clock, random, joinToken, state = new MemoryState(), uid = 'uid-1' } = options
  const log = new KeptLog()
  const link = new AgentLink({
    transport,
    state,
    clock,
    random,
    log,
    incarnation: options.incarnation ?? folderIncarnation(state, () => Buffer.from(random.bytes(8)).toString('hex')),
    ...(joinToken !== undefined && { joinToken }),
    clusterUid: typeof uid === 'string' ? async () => uid : uid,
    versions: { agent: '0.1.0', kubernetes: '1.36' },
  })
  const agent: SmallAgent = { link, state, log, changes: 0 }
  link.onChange(() => {
    agent.changes++
  })
  return agent
}
