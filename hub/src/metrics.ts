import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What the hub measures of itself, for Prometheus. */
export interface HubMetrics {
  readonly registry: Registry
  /** One answered request: labels method, route (as in the table, never the path asked for) and status. */
  readonly requests: Histogram<'method' | 'route' | 'status'>
  readonly webhooks: Counter<'outcome'>
  /** Figures that are read when they are asked for. */
  gauge(name: string, help: string, labels: readonly string[], read: () => readonly GaugeValue[]): void
  /** What is counted elsewhere since the start, read when it is asked for. */
  counter(name: string, help: string, labels: readonly string[], read: () => readonly GaugeValue[]): void
}

export interface GaugeValue {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Series of one metric; labels that hold names would otherwise grow with whatever people declare. */
export const MOST_SERIES = 500

/** What is beyond the bound is one series, `other` in every label: the largest of its values. */
export function bounded(values: readonly GaugeValue[], most = MOST_SERIES): readonly GaugeValue[] {
  if (values.length <= most) return values
  const rest = values.slice(most - 1)
  const labels = Object.fromEntries(Object.keys(rest[0]!.labels).map(name => [name, 'other']))
  return [...values.slice(0, most - 1), { labels, value: Math.max(...rest.map(({ value }) => value)) }]
}

export interface MetricsOptions {
  /** Memory, event loop and garbage collection of the process; they set timers of Node's own. */
  readonly process: boolean
}

export function createMetrics(options: MetricsOptions): HubMetrics {
  const registry = new Registry()
  if (options.process) collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    name: 'flotilla_http_request_duration_seconds',
    help: 'Requests to the API, by route of its table and status.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [registry],
  })
  const webhooks = new Counter({
    name: 'flotilla_webhooks_total',
    help: 'Webhooks received, by outcome: refreshed, unknown (concerns nothing here), ignored (no such event) or refused.',
    labelNames: ['outcome'] as const,
    registers: [registry],
  })
  return {
    registry,
    requests,
    webhooks,
    gauge(name, help, labels, read) {
      new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers: [registry],
        collect() {
          this.reset()
          for (const each of bounded(read())) this.set(each.labels, each.value)
        },
      })
    },
    counter(name, help, labels, read) {
      new Counter({
        ...{ name, help, labelNames: [...labels], registers: [registry] },
        collect() {
          this.reset()
          for (const each of bounded(read())) this.inc(each.labels, each.value)
        },
      })
    },
  }
}
