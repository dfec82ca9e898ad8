import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { type Cause, type Stages, through } from '../telemetry/stages.ts'

/**
 * Keys to look at, never events (decision 3): a key added ten times is looked at once, a key added while it is being
 * looked at is looked at again afterwards, and a failure comes back by itself with a growing delay.
 *
 * A key is `kind/rest`. Each kind has one handler and a batch size: many keys of a kind that wait together are handed
 * over together, so that they can share one transaction.
 */
export interface KeyHandler {
  /** Most keys handed over at once. */
  readonly batch: number
  /** Returns the keys to try again later; when it throws, that is all of them. */
  handle(keys: readonly string[]): Promise<readonly string[]>
}

export interface WorkQueueOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** How many handlers run at the same time, at most one of a kind. */
  readonly handlers: { readonly [kind: string]: KeyHandler }
  readonly stages?: Stages | undefined
}

/** What waits of one kind, for figures. */
export interface QueueDepth {
  readonly kind: string
  readonly waiting: number
  /** How long the first of them has waited. */
  readonly oldestMs: number
}

const NO_CAUSE: Cause = { place: undefined }
const SHORTEST_WAIT_MS = 1
/** So many patient keys are looked at together: a push that comes meanwhile waits for them. */
const PATIENT_BATCH = 10
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 5 * 60_000

export class WorkQueue {
  readonly #options: WorkQueueOptions
  readonly #waiting = new Map<string, Set<string>>()
  /** Waiting too, and overtaken by all others of their kind. */
  readonly #patient = new Map<string, Set<string>>()
  /** Since when keys wait, of monotonic time. */
  readonly #since = new Map<string, number>()
  /** Who asked for a key first: its trace goes on with it. What the clock asks for has none. */
  readonly #causes = new Map<string, Cause>()
  readonly #running = new Map<string, Promise<void>>()
  readonly #failures = new Map<string, number>()
  readonly #timers = new Map<string, { readonly at: EpochMs; readonly timer: Timer }>()
  readonly #idle: (() => void)[] = []
  #stopped = false

  constructor(options: WorkQueueOptions) {
    this.#options = options
    for (const kind of Object.keys(options.handlers)) {
      this.#waiting.set(kind, new Set())
      this.#patient.set(kind, new Set())
    }
  }

  add(...keys: readonly string[]): void {
    this.#remember(keys)
    this.#put(keys)
  }

  #put(keys: readonly string[]): void {
    if (this.#stopped) return
    for (const key of keys) {
      this.#patientOf(kindOf(key)).delete(key)
      this.#waitingFor(kindOf(key)).add(key)
    }
    this.#added(keys)
  }

