import { type AssembledAgent, assembleAgent } from '@flotilla/agents/assemble-agent'
import { MemoryState } from '@flotilla/agents/state/memory-state'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import type { ReportEntry } from '@flotilla/core/protocol/report'
import { MemoryBundles } from '@flotilla/hub/bundle/memory-bundles'
import { hubKeysOf, newHubKeyFile } from '@flotilla/hub/gateway/hub-keys'
import { createJoinToken } from '@flotilla/hub/gateway/join-tokens'
import { Hub } from '@flotilla/hub/hub'
import { APPS, application, CONFIG, cluster, configMap, project } from '@flotilla/hub/loop/testing/loop-harness'
import { PinDesk } from '@flotilla/hub/operations/pin-desk'
import { directoryRenderer } from '@flotilla/hub/render/directory-renderer'
import { clockTicker } from '@flotilla/hub/source/clock-ticker'
import { MemoryGit } from '@flotilla/hub/source/git/memory-backend'
import { RepositoryMirrors } from '@flotilla/hub/source/mirror'
import { mirrorRecordsInMemory } from '@flotilla/hub/source/mirror-record'
import { MemoryStore } from '@flotilla/hub/store/memory-store'
import { pushTo } from '../simulation/fleet-parts.ts'
import { InProcessTransport } from '../simulation/in-process-transport.ts'
import type { Bench } from './bench.ts'

const HOUR_MS = 3_600_000
const HUB_ID = '01890000-0000-7000-8000-00000000aaaa'
const CLUSTER = 'eu-1'
/** Passes between two looks of a test that waits. */
const HURRY_MS = 1_000

/** By the name of the Application and its ConfigMap, what that holds; null: the Application is not declared any more. */
export type Declared = { readonly [name: string]: { readonly [key: string]: string } | null }

/**
 * A whole hub with an agent on the bench's cluster, for what neither does alone: repositories and records are in memory,
 * everything else is as it is. Time passes for both with the bench's clock.
 */
export class WholeFleet {
  readonly hub: Hub
  readonly #bench: Bench
  readonly #git: MemoryGit
  readonly #store: MemoryStore
  readonly #state = new MemoryState()
  readonly #close: () => Promise<void>
  #joinToken: string | undefined
  #agent: AssembledAgent | undefined

  /** One that ends with `work`. */
  static async during(bench: Bench, declared: Declared, work: (fleet: WholeFleet) => Promise<void>): Promise<void> {
    const { clock } = bench
    const random = seededRandom(bench.number)
    const git = new MemoryGit(clock)
    const store = new MemoryStore()
    const keys = hubKeysOf(newHubKeyFile(random, clock.now(), HUB_ID))
    const log = bench.noting()
    const records = mirrorRecordsInMemory()
    const mirrors = new RepositoryMirrors({
      ...{ dataDirectory: '/nowhere', backendFor: () => git, clock, random, log, records },
    })
    git.commit(CONFIG, { 'clusters/eu-1.json': cluster(CLUSTER), 'projects/shop.json': project('shop') })
    git.commit(APPS, { 'README.md': 'applications' })
    const options = {
      configSources: [{ name: 'platform', repository: CONFIG, revision: 'main', path: '', trust: { kind: 'all' } }],
    } as const
    const bundles = new MemoryBundles(() => clock.now())
    const [ticker, renderer] = [clockTicker(clock, 5_000), directoryRenderer()]
    const parts = { store, bundles, mirrors, ticker, renderer, keys, clock, random, log }
    const hub = await Hub.start(parts, options)
    const fleet = new WholeFleet(bench, hub, git, store, () => mirrors.close())
    try {
      await bench.until('the Cluster is known', () => store.read(async rows => !!(await rows.clusterByName(CLUSTER))))
      const wish = { clusterName: CLUSTER, hubUrl: 'https://hub.example', expiresInMs: HOUR_MS }
      fleet.#joinToken = (await store.write(rows => createJoinToken(rows, keys, clock, random, wish))).token
      fleet.declare(declared)
      await fleet.startAgent()
      await work(fleet)
    } finally {
      await fleet.stopAgent()
      await hub.stop(1_000)
      await fleet.#close()
    }
  }

