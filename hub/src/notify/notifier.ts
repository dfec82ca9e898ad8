import type { Fleet } from '@flotilla/core/model/fleet'
import { isEventTrigger, type RouteTarget } from '@flotilla/core/notify/route'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { IncidentRow, MessageRow, Store } from '@flotilla/core/ports/store'
import type { FleetView } from '../api/fleet-view.ts'
import { AlertBook } from './alert-book.ts'
import { MessageComposer } from './compose-messages.ts'
import { FleetJudge } from './judge-fleet.ts'
import { KnownRoutes, ROUTES_SEEN } from './known-routes.ts'
import { Outbox } from './outbox.ts'
import { FEED_READ, GateNewsReader } from './read-gate-news.ts'
import type { RouteInForce } from './routes-in-force.ts'
import type { Sending } from './send.ts'

const LOOK_MS = 1_000
const SWEEP_MS = 60 * 60_000

export interface NotifierParts {
  readonly store: Store
  readonly view: FleetView
  readonly fleet: () => Pick<Fleet, 'notificationRoutes' | 'teams'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Under which people reach the hub. */
  readonly hubUrl: () => string
  send(target: RouteTarget, sending: Sending): Promise<string | undefined>
  /** How long an agent may take to come back after a start of the hub. */
  readonly settleMs?: number
}

export interface NotificationFigures {
  /** Attempts by kind of target and what came of them. */
  readonly attempts: Map<string, number>
}

/**
 * Watches the fleet for what NotificationRoutes tell of, and has it told: what changed is judged, what belongs
 * together becomes an incident, and its messages are written in the same transaction, to be sent by the outbox.
 */
export class Notifier {
  readonly figures: NotificationFigures = { attempts: new Map() }
  readonly #parts: NotifierParts
  readonly #known: KnownRoutes
  readonly #book: AlertBook
  readonly #judge: FleetJudge
  readonly #composer: MessageComposer
  readonly #news: GateNewsReader
  readonly #outbox: Outbox
  /** Messages that are not in the store yet. */
  #toWrite: MessageRow[] = []
  #timer: Timer | undefined
  #looking: Promise<void> = Promise.resolve()
  #sweepAtMs = Number.NEGATIVE_INFINITY
  #stopListening: (() => void) | undefined
  #stopped = false

  constructor(parts: NotifierParts) {
    this.#parts = parts
    const routes = new KnownRoutes(parts.fleet)
    const book = new AlertBook(parts.random)
    this.#known = routes
    this.#book = book
    this.#outbox = new Outbox({
      ...parts,
      target: (route, name) => routes.named(route)?.spec.targets.find(one => one.name === name),
      sent: (kind, outcome) => {
        const key = `${kind} ${outcome}`
        this.figures.attempts.set(key, (this.figures.attempts.get(key) ?? 0) + 1)
      },
    })
    this.#judge = new FleetJudge({ ...parts, routes, book })
    this.#composer = new MessageComposer({ ...parts, routes, book, hasRoom: () => this.#outbox.hasRoom })
    this.#news = new GateNewsReader({ store: parts.store, routes, book, composer: this.#composer })
  }

  async start(): Promise<void> {
    const { store, clock } = this.#parts
    await store.read(async rows => {
      await this.#book.load(rows)
      await this.#news.load(rows)
      this.#known.load(await rows.setting(ROUTES_SEEN))
    })
    await this.#outbox.load()
    this.#refreshRoutes(clock.now())
    this.#stopListening = this.#judge.start()
    this.#turn()
    this.#outbox.start()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#stopListening?.()
    this.#timer?.cancel()
    await this.#looking.catch(() => undefined)
    await this.#outbox.stop()
  }

  /** Looks now and writes what is due: for tests, and before a stop. */
  async look(): Promise<void> {
    this.#looking = this.#looking.catch(() => undefined).then(() => this.#look())
    await this.#looking
  }

  get routes(): readonly RouteInForce[] {
    return this.#known.all
  }

  get depth(): Outbox['depth'] {
    return this.#outbox.depth
  }

  incidentsOf(route: string): readonly { readonly row: IncidentRow; readonly firing: number }[] {
    return [...this.#book.incidents()]
      .filter(row => row.route === route && row.resolvedAt === undefined)
      .map(row => ({ row, firing: this.#book.sizeOf(row.id) }))
  }

  openIncidents(): number {
    return [...this.#book.incidents()].filter(({ resolvedAt }) => resolvedAt === undefined).length
  }

  retry(id: string): Promise<MessageRow | undefined> {
    return this.#outbox.retry(id)
  }

  /** One message to each target of a route, now. @returns Undefined where there is no such route. */
  async test(name: string, by: string): Promise<readonly MessageRow[] | undefined> {
    const route = this.#known.named(name)
    if (route === undefined) return undefined
    const messages = this.#composer.test(route, by)
    await this.#parts.store.write(async rows => {
      for (const message of messages) await rows.putMessage(message)
    })
    this.#outbox.add(messages)
    return messages
  }

  #turn(): void {
    void this.look()
      .catch((error: unknown) => {
        if (!this.#stopped)
          this.#parts.log.error('notifications could not be looked after; it is tried again', { error })
      })
      .finally(() => {
        if (!this.#stopped) this.#timer = this.#parts.clock.setTimer(LOOK_MS, () => this.#turn())
      })
  }

  async #look(): Promise<void> {
    const { clock } = this.#parts
    const now = clock.now()
    this.#refreshRoutes(now)
    await this.#news.read(now, message => this.#toWrite.push(message))
    const nobodyWants = this.#known.all.length === 0 && !this.#book.hasChanges && !this.#known.hasChanges
    if (nobodyWants) this.#judge.forgetChanges()
    else {
      await this.#judge.look(now)
      this.#book.ripen(now)
      this.#toWrite.push(...this.#composer.due(now))
      this.#book.sweep(now, row => isEventTrigger(this.#known.triggerOf(row)?.kind ?? 'on-held'))
    }
    await this.#write()
    const elapsed = clock.monotonicMs()
    if (nobodyWants || elapsed - this.#sweepAtMs < SWEEP_MS) return
    this.#sweepAtMs = elapsed
    await this.#outbox.sweep()
  }

  #refreshRoutes(now: number): void {
    if (!this.#known.refresh(now)) return
    this.#judge.doubtAll()
    this.#book.retain((route, trigger) => this.#known.has(route, trigger))
  }

  /** What changed and what it is to say, together: one is never without the other. */
  async #write(): Promise<void> {
    const messages = this.#toWrite
    const read = this.#news.takeChanges()
    if (messages.length === 0 && !this.#book.hasChanges && !this.#known.hasChanges && read === undefined) return
    this.#toWrite = []
    const seen = this.#known.takeChanges()
    try {
      await this.#book.flush(this.#parts.store, async rows => {
        for (const message of messages) await rows.putMessage(message)
        if (seen !== undefined) await rows.putSetting(ROUTES_SEEN, seen)
        if (read !== undefined) await rows.putSetting(FEED_READ, read)
      })
    } catch (error) {
      this.#toWrite = [...messages, ...this.#toWrite]
      this.#known.keep(seen)
      throw error
    }
    if (read !== undefined) this.#news.keep(read)
    this.#outbox.add(messages)
  }
}
