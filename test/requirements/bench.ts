import { type Agent, createAgent } from '@flotilla/agents/agent'
import { KubernetesClient } from '@flotilla/agents/kubernetes/client'
import { bundleOf, SHOP, TestHub } from '@flotilla/agents/testing/documents'
import { type KubernetesObject, type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { type ClusterRequest, type ClusterTransport, ClusterUnreachable } from '@flotilla/core/ports/cluster-transport'
import { createClock } from '@flotilla/core/ports/create-clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import type { CommandAction, GrantPayload, OfferPayload } from '@flotilla/core/protocol/documents'
import type { OperationReport, ReportEntry } from '@flotilla/core/protocol/report'
import { SkippingClock } from './skipping-clock.ts'

const NO_STATE = {
  get: async () => undefined,
  put: async () => {},
  putIfAbsent: async (_key: string, value: Uint8Array) => value,
  delete: async () => {},
  list: async () => [],
  close: async () => {},
}
const PATIENCE_MS = 240_000

/** One Application with an agent, a hub and a namespace of its own, on whichever cluster. */
export class Bench {
  readonly number: number
  readonly namespace: string
  readonly application: typeof SHOP
  readonly clock: SkippingClock
  readonly hub: TestHub
  readonly client: KubernetesClient
  /** What agents of this bench asked for that changes something, in order: `apply ConfigMap shop/a`. */
  readonly writes: string[] = []
  /** The same, each with the account that it was asked as; undefined: the agent's own. */
  readonly accounts: { readonly write: string; readonly account: string | undefined }[] = []
  /** Dry runs that agents of this bench asked for, each with when, by the agent's clock. */
  readonly dryRuns: { readonly at: number; readonly path: string }[] = []
  readonly log: string[] = []
  readonly #transport: ClusterTransport
  #agent: Agent | undefined
  #left = Number.POSITIVE_INFINITY
  #writesLeft = Number.POSITIVE_INFINITY

  constructor(transport: ClusterTransport, number: number) {
    this.number = number
    this.namespace = `requirement-${number}`
    this.application = {
      ...SHOP,
      id: `0199c2f0-0000-7000-8000-3000000${String(number).padStart(5, '0')}`,
      name: `app-${number}`,
    }
    const wall = createClock(globalThis)
    this.clock = new SkippingClock(wall)
    this.hub = new TestHub(() => this.clock.now())
    this.#transport = transport
    this.client = new KubernetesClient({ transport, clock: wall, random: seededRandom(number), cluster: 'test' })
  }

  /** The process is as good as dead once it has asked or written so much: nothing of it gets through any more. */
  async start({ requests, writes }: { readonly requests?: number; readonly writes?: number } = {}): Promise<void> {
    this.#left = requests ?? Number.POSITIVE_INFINITY
    this.#writesLeft = writes ?? Number.POSITIVE_INFINITY
    this.#agent = createAgent({
      name: 'test',
      cluster: this.cluster(),
      link: this.hub.link,
      state: NO_STATE,
      clock: this.clock,
      random: seededRandom(this.number),
      log: this.noting(),
      namespace: `${this.namespace}-agent`,
    })
    await this.#agent.start()
  }

  /** The cluster as a process of this bench reaches it. */
  cluster(): ClusterTransport {
    return {
      close: async () => undefined,
      request: request => {
        if (isWrite(request) && this.#writesLeft-- <= 0) this.#left = 0
        if (this.#left-- <= 0) throw new ClusterUnreachable('the process was killed')
        this.#note(request)
        return this.#transport.request(request)
      },
    }
  }

  /** What is told with an error that something never happened. */
  noting(): Log {
    const note = (message: string, fields?: object) => void this.log.push(`${message} ${JSON.stringify(fields)}`)
    const log: Log = { debug: () => {}, info: note, warn: note, error: note, child: () => log }
    return log
  }

  /** Whether a process that may only do so much has done it all. */
  get dead(): boolean {
    return this.#left <= 0
  }

  async stop(): Promise<void> {
    await this.#agent?.stop()
    this.#agent = undefined
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  sync(objects: readonly KubernetesObject[], changes: Partial<OfferPayload> = {}): GrantPayload {
    return this.hub.sync(bundleOf(...objects), { application: this.application, namespace: this.namespace, ...changes })
  }

  offer(objects: readonly KubernetesObject[], changes: Partial<OfferPayload> = {}): OfferPayload {
    return this.hub.offer(bundleOf(...objects), {
      application: this.application,
      namespace: this.namespace,
      ...changes,
    })
  }

  get report(): ReportEntry | undefined {
    return this.hub.link.latest(this.application.id)
  }

  /** As last reported, from whichever report was the last to speak of it. */
  operation(id: string): OperationReport | undefined {
    return this.hub.link.reports.findLast(({ operation }) => operation?.id === id)?.operation
  }

  async ended(grant: GrantPayload): Promise<OperationReport> {
    await this.until(`operation ${grant.id} has ended`, () => this.operation(grant.id)?.finishedAt !== undefined)
    return this.operation(grant.id)!
  }

  async succeeded(grant: GrantPayload): Promise<OperationReport> {
    const ended = await this.ended(grant)
    if (ended.phase !== 'Succeeded') throw new Error(`${ended.phase}: ${ended.message}${this.#story()}`)
    return ended
  }

  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    while (performance.now() < deadline) {
      if (await holds()) return
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    throw new Error(`never happened: ${what}${this.#story()}`)
  }

  /** Time passes for the agent alone, in steps between which it may do what it would do too early. */
  async skipTo(at: number): Promise<void> {
    for (let steps = 6; steps > 0; steps--) {
      this.clock.skip(Math.max(0, (at - this.clock.now()) / steps))
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }

  /** The same for what comes with another attempt: each is skipped to. */
  async untilTriedAgain(what: string, holds: () => boolean): Promise<void> {
    await this.until(what, async () => {
      const { retryAt } = this.report?.operation ?? {}
      if (!holds() && retryAt !== undefined && retryAt > this.clock.now()) await this.skipTo(retryAt)
      return holds()
    })
  }

  key(kind: string, name: string, group = '', namespace = this.namespace): ObjectKey {
    return { group, kind, namespace, name }
  }

  async read(
    kind: string,
    name: string,
    group = '',
    namespace = this.namespace,
  ): Promise<KubernetesObject | undefined> {
    return await this.client.get(this.key(kind, name, group, namespace))
  }

  /** What is deleted in the foreground is there until the cluster has looked at what depends on it. */
  async gone(kind: string, name: string, group = ''): Promise<void> {
    await this.until(`${kind} ${name} is gone`, async () => (await this.read(kind, name, group)) === undefined)
  }

  /** What is written of objects, without the agent's own records. */
  writesOf(kinds: readonly string[] = []): readonly string[] {
    const own = this.writes.filter(write => !write.includes(`${this.namespace}-agent`))
    return kinds.length === 0 ? own : own.filter(write => kinds.some(kind => write.includes(`${kind} `)))
  }

  /** Another Application on the same cluster, with all of its own. */
  another(): Bench {
    return new Bench(this.#transport, nextNumber())
  }

  terminate(grant: GrantPayload, by: string): void {
    this.command(`terminate-${grant.id}`, { verb: 'terminate', operation: grant.id }, by)
  }

  /** Somebody does something by hand, through the hub. */
  command(id: string, action: CommandAction, by: string): void {
    this.hub.link.openCommands.push({
      ...{ typ: 'command', cluster: 'c', adm: 1, iat: this.clock.now(), must: [], id },
      ...{ application: this.application.id, action, by, expires: this.clock.now() + 60_000 },
    })
    this.hub.link.changed()
  }

  #note(request: ClusterRequest): void {
    const { method, path, headers } = request
    if (path.includes('dryRun=')) this.dryRuns.push({ at: this.clock.now(), path })
    if (!isWrite(request)) return
    const url = new URL(path, 'http://cluster')
    const parts = url.pathname.split('/').filter(part => part !== '')
    const rest = parts.slice(parts[0] === 'api' ? 2 : 3)
    const [namespace, resource = '', name = ''] =
      rest[0] === 'namespaces' && rest.length > 2 ? [rest[1], rest[2], rest[3]] : ['', rest[0], rest[1]]
    const verb = method === 'PATCH' && url.searchParams.has('force') ? 'apply' : method.toLowerCase()
    const write = `${verb} ${resource} ${namespace === '' ? name : `${namespace}/${name}`}`
    this.writes.push(write)
    this.accounts.push({ write, account: headers?.['impersonate-user'] })
  }

  #story(): string {
    return `\nreport: ${JSON.stringify(this.report, null, 1)}\nlog:\n${this.log.slice(-30).join('\n')}`
  }
}

/** What changes something in the cluster, and is of anybody's interest. */
function isWrite({ method, path }: ClusterRequest): boolean {
  return method !== 'GET' && !path.includes('dryRun=') && !path.includes('/leases/')
}

let numbers = 0

/** No two benches of a process share anything. */
export function nextNumber(): number {
  return ++numbers
}

/** Names of objects, for what is compared as a list. */
export function nameOf(key: ObjectKey): string {
  return objectKeyText(key)
}
