import type { ApiServices } from './route.ts'
import type { Watchers } from './watchers.ts'

/** The fleet's figures for Prometheus; labels are few and bounded, never a name of an Application. */
export function measureFleet({ metrics, view, store, clock }: ApiServices, watchers: Watchers): void {
  const counts = (by: 'sync' | 'health') => () => {
    view.age(clock.now())
    return Object.entries(view.counted().all[by]).map(([status, value]) => ({ labels: { status }, value }))
  }
  const one = (read: () => number) => () => [{ labels: {}, value: read() }]
  metrics.gauge('flotilla_applications_sync', 'Applications by sync status.', ['status'], counts('sync'))
  metrics.gauge('flotilla_applications_health', 'Applications by health.', ['status'], counts('health'))
  metrics.gauge(
    'flotilla_applications_held',
    'Applications that are not released.',
    [],
    one(() => view.counted().all.held),
  )
  metrics.gauge('flotilla_agents', 'Clusters that have joined, by the state of their agent.', ['state'], () => {
    const states = Object.entries(view.agentStates(clock.now()))
    return states.map(([state, value]) => ({ labels: { state }, value }))
  })
  metrics.gauge(
    'flotilla_store_rows_written',
    'Rows that were really changed, since the start.',
    [],
    one(() => store.counters.rowsWritten),
  )
  metrics.gauge(
    'flotilla_store_transactions',
    'Writes to the store, since the start.',
    [],
    one(() => store.counters.transactions),
  )
  metrics.gauge(
    'flotilla_watchers',
    'Open watches.',
    [],
    one(() => watchers.count),
  )
}
