import { pathToFileURL } from 'node:url'
import { createNodeHubTransport } from '@flotilla/agents/link/node-hub-transport'
import type { JsonObject } from '@flotilla/core/json/json'
import { createClock } from '@flotilla/core/ports/create-clock'
import type { HubResponse, HubTransport } from '@flotilla/core/ports/hub-transport'
import { CheckedApi } from './checked-api.ts'
import { type Started, start } from './processes.ts'
import { until } from './until.ts'

export interface HubUnderTestOptions {
  /** Its data folder. */
  readonly data: string
  /** A folder with a Git repository: the one config source, `fleet/` of it. */
  readonly repository: string
  /** Further words of the command line. */
  readonly flags?: readonly string[]
  readonly program?: string
}

/** A hub as a process of its own, which can be killed and started again at the same address. */
export class HubUnderTest {
  readonly #options: HubUnderTestOptions
  #process: Started | undefined
  #url = ''
  #ca: string | undefined
  #adminToken = ''
  #transport: HubTransport | undefined

  constructor(options: HubUnderTestOptions) {
    this.#options = options
  }

  get url(): string {
    return this.#url
  }

  get process(): Started {
    if (this.#process === undefined) throw new Error('the hub was not started')
    return this.#process
  }

  /** What every verb with a hub needs to reach this one. */
  get clientEnvironment(): Record<string, string> {
    return { FLOTILLA_HUB: this.#url, FLOTILLA_TOKEN: this.#adminToken, ...(this.#ca && { FLOTILLA_CA_PIN: this.#ca }) }
  }

  get token(): string {
    return this.#adminToken
  }

  /** Starts it; resolves when it listens. */
  async start(): Promise<void> {
    this.spawn()
    await this.#listening()
  }

  /** Starts it and does not wait. Only for later starts: the first one has to say where it is. */
  spawn(): void {
    const { data, repository, flags = [], program } = this.#options
    const source = {
      name: 'fleet',
      repository: pathToFileURL(repository).href,
      revision: 'main',
      path: 'fleet',
      trust: 'all',
    }
    // The second start is at the address that the system chose for the first.
    const listen = this.#url === '' ? '127.0.0.1:0' : new URL(this.#url).host
    const words = ['hub', '-o', 'json', '--data-directory', data, '--listen', listen]
    const settings = [
      '--config-sources',
      JSON.stringify([source]),
      '--webhooks-per-minute',
      '100000',
      '--log-level',
      'warn',
    ]
    this.#process = start([...words, ...settings, ...flags], program === undefined ? {} : { program })
  }

  async #listening(): Promise<void> {
    const [line] = await this.process.says(/^\{"url":.*\}$/m)
    const { url, ca, adminToken } = JSON.parse(line) as { url: string; ca?: string; adminToken?: string }
    if (url !== this.#url || ca !== this.#ca) {
      await this.#transport?.close()
      this.#transport = undefined
    }
    this.#url = url
    this.#ca = ca
    if (adminToken !== undefined) this.#adminToken = adminToken
  }

  /** Resolves once it listens, after {@link spawn}. */
  async listens(): Promise<void> {
    await this.process.says(/^\{"url":.*\}$/m)
  }

  /** Dies at once, as by a power cut. */
  async kill(): Promise<void> {
    await this.process.end('SIGKILL')
  }

  /** Ends in order. */
  async stop(): Promise<void> {
    await this.process.end('SIGTERM')
  }

  async close(): Promise<void> {
    await this.#transport?.close()
    if (this.#process?.isRunning()) await this.stop()
  }

  /** People's API with the administrator's token; each answer is held against its description. */
  get api(): CheckedApi {
    return new CheckedApi(this.transport, this.#url, this.#adminToken)
  }

  get transport(): HubTransport {
    this.#transport ??= createNodeHubTransport({
      url: this.#url,
      ...(this.#ca !== undefined && { caPin: this.#ca as `sha256:${string}` }),
      environment: {},
      clock: createClock(globalThis),
    })
    return this.#transport
  }

  /** Tells it that the repository was pushed to. */
  async push(): Promise<HubResponse> {
    const body = Buffer.from(JSON.stringify({ repository: pathToFileURL(this.#options.repository).href }))
    const headers = { 'content-type': 'application/json' }
    return await this.transport.request({ method: 'POST', path: '/api/v1/webhooks/generic', headers, body })
  }

  async applications(): Promise<readonly JsonObject[]> {
    return (await this.api.list('/api/v1/applications', {})).items
  }

  async clusters(): Promise<readonly JsonObject[]> {
    return (await this.api.list('/api/v1/clusters', {})).items
  }

  /** Waits until that many Applications are there and each is Synced and Healthy. */
  async settled(count: number): Promise<readonly JsonObject[]> {
    let last: readonly JsonObject[] = []
    const summary = (): string =>
      last.map(({ name, sync, health, hold }) => JSON.stringify({ name, sync, health, hold })).join('\n')
    return await until(
      `${count} Applications Synced and Healthy`,
      async () => {
        last = await this.applications()
        return last.length === count && last.every(isDone) ? last : undefined
      },
      { everyMs: 100, told: () => `${summary()}\n${this.process.stderr().slice(-4000)}` },
    )
  }
}

export function isDone({ sync, health, hold }: JsonObject): boolean {
  return hold === null && statusOf(sync) === 'Synced' && statusOf(health) === 'Healthy'
}

function statusOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'status' in value ? value.status : undefined
}
