import { type AssembledAgent, assembleAgent } from '@flotilla/agents/assemble-agent'
import type { AgentLink } from '@flotilla/agents/link/agent-link'
import { MemoryState } from '@flotilla/agents/state/memory-state'
import type { Digest } from '@flotilla/core/json/canonical-json'
import { type AgentState, AgentStateError } from '@flotilla/core/ports/agent-state'
import type { Clock } from '@flotilla/core/ports/clock'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import type { Random } from '@flotilla/core/ports/random'
import type { AgentGateway } from '@flotilla/hub/gateway/agent-gateway'
import { SimulatedCluster } from '@flotilla/sim'
import { type Faults, InProcessTransport, NO_FAULTS } from './in-process-transport.ts'
import type { Laws } from './laws.ts'
import { Life, MachineClock, mortal } from './mortal.ts'
import type { Trace } from './trace.ts'

export interface SimulatedAgentOptions {
  readonly name: string
  readonly world: Clock
  readonly random: Random
  readonly clusterRandom: Random
  readonly gateway: () => AgentGateway | undefined
  readonly joinToken: string
  readonly trace: Trace
  readonly laws: Laws
}

interface Process {
  readonly life: Life
  readonly assembled: AssembledAgent
  readonly transport: InProcessTransport
}

const BUNDLE_GIVEN = /^200 \/agent\/v1\/bundles\/(sha256:[0-9a-f]{64})$/
/** One cluster, its agent's machine, and the agent on it: a process that can be stopped, killed and started again. */
export class SimulatedAgent {
  readonly name: string
  readonly cluster: SimulatedCluster
  /** What happens between this agent and the hub; changed while it runs. */
  readonly faults: Faults = { ...NO_FAULTS }
  /** How wrong this machine's clock is. */
  clockOffsetMs = 0
  /** The disk, or the Secrets, that the agent keeps its state in are full. */
  diskFull = false
  readonly #options: SimulatedAgentOptions
  readonly #state = new MemoryState()
  #process: Process | undefined

  constructor(options: SimulatedAgentOptions) {
    this.#options = options
    this.name = options.name
    this.cluster = new SimulatedCluster({ name: options.name, clock: options.world, random: options.clusterRandom })
  }

  get running(): boolean {
    return this.#process !== undefined
  }

  get link(): AgentLink | undefined {
    return this.#process?.assembled.link
  }

  async start(): Promise<void> {
    if (this.#process) return
    const process = this.#newProcess()
    this.#process = process
    await process.assembled.agent.start()
  }

  /** Ends the process in order; resolves when it has ended, which takes virtual time. */
  async stop(): Promise<void> {
    const process = this.#process
    if (!process) return
    await process.assembled.stop()
    process.life.kill()
    process.transport.breakSockets()
    if (this.#process === process) this.#process = undefined
  }

  /** Kill -9: nothing is said, nothing is finished; watches and sockets are cut by the machine. */
  kill(): void {
    const process = this.#process
    if (!process) return
    this.#process = undefined
    process.life.kill()
    process.transport.breakSockets()
    this.cluster.faults.dropWatches()
  }

  breakSockets(): void {
    this.#process?.transport.breakSockets()
  }

  #newProcess(): Process {
    const { name, world, random, gateway, joinToken, trace, laws } = this.#options
    const life = new Life()
    const clock = new MachineClock(world, life, () => this.clockOffsetMs)
    const log = trace.log(name, line => life.alive && laws.breach(`an error was logged: ${line}`))
    const transport = new InProcessTransport({
      gateway,
      clock: world,
      random,
      faults: this.faults,
      onMessage: ({ direction, what }) => {
        const digest = direction === 'down' ? BUNDLE_GIVEN.exec(what)?.[1] : undefined
        if (digest) void laws.fetched(name, digest as Digest)
      },
    })
    const assembled = assembleAgent({
      name,
      cluster: mortal(life, this.#watched(this.cluster.transport())),
      hub: mortal(life, transport),
      state: mortal(life, this.#fallibleState()),
      joinToken,
      version: '0.1.0',
      clock,
      random,
      log,
    })
    const { link, lost } = assembled
    link.onChange(() => life.alive && laws.holds(name, link.held()))
    // Nobody else is ever the agent of this cluster; a process that believes it would end for nothing.
    void lost.then(() => laws.breach(`${name} believes that another process has become its agent`))
    return { life, assembled, transport }
  }

  #fallibleState(): AgentState {
    const state = this.#state
    const refuseWhenFull = (): void => {
      if (this.diskFull) throw new AgentStateError('STATE_FULL', this.name, 'the disk is full', { retry: true })
    }
    return {
      get: key => state.get(key),
      put: async (key, value) => {
        refuseWhenFull()
        await state.put(key, value)
      },
      putIfAbsent: async (key, value) => {
        refuseWhenFull()
        return await state.putIfAbsent(key, value)
      },
      delete: key => state.delete(key),
      list: prefix => state.list(prefix),
      close: () => state.close(),
    }
  }

  /** The API as the agent reaches it, with the laws and the trace looking on. */
  #watched(transport: ClusterTransport): ClusterTransport {
    const { trace, laws } = this.#options
    return {
      request: async request => {
        await laws.asked(this.cluster, this.link?.held() ?? new Map(), request)
        const response = await transport.request(request)
        const told = request.method !== 'GET' && !/dryRun|flotilla-system/.test(request.path)
        if (told) trace.say(this.name, `${request.method} ${request.path.split('?')[0]} ${response.status}`)
        return response
      },
      close: () => transport.close(),
    }
  }
}
