import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { Store } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

/**
 * A process that can be killed at any instant. What it asked of its ports is never answered afterwards, and its timers
 * never fire: its code stands still where it was, as after kill -9, while the world it wrote to goes on.
 */
export class Life {
  readonly #death: Promise<never>
  #alive = true
  #end: (error: Error) => void = () => undefined

  constructor() {
    this.#death = new Promise((_, reject) => {
      this.#end = reject
    })
    this.#death.catch(() => undefined)
  }

  get alive(): boolean {
    return this.#alive
  }

  kill(): void {
    this.#alive = false
    this.#end(new Error('the process was killed'))
  }

  /** The work's outcome, if the process still lives to see it. */
  async only<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#alive) return await never()
    try {
      const result = await work()
      return this.#alive ? result : await never()
    } catch (error) {
      if (this.#alive) throw error
      return await never()
    }
  }

  /** Rejects at the death; for what must not stay half done in the world, as an open transaction. */
  async orDeath<T>(work: Promise<T>): Promise<T> {
    return await Promise.race([work, this.#death])
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined)
}

/** A port whose methods all return promises, as a process with this life sees it. */
export function mortal<T extends object>(life: Life, port: T): T {
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...given: unknown[]) => life.only(() => member.apply(target, given))
    },
  })
}

/** A transaction whose process dies before the commit leaves nothing behind. */
export function mortalStore(life: Life, store: Store): Store {
  return {
    read: work => life.only(() => store.read(rows => life.orDeath(work(rows)))),
    write: work => life.only(() => store.write(rows => life.orDeath(work(rows)))),
    get counters() {
      return store.counters
    },
    close: () => life.only(() => store.close()),
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
    return this.#world.setTimer(delayMs, () => {
      if (this.#life.alive) callback()
    })
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return this.#life.only(() => this.#world.sleep(delayMs, signal))
  }
}
