import { type AssembledAgent, assembleAgent } from '@flotilla/agents/assemble-agent'
import type { AgentLink } from '@flotilla/agents/link/agent-link'
import { type KeptAdmission, loadAdmission, loadOrMakeKey } from '@flotilla/agents/link/identity'
import { MemoryState } from '@flotilla/agents/state/memory-state'
import type { Digest } from '@flotilla/core/json/canonical-json'
import { type AgentState, AgentStateError } from '@flotilla/core/ports/agent-state'
import type { Clock } from '@flotilla/core/ports/clock'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { type HubRequest, type HubResponse, HubUnreachable } from '@flotilla/core/ports/hub-transport'
import type { Random } from '@flotilla/core/ports/random'
import { type AssertionClaims, makeAssertion, readAssertion } from '@flotilla/core/protocol/assertion'
import type { SigningKey } from '@flotilla/core/protocol/ed25519'
import { PROTOCOL_HEADER, PROTOCOL_VERSIONS, versionText } from '@flotilla/core/protocol/versions'
import { SimulatedCluster } from '@flotilla/sim'
import { type Faults, type HubEnd, InProcessTransport, NO_FAULTS } from './in-process-transport.ts'
import type { Laws } from './laws.ts'
import { Life, MachineClock, mortal, mortalCluster, mortalHub, ProcessEnded } from './mortal.ts'
import { PortCalls } from './port-calls.ts'
import type { Trace } from './trace.ts'

export interface SimulatedAgentOptions {
  readonly name: string
  readonly world: Clock
  readonly random: Random
  readonly clusterRandom: Random
  readonly networkRandom: Random
  readonly gateway: () => HubEnd | undefined
  readonly trace: Trace
  readonly laws: Laws
}

interface Process {
  readonly life: Life
  readonly assembled: AssembledAgent
  readonly transport: InProcessTransport
}

const LEASE_TERM_SECONDS = 120
/** Documents that a replay can bring again. */
const MOST_REMEMBERED = 200
const BUNDLE_GIVEN = /^200 \/agent\/v1\/bundles\/(sha256:[0-9a-f]{64})$/
/** One cluster, its agent's machine, and the agent on it: a process that can be stopped, killed and started again. */
export class SimulatedAgent {
  readonly name: string
  readonly cluster: SimulatedCluster
  readonly calls: PortCalls
  /** What happens between this agent and the hub; changed while it runs. */
  readonly faults: Faults = { ...NO_FAULTS }
  /** How wrong this machine's clock is. */
  clockOffsetMs = 0
  /** What it is installed with. */
  joinToken: string | undefined
  /** The disk, or the Secrets, that the agent keeps its state in are full. */
  diskFull = false
  readonly #options: SimulatedAgentOptions
  readonly #state: MemoryState
  #process: Process | undefined
  /** Documents as signed, oldest first: what somebody who listened could send again. */
  readonly #overheard: string[] = []
  #replays = 0
  /** Key and admission, as they were when somebody took a copy. */
  #stolen: { readonly key: SigningKey; readonly kept: KeptAdmission } | undefined
  /** Of the last request that this agent signed. */
  #claims: AssertionClaims | undefined

  constructor(options: SimulatedAgentOptions, copyOf?: SimulatedAgent) {
    this.#options = options
    this.name = options.name
    this.calls = new PortCalls(options.name, () => options.world.monotonicMs())
    const cluster = { name: options.name, clock: options.world, random: options.clusterRandom }
    this.cluster = copyOf?.cluster.copy(cluster) ?? new SimulatedCluster(cluster)
    this.#state = copyOf ? copyOf.#state.copy() : new MemoryState()
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
    await unlessKilled(process, process.assembled.agent.start())
  }

