import type { Clock } from '@flotilla/core/ports/clock'
import { addressKey } from '../limits/address-key.ts'
import { Problem } from './problem.ts'

/** Requests in a minute; each may come at once, and then again as the minute goes by. */
export interface RequestLimitSettings {
  readonly perPrincipal: number
  readonly perAddress: number
  /** Requests of an address that prove no identity, counted apart: guessing is slower than working. */
  readonly deniedPerAddress: number
}

export const DEFAULT_REQUEST_LIMITS: RequestLimitSettings = {
  perPrincipal: 6_000,
  perAddress: 24_000,
  deniedPerAddress: 600,
}

/** Principals and addresses remembered at once; beyond that the one that came the longest ago is forgotten. */
const MOST_REMEMBERED = 20_000
const MINUTE_MS = 60_000

interface Bucket {
  tokens: number
  at: number
}

/**
 * How often one may ask: a bucket that fills evenly. It is per process and forgets at a restart, which only ever lets
 * somebody ask more.
 */
class Rate {
  readonly #perMinute: number
  readonly #clock: Clock
  readonly #buckets = new Map<string, Bucket>()

  constructor(perMinute: number, clock: Clock) {
    this.#perMinute = perMinute
    this.#clock = clock
  }

  /** Takes one. @returns 0, or how long to wait for one. */
  take(key: string): number {
    const bucket = this.#filled(key)
    if (bucket.tokens < 1) return this.#waitMs(bucket)
    bucket.tokens -= 1
    return 0
  }

  /** How long to wait for one that is not taken yet. */
  waitMs(key: string): number {
    const known = this.#buckets.get(key)
    if (known === undefined) return 0
    const bucket = this.#filled(key)
    return bucket.tokens < 1 ? this.#waitMs(bucket) : 0
  }

  problem(waitMs: number, name: string): Problem {
    const seconds = Math.max(1, Math.ceil(waitMs / 1000))
    return new Problem('TOO_MANY_REQUESTS', {
      headers: {
        'Retry-After': String(seconds),
        'RateLimit-Policy': `"${name}";q=${this.#perMinute};w=60`,
        RateLimit: `"${name}";r=0;t=${seconds}`,
      },
    })
  }

  #waitMs({ tokens }: Bucket): number {
    return ((1 - tokens) * MINUTE_MS) / this.#perMinute
  }

  #filled(key: string): Bucket {
    const now = this.#clock.monotonicMs()
    const known = this.#buckets.get(key)
    if (known !== undefined) {
      known.tokens = Math.min(this.#perMinute, known.tokens + ((now - known.at) * this.#perMinute) / MINUTE_MS)
      known.at = now
      return known
    }
    if (this.#buckets.size >= MOST_REMEMBERED) {
      const [oldest] = this.#buckets.keys()
      if (oldest !== undefined) this.#buckets.delete(oldest)
    }
    const fresh = { tokens: this.#perMinute, at: now }
    this.#buckets.set(key, fresh)
    return fresh
  }
}

/** The three rates of the API. */
export class RequestLimits {
  readonly #principals: Rate
  readonly #addresses: Rate
  readonly #denied: Rate

  constructor(settings: RequestLimitSettings, clock: Clock) {
    this.#principals = new Rate(settings.perPrincipal, clock)
    this.#addresses = new Rate(settings.perAddress, clock)
    this.#denied = new Rate(settings.deniedPerAddress, clock)
  }

  /** Before anything else is looked at. @throws Problem `TOO_MANY_REQUESTS` */
  admitAddress(address: string | undefined): void {
    const key = addressKey(address ?? '')
    const waitMs = this.#addresses.take(key)
    if (waitMs > 0) throw this.#addresses.problem(waitMs, 'address')
    const deniedMs = this.#denied.waitMs(key)
    if (deniedMs > 0) throw this.#denied.problem(deniedMs, 'denied')
  }

  /** Of a request that proved no identity. */
  denied(address: string | undefined): void {
    this.#denied.take(addressKey(address ?? ''))
  }

  /** @throws Problem `TOO_MANY_REQUESTS` */
  admitPrincipal(principal: string): void {
    const waitMs = this.#principals.take(principal)
    if (waitMs > 0) throw this.#principals.problem(waitMs, 'principal')
  }
}