  /**
   * For what comes in masses and hurts nobody by waiting: any key that is simply added goes before. Ten thousand reports
   * after a large sync would otherwise stand in the way of the next push.
   */
  addPatiently(...keys: readonly string[]): void {
    if (this.#stopped) return
    for (const key of keys) if (!this.#waitingFor(kindOf(key)).has(key)) this.#patientOf(kindOf(key)).add(key)
    this.#remember(keys)
    this.#added(keys)
  }

  #remember(keys: readonly string[]): void {
    const cause = this.#options.stages?.here?.()
    if (cause?.place === undefined || this.#stopped) return
    for (const key of keys) if (!this.#causes.has(key)) this.#causes.set(key, cause)
  }

  #added(keys: readonly string[]): void {
    const now = this.#options.clock.monotonicMs()
    for (const key of keys) if (!this.#since.has(key)) this.#since.set(key, now)
    for (const key of keys) this.#cancelTimer(key)
    for (const kind of new Set(keys.map(kindOf))) this.#run(kind)
  }

  /**
   * Looks at the key not before `at`, and not at this very instant: a handler that asks for a time that has come
   * already would be asked again without end. An earlier time that is already set stays.
   */
  addAt(key: string, at: EpochMs): void {
    if (this.#stopped || this.#waits(key)) return
    const set = this.#timers.get(key)
    if (set && set.at <= at) return
    this.#cancelTimer(key)
    const delayMs = Math.max(SHORTEST_WAIT_MS, at - this.#options.clock.now())
    const timer = this.#options.clock.setTimer(delayMs, () => {
      this.#timers.delete(key)
      this.#put([key])
    })
    this.#timers.set(key, { at, timer })
  }

  /** How many keys wait or are being looked at; those that wait for a time do not count. */
  get depth(): number {
    let depth = this.#running.size
    for (const kind of this.#waiting.keys()) depth += this.waiting(kind)
    return depth
  }

  /** What waits, by kind. Keys wait in order of time, but for those that were overtaken. */
  get depths(): readonly QueueDepth[] {
    const now = this.#options.clock.monotonicMs()
    return [...this.#waiting.keys()].map(kind => {
      const firsts = [...this.#waitingFor(kind).values().take(1), ...this.#patientOf(kind).values().take(1)]
      const since = Math.min(now, ...firsts.map(key => this.#since.get(key) ?? now))
      return { kind, waiting: this.waiting(kind), oldestMs: now - since }
    })
  }

  /** How many keys of a kind wait, those that are being looked at not among them. */
  waiting(kind: string): number {
    return this.#waitingFor(kind).size + this.#patientOf(kind).size
  }

  /** Resolves when nothing waits and nothing runs. */
  idle(): Promise<void> {
    return this.depth === 0 ? Promise.resolve() : new Promise(resolve => this.#idle.push(resolve))
  }

  /** Takes no more keys; resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const { timer } of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    for (const keys of [...this.#waiting.values(), ...this.#patient.values()]) keys.clear()
    await Promise.all(this.#running.values())
  }

  #run(kind: string): void {
    if (this.#running.has(kind) || this.#stopped || this.waiting(kind) === 0) return
    const work = this.#runBatch(kind).finally(() => {
      this.#running.delete(kind)
      this.#run(kind)
      if (this.depth === 0) for (const resolve of this.#idle.splice(0)) resolve()
    })
    this.#running.set(kind, work)
  }

  async #runBatch(kind: string): Promise<void> {
    // Begins in a turn of its own: whoever adds keys never runs a handler, and what is added together goes together.
    await Promise.resolve()
    const handler = this.#options.handlers[kind]!
    // What hurries shares its batch with nothing that does not, and waits for a short batch of that at most.
    const hurried = this.#waitingFor(kind)
    const waiting = hurried.size > 0 ? hurried : this.#patientOf(kind)
    const most = waiting === hurried ? handler.batch : Math.min(handler.batch, PATIENT_BATCH)
    const keys = [...waiting.values().take(most)]
    for (const key of keys) {
      waiting.delete(key)
      this.#since.delete(key)
    }
    const cause = keys.map(key => this.#causes.get(key)).find(each => each !== undefined) ?? NO_CAUSE
    for (const key of keys) this.#causes.delete(key)
    if (keys.length === 0) return
    const { stages } = this.#options
    await through(stages, 'reconcile', { kind, keys: keys.length }, () => this.#handle(handler, keys), cause)
  }

  async #handle(handler: KeyHandler, keys: readonly string[]): Promise<void> {
    let again: readonly string[]
    try {
      again = await handler.handle(keys)
    } catch (error) {
      this.#options.log.error('reconcile failed', { keys: keys.slice(0, 10), error })
      again = keys
    }
    const failed = new Set(again)
    for (const key of keys) {
      if (failed.has(key)) this.#retryLater(key)
      else this.#failures.delete(key)
    }
  }

  #retryLater(key: string): void {
    const failures = (this.#failures.get(key) ?? 0) + 1
    this.#failures.set(key, failures)
    const { clock, random } = this.#options
    const delay = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS)
    this.addAt(key, clock.now() + delay * (0.8 + 0.4 * random.fraction()))
  }

  #waits(key: string): boolean {
    return this.#waitingFor(kindOf(key)).has(key) || this.#patientOf(kindOf(key)).has(key)
  }

  #patientOf(kind: string): Set<string> {
    return this.#patient.get(kind) ?? this.#waitingFor(kind)
  }

  #waitingFor(kind: string): Set<string> {
    const waiting = this.#waiting.get(kind)
    if (!waiting) throw new Error(`no handler for keys of kind "${kind}"`)
    return waiting
  }

  #cancelTimer(key: string): void {
    this.#timers.get(key)?.timer.cancel()
    this.#timers.delete(key)
  }
}

/** `application/0190…` → `application`. */
function kindOf(key: string): string {
  const slash = key.indexOf('/')
  return slash < 0 ? key : key.slice(0, slash)
}
