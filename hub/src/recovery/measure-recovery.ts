import type { HubMetrics } from '../metrics.ts'
import type { Recovery } from './recovery.ts'

/** Whether the hub trusts its own store, for alarms: one state is 1, the others are 0. */
export function measureRecovery(recovery: Recovery, metrics: HubMetrics): void {
  metrics.gauge(
    'flotilla_recovery',
    'Where the hub stands with its own store: behind means that nothing is issued.',
    ['state'],
    () =>
      (['settled', 'behind', 'recovered'] as const).map(state => ({
        labels: { state },
        value: recovery.state.kind === state ? 1 : 0,
      })),
  )
}
