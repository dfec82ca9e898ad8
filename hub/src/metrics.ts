import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What the hub measures of itself, for Prometheus. */
export interface HubMetrics {
  readonly registry: Registry
  /** One answered request: labels method, route (as in the table, never the path asked for) and status. */
  readonly requests: Histogram<'method' | 'route' | 'status'>
  readonly webhooks: Counter<'outcome'>
  /** Figures that are read when they are asked for. */
  gauge(name: string, help: string, labels: readonly string[], read: () => readonly GaugeValue[]): void
}

export interface GaugeValue {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
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
          for (const each of read()) this.set(each.labels, each.value)
        },
      })
    },
  }
}
