import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import { type Store, StoreError } from '@flotilla/core/ports/store'
import type { CalendarPayload, ClosedInterval, GrantPayload } from '@flotilla/core/protocol/documents'
import { MemoryBundles } from '@flotilla/hub/bundle/memory-bundles'
import { type HubKeyRing, type HubKeys, hubKeysOf, newHubKeyFile, signingThrough } from '@flotilla/hub/gateway/hub-keys'
import { issueCalendar } from '@flotilla/hub/gateway/issue-documents'
import { createJoinToken } from '@flotilla/hub/gateway/join-tokens'
import { memoryRevocations } from '@flotilla/hub/gateway/revocations'
import { Hub } from '@flotilla/hub/hub'
import type { ConfigSource } from '@flotilla/hub/loop/config-sources'
import { RECOVERY_SETTING, restoredState } from '@flotilla/hub/recovery/recovery-state'
import { directoryRenderer } from '@flotilla/hub/render/directory-renderer'
import { clockTicker } from '@flotilla/hub/source/clock-ticker'
import type { MemoryGit } from '@flotilla/hub/source/git/memory-backend'
import { RepositoryMirrors } from '@flotilla/hub/source/mirror'
import { mirrorRecordsInMemory } from '@flotilla/hub/source/mirror-record'
import { MemoryStore } from '@flotilla/hub/store/memory-store'
import { CONFIG } from './declared-fleet.ts'
import type { HubEnd } from './in-process-transport.ts'
import type { Laws } from './laws.ts'
import { Life, MachineClock, mortal, mortalGit, mortalSocket, mortalStore, ProcessEnded } from './mortal.ts'
import { PortCalls } from './port-calls.ts'
import type { Trace } from './trace.ts'

const SOURCE: ConfigSource = {
  name: 'platform',
  repository: CONFIG,
  revision: 'main',
  path: '',
  trust: { kind: 'all' },
}
/** Each hub that began without `hub.key` is another one. */
const HUB_IDS = '01890000-0000-7000-8000-00000000aaa'
const POLL_MS = 30_000
const DAY_MS = 24 * 60 * 60_000

export const REMOVAL_GRACE_MS = 10 * 60_000

export interface SimulatedHubOptions {
  readonly world: Clock
  readonly random: Random
  readonly git: MemoryGit
  readonly trace: Trace
}

interface Process {
  readonly life: Life
  readonly mirrors: RepositoryMirrors
  /** There once the process has read its store. */
  hub?: Hub
}

/** The hub's machine: disk and keys that last, and the process on it, which can be stopped, killed and started again. */
export class SimulatedHub {
  store = this.#newStore()
  readonly bundles: MemoryBundles
  keys: HubKeyRing
  readonly calls: PortCalls
  /** How wrong this machine's clock is. */
  clockOffsetMs = 0
  /** Its disk is full: nothing can be committed. */
  diskFull = false
  readonly #options: SimulatedHubOptions
  readonly #records = mirrorRecordsInMemory()
  /** Beside `hub.key`: no backup of the store brings back what was revoked. */
  readonly #revocations = memoryRevocations()
  #backup: MemoryStore | undefined
  /** Nothing has been stored since the store was lost and the keys were not. */
  #lostStore = false
  #hubs = 0
  readonly #laws: () => Laws
  #process: Process | undefined
  readonly #closed = new Map<string, readonly ClosedInterval[]>()
  readonly #clusterNames = new Map<string, string>()
  /** What the transaction under way has signed: it counts once that is committed. */
  #signed: { readonly typ: string; readonly payload: object }[] = []

  constructor(options: SimulatedHubOptions, laws: () => Laws) {
    this.#options = options
    this.#laws = laws
    this.calls = new PortCalls('hub', () => options.world.monotonicMs())
    this.bundles = new MemoryBundles(() => options.world.now())
    this.keys = this.#newKeys()
  }

