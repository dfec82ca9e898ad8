import { setTimeout as sleep } from 'node:timers/promises'
import type { ControlPlane } from '@flotilla/controlplane'
import type { Random } from '@flotilla/core/ports/random'
import type { ApiFault, ApiProxy } from './api-proxy.ts'

/** What befalls a cluster: what its apiserver says to the agent behind the proxy, or what becomes of the process itself. */
const FAULTS: readonly (readonly [name: string, fault: ApiFault | 'cut' | 'killed' | 'frozen'])[] = [
  ['answers 429', { kind: 'answers', status: 429, share: 0.3 }],
  ['answers 500', { kind: 'answers', status: 500, share: 0.2 }],
  ['answers 503', { kind: 'answers', status: 503, share: 0.2 }],
  ['does not answer what it did', { kind: 'unanswered', share: 0.1 }],
  ['is slow', { kind: 'slow', ms: 100 }],
  ['cuts watches', 'cut'],
  ['is killed', 'killed'],
  ['is frozen', 'frozen'],
]

/** How long a fault lasts, and how long it is quiet after one, at most. */
const [FAULT_MS, QUIET_MS] = [1_500, 1_500]

/** One fault after the other, each kind as often as any, until it is told to end. */
export class ClusterWeather {
  /** How often each fault came. */
  readonly seen = new Map<string, number>(FAULTS.map(([name]) => [name, 0]))
  readonly #plane: ControlPlane
  readonly #proxy: ApiProxy
  readonly #random: Random
  #over = false
  readonly #loop: Promise<void>

  constructor(plane: ControlPlane, proxy: ApiProxy, random: Random) {
    this.#plane = plane
    this.#proxy = proxy
    this.#random = random
    this.#loop = this.#run()
    // Whoever calls `clearsUp` is told.
    this.#loop.catch(() => undefined)
  }

  /** Resolves when nothing is wrong with the cluster any more. @throws whatever kept the apiserver from starting again. */
  async clearsUp(): Promise<void> {
    this.#over = true
    await this.#loop
  }

  async #run(): Promise<void> {
    while (!this.#over) {
      const order = FAULTS.map(each => ({ each, at: this.#random.fraction() })).sort((a, b) => a.at - b.at)
      for (const { each } of order) {
        await sleep(this.#random.fraction() * QUIET_MS)
        if (this.#over) return
        await this.#befall(...each)
      }
    }
  }

  async #befall(name: string, fault: (typeof FAULTS)[number][1]): Promise<void> {
    this.seen.set(name, (this.seen.get(name) ?? 0) + 1)
    const lastsMs = this.#random.fraction() * FAULT_MS
    if (fault === 'cut') this.#proxy.cutWatches()
    else if (fault === 'killed') {
      await this.#plane.kill()
      await sleep(lastsMs / 3)
      await this.#plane.restart()
    } else if (fault === 'frozen') {
      this.#plane.pause()
      await sleep(lastsMs)
      this.#plane.resume()
    } else {
      this.#proxy.fault = fault
      await sleep(lastsMs)
      this.#proxy.fault = { kind: 'none' }
    }
  }
}
