import type { Clock, Timer } from '@flotilla/core/ports/clock'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import type { AuditQueue } from './audit-queue.ts'

/** Denials of one principal that are written down within a minute. */
export const DEFAULT_DENIALS_PER_MINUTE = 300
const WINDOW_MS = 60_000
const MOST_PRINCIPALS = 10_000
/** Routes that a summary names; more are counted together. */
const MOST_ROUTES = 50

/** Who is denied, and what. */
export interface Denied {
  /** Whose limit it is. */
  readonly principal: string
  /** As the log names them. */
  readonly actor: string
  readonly route: string
  readonly from?: string
}

interface Window {
  readonly since: EpochMs
  readonly actor: string
  readonly timer: Timer
  written: number
  leftOut: number
  readonly routes: Map<string, number>
  readonly addresses: Set<string>
}

/**
 * How many denials of each principal become entries: in a minute that begins with the first so many, and after it one
 * entry that says how many more there were, of what. So nobody fills the log, and nobody hides in what it left out.
 */
export class DenialLimit {
  readonly #clock: Clock
  readonly #queue: AuditQueue
  readonly #most: number
  readonly #windows = new Map<string, Window>()

  constructor(clock: Clock, queue: AuditQueue, mostPerMinute: number) {
    this.#clock = clock
    this.#queue = queue
    this.#most = mostPerMinute
  }

  /** @returns How many of so many denials are to be written down now; the others are counted. */
  admit(denied: Denied, count = 1): number {
    const window = this.#windowOf(denied)
    const admitted = Math.min(count, Math.max(0, this.#most - window.written))
    window.written += admitted
    this.#leaveOut(window, denied, count - admitted)
    return admitted
  }

  /** Counts what was not even decided on, because there were too many before it. */
  leaveOut(denied: Denied): void {
    this.#leaveOut(this.#windowOf(denied), denied, 1)
  }

  /** Tells what was left out so far. */
  close(): void {
    for (const principal of [...this.#windows.keys()]) this.#end(principal)
  }

  #leaveOut(window: Window, { route, from }: Denied, count: number): void {
    if (count <= 0) return
    window.leftOut += count
    const name = window.routes.has(route) || window.routes.size < MOST_ROUTES ? route : 'others'
    window.routes.set(name, (window.routes.get(name) ?? 0) + count)
    if (from !== undefined && window.addresses.size < MOST_ROUTES) window.addresses.add(from)
  }

  #windowOf({ principal, actor }: Denied): Window {
    const known = this.#windows.get(principal)
    if (known !== undefined) return known
    const [oldest] = this.#windows.keys()
    if (this.#windows.size >= MOST_PRINCIPALS && oldest !== undefined) this.#end(oldest)
    const window: Window = {
      ...{ since: this.#clock.now(), actor, written: 0, leftOut: 0, routes: new Map(), addresses: new Set() },
      timer: this.#clock.setTimer(WINDOW_MS, () => this.#end(principal)),
    }
    this.#windows.set(principal, window)
    return window
  }

  #end(principal: string): void {
    const window = this.#windows.get(principal)
    if (window === undefined) return
    this.#windows.delete(principal)
    window.timer.cancel()
    const { actor, since, leftOut, written, routes, addresses } = window
    if (leftOut === 0) return
    const now = this.#clock.now()
    this.#queue.put({
      ...{ at: now, actor, action: 'denials.left-out', subject: actor, outcome: 'refused' },
      detail: {
        ...{ count: leftOut, written, since: isoTime(since), until: isoTime(now) },
        ...{ routes: Object.fromEntries(routes), addresses: [...addresses] },
      },
    })
  }
}
