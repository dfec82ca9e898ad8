import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Random } from '@flotilla/core/ports/random'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import type { Hub } from '@flotilla/hub/hub'
import { MemoryGit } from '@flotilla/hub/source/git/memory-backend'
import { ClusterCopies } from './cluster-copies.ts'
import { notConverged } from './converged.ts'
import { APPS, type Changes, CONFIG, DeclaredFleet } from './declared-fleet.ts'
import { EventLoopGuard, settled } from './event-loop-guard.ts'
import { mixed, pushTo } from './fleet-parts.ts'
import { NO_FAULTS } from './in-process-transport.ts'
import { Lasting } from './lasting.ts'
import { Laws } from './laws.ts'
import { Operator } from './operator.ts'
import type { Crash, CrashPoint, PortCalls } from './port-calls.ts'
import type { Act, Freeze, Weather } from './schedule.ts'
import { SimulatedAgent } from './simulated-agent.ts'
import { REMOVAL_GRACE_MS, SimulatedHub } from './simulated-hub.ts'
import { stealFrom } from './thief.ts'
import { Trace } from './trace.ts'

const START = Date.UTC(2030, 0, 1)
/** How often the laws that look at states are looked at. */
const LOOK_MS = 5_000
/** More than any orderly stop may take. */
const STOP_WITHIN_MS = 10 * 60_000

/** What came down by itself and could not be started is tried again after so long. */
const START_AGAIN_MS = 10_000

export interface SimulatedFleetOptions {
  readonly seed: number
  /** Names of the clusters. */
  readonly clusters: readonly string[]
  /** Called before any process has started, so that one can be made to end in its first call. */
  readonly before?: (fleet: SimulatedFleet) => void
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
  readonly operator = new Operator(this)
  readonly #copies = new ClusterCopies()
  readonly #random: (name: string) => Random
  readonly #machine: SimulatedHub
  readonly #guard = new EventLoopGuard()
  readonly #lasting = new Lasting(this.clock)
  /** Machines that somebody will start. */
  readonly #reviving = new Set<string>()
  #freezes = 0
  #failure: unknown

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
      for (const name of options.clusters) fleet.#addCluster(name)
      options.before?.(fleet)
      await fleet.#start('hub')
      for (const agent of fleet.agents.values()) {
        agent.joinToken = await fleet.#machine.joinToken(agent.name)
        await fleet.#start(agent.name)
      }
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

