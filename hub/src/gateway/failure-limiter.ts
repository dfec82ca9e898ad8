import type { Clock } from '@flotilla/core/ports/clock'

/** Addresses remembered at once; beyond that the oldest is forgotten. */
const MAX_ADDRESSES = 10_000

/** Counts failures by address in windows of fixed length, in bounded memory. */
export class FailureLimiter {
  readonly #clock: Clock
  readonly #maximum: number
  readonly #windowMs: number
  readonly #failures = new Map<string, { count: number; readonly endsAt: number }>()

  constructor(clock: Clock, maximum: number, windowMs: number) {
    this.#clock = clock
    this.#maximum = maximum
    this.#windowMs = windowMs
  }

  /** How long this address has to wait before it is listened to again; 0 for now. */
  waitMs(address: string): number {
    const entry = this.#failures.get(address)
    if (!entry) return 0
    const leftMs = entry.endsAt - this.#clock.monotonicMs()
    if (leftMs > 0) return entry.count >= this.#maximum ? leftMs : 0
    this.#failures.delete(address)
    return 0
  }

  failed(address: string): void {
    const now = this.#clock.monotonicMs()
    const entry = this.#failures.get(address)
    if (entry && entry.endsAt > now) {
      entry.count++
      return
    }
    this.#failures.delete(address)
    if (this.#failures.size >= MAX_ADDRESSES) {
      const [oldest] = this.#failures.keys()
      if (oldest !== undefined) this.#failures.delete(oldest)
    }
    this.#failures.set(address, { count: 1, endsAt: now + this.#windowMs })
  }
}

/**
 * What failures are counted by: an IPv4 address, or the network of an IPv6 one, because whoever has one of those has
 * all the addresses in it.
 */
export function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped?.[1] !== undefined) return mapped[1]
  const [plain = ''] = address.split('%', 1)
  if (!plain.includes(':')) return address.slice(0, 64)
  const [before = '', after] = plain.toLowerCase().split('::', 2)
  const head = before === '' ? [] : before.split(':')
  const tail = after ? after.split(':') : []
  const zeros = after === undefined ? 0 : Math.max(0, 8 - head.length - tail.length)
  const groups = [...head, ...Array.from({ length: zeros }, () => '0'), ...tail].slice(0, 4)
  return `${groups.map(group => group.replace(/^0+(?=.)/, '').slice(0, 4)).join(':')}::/64`
}
