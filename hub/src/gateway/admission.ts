import type { Clock } from '@flotilla/core/ports/clock'
import type { GatewayLimits } from './limits.ts'

type AdmissionLimits = Pick<
  GatewayLimits,
  'maxExchanges' | 'maxExchangesOfOne' | 'maxUnreadBytes' | 'exchangeLingerMs' | 'longestWaitMs'
>

/** What came of asking to be let in: a place to give back, or how long to stay away at least. */
export type Entry =
  | { readonly kind: 'entered'; readonly leave: () => void }
  | { readonly kind: 'full'; readonly waitMs: number }

interface Guest {
  inside: number
  reading: number
  leftAtMs: number
}

/** Those turned away in this long share the time in which they are asked back. */
const WINDOW_MS = 5_000
/** How far apart those are asked back who were turned away together. */
const APART_MS = 20
const MIN_GUESTS = 256

/**
 * Lets a bounded number of exchanges in at once and gives the others a time (protocol.md 8). An exchange is several
 * requests of one agent: whoever is in the middle of one finds room kept for the rest of it, so that a thousand that
 * come together are served one after the other, instead of each for a moment. One agent can never take all the room.
 */
export class Admission {
  readonly #clock: Clock
  readonly #limits: AdmissionLimits
  readonly #guests = new Map<string, Guest>()
  #inside = 0
  #unreadBytes = 0
  #turnedAway = 0
  #windowEndsMs = 0
  #forgetAt = MIN_GUESTS

  constructor(clock: Clock, limits: AdmissionLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  get inside(): number {
    return this.#inside
  }

  /** Asks for a place for one request of a cluster's agent. */
  enter(clusterId: string): Entry {
    const now = this.#clock.monotonicMs()
    const { maxExchanges, maxExchangesOfOne, exchangeLingerMs } = this.#limits
    const guest = this.#guests.get(clusterId)
    const inTheMiddle = guest !== undefined && (guest.inside > 0 || now - guest.leftAtMs < exchangeLingerMs)
    const room = inTheMiddle ? 2 * maxExchanges : maxExchanges
    if (this.#inside >= room || (guest?.inside ?? 0) >= maxExchangesOfOne) return this.#full(now)
    const entered = guest ?? this.#newGuest(clusterId, now)
    entered.inside++
    this.#inside++
    return leaving(() => {
      this.#inside--
      entered.inside--
      entered.leftAtMs = this.#clock.monotonicMs()
    })
  }

  /** For whoever is turned away for another reason: when to ask again. */
  turnAway(): { readonly kind: 'full'; readonly waitMs: number } {
    return this.#full(this.#clock.monotonicMs())
  }

  /** Asks for the memory of a body that is about to be read, for a cluster or an address. */
  read(who: string, bytes: number): Entry {
    const now = this.#clock.monotonicMs()
    if (bytes === 0) return leaving(() => undefined)
    const { maxUnreadBytes, maxExchangesOfOne } = this.#limits
    const guest = this.#guests.get(who) ?? this.#newGuest(who, Number.NEGATIVE_INFINITY)
    if (this.#unreadBytes + bytes > maxUnreadBytes || guest.reading >= maxExchangesOfOne) return this.#full(now)
    guest.reading++
    this.#unreadBytes += bytes
    return leaving(() => {
      guest.reading--
      this.#unreadBytes -= bytes
    })
  }

  #newGuest(who: string, leftAtMs: number): Guest {
    this.#forgetOld()
    const guest: Guest = { inside: 0, reading: 0, leftAtMs }
    this.#guests.set(who, guest)
    return guest
  }

  #full(now: number): { readonly kind: 'full'; readonly waitMs: number } {
    if (now >= this.#windowEndsMs) {
      this.#windowEndsMs = now + WINDOW_MS
      this.#turnedAway = 0
    }
    const waitMs = Math.min(this.#limits.longestWaitMs, 1000 + APART_MS * this.#turnedAway++)
    return { kind: 'full', waitMs }
  }

  /** Keeps what is remembered as small as what goes on. */
  #forgetOld(): void {
    const now = this.#clock.monotonicMs()
    if (this.#guests.size < this.#forgetAt) return
    for (const [who, { inside, reading, leftAtMs }] of this.#guests) {
      if (inside + reading === 0 && now - leftAtMs >= this.#limits.exchangeLingerMs) this.#guests.delete(who)
    }
    this.#forgetAt = 2 * this.#guests.size + MIN_GUESTS
  }
}

/** Whoever leaves twice has left once. */
function leaving(leave: () => void): Entry {
  let left = false
  return {
    kind: 'entered',
    leave: () => {
      if (left) return
      left = true
      leave()
    },
  }
}
