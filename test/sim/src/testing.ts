import type { Json, JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { ClusterRequest, ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import type { Random } from '@flotilla/core/ports/random'
import { SimulatedCluster } from './simulated-cluster.ts'

/** Time that passes only when told to. */
export class ManualClock implements Clock {
  private at: number
  private sequence = 0
  private timers: { readonly due: number; readonly order: number; readonly run: () => void }[] = []

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.at = startMs
  }

  now(): number {
    return this.at
  }

  monotonicMs(): number {
    return this.at
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { due: this.at + Math.max(0, delayMs), order: this.sequence++, run: callback }
    this.timers.push(timer)
    return {
      cancel: () => {
        this.timers = this.timers.filter(each => each !== timer)
      },
    }
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.setTimer(delayMs, resolve)
      signal?.addEventListener('abort', () => {
        timer.cancel()
        reject(signal.reason)
      })
    })
  }

  /** Runs everything due within `ms`, in order of time. */
  advance(ms: number): void {
    const end = this.at + ms
    for (;;) {
      const next = this.timers.filter(timer => timer.due <= end).sort((a, b) => a.due - b.due || a.order - b.order)[0]
      if (!next) break
      this.timers = this.timers.filter(timer => timer !== next)
      this.at = Math.max(this.at, next.due)
      next.run()
    }
    this.at = end
  }
}

/** The same chances every run. */
export function seededRandom(seed = 1): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    fraction: next,
    bytes: count => Uint8Array.from({ length: count }, () => Math.floor(next() * 256)),
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Json
}

/** A cluster of its own clock and seed, with short ways to ask it. */
export class TestCluster {
  readonly clock = new ManualClock()
  readonly cluster: SimulatedCluster
  readonly transport: ClusterTransport

  constructor(seed = 1) {
    this.cluster = new SimulatedCluster({ name: 'test', clock: this.clock, random: seededRandom(seed) })
    this.transport = this.cluster.transport()
  }

  async ask(
    method: ClusterRequest['method'],
    path: string,
    body?: Json,
    contentType = 'application/json',
  ): Promise<Answer> {
    const response = await this.transport.request({
      method,
      path,
      headers: { 'content-type': contentType, 'user-agent': 'test/1' },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    let text = ''
    for await (const chunk of response.body) text += Buffer.from(chunk).toString('utf8')
    const isJson = response.headers['content-type']?.startsWith('application/json')
    return { status: response.status, headers: response.headers, body: isJson ? parseJson(text) : text }
  }

  apply(path: string, object: JsonObject, manager = 'flotilla', query = ''): Promise<Answer> {
    return this.ask('PATCH', `${path}?fieldManager=${manager}${query}`, object, 'application/apply-patch+yaml')
  }

  async object(path: string): Promise<KubernetesObject> {
    const answer = await this.ask('GET', path)
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body as KubernetesObject
  }
}
