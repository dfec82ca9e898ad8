import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Random } from '@flotilla/core/ports/random'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import type { Hub } from '@flotilla/hub/hub'
import { MemoryGit } from '@flotilla/hub/source/git/memory-backend'
import type { WebhookEvent } from '@flotilla/hub/webhooks/event'
import { notConverged } from './converged.ts'
import { APPS, type Changes, CONFIG, DeclaredFleet } from './declared-fleet.ts'
import { EventLoopGuard, settled } from './event-loop-guard.ts'
import { type Faults, NO_FAULTS } from './in-process-transport.ts'
import { Laws } from './laws.ts'
import { SimulatedAgent } from './simulated-agent.ts'
import { REMOVAL_GRACE_MS, SimulatedHub } from './simulated-hub.ts'
import { Trace } from './trace.ts'

const START = Date.UTC(2030, 0, 1)
/** How often the laws that look at states are looked at. */
const LOOK_MS = 5_000
/** More than any orderly stop may take. */
const STOP_WITHIN_MS = 10 * 60_000

export interface SimulatedFleetOptions {
  readonly seed: number
  /** Names of the clusters. */
  readonly clusters: readonly string[]
  readonly faults?: Partial<Faults>
}

/**
 * A whole fleet in one process: Git, hub, agents and clusters, all real but for the outside world, on one virtual
 * clock and from one seed. Nothing moves but in {@link run}, and the same seed with the same calls is the same run.
 */
export class SimulatedFleet {
  readonly clock = new VirtualClock({ startAt: START, settle: settled })
  readonly trace = new Trace(this.clock)
  readonly git = new MemoryGit(this.clock)
  readonly declared: DeclaredFleet
  readonly laws: Laws
  readonly agents = new Map<string, SimulatedAgent>()
  readonly #random: (name: string) => Random
  readonly #machine: SimulatedHub
  readonly #guard = new EventLoopGuard()

  private constructor({ seed, clusters }: SimulatedFleetOptions) {
    this.declared = new DeclaredFleet(clusters)
    this.#random = name => seededRandom(mixed(seed, name))
    this.#machine = new SimulatedHub(
      { world: this.clock, random: this.#random('hub'), git: this.git, trace: this.trace },
      () => this.laws,
    )
    const { bundles } = this.#machine
    this.laws = new Laws({ clock: this.clock, bundles, removalGraceMs: REMOVAL_GRACE_MS })
  }

