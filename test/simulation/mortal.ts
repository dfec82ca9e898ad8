import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { ClusterRequest, ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import type { GitBackend, GitRepository } from '@flotilla/core/ports/git'
import type { HubTransport, MessageSocket } from '@flotilla/core/ports/hub-transport'
import type { Store } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { PortCalls, Side } from './port-calls.ts'

/**
 * A process that can be killed at any instant, and before or after any call of a port. What it asked of its ports is
 * never answered afterwards, and its timers never fire: its code stands still where it was, as after kill -9, while
 * the world it wrote to goes on.
 */
export class Life {
  readonly #calls: PortCalls | undefined
  #alive = true
  /** Those outside who wait for this process. */
  readonly #waiting = new Set<(error: ProcessEnded) => void>()

  constructor(calls?: PortCalls) {
    this.#calls = calls
  }

  get alive(): boolean {
    return this.#alive
  }

  kill(): void {
    this.#alive = false
    for (const giveUp of this.#waiting) giveUp(new ProcessEnded())
    this.#waiting.clear()
  }

  /** The call's outcome, if the process still lives to see it. */
  async only<T>(port: string, work: () => Promise<T>): Promise<T> {
    if (!this.reaches(port, 'before')) return await never()
    try {
      const result = await work()
      return this.reaches(port, 'after') ? result : await never()
    } catch (error) {
      if (this.reaches(port, 'after')) throw error
      return await never()
    }
  }

  /** A call that is answered at once; undefined where the process did not live to make it, or to hear of it. */
  now<T>(port: string, work: () => T): T | undefined {
    if (!this.reaches(port, 'before')) return undefined
    const result = work()
    return this.reaches(port, 'after') ? result : undefined
  }

  /**
   * Rejects with {@link ProcessEnded} at the death; for whoever outside waits for this process. No `Promise.race`: that
   * would keep every answer for as long as the process lives.
   */
  orDeath<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.#alive) reject(new ProcessEnded())
      this.#waiting.add(reject)
      void work.then(resolve, reject).then(() => this.#waiting.delete(reject))
    })
  }

  /** Passes one side of a call; false where the process does not live to see it. */
  reaches(port: string, side: Side): boolean {
    if (this.#alive) this.#calls?.at(port, side)
    return this.#alive
  }
}

/** What somebody waited for will not come: the process is no more. */
export class ProcessEnded extends Error {
  constructor() {
    super('the process was killed')
    this.name = 'ProcessEnded'
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined)
}

/** A port as a process with this life sees it: those of its methods that return promises. */
export function mortal<T extends object>(life: Life, name: string, port: T, methods: readonly (keyof T & string)[]): T {
  const seen = Object.create(port) as Record<string, unknown>
  for (const method of methods) {
    const call = port[method] as (...given: unknown[]) => Promise<unknown>
    const called = `${name}.${method}`
    seen[method] = (...given: unknown[]) => life.only(called, () => call.apply(port, given))
  }
  return seen as T
}

/** A transaction whose process dies before the commit leaves nothing behind. */
export function mortalStore(life: Life, store: Store): Store {
  return {
    read: work => life.only('store.read', () => store.read(rows => life.orDeath(work(rows)))),
    write: work =>
      life.only('store.write', async () => {
        const result = await store.write(async rows => {
          const result = await life.orDeath(work(rows))
          // Everything is decided and written, and nothing of it is there yet.
          if (!life.reaches('store.commit', 'before')) throw new ProcessEnded()
          return result
        })
        life.reaches('store.commit', 'after')
        return result
      }),
    get counters() {
      return store.counters
    },
    close: () => store.close(),
  }
}

export function mortalGit(life: Life, git: GitBackend): GitBackend {
  const methods = ['fetch', 'resolve', 'readCommit', 'readTree', 'readBlob'] as const
  return {
    name: git.name,
    supports: url => git.supports(url),
    open: async (url, directory, credentials) => {
      const repository = await life.only('git.open', () => git.open(url, directory, credentials))
      return mortal<GitRepository>(life, 'git', repository, methods)
    },
  }
}

/** The API server as a mortal agent reaches it; what it asks for has names of its own, for crashes at each. */
export function mortalCluster(life: Life, transport: ClusterTransport): ClusterTransport {
  return {
    request: async request => {
      const port = clusterCall(request)
      const response = await life.only(port, () => transport.request(request))
      return port === 'cluster.watch' ? { ...response, body: mortalBody(life, response.body) } : response
    },
    close: () => transport.close(),
  }
}

async function* mortalBody(life: Life, body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of body) yield await life.only('cluster.event', async () => chunk)
}

/** `cluster.record` for the agent's own: what was started, applied, and is kept there. */
export function clusterCall({ method, path }: ClusterRequest): string {
  if (path.includes('/leases')) return method === 'GET' || method === 'POST' ? 'cluster.lease' : 'cluster.renew'
  if (method === 'GET') {
    if (path.includes('watch=')) return 'cluster.watch'
    return /^\/(openapi|version|apis?$|apis?\/[^/]*$|apis\/[^/]+\/[^/]+$)/.test(path)
      ? 'cluster.discover'
      : 'cluster.read'
  }
  if (path.includes('dryRun=')) return 'cluster.try'
  if (path.includes('/namespaces/flotilla-system/')) return 'cluster.record'
  return method === 'DELETE' ? 'cluster.delete' : 'cluster.write'
}

export function mortalHub(life: Life, transport: HubTransport): HubTransport {
  return {
    request: request => life.only(hubCall(request.path), () => transport.request(request)),
    connect: async (path, headers) =>
      mortalSocket(life, 'hub', await life.only('hub.connect', () => transport.connect(path, headers))),
    close: () => transport.close(),
  }
}

function hubCall(path: string): string {
  const [, name = ''] = /^\/agent\/v1\/([a-z]+)/.exec(path) ?? []
  return `hub.${name === 'bundles' ? 'bundle' : name}`
}

/** One end of a socket; its machine cuts it when the process dies. */
export function mortalSocket(life: Life, name: string, socket: MessageSocket): MessageSocket {
  return {
    get bufferedBytes() {
      return socket.bufferedBytes
    },
    send: text => void life.now(`${name}.send`, () => socket.send(text)),
    onMessage: listener => socket.onMessage(text => void life.now(`${name}.message`, () => listener(text))),
    onClose: listener => socket.onClose(reason => life.alive && listener(reason)),
    close: (code, reason) => life.alive && socket.close(code, reason),
  }
}

/** The clock of one machine: its wall clock may be wrong and be stepped; time itself passes everywhere alike. */
export class MachineClock implements Clock {
  readonly #world: Clock
  readonly #life: Life
  readonly #offsetMs: () => number

  constructor(world: Clock, life: Life, offsetMs: () => number = () => 0) {
    this.#world = world
    this.#life = life
    this.#offsetMs = offsetMs
  }

  now(): EpochMs {
    return this.#world.now() + this.#offsetMs()
  }

  monotonicMs(): number {
    return this.#world.monotonicMs()
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    if (!this.#life.alive) return { cancel: () => undefined }
    return this.#world.setTimer(delayMs, () => void this.#life.now('clock.timer', callback))
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return this.#life.only('clock.sleep', () => this.#world.sleep(delayMs, signal))
  }
}
