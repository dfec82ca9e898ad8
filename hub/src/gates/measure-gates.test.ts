import { compileRules } from '@flotilla/core/gates/compile-rules'
import type { GateTarget } from '@flotilla/core/gates/rules'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { expect, test } from 'vitest'
import type { Connection } from '../gateway/connections.ts'
import { createMetrics } from '../metrics.ts'
import { GateWatch } from './gate-watch.ts'
import { NO_RULES } from './gates.ts'
import { measureGates } from './measure-gates.ts'

const target = (name: string, project: string): GateTarget => {
  return { name, project, labels: {}, destination: { name: 'eu' } }
}

test('what gates do is measured: rules, what is blocked, clocks and lateness', async () => {
  const clock = new VirtualClock({ startAt: Date.UTC(2026, 10, 21, 12), settle: () => Promise.resolve() })
  const rules = compileRules({
    windows: [],
    freezes: [
      {
        ...{ name: 'FreezePeriod/stop', level: 'organisation', freeze: 'soft', reason: 'closing' },
        ...{ scope: { projects: ['shop'] }, when: [{ from: '2026-11-21', through: '2026-11-21' }] },
      },
    ],
  })
  const watch = new GateWatch({
    clock,
    events: { emit: () => undefined },
    rules: () => rules,
    targets: () => [],
    wake: () => undefined,
    ownersOf: () => [],
    isDeclared: () => false,
  })
  watch.start()
  const skews = [90_000, 61_000, 0]
  const metrics = createMetrics({ process: false })
  measureGates(metrics, {
    gates: { current: { ...NO_RULES, rules } },
    watch,
    targets: () => [target('web', 'shop'), target('api', 'shop'), target('pay', 'bank')],
    connections: () => skews.map((skewMs, index) => ({ clusterId: `c${index}`, skewMs }) as Connection),
    clusterName: id => (id === 'c0' ? 'eu' : undefined),
    clock,
  })
  watch.opened(undefined as never, 1500)
  watch.overridesUsed(['Override/a', 'Override/b'], { application: 'web', by: 'ana', rules: [] })
  await metrics.registry.metrics()
  const lines = (await metrics.registry.metrics()).split('\n')
  for (const line of [
    'flotilla_gate_active{rule="FreezePeriod/stop",kind="FreezePeriod"} 1',
    'flotilla_gate_apps_blocked{layer="freeze",trigger="automated"} 2',
    'flotilla_gate_apps_blocked{layer="freeze",trigger="manual"} 0',
    '# TYPE flotilla_gate_blocked_syncs_total counter',
    'flotilla_gate_blocked_syncs_total{layer="window"} 0',
    'flotilla_gate_overrides_used_total 2',
    'flotilla_gate_openings_missed_total 0',
    'flotilla_agent_clock_skew_seconds{cluster="eu"} 90',
    'flotilla_hub_clock_skew_seconds 61',
    'flotilla_hub_clock_suspected 1',
    'flotilla_gate_boundary_lateness_seconds_bucket{le="1"} 0',
    'flotilla_gate_boundary_lateness_seconds_bucket{le="2.5"} 1',
  ]) {
    expect(lines).toContain(line)
  }
  watch.stop()
})
