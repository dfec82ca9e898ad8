import type { CompiledTrigger, Hit } from '@flotilla/core/notify/judge-trigger'
import { isEventTrigger } from '@flotilla/core/notify/route'
import type { Clock } from '@flotilla/core/ports/clock'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { AGENT_SILENT_AFTER_MS, type ApplicationView } from '@flotilla/core/view/application-view'
import type { FleetView } from '../api/fleet-view.ts'
import { EVERYTHING_VISIBLE } from '../api/visible-set.ts'
import type { AlertBook, Verdict } from './alert-book.ts'
import { clusterSubject } from './cluster-subject.ts'
import type { KnownRoutes } from './known-routes.ts'
import type { RouteInForce } from './routes-in-force.ts'

/** Everything is looked at so often, whatever was told: a change that was missed costs one such interval. */
const WHOLE_LOOK_MS = 10 * 60_000
const BATCH = 500
/** After a start agents have to come back first; before, their silence says nothing. */
const SETTLE_MS = AGENT_SILENT_AFTER_MS + 60_000

export interface JudgeParts {
  readonly view: FleetView
  readonly clock: Clock
  readonly routes: KnownRoutes
  readonly book: AlertBook
  /** How long an agent may take to come back after a start of the hub. */
  readonly settleMs?: number
}

/**
 * Looks at Applications and clusters as they are, and notes for each trigger of each route whether it holds. What has
 * not changed is not looked at again, but for once in a while.
 */
export class FleetJudge {
  readonly #parts: JudgeParts
  readonly #dirty = new Set<string>()
  #number = 0
  #wholeAtMs = Number.NEGATIVE_INFINITY
  #startedAt = 0

  constructor(parts: JudgeParts) {
    this.#parts = parts
  }

  /** @returns How to stop hearing of changes. */
  start(): () => void {
    const { clock, view } = this.#parts
    this.#startedAt = clock.now()
    this.#number = view.changes.newest
    return view.changes.listen(() => this.#noteChanges())
  }

  /** The next look is at everything: routes are others. */
  doubtAll(): void {
    this.#wholeAtMs = Number.NEGATIVE_INFINITY
  }

  /** Nobody wants to know. */
  forgetChanges(): void {
    this.#dirty.clear()
  }

  async look(now: EpochMs): Promise<void> {
    const { clock, view } = this.#parts
    const elapsed = clock.monotonicMs()
    if (elapsed - this.#wholeAtMs >= WHOLE_LOOK_MS) {
      this.#wholeAtMs = elapsed
      await this.#lookAtEverything(now)
    }
    const names = [...this.#dirty]
    this.#dirty.clear()
    for (const [index, name] of names.entries()) {
      this.#lookAt(name, view.application(name, now), now)
      // What breaks everything at once must not keep everybody waiting while it is judged.
      if (index % BATCH === BATCH - 1) await clock.sleep(0)
    }
    this.#lookAtClusters(now)
  }

  #noteChanges(): void {
    const { changes } = this.#parts.view
    if (!changes.holdsAfter(this.#number)) this.doubtAll()
    for (let change = changes.after(this.#number); change !== undefined; change = changes.after(change.number)) {
      if (change.kind === 'applications') this.#dirty.add(change.name)
    }
    this.#number = changes.newest
  }

  async #lookAtEverything(now: EpochMs): Promise<void> {
    const { view, clock, book } = this.#parts
    const all = view.seen(EVERYTHING_VISIBLE)
    const names = new Set(all.map(({ name }) => name))
    for (let at = 0; at < all.length; at += BATCH) {
      for (const app of all.slice(at, at + BATCH)) this.#lookAt(app.name, view.application(app.name, now), now)
      await clock.sleep(0)
    }
    for (const cluster of view.clusters(now)) names.add(clusterSubject(cluster.name))
    for (const subject of book.subjects()) if (!names.has(subject)) book.forget(subject, now)
  }

  #lookAt(name: string, app: ApplicationView | undefined, now: EpochMs): void {
    const { book, routes } = this.#parts
    if (app === undefined) {
      book.forget(name, now)
      return
    }
    for (const route of routes.all) {
      const told = route.tellsOf(app)
      for (const trigger of route.triggers) {
        if (trigger.kind === 'on-gate' || trigger.kind === 'on-agent-silent') continue
        book.take(route.name, trigger, name, told ? this.#verdict(route, trigger, app) : undefined, now)
      }
    }
  }

  /** Of a silent agent's Application nobody knows: what was told of it neither ends nor begins. */
  #verdict(route: RouteInForce, trigger: CompiledTrigger, app: ApplicationView): Verdict {
    if (app.agent.silent && trigger.kind !== 'on-held') return 'unknown'
    const hit = trigger.judge(app)
    if (!isEventTrigger(trigger.kind) || hit === undefined) return hit
    return (hit.since ?? 0) < this.#parts.routes.since(route.name) ? undefined : hit
  }

  #lookAtClusters(now: EpochMs): void {
    const { view, routes, book, settleMs = SETTLE_MS } = this.#parts
    const silenceTriggers = routes.all.flatMap(route =>
      route.triggers.filter(({ kind }) => kind === 'on-agent-silent').map(trigger => ({ route, trigger })),
    )
    if (silenceTriggers.length === 0 || now - this.#startedAt < settleMs) return
    const clusters = view.clusters(now).filter(({ joined }) => joined)
    const apps = silenceTriggers.every(({ route }) => tellsOfAll(route)) ? [] : view.seen(EVERYTHING_VISIBLE)
    for (const { route, trigger } of silenceTriggers) {
      const concerned = tellsOfAll(route)
        ? undefined
        : new Set(apps.filter(app => route.tellsOf(app)).map(({ cluster }) => cluster))
      for (const { name, agent } of clusters) {
        const silent = agent.silent && (concerned === undefined || concerned.has(name))
        const heard = agent.lastSeen === null ? Number.NaN : Date.parse(agent.lastSeen)
        const since = Math.max(Number.isFinite(heard) ? heard : 0, this.#startedAt)
        const hit: Hit = { since, cause: { kind: 'agents', text: 'agents that are silent' }, key: 'agents' }
        book.take(route.name, trigger, clusterSubject(name), silent ? hit : undefined, now)
      }
    }
  }
}

/** Whether it concerns every cluster, those without any Application too. */
function tellsOfAll({ spec }: RouteInForce): boolean {
  return spec.team === undefined && Object.keys(spec.select).length === 0
}
