import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { JsonObject } from '@flotilla/core/json/json'
import type { Fleet } from '@flotilla/core/model/fleet'
import type { Cause, CompiledTrigger, Hit } from '@flotilla/core/notify/judge-trigger'
import { MOST_NAMED, messageContext, type Told } from '@flotilla/core/notify/message-context'
import {
  isEventTrigger,
  type NotificationRouteSpec,
  type RouteTarget,
  type RouteTrigger,
} from '@flotilla/core/notify/route'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { IncidentRow, MessageRow, Store } from '@flotilla/core/ports/store'
import { matchesWildcard } from '@flotilla/core/text/wildcard'
import { AGENT_SILENT_AFTER_MS, type ApplicationView } from '@flotilla/core/view/application-view'
import type { FleetView } from '../api/fleet-view.ts'
import { EVERYTHING_VISIBLE } from '../api/visible-set.ts'
import type { GateEvent } from '../gate-desk/gate-events.ts'
import { AlertBook, type Verdict } from './alert-book.ts'
import { dueOf } from './due-messages.ts'
import { Outbox } from './outbox.ts'
import { type RouteInForce, routesOf } from './routes-in-force.ts'
import type { Sending } from './send.ts'
import { writeMessage } from './write-message.ts'

const LOOK_MS = 1_000
/** Everything is looked at so often, whatever was told: a change that was missed costs one such interval. */
const WHOLE_LOOK_MS = 10 * 60_000
const SWEEP_MS = 60 * 60_000
const BATCH = 500
/** After a start agents have to come back first; before, their silence says nothing. */
const SETTLE_MS = AGENT_SILENT_AFTER_MS + 60_000
const ROUTES_SEEN = 'notifications.routes'

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
  readonly #book: AlertBook
  readonly #outbox: Outbox
  readonly #dirty = new Set<string>()
  readonly #stops: (() => void)[] = []
  #routes: readonly RouteInForce[] = []
  #routesOfFleet: unknown
  /** Since when each route is known: what happened before is none of its business. */
  #seen = new Map<string, number>()
  #seenChanged = false
  /** Messages that are not in the store yet. */
  #toWrite: MessageRow[] = []
  #number = 0
  #timer: Timer | undefined
  #looking: Promise<void> = Promise.resolve()
  #wholeAtMs = Number.NEGATIVE_INFINITY
  #sweepAtMs = Number.NEGATIVE_INFINITY
  #startedAt = 0
  #stopped = false

  constructor(parts: NotifierParts) {
    this.#parts = parts
    this.#book = new AlertBook(parts.random)
    this.#outbox = new Outbox({
      ...parts,
      target: (route, name) => this.#route(route)?.spec.targets.find(one => one.name === name),
      sent: (kind, outcome) => {
        const key = `${kind} ${outcome}`
        this.figures.attempts.set(key, (this.figures.attempts.get(key) ?? 0) + 1)
      },
    })
  }

  async start(events?: { listen(listener: (event: GateEvent) => void): () => void }): Promise<void> {
    const { store, clock, view } = this.#parts
    this.#startedAt = clock.now()
    const seen = await store.read(async rows => {
      await this.#book.load(rows)
      return await rows.setting(ROUTES_SEEN)
    })
    for (const [name, since] of Object.entries(seen ?? {})) if (typeof since === 'number') this.#seen.set(name, since)
    await this.#outbox.load()
    this.#seenChanged = this.#readRoutes(clock.now())
    this.#number = view.changes.newest
    this.#stops.push(view.changes.listen(() => this.#noteChanges()))
    if (events !== undefined) this.#stops.push(events.listen(event => void this.#gateEvent(event)))
    this.#turn()
    this.#outbox.start()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const stop of this.#stops.splice(0)) stop()
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
    return this.#routes
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
    const route = this.#route(name)
    if (route === undefined) return undefined
    const { clock, store } = this.#parts
    const now = clock.now()
    const trigger = route.triggers[0] ?? TEST_TRIGGER
    const event = { kind: 'test', subject: name, by, message: 'This is a test of the route: nothing has happened.' }
    const cause: Cause = { kind: 'event', text: `test of route ${name}`, event }
    const messages = this.#messages(route, trigger, {
      ...{ kind: 'test', cause, openedAt: now, firing: 0, total: 0, told: [], id: this.#newId(now) },
    })
    await store.write(async rows => {
      for (const message of messages) await rows.putMessage(message)
    })
    this.#outbox.add(messages)
    return messages
  }

  #route(name: string): RouteInForce | undefined {
    return this.#routes.find(one => one.name === name)
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

  #noteChanges(): void {
    const { changes } = this.#parts.view
    if (!changes.holdsAfter(this.#number)) this.#wholeAtMs = Number.NEGATIVE_INFINITY
    for (let change = changes.after(this.#number); change !== undefined; change = changes.after(change.number)) {
      if (change.kind === 'applications') this.#dirty.add(change.name)
    }
    this.#number = changes.newest
  }

  async #look(): Promise<void> {
    const { clock } = this.#parts
    const now = clock.now()
    const routesChanged = this.#readRoutes(now)
    if (this.#routes.length === 0 && !this.#book.hasChanges && !routesChanged && !this.#seenChanged) {
      this.#dirty.clear()
      return
    }
    const elapsed = clock.monotonicMs()
    if (elapsed - this.#wholeAtMs >= WHOLE_LOOK_MS) {
      this.#wholeAtMs = elapsed
      await this.#lookAtEverything(now)
    }
    const names = [...this.#dirty]
    this.#dirty.clear()
    for (const [index, name] of names.entries()) {
      this.#lookAt(name, this.#parts.view.application(name, now), now)
      // What breaks everything at once must not keep everybody waiting while it is judged.
      if (index % BATCH === BATCH - 1) await clock.sleep(0)
    }
    this.#lookAtClusters(now)
    this.#book.ripen(now)
    this.#toWrite.push(...this.#due(now))
    this.#book.sweep(now, row => isEventTrigger(this.#trigger(row)?.kind ?? 'on-held'))
    if (routesChanged) this.#seenChanged = true
    await this.#write()
    if (elapsed - this.#sweepAtMs >= SWEEP_MS) {
      this.#sweepAtMs = elapsed
      await this.#outbox.sweep()
    }
  }

  /** What changed and what it is to say, together: one is never without the other. */
  async #write(): Promise<void> {
    const messages = this.#toWrite
    if (messages.length === 0 && !this.#book.hasChanges && !this.#seenChanged) return
    this.#toWrite = []
    const seen = this.#seenChanged ? Object.fromEntries(this.#seen) : undefined
    this.#seenChanged = false
    try {
      await this.#book.flush(this.#parts.store, async rows => {
        for (const message of messages) await rows.putMessage(message)
        if (seen !== undefined) await rows.putSetting(ROUTES_SEEN, seen)
      })
    } catch (error) {
      this.#toWrite = [...messages, ...this.#toWrite]
      this.#seenChanged ||= seen !== undefined
      throw error
    }
    this.#outbox.add(messages)
  }

  /** @returns Whether which routes there are has changed. */
  #readRoutes(now: number): boolean {
    const fleet = this.#parts.fleet()
    if (this.#routesOfFleet === fleet) return false
    this.#routesOfFleet = fleet
    this.#routes = routesOf(fleet)
    this.#wholeAtMs = Number.NEGATIVE_INFINITY
    const known = new Set(this.#routes.map(({ name }) => name))
    const before = [...this.#seen.keys()]
    for (const name of before) if (!known.has(name)) this.#seen.delete(name)
    for (const name of known) if (!this.#seen.has(name)) this.#seen.set(name, now)
    this.#book.retain(
      (route, trigger) => this.#route(route)?.spec.triggers.some(({ name }) => name === trigger) === true,
    )
    return before.length !== this.#seen.size || before.some(name => !known.has(name))
  }

  async #lookAtEverything(now: number): Promise<void> {
    const { view, clock } = this.#parts
    const all = view.seen(EVERYTHING_VISIBLE)
    const names = new Set(all.map(({ name }) => name))
    for (let at = 0; at < all.length; at += BATCH) {
      for (const app of all.slice(at, at + BATCH)) this.#lookAt(app.name, view.application(app.name, now), now)
      await clock.sleep(0)
    }
    for (const cluster of view.clusters(now)) names.add(clusterSubject(cluster.name))
    for (const subject of this.#book.subjects()) if (!names.has(subject)) this.#book.forget(subject, now)
  }

  #lookAt(name: string, app: ApplicationView | undefined, now: number): void {
    if (app === undefined) {
      this.#book.forget(name, now)
      return
    }
    for (const route of this.#routes) {
      const told = route.tellsOf(app)
      for (const trigger of route.triggers) {
        if (trigger.kind === 'on-gate' || trigger.kind === 'on-agent-silent') continue
        this.#book.take(route.name, trigger, name, told ? this.#verdict(route, trigger, app) : undefined, now)
      }
    }
  }

  /** Of a silent agent's Application nobody knows: what was told of it neither ends nor begins. */
  #verdict(route: RouteInForce, trigger: CompiledTrigger, app: ApplicationView): Verdict {
    if (app.agent.silent && trigger.kind !== 'on-held') return 'unknown'
    const hit = trigger.judge(app)
    if (!isEventTrigger(trigger.kind) || hit === undefined) return hit
    return (hit.since ?? 0) < (this.#seen.get(route.name) ?? 0) ? undefined : hit
  }

  #lookAtClusters(now: number): void {
    const routes = this.#routes.flatMap(route =>
      route.triggers.filter(({ kind }) => kind === 'on-agent-silent').map(trigger => ({ route, trigger })),
    )
    if (routes.length === 0 || now - this.#startedAt < (this.#parts.settleMs ?? SETTLE_MS)) return
    const clusters = this.#parts.view.clusters(now).filter(({ joined }) => joined)
    const whole = routes.every(
      ({ route }) => route.spec.team === undefined && Object.keys(route.spec.select).length === 0,
    )
    const apps = whole ? [] : this.#parts.view.seen(EVERYTHING_VISIBLE)
    for (const { route, trigger } of routes) {
      const all = route.spec.team === undefined && Object.keys(route.spec.select).length === 0
      const concerned = all ? undefined : new Set(apps.filter(app => route.tellsOf(app)).map(({ cluster }) => cluster))
      for (const { name, agent } of clusters) {
        const silent = agent.silent && (concerned === undefined || concerned.has(name))
        const heard = agent.lastSeen === null ? Number.NaN : Date.parse(agent.lastSeen)
        const since = Math.max(Number.isFinite(heard) ? heard : 0, this.#startedAt)
        const hit: Hit = { since, cause: { kind: 'agents', text: 'agents that are silent' }, key: 'agents' }
        this.#book.take(route.name, trigger, clusterSubject(name), silent ? hit : undefined, now)
      }
    }
  }

  #due(now: number): readonly MessageRow[] {
    const messages: MessageRow[] = []
    for (const row of [...this.#book.incidents()]) {
      const route = this.#route(row.route)
      const trigger = route?.triggers.find(({ name }) => name === row.trigger)
      if (route === undefined || trigger === undefined) continue
      const size = this.#book.sizeOf(row.id)
      const { kind, after } = dueOf(row, size, isEventTrigger(trigger.kind), route.spec, now)
      if (kind !== undefined && !this.#outbox.hasRoom) continue
      if (kind !== undefined)
        messages.push(...this.#tell(route, trigger, after === 'gone' ? row : (after ?? row), kind, size))
      if (after === 'gone') this.#book.removeIncident(row)
      else if (after !== undefined) this.#book.update(after)
    }
    return messages
  }

  #tell(
    route: RouteInForce,
    trigger: RouteTrigger,
    row: IncidentRow,
    kind: MessageRow['kind'],
    firing: number,
  ): readonly MessageRow[] {
    const { view, clock } = this.#parts
    const now = clock.now()
    const told = this.#book
      .subjectsOf(row.id)
      .slice(0, MOST_NAMED)
      .map((subject): Told => {
        const cluster = clusterOf(subject)
        if (cluster !== undefined) return { name: cluster, cluster }
        const app = view.application(subject, now)
        // Between judging and telling it may have moved to where the route does not see.
        return app !== undefined && route.tellsOf(app) ? { name: subject, app } : { name: subject }
      })
    const { cause, openedAt, resolvedAt, total, id } = row
    const known = { cause: cause as unknown as Cause, openedAt, total, id, kind, firing, told }
    return this.#messages(route, trigger, { ...known, ...(resolvedAt !== undefined && { resolvedAt }) })
  }

  #messages(
    route: RouteInForce,
    trigger: RouteTrigger,
    input: Omit<Parameters<typeof messageContext>[0], 'route' | 'trigger' | 'hubUrl'>,
  ): readonly MessageRow[] {
    const { clock, hubUrl, log } = this.#parts
    const now = clock.now()
    const context = messageContext({ ...input, route: route.name, trigger, hubUrl: hubUrl() })
    return route.spec.targets.map((target): MessageRow => {
      const { title, body, mistake } = writeMessage(route.spec.template, context, target.kind)
      if (mistake !== undefined)
        log.warn('a template of a route could not be used', { route: route.name, message: mistake })
      return {
        ...{ id: this.#newId(now), route: route.name, target: target.name, incident: input.id, kind: input.kind },
        ...{ state: 'waiting', createdAt: now, dueAt: now, attempts: 0 },
        content: { title, body, context } satisfies JsonObject,
      }
    })
  }

  /** Something about a gate: told at once, to each route that may hear of it. */
  async #gateEvent(event: GateEvent): Promise<void> {
    const { clock, log } = this.#parts
    const now = clock.now()
    try {
      if (this.#readRoutes(now)) this.#seenChanged = true
      const messages = this.#routes.flatMap(route =>
        route.triggers
          .filter(({ kind, events }) => kind === 'on-gate' && isWanted(events, event.kind))
          .filter(() => route.tellsOwners(event.owners))
          .flatMap(trigger => {
            const { kind, subject, by, message } = event
            const cause: Cause = { kind: 'event', text: `${kind}: ${subject}`, event: { kind, subject, by, message } }
            const row = this.#book.happened(route.name, trigger.name, cause as unknown as JsonObject, now)
            return this.#tell(route, trigger, row, 'event', 0)
          }),
      )
      this.#toWrite.push(...messages)
      await this.look()
    } catch (error) {
      log.error('what a gate did could not be told', { event: event.kind, subject: event.subject, error })
    }
  }

  #trigger(row: IncidentRow): NotificationRouteSpec['triggers'][number] | undefined {
    return this.#route(row.route)?.spec.triggers.find(({ name }) => name === row.trigger)
  }

  #newId(now: number): string {
    return uuidV7(now, this.#parts.random.bytes(10))
  }
}

const TEST_TRIGGER: RouteTrigger = { name: 'test', kind: 'on-gate', forMs: 0 }
const CLUSTER = 'cluster:'

/** No Application's name has a colon. */
function clusterSubject(name: string): string {
  return `${CLUSTER}${name}`
}

function clusterOf(subject: string): string | undefined {
  return subject.startsWith(CLUSTER) ? subject.slice(CLUSTER.length) : undefined
}

function isWanted(events: readonly string[] | undefined, kind: string): boolean {
  return events === undefined || events.some(pattern => matchesWildcard(pattern, kind))
}
