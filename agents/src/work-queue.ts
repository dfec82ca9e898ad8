import type { Clock, Timer } from '@flotilla/core/ports/clock'

export interface WorkQueueOptions {
  readonly clock: Clock
  /** How many keys are looked at at the same time. */
  readonly concurrency: number
  /** Looks at one key. Never throws; returns when to look again at the latest, if at all. */
  readonly run: (key: string) => Promise<number | undefined>
}

const SHORTEST_WAIT_MS = 1

/**
 * Keys to look at, never events: a key added ten times is looked at once; one added while it is being looked at is
 * looked at again afterwards; of several times the earliest counts.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions
  readonly #ready = new Set<string>()
  readonly #running = new Map<string, Promise<void>>()
  readonly #timers = new Map<string, { readonly atMs: number; readonly timer: Timer }>()
  #stopped = false

  constructor(options: WorkQueueOptions) {
    this.#options = options
  }

  add(key: string, delayMs = 0): void {
    if (this.#stopped || this.#ready.has(key)) return
    const atMs = this.#options.clock.monotonicMs() + delayMs
    const known = this.#timers.get(key)
    if (known && known.atMs <= atMs) return
    known?.timer.cancel()
    if (delayMs <= 0) {
      this.#makeReady(key)
      return
    }
    const timer = this.#options.clock.setTimer(delayMs, () => this.#makeReady(key))
    this.#timers.set(key, { atMs, timer })
  }

  /** How many wait to be looked at now. */
  get depth(): number {
    return this.#ready.size
  }

  /** Forgets a key that needs no more looking at; one that is being looked at is finished. */
  drop(key: string): void {
    this.#timers.get(key)?.timer.cancel()
    this.#timers.delete(key)
    this.#ready.delete(key)
  }

  /** Takes no more keys; resolves once none is being looked at. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const { timer } of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    this.#ready.clear()
    await Promise.all(this.#running.values())
  }

  #makeReady(key: string): void {
    this.#timers.get(key)?.timer.cancel()
    this.#timers.delete(key)
    if (this.#stopped) return
    this.#ready.add(key)
    // Not at once: what is added in the same breath belongs to the same look.
    queueMicrotask(() => this.#startWhatMay())
  }

  #startWhatMay(): void {
    if (this.#stopped) return
    for (const key of this.#ready) {
      if (this.#running.size >= this.#options.concurrency) return
      if (this.#running.has(key)) continue
      this.#ready.delete(key)
      const work = this.#options.run(key).then(againInMs => {
        this.#running.delete(key)
        // What is left of a wait may be too little to move the clock by: the next look would find the same.
        if (againInMs !== undefined) this.add(key, Math.max(SHORTEST_WAIT_MS, againInMs))
        this.#startWhatMay()
      })
      this.#running.set(key, work)
    }
  }
}