  /** What this machine takes the time to be, whatever runs on it. */
  get clock(): Clock {
    return new MachineClock(this.#options.world, new Life(), () => this.clockOffsetMs)
  }

  /** The process, while there is one that answers. */
  get hub(): Hub | undefined {
    return this.#process?.hub
  }

  get running(): boolean {
    return this.#process !== undefined
  }

  /** Starts the process; without one afterwards it could not, or was killed before it stood. */
  async start(): Promise<void> {
    if (this.#process) return
    const { world, random, git, trace } = this.#options
    const life = new Life(this.calls)
    const clock = new MachineClock(world, life, () => this.clockOffsetMs)
    const laws = this.#laws()
    const log = trace.log('hub', life, laws)
    const mirrors = new RepositoryMirrors({
      dataDirectory: '/nowhere',
      backendFor: () => mortalGit(life, git),
      pollIntervalMs: () => POLL_MS,
      clock,
      random,
      log,
      records: mortal(life, 'mirrors', this.#records, ['read', 'write']),
    })
    const process: Process = { life, mirrors }
    this.#process = process
    const parts = {
      store: mortalStore(life, this.#watchedStore()),
      bundles: mortal(life, 'bundles', this.bundles, ['has', 'put', 'get', 'list', 'delete']),
      mirrors,
      ticker: clockTicker(clock, 5_000),
      renderer: directoryRenderer(),
      keys: this.#watchedKeys(life),
      revocations: this.#revocations,
      lostStore: this.#lostStore,
      clock,
      random,
      log,
    }
    try {
      const options = { configSources: [SOURCE], removalGraceMs: REMOVAL_GRACE_MS }
      process.hub = await life.orDeath(Hub.start(parts, options))
      this.#lostStore = false
    } catch (error) {
      if (error instanceof ProcessEnded) return
      // The process ends with what it could not do; somebody starts it again.
      if (!(error instanceof StoreError)) throw error
      trace.say('hub', `could not start: ${error.message}`)
      this.kill()
    }
  }

  /** Ends the process in order, unless it is killed before. */
  async stop(): Promise<void> {
    const process = this.#process
    if (!process) return
    try {
      await process.life.orDeath(this.#end(process))
    } catch (error) {
      if (!(error instanceof ProcessEnded)) throw error
    }
    process.life.kill()
    if (this.#process === process) this.#process = undefined
  }

  /** Kill -9: transactions under way leave nothing behind. */
  kill(): void {
    this.#process?.life.kill()
    this.#process = undefined
  }

  /** What agents reach, while a process stands; its death cuts what is under way. */
  end(): HubEnd | undefined {
    const process = this.#process
    if (!process?.hub) return undefined
    const { life, hub } = process
    return {
      screen: head => life.orDeath(life.only('agents.screen', () => hub.gateway.screen(head))),
      handle: request => life.orDeath(life.only('agents.answer', () => hub.gateway.handle(request))),
      accept: (request, socket, screened) =>
        life.orDeath(
          life.only('agents.accept', () => hub.gateway.accept(request, mortalSocket(life, 'agents', socket), screened)),
        ),
    }
  }

  /** A copy of the store as it is now; a later one takes its place. */
  backUp(): void {
    this.#backup = this.store.copy()
  }

  /**
   * Puts the last backup in the place of the store; false without one, or without room for it. Nobody may use the store meanwhile.
   *
   * @param announced As by `flotilla hub restore`, after which the hub knows; otherwise somebody copied files.
   */
  async restore(announced: boolean): Promise<boolean> {
    if (!this.#backup || this.diskFull) return false
    const restored = this.#backup.copy()
    this.store = restored
    this.#lostStore = false
    const state = restoredState(this.clock.now())
    if (announced) await restored.write(rows => rows.putSetting(RECOVERY_SETTING, state))
    return true
  }

  /** An empty store takes the place of what there was, and with it or without, `hub.key`. */
  lose(withKey: boolean): void {
    this.store = this.#newStore()
    this.#lostStore = withKey
    if (!withKey) this.keys = this.#newKeys()
  }

  /** Announces another key, or signs with the one that is announced, once agents know it or by force. */
  async rotateKey(force: boolean): Promise<void> {
    const { hub } = this
    if (!hub?.hubKeys) return
    try {
      const { kind } = await hub.hubKeys.rotate('operator', force)
      this.#options.trace.say('person', `rotates the hub's key${force ? ' by force' : ''}: ${kind}`)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
    }
  }

  async joinToken(clusterName: string): Promise<string> {
    const { random } = this.#options
    const wish = { clusterName, hubUrl: 'https://hub.example', expiresInMs: DAY_MS }
    return (await this.store.write(rows => createJoinToken(rows, this.keys, this.clock, random, wish))).token
  }

  /**
   * Closes gates of a cluster. What the hub signs of its calendar says so from now on, and it is told at once.
   *
   * @returns Whether it could be written.
   */
  async close(clusterName: string, interval: ClosedInterval): Promise<boolean> {
    this.#closed.set(clusterName, [...(this.#closed.get(clusterName) ?? []), interval])
    const cluster = await this.store.read(rows => rows.clusterByName(clusterName))
    if (!cluster?.agentKey) return false
    this.#clusterNames.set(cluster.id, clusterName)
    const content = { intervals: [interval], void: [], horizonMs: DAY_MS }
    try {
      const keys = this.#watchedKeys(new Life())
      await this.#watchedStore().write(rows => issueCalendar(rows, keys, this.clock, cluster.id, content))
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      return false
    }
    this.hub?.gateway.changed([cluster.id])
    return true
  }

  async #end({ hub, mirrors }: Process): Promise<void> {
    await hub?.stop(5_000)
    await mirrors.close()
  }

  #newStore(): MemoryStore {
    return new MemoryStore({ beforeCommit: () => this.#refuseWhenFull() })
  }

  #newKeys(): HubKeyRing {
    const { random, world } = this.#options
    return hubKeysOf(newHubKeyFile(random, world.now(), `${HUB_IDS}${(this.#hubs++).toString(16)}`))
  }

  #refuseWhenFull(): void {
    if (this.diskFull) throw new StoreError('STORE_FULL', 'the hub', 'its disk is full', { retry: true })
  }

  #watchedKeys(life: Life): HubKeys {
    const { keys } = this
    return signingThrough(keys, (typ, content) => {
      const payload = typ === 'calendar' ? this.#withClosed(content as CalendarPayload) : content
      this.#signed.push({ typ, payload })
      return life.now('keys.sign', () => keys.sign(typ, payload)) ?? ''
    })
  }

  #withClosed(calendar: CalendarPayload): CalendarPayload {
    const closed = this.#closed.get(this.#clusterNames.get(calendar.cluster) ?? '') ?? []
    return { ...calendar, intervals: [...calendar.intervals.filter(own => !closed.includes(own)), ...closed] }
  }

  #watchedStore(): Store {
    const { store } = this
    return {
      read: work => store.read(work),
      write: async work => {
        let signed: { readonly typ: string; readonly payload: object }[] = []
        const result = await store.write(rows => {
          // Writes run one after the other, so what is signed from here on is this one's.
          signed = []
          this.#signed = signed
          return work(rows)
        })
        for (const { typ, payload } of signed) {
          this.#laws().issued(typ, payload)
          if (typ === 'grant') await this.#laws().granted(store, payload as GrantPayload)
        }
        return result
      },
      get counters() {
        return store.counters
      },
      close: () => store.close(),
    }
  }
}
