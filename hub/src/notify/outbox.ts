import type { RouteTarget } from '@flotilla/core/notify/route'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { MessageRow, Store } from '@flotilla/core/ports/store'
import { GIVE_UP_MS, retryWaitMs } from './retry-wait.ts'
import type { MessageContent, Sending } from './send.ts'
import { SendError } from './send-error.ts'

const MOST_AT_ONCE = 8
const SENT_KEPT_MS = 24 * 60 * 60_000
const DEAD_KEPT_MS = 7 * SENT_KEPT_MS
/** So often a target is looked for that no route has: about three minutes. */
const GONE_AFTER = 5
/** Rather the oldest is dead than the store full of what nobody takes. */
const MOST_WAITING = 10_000

export interface OutboxParts {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** The target as it is now; undefined when its route has none of that name any more. */
  target(route: string, name: string): RouteTarget | undefined
  send(target: RouteTarget, sending: Sending): Promise<string | undefined>
  /** Told after each attempt, for figures. */
  sent(kind: RouteTarget['kind'] | 'gone', outcome: 'sent' | 'failed' | 'dead'): void
}

/**
 * Sends what stands in the store, each target's messages one after the other, and writes down what became of it. A
 * message that was taken is sent again only when the process ended before that was written.
 */
export class Outbox {
  readonly #parts: OutboxParts
  /** Messages that wait, by target, the oldest first. */
  readonly #queues = new Map<string, MessageRow[]>()
  readonly #sending = new Map<string, Promise<void>>()
  /** Receipts of first messages, by target and incident. */
  readonly #receipts = new Map<string, string>()
  /** Taken by the target, and that not written yet. */
  readonly #unwritten = new Map<string, MessageRow>()
  readonly #stopping = new AbortController()
  #timer: Timer | undefined

  constructor(parts: OutboxParts) {
    this.#parts = parts
  }

