import type { Socket } from 'node:net'

/** What one direction of one connection does with the bytes that it is given; every field heals when it goes. */
export interface Flow {
  /** Bytes and ends vanish. */
  readonly lose?: boolean
  /** Nothing passes and nothing is lost; the sender meets back-pressure. */
  readonly freeze?: boolean
  /** How long each piece is on its way; order is kept. */
  readonly delayMs?: number
  /** Added to that, uniform from nothing to so much. */
  readonly jitterMs?: number
  readonly bytesPerSecond?: number
  /** The connection ends after so many further bytes in this direction. */
  readonly truncateAfter?: number
  /** How it ends then. Default `reset`. */
  readonly truncateBy?: 'reset' | 'end'
}

/** A reader that does not read is met after this many bytes, beside what the kernel takes. */
const MAX_WAITING_BYTES = 64 * 1024
const TICK_MS = 20

export interface PumpHooks {
  readonly fraction: () => number
  readonly passed: (bytes: number) => void
  readonly lost: (bytes: number) => void
  readonly truncated: (by: 'reset' | 'end') => void
}

/** One direction of one connection: takes from one socket, gives to the other, as its {@link Flow} says. */
export class Pump {
  readonly #source: Socket
  readonly #sink: Socket
  readonly #hooks: PumpHooks
  readonly #waiting: { bytes: Buffer; readonly dueMs: number }[] = []
  #waitingBytes = 0
  #flow: Flow
  #left: number | undefined
  #lastDueMs = 0
  #allowance = 0
  #lastTickMs = 0
  #sourceEnded = false
  #done = false
  #full = false
  #timer: NodeJS.Timeout | undefined

  constructor(source: Socket, sink: Socket, flow: Flow, hooks: PumpHooks) {
    this.#source = source
    this.#sink = sink
    this.#hooks = hooks
    this.#flow = flow
    this.#left = flow.truncateAfter
    source.on('data', chunk => this.#take(chunk as Buffer))
    source.on('end', () => this.#end())
    sink.on('drain', () => {
      this.#full = false
      this.#give()
    })
  }

  set(flow: Flow): void {
    this.#flow = flow
    this.#left = flow.truncateAfter
    this.#lastTickMs = performance.now()
    this.#allowance = 0
    if (this.#left === 0) this.#truncate()
    else this.#give()
  }

  stop(): void {
    this.#done = true
    clearTimeout(this.#timer)
    this.#waiting.length = 0
  }

  #take(chunk: Buffer): void {
    if (this.#done) return
    if (this.#flow.lose) {
      this.#hooks.lost(chunk.length)
      return
    }
    const { delayMs = 0, jitterMs = 0 } = this.#flow
    this.#lastDueMs = Math.max(this.#lastDueMs, performance.now() + delayMs + jitterMs * this.#hooks.fraction())
    this.#waiting.push({ bytes: chunk, dueMs: this.#lastDueMs })
    this.#waitingBytes += chunk.length
    if (this.#waitingBytes > MAX_WAITING_BYTES) this.#source.pause()
    this.#give()
  }

  #end(): void {
    if (this.#flow.lose) this.#hooks.lost(0)
    else {
      this.#sourceEnded = true
      this.#give()
    }
  }

  #give(): void {
    clearTimeout(this.#timer)
    if (this.#flow.lose && this.#waiting.length > 0) {
      this.#hooks.lost(this.#waitingBytes)
      this.#waiting.length = this.#waitingBytes = 0
      this.#source.resume()
    }
    while (!this.#done && !this.#full && !this.#flow.freeze && this.#waiting.length > 0) {
      const next = this.#waiting[0]!
      const nowMs = performance.now()
      const dueInMs = next.dueMs - nowMs
      const most =
        dueInMs > 0 ? 0 : Math.min(this.#allowed(nowMs), this.#left ?? Number.POSITIVE_INFINITY, next.bytes.length)
      if (most <= 0) {
        this.#timer = setTimeout(() => this.#give(), Math.max(1, dueInMs > 0 ? dueInMs : TICK_MS))
        return
      }
      this.#write(next.bytes.subarray(0, most))
      next.bytes = next.bytes.subarray(most)
      if (next.bytes.length === 0) this.#waiting.shift()
      if (this.#left === 0) this.#truncate()
    }
    if (this.#sourceEnded && this.#waiting.length === 0 && !this.#flow.freeze && !this.#done) {
      this.#done = true
      this.#sink.end()
    }
  }

  #write(bytes: Buffer): void {
    this.#hooks.passed(bytes.length)
    this.#waitingBytes -= bytes.length
    this.#allowance -= bytes.length
    if (this.#left !== undefined) this.#left -= bytes.length
    this.#full = !this.#sink.write(bytes)
    if (this.#waitingBytes <= MAX_WAITING_BYTES / 2) this.#source.resume()
  }

  /** Bytes that may pass now; a tenth of a second's worth is saved up at most. */
  #allowed(nowMs: number): number {
    const { bytesPerSecond } = this.#flow
    if (bytesPerSecond === undefined) return Number.POSITIVE_INFINITY
    const earned = ((nowMs - this.#lastTickMs) * bytesPerSecond) / 1000
    this.#lastTickMs = nowMs
    this.#allowance = Math.min(Math.max(this.#allowance, 0) + earned, Math.max(1, bytesPerSecond / 10))
    return Math.floor(this.#allowance)
  }

  #truncate(): void {
    this.stop()
    this.#hooks.truncated(this.#flow.truncateBy ?? 'reset')
  }
}
