import type { AgentState } from '@flotilla/core/ports/agent-state'
import type { Clock } from '@flotilla/core/ports/clock'
import type { PulsePayload } from '@flotilla/core/protocol/documents'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { keptCount } from './kept-count.ts'

const KEY = 'hub-time'
/** An answer that took longer says too little about now. */
const MAX_ROUND_TRIP_MS = 10_000
/** The floor is kept so often; it only has to hold time back from stepping far back. */
const KEEP_EVERY_MS = 5 * 60_000
/** The machine's clock got so far ahead of the one that never steps: the machine slept, or was set. */
const MAX_SLEPT_MS = 60_000

/**
 * The hub's time, from signed pulses (protocol.md 4): moved on by this machine's monotonic clock, never back, and
 * unknown until this process has heard a pulse, however much was kept. When the hub's clock was set back, time stands
 * still until the hub's has come so far again: whoever stayed ahead would find every Grant too late, for good.
 *
 * The monotonic clock stands still while a machine is suspended. Where the other one went on without it, nobody knows
 * how late it is, and time is unknown again until the next pulse: no Grant is begun that ended meanwhile.
 */
export class HubClock {
  readonly #clock: Clock
  readonly #state: AgentState
  #floor: EpochMs = 0
  #keptAt: number | undefined
  #base: { readonly hub: EpochMs; readonly monotonicMs: number; readonly machineMs: number } | undefined
  readonly #asked = new Map<string, number>()

  constructor(clock: Clock, state: AgentState) {
    this.#clock = clock
    this.#state = state
  }

  async load(): Promise<void> {
    this.#floor = keptCount(await this.#state.get(KEY))
  }

  /** A nonce goes out: its answer counts only while it is fresh. */
  asked(nonce: string): void {
    this.#asked.set(nonce, this.#clock.monotonicMs())
    while (this.#asked.size > 8) {
      const [oldest] = this.#asked.keys()
      if (oldest !== undefined) this.#asked.delete(oldest)
    }
  }

  /** Takes a pulse whose signature and cluster were checked; false when it answers nothing, or too late. */
  async heard(pulse: PulsePayload): Promise<boolean> {
    const askedAt = this.#asked.get(pulse.nonce)
    this.#asked.delete(pulse.nonce)
    const monotonicMs = this.#clock.monotonicMs()
    if (askedAt === undefined || monotonicMs - askedAt > MAX_ROUND_TRIP_MS) return false
    this.#floor = Math.max(this.#floor, this.#reckoned() ?? 0, pulse.now)
    this.#base = { hub: pulse.now, monotonicMs, machineMs: this.#clock.now() }
    if (this.#keptAt === undefined || monotonicMs - this.#keptAt >= KEEP_EVERY_MS) {
      this.#keptAt = monotonicMs
      await this.#state.put(KEY, Buffer.from(String(this.#floor)))
    }
    return true
  }

  /** Undefined before the first pulse of this process, and from a sleep of the machine to the next one. */
  now(): EpochMs | undefined {
    const reckoned = this.#hasSlept() ? undefined : this.#reckoned()
    return reckoned === undefined ? undefined : Math.max(this.#floor, reckoned)
  }

  #hasSlept(): boolean {
    const base = this.#base
    if (!base) return false
    const passedMs = this.#clock.monotonicMs() - base.monotonicMs
    return this.#clock.now() - base.machineMs - passedMs > MAX_SLEPT_MS
  }

  /** What the hub's own clock says by now, when it goes on as it did at the last pulse. */
  #reckoned(): EpochMs | undefined {
    const base = this.#base
    return base && base.hub + Math.floor(this.#clock.monotonicMs() - base.monotonicMs)
  }

  /** This machine's clock minus the hub's. */
  skewMs(): number | undefined {
    const now = this.#reckoned()
    return now === undefined ? undefined : Math.round(this.#clock.now() - now)
  }
}
