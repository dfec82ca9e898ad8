import type { Clock } from '@flotilla/core/ports/clock'
import type { ApplicationView } from '@flotilla/core/view/application-view'
import type { FleetView } from '../api/fleet-view.ts'
import { EVERYTHING_VISIBLE } from '../api/visible-set.ts'
import type { GaugeValue, HubMetrics } from '../metrics.ts'

/** Projects that have series of their own, those with the most Applications; the others are one. */
export const MOST_PROJECTS = 50
/** A state that lasts longer wants to be looked at. */
export const LASTING_MS = 10 * 60_000
/** Whoever scrapes more often is told the same: looking at every Application costs. */
const SAME_FOR_MS = 5_000

const STATES = ['Degraded', 'Progressing', 'Missing', 'Unknown', 'OutOfSync', 'Held', 'Syncing'] as const
type State = (typeof STATES)[number]

interface Figures {
  readonly info: readonly GaugeValue[]
  readonly oldest: readonly GaugeValue[]
  readonly lasting: readonly GaugeValue[]
  readonly overdue: { readonly count: number; readonly longestMs: number }
}

/** How long Applications are in which state, and what their syncs came to; never with a name of one. */
export class StateFigures {
  readonly #view: FleetView
  readonly #clock: Clock
  /** Since when a state has been seen, for those that do not say it themselves; anew with each start of the hub. */
  readonly #seen = new Map<string, number>()
  readonly #operations = new Map<string, string>()
  readonly #phases = new Map<string, number>([
    ['Succeeded', 0],
    ['Failed', 0],
    ['Error', 0],
  ])
  #number: number
  #known: { readonly atMs: number; readonly figures: Figures } | undefined

  constructor(view: FleetView, clock: Clock) {
    this.#view = view
    this.#clock = clock
    this.#number = view.changes.newest
    for (const app of view.seen(EVERYTHING_VISIBLE)) this.#operations.set(app.name, markOf(app) ?? '')
    view.changes.listen(() => this.#note())
  }

  measure(metrics: HubMetrics): void {
    metrics.gauge(
      'flotilla_app_info',
      'Applications by project (the fifty largest, and other), sync status and health.',
      ['project', 'sync_status', 'health_status'],
      () => this.#figures().info,
    )
    metrics.gauge(
      'flotilla_app_state_oldest_seconds',
      'How long the Application that has been in a state for longest has been in it; 0 where there is none.',
      ['state'],
      () => this.#figures().oldest,
    )
    metrics.gauge(
      'flotilla_app_state_lasting',
      'Applications that have been in a state for more than ten minutes.',
      ['state'],
      () => this.#figures().lasting,
    )
    metrics.gauge(
      'flotilla_app_held_past_opening',
      'Applications still held though their gate should be open.',
      [],
      () => [{ labels: {}, value: this.#figures().overdue.count }],
    )
    metrics.gauge(
      'flotilla_app_held_past_opening_seconds',
      'How long ago the gate of the longest of them should have opened.',
      [],
      () => [{ labels: {}, value: this.#figures().overdue.longestMs / 1000 }],
    )
    metrics.counter('flotilla_app_sync_total', 'Operations that ended, by phase.', ['phase'], () =>
      [...this.#phases].map(([phase, value]) => ({ labels: { phase }, value })),
    )
    metrics.gauge(
      'flotilla_agent_last_seen_oldest_seconds',
      'How long ago the joined agent was heard that has been silent for longest.',
      [],
      () => {
        const now = this.#clock.now()
        const heard = this.#view
          .clusters(now)
          .flatMap(({ joined, agent }) => (joined && agent.lastSeen ? agent.lastSeen : []))
        const oldest = heard.reduce((least, text) => Math.min(least, Date.parse(text)), now)
        return [{ labels: {}, value: (now - oldest) / 1000 }]
      },
    )
  }

  #note(): void {
    const { changes } = this.#view
    const now = this.#clock.now()
    for (let change = changes.after(this.#number); change !== undefined; change = changes.after(change.number)) {
      if (change.kind !== 'applications') continue
      const app = this.#view.application(change.name, now)
      if (app === undefined) {
        this.#operations.delete(change.name)
        continue
      }
      const mark = markOf(app)
      if (mark === undefined || this.#operations.get(change.name) === mark) continue
      this.#operations.set(change.name, mark)
      const { phase } = app.operation!
      this.#phases.set(phase, (this.#phases.get(phase) ?? 0) + 1)
    }
    this.#number = changes.newest
  }

  #figures(): Figures {
    const atMs = this.#clock.monotonicMs()
    if (this.#known === undefined || atMs - this.#known.atMs > SAME_FOR_MS)
      this.#known = { atMs, figures: this.#look() }
    return this.#known.figures
  }

  #look(): Figures {
    const now = this.#clock.now()
    this.#view.age(now)
    const apps = this.#view.seen(EVERYTHING_VISIBLE)
    const large = largestProjects(apps)
    const info = new Map<string, number>()
    const oldest = new Map<State, number>(STATES.map(state => [state, 0]))
    const lasting = new Map<State, number>(STATES.map(state => [state, 0]))
    const present = new Set<string>()
    let overdue = 0
    let longestMs = 0
    for (const app of apps) {
      const key = `${large.has(app.project) ? app.project : 'other'} ${app.sync.status} ${app.health.status}`
      info.set(key, (info.get(key) ?? 0) + 1)
      for (const state of statesOf(app)) {
        const lastsMs = Math.max(0, now - this.#since(app, state, now, present))
        oldest.set(state, Math.max(oldest.get(state)!, lastsMs))
        if (lastsMs > LASTING_MS) lasting.set(state, lasting.get(state)! + 1)
      }
      const opening = app.hold?.nextOpening
      if (opening && Date.parse(opening) < now) {
        overdue++
        longestMs = Math.max(longestMs, now - Date.parse(opening))
      }
    }
    for (const key of this.#seen.keys()) if (!present.has(key)) this.#seen.delete(key)
    return {
      info: [...info].map(([key, value]) => {
        const [project = '', sync_status = '', health_status = ''] = key.split(' ')
        return { labels: { project, sync_status, health_status }, value }
      }),
      oldest: [...oldest].map(([state, ms]) => ({ labels: { state }, value: ms / 1000 })),
      lasting: [...lasting].map(([state, value]) => ({ labels: { state }, value })),
      overdue: { count: overdue, longestMs },
    }
  }

  #since(app: ApplicationView, state: State, now: number, present: Set<string>): number {
    const said = state === app.health.status ? app.health.since : state === 'Syncing' ? app.operation!.startedAt : null
    if (said !== null) return Date.parse(said)
    const key = `${app.id} ${state}`
    present.add(key)
    const seen = this.#seen.get(key) ?? now
    this.#seen.set(key, seen)
    return seen
  }
}

function statesOf(app: ApplicationView): readonly State[] {
  const states: State[] = []
  const { status } = app.health
  if (status === 'Degraded' || status === 'Progressing' || status === 'Missing' || status === 'Unknown')
    states.push(status)
  if (app.hold !== null) states.push('Held')
  else if (app.sync.status === 'OutOfSync') states.push('OutOfSync')
  if (app.operation?.phase === 'Running' || app.operation?.phase === 'Terminating') states.push('Syncing')
  return states
}

/** Which operation has ended, and how; undefined while none has. */
function markOf({ operation }: ApplicationView): string | undefined {
  if (operation === null || operation.phase === 'Running' || operation.phase === 'Terminating') return undefined
  return `${operation.id} ${operation.phase}`
}

function largestProjects(apps: readonly ApplicationView[]): ReadonlySet<string> {
  const sizes = new Map<string, number>()
  for (const { project } of apps) sizes.set(project, (sizes.get(project) ?? 0) + 1)
  const largest = [...sizes].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  return new Set(largest.slice(0, MOST_PROJECTS).map(([project]) => project))
}