  async load(): Promise<void> {
    const { waiting, sent } = await this.#parts.store.read(async rows => ({
      waiting: await rows.messages('waiting'),
      sent: await rows.messages('sent'),
    }))
    for (const row of sent) if (row.receipt !== undefined) this.#remember(row, row.receipt)
    for (const row of waiting) this.#queue(row).push(row)
  }

  /** Messages that were written down just now. */
  add(rows: readonly MessageRow[]): void {
    for (const row of rows) this.#queue(row).push(row)
    this.#wake()
  }

  start(): void {
    this.#wake()
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the hub stops'))
    this.#timer?.cancel()
    await Promise.all(this.#sending.values())
  }

  get depth(): { readonly waiting: number; readonly oldestAt: number | undefined } {
    const all = [...this.#queues.values()]
    const oldest = all.map(([first]) => first?.createdAt ?? Number.POSITIVE_INFINITY)
    const oldestAt = Math.min(...oldest)
    return {
      waiting: all.reduce((sum, queue) => sum + queue.length, 0),
      oldestAt: Number.isFinite(oldestAt) ? oldestAt : undefined,
    }
  }

  /** Whether one more may be written down. */
  get hasRoom(): boolean {
    return this.depth.waiting < MOST_WAITING
  }

  /** A dead message, or one that waits, is tried now. @returns Whether there is such a one. */
  async retry(id: string): Promise<MessageRow | undefined> {
    const { store, clock } = this.#parts
    const now = clock.now()
    const row = await store.write(async rows => {
      const found = await rows.message(id)
      if (found === undefined || found.state === 'sent') return undefined
      const again: MessageRow = {
        ...found,
        state: 'waiting',
        dueAt: now,
        createdAt: found.state === 'dead' ? now : found.createdAt,
      }
      await rows.putMessage(again)
      return again
    })
    if (row === undefined) return undefined
    const queue = this.#queue(row)
    const at = queue.findIndex(one => one.id === id)
    if (at < 0) queue.push(row)
    else queue[at] = row
    this.#wake()
    return row
  }

  /** Forgets what was sent a day ago, and what was dead for a week. */
  async sweep(): Promise<void> {
    const { store, clock } = this.#parts
    const now = clock.now()
    const old = await store.read(async rows => [
      ...(await rows.messages('sent')).filter(({ sentAt, createdAt }) => now - (sentAt ?? createdAt) > SENT_KEPT_MS),
      ...(await rows.messages('dead')).filter(({ dueAt }) => now - dueAt > DEAD_KEPT_MS),
    ])
    if (old.length === 0) return
    await store.write(async rows => {
      for (const { id } of old) await rows.deleteMessage(id)
    })
    for (const row of old) this.#receipts.delete(threadKey(row))
  }

  #queue(row: MessageRow): MessageRow[] {
    const key = `${row.route} ${row.target}`
    const known = this.#queues.get(key)
    if (known !== undefined) return known
    const made: MessageRow[] = []
    this.#queues.set(key, made)
    return made
  }

  #wake(): void {
    if (this.#stopping.signal.aborted) return
    this.#timer?.cancel()
    const { clock } = this.#parts
    const now = clock.now()
    let next = Number.POSITIVE_INFINITY
    for (const [key, queue] of this.#queues) {
      const first = queue[0]
      if (first === undefined) this.#queues.delete(key)
      if (first === undefined || this.#sending.has(key)) continue
      if (first.dueAt > now) next = Math.min(next, first.dueAt)
      else if (this.#sending.size < MOST_AT_ONCE) this.#begin(key, queue, first)
    }
    if (Number.isFinite(next)) this.#timer = clock.setTimer(Math.max(10, next - now), () => this.#wake())
  }

  #begin(key: string, queue: MessageRow[], row: MessageRow): void {
    const work = this.#attempt(row)
      .then(after => {
        const at = queue.findIndex(one => one.id === row.id)
        if (at < 0) return
        if (after.state === 'waiting') queue[at] = after
        else queue.splice(at, 1)
      })
      .catch((error: unknown) => {
        if (!this.#stopping.signal.aborted)
          this.#parts.log.error('what became of a message could not be written', { error })
        // A store that takes nothing now is asked again a little later; the message waits so long.
        const at = queue.findIndex(one => one.id === row.id)
        if (at >= 0) queue[at] = { ...row, dueAt: this.#parts.clock.now() + retryWaitMs(1, undefined, 1) }
      })
      .finally(() => {
        this.#sending.delete(key)
        this.#wake()
      })
    this.#sending.set(key, work)
  }

  async #attempt(row: MessageRow): Promise<MessageRow> {
    const { clock, store } = this.#parts
    const taken = this.#unwritten.get(row.id)
    const after = taken ?? (await this.#send(row))
    if (after.state === 'sent') this.#unwritten.set(row.id, after)
    if (after === row) return row
    await store.write(rows => rows.putMessage(after))
    this.#unwritten.delete(row.id)
    if (after.state === 'sent' && after.receipt !== undefined) this.#remember(after, after.receipt)
    if (after.state === 'dead') {
      const { route, target, error } = after
      this.#parts.log.warn('a message could not be delivered', {
        route,
        target,
        code: error?.code,
        ageMs: clock.now() - row.createdAt,
      })
    }
    return after
  }

  async #send(row: MessageRow): Promise<MessageRow> {
    const { clock, random, target: targetOf, sent } = this.#parts
    const target = targetOf(row.route, row.target)
    try {
      if (target === undefined) {
        // A source that is being read may bring it back.
        const retry = row.attempts < GONE_AFTER
        const message = 'no route has this target any more'
        throw new SendError('NOTIFY_TARGET_GONE', `${row.route}/${row.target}`, message, { retry })
      }
      const first = this.#receipts.get(threadKey(row))
      const content = row.content as unknown as MessageContent
      const receipt = await this.#parts.send(target, { message: row, content, first, signal: this.#stopping.signal })
      sent(target.kind, 'sent')
      const { error: _, ...rest } = row
      return { ...rest, state: 'sent', sentAt: clock.now(), ...(receipt !== undefined && { receipt }) }
    } catch (error) {
      // Whether it was taken is not known: it is sent again at the next start.
      if (this.#stopping.signal.aborted) return row
      const now = clock.now()
      const known = error instanceof SendError ? error : undefined
      if (known === undefined)
        this.#parts.log.error('a message could not be sent', { route: row.route, target: row.target, error })
      const attempts = row.attempts + 1
      const wait = retryWaitMs(attempts, known?.retryAfterMs, random.fraction())
      const dead = known?.retry === false || now + wait - row.createdAt > GIVE_UP_MS
      sent(target?.kind ?? 'gone', dead ? 'dead' : 'failed')
      return {
        ...row,
        attempts,
        state: dead ? 'dead' : 'waiting',
        dueAt: dead ? now : now + wait,
        error: { code: known?.code ?? 'INTERNAL', message: known?.message ?? 'an unexpected error', at: now },
      }
    }
  }

  #remember(row: MessageRow, receipt: string): void {
    const key = threadKey(row)
    if (!this.#receipts.has(key)) this.#receipts.set(key, receipt)
  }
}

function threadKey({ route, target, incident }: MessageRow): string {
  return `${route} ${target} ${incident}`
}
