import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { JsonObject } from '@flotilla/core/json/json'
import type { Cause } from '@flotilla/core/notify/judge-trigger'
import { MOST_NAMED, messageContext, type Told } from '@flotilla/core/notify/message-context'
import { isEventTrigger, type RouteTrigger } from '@flotilla/core/notify/route'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { IncidentRow, MessageRow } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { FleetView } from '../api/fleet-view.ts'
import type { AlertBook } from './alert-book.ts'
import { clusterOf } from './cluster-subject.ts'
import { dueOf } from './due-messages.ts'
import type { KnownRoutes } from './known-routes.ts'
import type { RouteInForce } from './routes-in-force.ts'
import { writeMessage } from './write-message.ts'

export interface ComposerParts {
  readonly view: FleetView
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly routes: KnownRoutes
  readonly book: AlertBook
  /** Under which people reach the hub. */
  readonly hubUrl: () => string
  /** Whether one more message may be written down. */
  readonly hasRoom: () => boolean
}

/** Makes messages of incidents: one for each target of the route, as its template says it. */
export class MessageComposer {
  readonly #parts: ComposerParts

  constructor(parts: ComposerParts) {
    this.#parts = parts
  }

  /** What incidents have to say now; each remembers that it has said it. */
  due(now: EpochMs): readonly MessageRow[] {
    const { book, routes, hasRoom } = this.#parts
    const messages: MessageRow[] = []
    for (const row of [...book.incidents()]) {
      const route = routes.named(row.route)
      const trigger = routes.triggerOf(row)
      if (route === undefined || trigger === undefined) continue
      const size = book.sizeOf(row.id)
      const { kind, after } = dueOf(row, size, isEventTrigger(trigger.kind), route.spec, now)
      if (kind !== undefined) {
        if (!hasRoom()) continue
        messages.push(...this.tell(route, trigger, after === 'gone' ? row : (after ?? row), kind, size))
      }
      if (after === 'gone') book.removeIncident(row)
      else if (after !== undefined) book.update(after)
    }
    return messages
  }

  /** What an incident says to each target of its route. */
  tell(
    route: RouteInForce,
    trigger: RouteTrigger,
    row: IncidentRow,
    kind: MessageRow['kind'],
    firing: number,
  ): readonly MessageRow[] {
    const { view, clock, book } = this.#parts
    const now = clock.now()
    const told = book
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

  /** A test of a route: to each of its targets, about nothing. */
  test(route: RouteInForce, by: string): readonly MessageRow[] {
    const now = this.#parts.clock.now()
    const trigger = route.triggers[0] ?? TEST_TRIGGER
    const message = 'This is a test of the route: nothing has happened.'
    const event = { kind: 'test', subject: route.name, by, message }
    const cause: Cause = { kind: 'event', text: `test of route ${route.name}`, event }
    return this.#messages(route, trigger, {
      ...{ kind: 'test', cause, openedAt: now, firing: 0, total: 0, told: [], id: this.#newId(now) },
    })
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

  #newId(now: EpochMs): string {
    return uuidV7(now, this.#parts.random.bytes(10))
  }
}

const TEST_TRIGGER: RouteTrigger = { name: 'test', kind: 'on-gate', forMs: 0 }
