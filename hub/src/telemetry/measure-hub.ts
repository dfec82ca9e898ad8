import type { Clock } from '@flotilla/core/ports/clock'
import type { FleetView } from '../api/fleet-view.ts'
import type { Loop } from '../loop/loop.ts'
import type { HubMetrics } from '../metrics.ts'
import type { Notifier } from '../notify/notifier.ts'
import type { RepositoryMirrors } from '../source/mirror.ts'
import { StateFigures } from './measure-states.ts'
import type { ObservedStages } from './observed-stages.ts'

export interface MeasuredHub {
  readonly view: FleetView
  readonly loop: Pick<Loop, 'depths'>
  readonly mirrors: Pick<RepositoryMirrors, 'list'>
  readonly notifier: Notifier
  readonly stages: ObservedStages
  readonly clock: Clock
}

/** All of them from the start: what begins with 1 has not increased for Prometheus. */
const OUTCOMES = ['slack', 'teams', 'email', 'webhook', 'github', 'gitlab', 'gone'].flatMap(target =>
  ['sent', 'failed', 'dead'].map(outcome => [target, outcome] as const),
)

/** The hub's own work in figures: queues, steps, repositories, messages, and the states of the fleet by age. */
export function measureHub(metrics: HubMetrics, { view, loop, mirrors, notifier, stages, clock }: MeasuredHub): void {
  new StateFigures(view, clock).measure(metrics)
  stages.register(metrics.registry)
  metrics.gauge('flotilla_queue_depth', 'Keys of the loop that wait to be looked at, by kind.', ['kind'], () =>
    loop.depths().map(({ kind, waiting }) => ({ labels: { kind }, value: waiting })),
  )
  metrics.gauge('flotilla_queue_oldest_seconds', 'How long the first of them has waited.', ['kind'], () =>
    loop.depths().map(({ kind, oldestMs }) => ({ labels: { kind }, value: oldestMs / 1000 })),
  )
  metrics.gauge(
    'flotilla_repositories',
    'Repositories that are read, by whether the last fetch got through.',
    ['state'],
    () => {
      const all = mirrors.list()
      const failing = all.filter(({ failure }) => failure !== undefined).length
      return [
        { labels: { state: 'ok' }, value: all.length - failing },
        { labels: { state: 'failing' }, value: failing },
      ]
    },
  )
  metrics.gauge(
    'flotilla_repository_oldest_fetch_seconds',
    'How long ago the repository was fetched that has not been for longest.',
    [],
    () => {
      const now = clock.now()
      const oldest = mirrors.list().reduce((least, { fetchedAt }) => Math.min(least, fetchedAt ?? least), now)
      return [{ labels: {}, value: (now - oldest) / 1000 }]
    },
  )
  metrics.counter(
    'flotilla_notifications_total',
    'Attempts to send a message, by kind of target and outcome: sent, failed (tried again) or dead.',
    ['target', 'outcome'],
    () =>
      OUTCOMES.map(([target, outcome]) => {
        const value = notifier.figures.attempts.get(`${target} ${outcome}`) ?? 0
        return { labels: { target, outcome }, value }
      }),
  )
  metrics.gauge('flotilla_notifications_waiting', 'Messages that are not sent yet.', [], () => [
    { labels: {}, value: notifier.depth.waiting },
  ])
  metrics.gauge('flotilla_notifications_oldest_waiting_seconds', 'How long the first of them has waited.', [], () => {
    const { oldestAt } = notifier.depth
    return [{ labels: {}, value: oldestAt === undefined ? 0 : Math.max(0, clock.now() - oldestAt) / 1000 }]
  })
  metrics.gauge('flotilla_notification_incidents', 'Incidents that routes tell of and that are not over.', [], () => [
    { labels: {}, value: notifier.openIncidents() },
  ])
}
