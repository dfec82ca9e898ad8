import { decide } from '@flotilla/core/gates/decide'
import type { GateTarget } from '@flotilla/core/gates/rules'
import type { Clock } from '@flotilla/core/ports/clock'
import { Counter, Histogram, type Registry } from 'prom-client'
import type { Connection } from '../gateway/connections.ts'
import type { GaugeValue, HubMetrics } from '../metrics.ts'
import { clockDoubt, medianSkewMs } from './clock-doubt.ts'
import type { GateWatch } from './gate-watch.ts'
import type { Gates } from './gates.ts'

export interface MeasuredGates {
  readonly gates: Pick<Gates, 'current'>
  readonly watch: GateWatch
  readonly targets: () => readonly GateTarget[]
  readonly connections: () => readonly Connection[]
  readonly clusterName: (clusterId: string) => string | undefined
  readonly clock: Clock
}

/** Whoever scrapes more often is told the same: asking for every Application costs. */
const BLOCKED_FOR_MS = 10_000
const TRIGGERS = ['automated', 'manual'] as const
const LAYERS = ['freeze', 'window'] as const

/** What gates do, for Prometheus; labels are rules and clusters, never an Application. */
export function measureGates({ registry, gauge }: HubMetrics, measured: MeasuredGates): void {
  const { gates, watch, connections, clock } = measured
  gauge('flotilla_gate_active', 'Whether a window or freeze is active now.', ['rule', 'kind'], () =>
    watch.active().map(({ rule: { name, kind }, active }) => ({ labels: { rule: name, kind }, value: Number(active) })),
  )
  gauge(
    'flotilla_gate_apps_blocked',
    'Applications that could not start a sync now, by layer and trigger.',
    ['layer', 'trigger'],
    remembered(clock, () => blockedNow(gates, measured.targets(), clock.now())),
  )
  counter(registry, 'flotilla_gate_blocked_syncs_total', 'Starts that were held up, by layer.', ['layer'], () =>
    LAYERS.map(layer => ({ labels: { layer }, value: watch.counters.blocked[layer] })),
  )
  counter(registry, 'flotilla_gate_overrides_used_total', 'Uses of overrides.', [], () => [
    { labels: {}, value: watch.counters.overridesUsed },
  ])
  counter(registry, 'flotilla_gate_openings_missed_total', 'Openings that came and went unseen.', [], () => [
    { labels: {}, value: watch.counters.missed },
  ])
  gauge('flotilla_agent_clock_skew_seconds', 'Clock of a cluster’s machine less hub time.', ['cluster'], () =>
    connections().flatMap(({ clusterId, skewMs }) =>
      skewMs === undefined
        ? []
        : { labels: { cluster: measured.clusterName(clusterId) ?? clusterId }, value: skewMs / 1000 },
    ),
  )
  gauge('flotilla_hub_clock_skew_seconds', 'The middle of what the agents’ clocks differ by.', [], () => {
    const median = medianSkewMs(skewsOf(connections()))
    return median === undefined ? [] : [{ labels: {}, value: median / 1000 }]
  })
  gauge(
    'flotilla_hub_clock_suspected',
    '1: the hub must suspect its own clock and starts nothing by itself.',
    [],
    () => [{ labels: {}, value: clockDoubt(skewsOf(connections())) === undefined ? 0 : 1 }],
  )
  const lateness = new Histogram({
    name: 'flotilla_gate_boundary_lateness_seconds',
    help: 'How long after a gate opened what waited for it was let go; up to five seconds are meant to be.',
    buckets: [0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers: [registry],
  })
  watch.measureLateness(lateMs => lateness.observe(lateMs / 1000))
}

/** What is counted elsewhere, read when it is asked for. */
function counter(
  registry: Registry,
  name: string,
  help: string,
  labels: readonly string[],
  read: () => readonly GaugeValue[],
): void {
  new Counter({
    ...{ name, help, labelNames: [...labels], registers: [registry] },
    collect() {
      this.reset()
      for (const each of read()) this.inc(each.labels, each.value)
    },
  })
}

function skewsOf(connections: readonly Connection[]): readonly number[] {
  return connections.flatMap(({ skewMs }) => skewMs ?? [])
}

function blockedNow(
  { current: { rules } }: Pick<Gates, 'current'>,
  targets: readonly GateTarget[],
  now: number,
): readonly GaugeValue[] {
  return TRIGGERS.flatMap(trigger => {
    const counts = { freeze: 0, window: 0 }
    for (const target of rules.rules.length === 0 ? [] : targets) {
      for (const { name, allowed } of decide(rules, target, now, { trigger }).layers) {
        if (!allowed && name !== 'permission') counts[name]++
      }
    }
    return LAYERS.map(layer => ({ labels: { layer, trigger }, value: counts[layer] }))
  })
}

function remembered(clock: Clock, read: () => readonly GaugeValue[]): () => readonly GaugeValue[] {
  let known: { readonly at: number; readonly values: readonly GaugeValue[] } | undefined
  return () => {
    const at = clock.monotonicMs()
    if (known === undefined || at - known.at > BLOCKED_FOR_MS) known = { at, values: read() }
    return known.values
  }
}
