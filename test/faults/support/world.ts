import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type AssembledAgent, assembleAgent } from '@flotilla/agents/assemble-agent'
import { createNodeHubTransport } from '@flotilla/agents/link/node-hub-transport'
import { MemoryState } from '@flotilla/agents/state/memory-state'
import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { listAt, objectAt, textAt } from '@flotilla/core/json/read-json'
import type { Clock } from '@flotilla/core/ports/clock'
import { createClock } from '@flotilla/core/ports/create-clock'
import { createRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import { SimulatedCluster } from '@flotilla/sim/simulated-cluster'
import { type TemporaryFolder, temporaryFolder } from '../../e2e/support/folder.ts'
import { HubUnderTest } from '../../e2e/support/hub-under-test.ts'
import { SmallFleet } from '../../e2e/support/small-fleet.ts'
import { until } from '../../e2e/support/until.ts'
import { FaultProxy } from '../fault-proxy.ts'
import { TamperingHub } from './tampering-hub.ts'

const clock = createClock(globalThis)
const chance = createRandom(randomBytes)
/** The same chances, with short waits: the redial rules have their own tests, on a clock that is told the time. */
const random = { bytes: chance.bytes, fraction: () => chance.fraction() / 20 }

/** A line of the agent's log. */
export interface Said {
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

export interface WorldOptions {
  readonly apps: readonly string[]
  /** Names of the fleet's clusters, `eu-1` among them, which alone has an agent here. Default: only that. */
  readonly clusters?: readonly string[]
  /** Before the agent starts. */
  readonly prepare?: (between: TamperingHub) => void
  /** The clock of the agent's machine. Default: the real one. */
  readonly machine?: Clock
}

/** The cluster whose agent runs in the test's own process; others of the fleet have none. */
const NAME = 'eu-1'

/**
 * A hub as a process, and one whole agent in the test's own process, so that its clock, its state and what it is told can
 * be changed. Between them are a relay that can be broken and whoever alters what passes.
 */
export class World {
  readonly folder: TemporaryFolder
  readonly fleet: SmallFleet
  readonly hub: HubUnderTest
  readonly proxy: FaultProxy
  readonly cluster = new SimulatedCluster({ name: NAME, clock, random })
  readonly state = new MemoryState()
  readonly said: Said[] = []
  between: TamperingHub
  agent: AssembledAgent | undefined

  private constructor(folder: TemporaryFolder, fleet: SmallFleet, hub: HubUnderTest, proxy: FaultProxy) {
    this.folder = folder
    this.fleet = fleet
    this.hub = hub
    this.proxy = proxy
    this.between = this.#between()
  }

  static async start(options: WorldOptions): Promise<World> {
    const { apps, clusters = [NAME], prepare } = options
    const folder = await temporaryFolder()
    const fleet = await SmallFleet.create(join(folder.path, 'repo'), clusters, apps)
    const hub = new HubUnderTest({ data: join(folder.path, 'hub'), repository: fleet.directory })
    await hub.start()
    const proxy = await FaultProxy.start({ port: Number(new URL(hub.url).port) })
    const made = new World(folder, fleet, hub, proxy)
    prepare?.(made.between)
    await until('the Clusters are known', async () => (await hub.clusters()).length === clusters.length)
    await made.startAgent(await made.joinToken(NAME), options.machine)
    return made
  }

  async joinToken(cluster: string): Promise<string> {
    const { token } = await this.hub.api.post(`/api/v1/clusters/${cluster}/join-tokens`)
    return String(token)
  }

  async startAgent(joinToken?: string, machine: Clock = clock): Promise<void> {
    this.agent = assembleAgent({
      name: NAME,
      cluster: this.cluster.transport(),
      hub: this.between,
      state: this.state,
      ...(joinToken !== undefined && { joinToken }),
      version: '0.1.0',
      clock: machine,
      random,
      log: this.#log(),
    })
    await this.agent.agent.start()
  }

  async stopAgent(): Promise<void> {
    await this.agent?.stop()
    await this.between.close()
    this.agent = undefined
    const { seen, replayed, replayedGrants } = this.between
    this.between = this.#between()
    for (const [typ, list] of seen) this.between.seen.set(typ, list)
    this.between.replayed.push(...replayed)
    this.between.replayedGrants.push(...replayedGrants)
  }

  async close(): Promise<void> {
    this.between.release()
    await this.agent?.stop()
    await this.between.close()
    await this.proxy.close()
    await this.hub.close()
    await this.folder.remove()
  }

  /** What the ConfigMap of an Application says in the cluster. */
  async value(app: string): Promise<string | undefined> {
    const found = await this.#get(`/api/v1/namespaces/shop/configmaps/${app}`)
    return found && textAt(objectAt(found, 'data'), 'value')
  }

  /** Somebody edits that ConfigMap by hand. */
  async drift(app: string, value: string): Promise<void> {
    const response = await this.cluster.transport().request({
      method: 'PATCH',
      path: `/api/v1/namespaces/shop/configmaps/${app}?fieldManager=kubectl-edit`,
      headers: { 'content-type': 'application/merge-patch+json' },
      body: JSON.stringify({ data: { value } }),
    })
    if (response.status !== 200) throw new Error(`the edit was answered ${response.status}`)
  }

  /** How far the operations are that were begun, by their records. */
  async phases(): Promise<readonly string[]> {
    const list = await this.#get('/api/v1/namespaces/flotilla-system/configmaps')
    const records = list ? listAt(list, 'items') : []
    return records.map(record => textAt(record, 'data', 'phase')).filter(phase => phase !== '')
  }

  /** Operations that were begun in the cluster, by their records. */
  async begun(): Promise<readonly string[]> {
    const list = await this.#get('/api/v1/namespaces/flotilla-system/configmaps')
    const names = list ? listAt(list, 'items').map(item => textAt(item, 'metadata', 'name')) : []
    return names.filter(name => name.startsWith('flotilla-operation')).sort()
  }

  async say(app: string, value: string): Promise<void> {
    await this.fleet.say(app, NAME, value)
    await this.hub.push()
  }

  refusals(): readonly string[] {
    return this.said
      .filter(({ message }) => message === 'a document was refused')
      .map(({ fields }) => String(fields['code']))
  }

  async #get(path: string): Promise<JsonObject | undefined> {
    const response = await this.cluster.transport().request({ method: 'GET', path })
    const chunks: Uint8Array[] = []
    for await (const chunk of response.body) chunks.push(chunk)
    const body = parseJson(Buffer.concat(chunks).toString('utf8'))
    return response.status === 200 && isJsonObject(body) ? body : undefined
  }

  #between(): TamperingHub {
    const transport = createNodeHubTransport({
      url: `https://127.0.0.1:${this.proxy.port}`,
      environment: {},
      clock,
      ...(this.hub.clientEnvironment['FLOTILLA_CA_PIN'] !== undefined && {
        caPin: this.hub.clientEnvironment['FLOTILLA_CA_PIN'] as `sha256:${string}`,
      }),
    })
    return new TamperingHub(transport)
  }

  #log(): Log {
    const say = (message: string, fields: Readonly<Record<string, unknown>> = {}): void =>
      void this.said.push({ message, fields })
    const log: Log = { debug() {}, info: say, warn: say, error: say, child: () => log }
    return log
  }
}