  /** Moves virtual time on, looking at the laws now and then. @throws OutstandingWork, and what went wrong meanwhile */
  async run(ms: number): Promise<void> {
    await this.#guard.run(async () => {
      for (let left = ms; left > 0; left -= LOOK_MS) {
        await this.clock.advance(Math.min(LOOK_MS, left))
        await this.laws.reports(this.store)
        this.operator.look()
      }
    })
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Ends a process in order; resolves when it has ended. */
  async stopHub(): Promise<void> {
    this.trace.say('hub', 'stops')
    await this.wait('the hub', this.#machine.stop())
  }

  killHub(): void {
    this.trace.say('hub', 'is killed')
    this.#machine.kill()
    for (const agent of this.agents.values()) agent.breakSockets()
    this.#copies.breakSockets()
  }

  /** Starts the hub again over the same store. */
  async startHub(): Promise<void> {
    this.trace.say('hub', 'starts')
    await this.wait('the start of the hub', this.#machine.start())
  }

  async stopAgent(name: string): Promise<void> {
    this.trace.say(name, 'stops')
    await this.wait(`agent ${name}`, this.agent(name).stop())
  }

  /** Ends the process of a machine, and starts it again a while after it has ended. */
  down(name: string, killed: boolean, forMs: number): void {
    const machine = this.#machineOf(name)
    if (!machine.running) return
    if (killed) {
      this.#kill(name)
      this.#startAfter(name, forMs)
      return
    }
    this.trace.say(name, 'stops')
    this.#reviving.add(name)
    const stopped = machine.stop().then(() => {
      this.#reviving.delete(name)
      this.#startAfter(name, forMs)
    })
    stopped.catch(error => this.failed(error))
  }

  /** Ends the process of a machine at the call that the point names, and starts it again a while after. */
  crash(name: string, point: CrashPoint, forMs: number): void {
    this.#machineOf(name).calls.arm(point, () => {
      this.trace.say(name, `crashes ${point.side} call ${point.call} of ${point.port}`)
      this.#kill(name)
      this.#startAfter(name, forMs)
    })
  }

  /** Does something after a while; at once when the faults are switched off before. */
  later(ms: number, end: () => void): void {
    this.#lasting.later(ms, end)
  }

  /** No message passes between this agent and the hub. */
  partition(name: string, forMs: number): void {
    const { faults } = this.agent(name)
    this.trace.say(name, 'is cut off from the hub')
    faults.partitioned = true
    this.later(forMs, () => {
      faults.partitioned = false
      this.trace.say(name, 'reaches the hub again')
    })
  }

  /** What happens to messages between these agents and the hub for a while. */
  weather(names: readonly string[], weather: Weather, forMs: number): void {
    this.trace.say('world', `network of ${names.join(', ')} ${JSON.stringify(weather)}`)
    for (const name of names) {
      const { faults } = this.agent(name)
      Object.assign(faults, weather)
      const number = ++faults.change
      this.later(forMs, () => {
        if (faults.change === number) Object.assign(faults, { ...NO_FAULTS, partitioned: faults.partitioned })
      })
    }
  }

  /** Closes gates of a cluster for a while; the end stands in the calendar. */
  freeze(name: string, freeze: Freeze, forMs: number): void {
    const from = this.#machine.clock.now()
    const rule = `freeze-${this.#freezes++}`
    const interval = {
      ...freeze,
      applications: 'all',
      from,
      to: from + forMs,
      rule,
      layer: 'freeze',
      gracePeriodMs: 0,
    } as const
    this.trace.say(name, `${rule} ${JSON.stringify(freeze)} for ${forMs} ms`)
    this.#machine.close(name, interval).catch(error => this.failed(error))
  }

  /** Somebody with the key of one cluster's agent tries what is another cluster's. */
  thief({ cluster, wants, pick }: Extract<Act, { readonly kind: 'thief' }>): void {
    stealFrom(this, cluster, wants, pick).catch(error => this.failed(error))
  }

  /** The hub's store is copied. */
  backUp(): void {
    this.trace.say('hub', 'is backed up')
    this.#machine.backUp()
  }

  /** The last copy takes the place of the store, whatever happened since; the hub starts on it after a while. */
  restore(announced: boolean, forMs: number): void {
    this.#kill('hub')
    this.#reviving.add('hub')
    const restored = this.#machine.restore(announced).then(done => {
      this.trace.say(
        'hub',
        done ? `is restored from its backup${announced ? '' : ' unannounced'}` : 'cannot be restored',
      )
      if (done) this.laws.restored(announced)
      this.#reviving.delete('hub')
      this.#startAfter('hub', forMs)
    })
    restored.catch(error => this.failed(error))
  }

  /** The hub's store is lost, with `hub.key` or without; a hub with an empty one starts after a while. */
  loseHub(withKey: boolean, forMs: number): void {
    this.#kill('hub')
    this.trace.say('hub', `loses its store${withKey ? '' : ' and hub.key'}`)
    this.#machine.lose(withKey)
    this.laws.lost(withKey)
    this.#startAfter('hub', forMs)
  }

  /** Another key for the hub to sign with; `force`: at once, whoever knows it. */
  rotateHubKey(force: boolean): void {
    this.#machine.rotateKey(force).catch(error => this.failed(error))
  }

  rotateAgentKey(name: string): void {
    const rotated = this.agent(name).rotateKey()
    rotated.catch(error => this.failed(error))
  }

  revoke(name: string): void {
    this.operator.revoke(name)
  }

  /** A cluster and its agent's machine, once more, from an image of their disks. */
  clone(name: string): void {
    const copy = this.#copies.next(name)
    if (copy === undefined) return
    this.trace.say(name, `is cloned as ${copy}`)
    const agent = this.agent(name).clone({
      name: copy,
      random: this.#random(`agent ${copy}`),
      clusterRandom: this.#random(`cluster ${copy}`),
      networkRandom: this.#random(`network ${copy}`),
    })
    this.laws.cloned(name, copy)
    this.#copies.add(agent)
    agent.start().catch(error => this.failed(error))
  }

  /** The copies of a cluster are switched off for good. */
  endCopies(name: string): void {
    this.#copies.end(name, copy => this.trace.say(copy, 'is switched off'))
  }

  /** A cluster's agent is installed with a new join token, and starts again with it. */
  async invite(name: string): Promise<void> {
    const agent = this.agent(name)
    agent.joinToken = await this.#machine.joinToken(name)
    this.down(name, true, 1_000)
  }

  /** An agent is sent its old documents again. */
  replay(name: string): void {
    this.trace.say(name, 'is sent old documents again')
    this.agent(name).replay()
  }

  /** The clock of an agent's machine, or of the hub's, is set wrong. */
  stepClock(name: string, ms: number): void {
    this.trace.say(name, `clock stepped by ${ms} ms`)
    const machine = this.#machineOf(name)
    machine.clockOffsetMs += ms
    if (name === 'hub') this.laws.hubTime.stepped(machine.clockOffsetMs)
  }

  /** A repository cannot be fetched for a while. */
  gitAway(url: string, forMs: number): void {
    this.trace.say('git', `${url} is away`)
    this.git.away.add(url)
    this.later(forMs, () => {
      this.git.away.delete(url)
      this.trace.say('git', `${url} is back`)
    })
  }

  /** The disk of the hub, or of an agent, is full for a while. */
  fillDisk(of: string, forMs: number): void {
    const machine = this.#machineOf(of)
    this.trace.say(of, 'disk is full')
    machine.diskFull = true
    this.later(forMs, () => {
      machine.diskFull = false
      this.trace.say(of, 'disk has room again')
    })
  }

  /** The port calls of every machine. */
  calls(): ReadonlyMap<string, PortCalls> {
    return new Map([
      ['hub', this.#machine.calls],
      ...[...this.agents].map(([name, { calls }]): [string, PortCalls] => [name, calls]),
    ])
  }

  /** Every crash so far, in order. */
  crashes(): readonly Crash[] {
    return [...this.calls().values()].flatMap(({ crashed }) => crashed).sort((a, b) => a.monotonicMs - b.monotonicMs)
  }

  /** Heals the network, the disks, the clusters' API servers and Git; whoever is down is started. Clocks are right again. */
  async faultsOff(): Promise<void> {
    this.trace.say('world', 'faults off')
    for (const machine of [this.#machine, ...this.agents.values()]) {
      machine.calls.disarm()
      machine.clockOffsetMs = 0
    }
    this.#lasting.endAll()
    for (const { cluster } of this.agents.values()) cluster.faults.clear()
    await this.run(1_000)
  }

  /** What is not yet as Git declares it, in sentences; empty when the whole fleet has converged. */
  async converged(): Promise<readonly string[]> {
    return await this.#guard.run(() => notConverged(this))
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    await this.stopHub()
    for (const name of this.agents.keys()) this.endCopies(name)
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

  #machineOf(name: string): SimulatedHub | SimulatedAgent {
    return name === 'hub' ? this.#machine : this.agent(name)
  }

  #kill(name: string): void {
    if (name === 'hub') this.killHub()
    else {
      this.trace.say(name, 'is killed')
      this.agent(name).kill()
    }
  }

  /** Whoever looks after a machine starts what has come down, once. */
  #startAfter(name: string, ms: number): void {
    if (this.#reviving.has(name)) return
    this.#reviving.add(name)
    this.later(ms, () => {
      this.#reviving.delete(name)
      this.#start(name).catch(error => this.failed(error))
    })
  }

  async #start(name: string): Promise<void> {
    this.trace.say(name, 'starts')
    const machine = this.#machineOf(name)
    await machine.start()
    if (!machine.running) this.#startAfter(name, START_AGAIN_MS)
  }

  /** Something that nobody waits for went wrong: the run fails. */
  failed(error: unknown): void {
    this.#failure ??= error
  }

  #addCluster(name: string): void {
    const agent = new SimulatedAgent({
      name,
      world: this.clock,
      random: this.#random(`agent ${name}`),
      clusterRandom: this.#random(`cluster ${name}`),
      networkRandom: this.#random(`network ${name}`),
      gateway: () => this.#machine.end(),
      trace: this.trace,
      laws: this.laws,
    })
    this.agents.set(name, agent)
  }
}