  /** Ends the process in order, unless it is killed before; resolves when it has ended, which takes virtual time. */
  async stop(): Promise<void> {
    const process = this.#process
    if (!process) return
    await unlessKilled(process, process.assembled.stop())
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

  /** The next answer with documents brings all earlier ones again, newest first. */
  replay(): void {
    this.#replays++
  }

  /** A request by somebody who has this agent's key. Undefined while there is none, or no hub that answers. */
  async impersonate(method: 'GET' | 'POST', path: string, body?: Uint8Array): Promise<HubResponse | undefined> {
    const { world, random, gateway, laws } = this.#options
    this.#stolen ??= await this.#identity(random)
    const hub = gateway()
    if (!this.#stolen || !this.#claims || !hub) return undefined
    const { key, kept } = this.#stolen
    const { cluster, adm: admission, hubId } = kept.admission.payload
    const { inc, inst } = this.#claims
    const wish = { cluster, admission, hubId, now: world.now(), method, path, inc, inst, ...(body && { body }) }
    const headers = { authorization: makeAssertion(wish, key), [PROTOCOL_HEADER]: versionText(PROTOCOL_VERSIONS) }
    try {
      const response = await hub.handle({ method, path, headers, remoteAddress: '127.0.0.1', ...(body && { body }) })
      if (response.status === 200) laws.served(this.name, key.kid)
      return response
    } catch (error) {
      if (error instanceof ProcessEnded) return undefined
      throw error
    }
  }

  /** The same machine once more, from an image of its disk, with the same cluster. */
  clone(options: Pick<SimulatedAgentOptions, 'name' | 'random' | 'clusterRandom' | 'networkRandom'>): SimulatedAgent {
    return new SimulatedAgent({ ...this.#options, ...options }, this)
  }

  /** Another key, as somebody asks for who distrusts the present one; an agent that is down or has none is not asked. */
  async rotateKey(): Promise<void> {
    const process = this.#process
    if (!process || !(await this.#identity(this.#options.random))) return
    try {
      const { kind } = await process.life.orDeath(process.assembled.link.rotateKey())
      this.#options.trace.say('person', `gives the agent of ${this.name} another key: ${kind}`)
    } catch (error) {
      const unable = error instanceof HubUnreachable || error instanceof AgentStateError
      if (!unable && !(error instanceof ProcessEnded)) throw error
    }
  }

  breakSockets(): void {
    this.#process?.transport.breakSockets()
  }

  #newProcess(): Process {
    const { name, world, random, networkRandom, gateway, trace, laws } = this.#options
    const life = new Life(this.calls)
    const clock = new MachineClock(world, life, () => this.clockOffsetMs)
    const log = trace.log(name, life, laws)
    const transport = new InProcessTransport({
      gateway,
      clock: world,
      random: networkRandom,
      faults: this.faults,
      onAnswer: (request, response) => this.#answered(request, response),
      onMessage: ({ direction, what }) => {
        const digest = direction === 'down' ? BUNDLE_GIVEN.exec(what)?.[1] : undefined
        if (digest) void laws.fetched(name, digest as Digest)
      },
    })
    const assembled = assembleAgent({
      name,
      cluster: mortalCluster(life, this.#watched(this.cluster.transport())),
      hub: mortalHub(life, transport),
      state: mortal(life, 'state', this.#fallibleState(), ['get', 'put', 'putIfAbsent', 'delete', 'list']),
      ...(this.joinToken !== undefined && { joinToken: this.joinToken }),
      version: '0.1.0',
      // Most of what an idle agent does is to renew: a longer term leaves the time to what lives are about.
      leaseTermSeconds: LEASE_TERM_SECONDS,
      clock,
      random,
      log,
    })
    const { link, lost } = assembled
    link.onChange(() => {
      if (!life.alive) return
      laws.holds(name, link.held())
      laws.starts.calendar(name, link.calendar())
    })
    // Nobody else is ever the agent of this cluster; a process that believes it would end for nothing.
    void lost.then(() => life.alive && laws.breach(`${name} believes that another process has become its agent`))
    return { life, assembled, transport }
  }

  async #identity(random: Random) {
    const key = (await this.#state.get('agent-key')) && (await loadOrMakeKey(this.#state, random))
    const kept = key && (await loadAdmission(this.#state, key))
    return key && kept && { key, kept }
  }

  #answered(request: HubRequest, response: HubResponse): HubResponse {
    const read = readAssertion(request.headers['authorization'])
    if (read.kind === 'read') this.#claims = read.claims
    if (response.status !== 200) return response
    const { laws } = this.#options
    if (read.kind === 'read') laws.served(this.name, read.jws.kid)
    if (request.path === '/agent/v1/reports') laws.acknowledged.reports(this.name, request.body, response.body)
    if (!request.path.startsWith('/agent/v1/documents')) return response
    const answer = JSON.parse(Buffer.from(response.body).toString('utf8')) as { readonly documents: readonly string[] }
    const documents = this.#replays > 0 ? [...answer.documents, ...this.#overheard.toReversed()] : answer.documents
    this.#replays = 0
    for (const jws of answer.documents) if (!this.#overheard.includes(jws)) this.#overheard.push(jws)
    this.#overheard.splice(0, this.#overheard.length - MOST_REMEMBERED)
    return { ...response, body: Buffer.from(JSON.stringify({ ...answer, documents })) }
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
        if (request.method === 'GET') {
          laws.mustEnd(this.name)
          return await transport.request(request)
        }
        await laws.asked(this.cluster, this.link?.held() ?? new Map(), request)
        const response = await transport.request(request)
        laws.starts.answered(this.name, request, response.status)
        const told = !/dryRun|flotilla-system/.test(request.path)
        if (told) trace.say(this.name, `${request.method} ${request.path.split('?')[0]} ${response.status}`)
        return response
      },
      close: () => transport.close(),
    }
  }
}

/** Whoever waits for a process need not wait for a dead one. */
async function unlessKilled({ life }: Process, work: Promise<void>): Promise<void> {
  try {
    await life.orDeath(work)
  } catch (error) {
    if (!(error instanceof ProcessEnded)) throw error
  }
}