  /** Makes the repositories, starts the hub, and an agent with a join token of its own for each cluster. */
  static async start(options: SimulatedFleetOptions): Promise<SimulatedFleet> {
    const fleet = new SimulatedFleet(options)
    await fleet.#guard.run(async () => {
      fleet.commit(CONFIG, fleet.declared.base())
      fleet.commit(APPS, { 'README.md': 'Applications of the simulation.' })
      await fleet.#machine.start()
      for (const name of options.clusters) await fleet.#join(name)
      if (options.faults) fleet.setFaults(options.faults)
    })
    return fleet
  }

  /** The hub's process, while there is one. */
  get hub(): Hub | undefined {
    return this.#machine.hub
  }

  get store() {
    return this.#machine.store
  }

  get bundles() {
    return this.#machine.bundles
  }

  agent(name: string): SimulatedAgent {
    const agent = this.agents.get(name)
    if (!agent) throw new Error(`no cluster "${name}"`)
    return agent
  }

  /** Commits changes; with `webhook` the hub is told at once, otherwise it finds out when it polls. */
  commit(repository: string, changes: Changes, webhook = false): void {
    if (Object.keys(changes).length === 0) return
    this.laws.committed(this.declared)
    const id = this.git.commit(repository, changes)
    const told = Object.entries(changes).map(([path, text]) => (text === null ? `-${path}` : path))
    this.trace.say('git', `${id.slice(0, 8)}${webhook ? ' (webhook)' : ''} ${told.join(' ')}`)
    if (webhook) this.hub?.heard([pushTo(repository)])
  }

  /** Commits what a change of {@link declared} asks for. */
  declare(changes: { readonly config: Changes; readonly apps: Changes }, webhook = false): void {
    this.commit(APPS, changes.apps, webhook)
    this.commit(CONFIG, changes.config, webhook)
  }

  /** Moves virtual time on, looking at the laws now and then. @throws OutstandingWork */
  async run(ms: number): Promise<void> {
    await this.#guard.run(async () => {
      for (let left = ms; left > 0; left -= LOOK_MS) {
        await this.clock.advance(Math.min(LOOK_MS, left))
        await this.laws.reports(this.store)
      }
    })
  }

  async stopHub(): Promise<void> {
    this.trace.say('hub', 'stops')
    await this.wait('the hub', this.#machine.stop())
  }

  killHub(): void {
    this.trace.say('hub', 'is killed')
    this.#machine.kill()
    for (const agent of this.agents.values()) agent.breakSockets()
  }

  /** Starts the hub again over the same store. */
  async startHub(): Promise<void> {
    this.trace.say('hub', 'starts')
    await this.wait('the start of the hub', this.#machine.start())
  }

  async restartHub(): Promise<void> {
    await this.stopHub()
    await this.startHub()
  }

  async stopAgent(name: string): Promise<void> {
    this.trace.say(name, 'stops')
    await this.wait(`agent ${name}`, this.agent(name).stop())
  }

  killAgent(name: string): void {
    this.trace.say(name, 'is killed')
    this.agent(name).kill()
  }

  async startAgent(name: string): Promise<void> {
    this.trace.say(name, 'starts')
    await this.wait(`the start of agent ${name}`, this.agent(name).start())
  }

  async restartAgent(name: string): Promise<void> {
    await this.stopAgent(name)
    await this.startAgent(name)
  }

  /** No message passes between this agent and the hub. */
  partition(name: string, on: boolean): void {
    this.trace.say(name, on ? 'is cut off from the hub' : 'reaches the hub again')
    this.agent(name).faults.partitioned = on
  }

  stepClock(name: string, ms: number): void {
    this.trace.say(name, `clock stepped by ${ms} ms`)
    this.agent(name).clockOffsetMs += ms
  }

  /** The disk of the hub, or of an agent, is full, or has room again. */
  fillDisk(of: string, full: boolean): void {
    this.trace.say(of, full ? 'disk is full' : 'disk has room again')
    if (of === 'hub') this.#machine.diskFull = full
    else this.agent(of).diskFull = full
  }

  diskFull(of: string): boolean {
    return of === 'hub' ? this.#machine.diskFull : this.agent(of).diskFull
  }

  /** What may happen to messages from now on, between all agents and the hub. */
  setFaults(faults: Partial<Faults>): void {
    for (const { faults: current } of this.agents.values()) Object.assign(current, faults)
  }

  /** Heals the network, the disks, the clusters' API servers and Git; whoever is down is started. Clocks stay as they are. */
  async faultsOff(): Promise<void> {
    this.trace.say('world', 'faults off')
    this.git.away.clear()
    this.#machine.diskFull = false
    for (const agent of this.agents.values()) {
      Object.assign(agent.faults, NO_FAULTS)
      agent.cluster.faults.clear()
      agent.diskFull = false
    }
    if (!this.hub) await this.startHub()
    for (const { name, running } of this.agents.values()) if (!running) await this.startAgent(name)
  }

  /** What is not yet as Git declares it, in sentences; empty when the whole fleet has converged. */
  async converged(): Promise<readonly string[]> {
    return await this.#guard.run(() => notConverged(this))
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    await this.stopHub()
    for (const { name, cluster } of this.agents.values()) {
      await this.stopAgent(name)
      cluster.stop()
    }
    this.#guard.check()
  }

  /** Moves time on until the work has ended. @throws Error when that takes too long */
  async wait(what: string, work: Promise<unknown>): Promise<void> {
    await this.#guard.run(async () => {
      let ended = false
      const watched = work.finally(() => {
        ended = true
      })
      watched.catch(() => undefined)
      if (!(await this.clock.advanceUntil(() => ended, STOP_WITHIN_MS))) {
        throw new Error(`${what} has not ended within ${STOP_WITHIN_MS / 60_000} min of virtual time`)
      }
      await watched
    })
  }

  async #join(name: string): Promise<void> {
    const agent = new SimulatedAgent({
      name,
      world: this.clock,
      random: this.#random(`agent ${name}`),
      clusterRandom: this.#random(`cluster ${name}`),
      gateway: () => this.hub?.gateway,
      joinToken: await this.#machine.joinToken(name),
      trace: this.trace,
      laws: this.laws,
    })
    this.agents.set(name, agent)
    await agent.start()
  }
}

/** A seed of its own for each part, so that one part's chances do not depend on how often another draws. */
function mixed(seed: number, name: string): number {
  let value = seed >>> 0
  for (const character of name) value = Math.imul(value ^ character.charCodeAt(0), 0x01000193) >>> 0
  return value
}

/** What a host tells of a push, which knows its repository by another address than documents do. */
function pushTo(repository: string): WebhookEvent {
  const address = repository.replace('https://git.example.com/', 'git@git.example.com:')
  const name = address.slice(address.indexOf(':') + 1)
  const told = { urls: [address], hostName: 'git.example.com', namespace: '', name, defaultBranch: 'main' }
  return { kind: 'push', host: 'gitea', repository: told, ref: 'refs/heads/main' }
}