  private constructor(bench: Bench, hub: Hub, git: MemoryGit, store: MemoryStore, close: () => Promise<void>) {
    this.#bench = bench
    this.hub = hub
    this.#git = git
    this.#store = store
    this.#close = close
  }

  /** Commits, and tells the hub as a webhook does. */
  declare(declared: Declared): void {
    const each = Object.entries(declared)
    const destination = { name: CLUSTER, namespace: this.#bench.namespace }
    const syncPolicy = { automated: { prune: true, selfHeal: true }, syncOptions: ['CreateNamespace=true'] }
    this.commit(
      APPS,
      each.map(([name, data]) => [`${name}/cm.json`, data && configMap(name, data)]),
    )
    this.commit(
      CONFIG,
      each.map(([name, data]) => [`${name}.json`, data && application(name, APPS, name, { destination, syncPolicy })]),
    )
  }

  commit(repository: string, files: readonly (readonly [path: string, text: string | null])[]): void {
    this.#git.commit(repository, Object.fromEntries(files))
    this.hub.heard([pushTo(repository)])
  }

  async startAgent(): Promise<void> {
    const { clock, namespace, number } = this.#bench
    const random = seededRandom(number)
    const gateway = () => this.hub.gateway
    const assembled = assembleAgent({
      name: CLUSTER,
      cluster: this.#bench.cluster(),
      hub: new InProcessTransport({ gateway, clock, random }),
      state: this.#state,
      ...(this.#joinToken !== undefined && { joinToken: this.#joinToken }),
      namespace: `${namespace}-agent`,
      version: '0.1.0',
      ...{ clock, random, log: this.#bench.noting() },
    })
    this.#agent = assembled
    // Whoever lost the Lease ends, and is started again where Pods are.
    void assembled.lost.then(async () => {
      if (this.#agent !== assembled) return
      await this.stopAgent()
      await this.startAgent()
    })
    await assembled.agent.start()
  }

  /** What people hold Applications to. */
  get pins(): PinDesk {
    const { clock, number } = this.#bench
    const { desk, loop } = this.hub
    const random = seededRandom(number)
    return new PinDesk({ store: this.#store, clock, random, desk, interventions: loop.interventions })
  }

  async stopAgent(): Promise<void> {
    await this.#agent?.stop()
    this.#agent = undefined
  }

  /** As the hub has it; undefined once it is no more. */
  async application(name: string): Promise<ApplicationRow | undefined> {
    return await this.#store.read(rows => rows.applicationByName(name))
  }

  /** What its agent said last. */
  async report(name: string): Promise<ReportEntry | undefined> {
    const row = await this.application(name)
    return row && (await this.#store.read(rows => rows.report(row.id)))?.entry
  }

  /** How often its agent has begun, over all operations that the hub has heard of. */
  async attempts(name: string): Promise<number> {
    const row = await this.application(name)
    const operations = row ? await this.#store.read(rows => rows.operations(row.id, { limit: 100 })) : []
    return operations.reduce((sum, { operation }) => sum + (operation.attempts ?? 1), 0)
  }

  /** This is in the cluster, and the hub has heard that it is. */
  async synced(name: string, data: { readonly [key: string]: string }): Promise<void> {
    await this.until(`${name} is synced`, async () => {
      const live = (await this.#bench.read('ConfigMap', name))?.['data']
      if (JSON.stringify(live) !== JSON.stringify(data)) return false
      return (await this.report(name))?.lastSucceeded === (await this.application(name))?.digest
    })
  }

  /** Time goes some twenty times as fast meanwhile: agent and hub find each other again only after a while. */
  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    await this.#bench.until(what, async () => {
      if (await holds()) return true
      this.#bench.clock.skip(HURRY_MS)
      return false
    })
  }
}
