import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import { type Store, StoreError } from '@flotilla/core/ports/store'
import type { GrantPayload } from '@flotilla/core/protocol/documents'
import { MemoryBundles } from '@flotilla/hub/bundle/memory-bundles'
import { type HubKeys, hubKeysOf, newHubKeyFile } from '@flotilla/hub/gateway/hub-keys'
import { createJoinToken } from '@flotilla/hub/gateway/join-tokens'
import { Hub } from '@flotilla/hub/hub'
import type { ConfigSource } from '@flotilla/hub/loop/config-sources'
import { directoryRenderer } from '@flotilla/hub/render/directory-renderer'
import { clockTicker } from '@flotilla/hub/source/clock-ticker'
import type { MemoryGit } from '@flotilla/hub/source/git/memory-backend'
import { RepositoryMirrors } from '@flotilla/hub/source/mirror'
import { mirrorRecordsInMemory } from '@flotilla/hub/source/mirror-record'
import { MemoryStore } from '@flotilla/hub/store/memory-store'
import { CONFIG } from './declared-fleet.ts'
import type { Laws } from './laws.ts'
import { Life, MachineClock, mortal, mortalStore } from './mortal.ts'
import type { Trace } from './trace.ts'

const SOURCE: ConfigSource = {
  name: 'platform',
  repository: CONFIG,
  revision: 'main',
  path: '',
  trust: { kind: 'all' },
}
const HUB_ID = '01890000-0000-7000-8000-00000000aaaa'
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
  readonly store = new MemoryStore({ beforeCommit: () => this.#refuseWhenFull() })
  readonly bundles: MemoryBundles
  readonly keys: HubKeys
  /** Its disk is full: nothing can be committed. */
  diskFull = false
  readonly #options: SimulatedHubOptions
  readonly #records = mirrorRecordsInMemory()
  readonly #laws: () => Laws
  #process: Process | undefined
  /** What the transaction under way has signed: it counts once that is committed. */
  #signed: { readonly typ: string; readonly payload: object }[] = []

  constructor(options: SimulatedHubOptions, laws: () => Laws) {
    this.#options = options
    this.#laws = laws
    this.bundles = new MemoryBundles(() => options.world.now())
    this.keys = hubKeysOf(newHubKeyFile(options.random, options.world.now(), HUB_ID))
  }

  /** The process, while there is one that answers. */
  get hub(): Hub | undefined {
    return this.#process?.hub
  }

  /** Starts the process; without one afterwards it could not. */
  async start(): Promise<void> {
    if (this.#process) return
    const { world, random, git, trace } = this.#options
    const life = new Life()
    const clock = new MachineClock(world, life)
    const laws = this.#laws()
    const log = trace.log('hub', line => life.alive && laws.breach(`an error was logged: ${line}`))
    const mirrors = new RepositoryMirrors({
      dataDirectory: '/nowhere',
      backendFor: () => mortal(life, git),
      pollIntervalMs: () => POLL_MS,
      clock,
      random,
      log,
      records: mortal(life, this.#records),
    })
    const process: Process = { life, mirrors }
    this.#process = process
    const parts = {
      store: mortalStore(life, this.#watchedStore()),
      bundles: mortal(life, this.bundles),
      mirrors,
      ticker: clockTicker(clock, 5_000),
      renderer: directoryRenderer(),
      keys: this.#watchedKeys(),
      clock,
      random,
      log,
    }
    try {
      process.hub = await Hub.start(parts, { configSources: [SOURCE], removalGraceMs: REMOVAL_GRACE_MS })
    } catch (error) {
      // The process ends with what it could not do; somebody starts it again.
      if (!(error instanceof StoreError)) throw error
      trace.say('hub', `could not start: ${error.message}`)
      this.kill()
    }
  }

  /** Ends the process in order. */
  async stop(): Promise<void> {
    const process = this.#process
    if (!process) return
    await process.hub?.stop(5_000)
    await process.mirrors.close()
    process.life.kill()
    if (this.#process === process) this.#process = undefined
  }

  /** Kill -9: transactions under way leave nothing behind. */
  kill(): void {
    this.#process?.life.kill()
    this.#process = undefined
  }

  async joinToken(clusterName: string): Promise<string> {
    const { world, random } = this.#options
    const wish = { clusterName, hubUrl: 'https://hub.example', expiresInMs: DAY_MS }
    return (await this.store.write(rows => createJoinToken(rows, this.keys, world, random, wish))).token
  }

  #refuseWhenFull(): void {
    if (this.diskFull) throw new StoreError('STORE_FULL', 'the hub', 'its disk is full', { retry: true })
  }

  #watchedKeys(): HubKeys {
    return {
      ...this.keys,
      sign: (typ, payload) => {
        this.#signed.push({ typ, payload })
        return this.keys.sign(typ, payload)
      },
    }
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
