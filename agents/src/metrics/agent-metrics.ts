import type { Clock } from '@flotilla/core/ports/clock'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import type { ReportEntry } from '@flotilla/core/protocol/report'
import { type MetricFamily, prometheusText, type Series } from './prometheus-text.ts'

/** Of a histogram of looks at an Application, in seconds. */
const BUCKETS = [0.05, 0.25, 1, 5, 25, 100] as const
/** Statuses of answers that are counted each for itself; an API server has fewer. */
const MOST_CODES = 40

/** What is read when somebody asks. */
export interface MeasuredAgent {
  readonly version: string
  readonly connected: () => boolean
  /** Milliseconds since 1970 by the hub's clock; undefined before it was heard. */
  readonly hubTime: () => number | undefined
}

/**
 * What an agent counts of itself, for Prometheus. Labels are bounded and no Application's name is one; where Argo CD
 * has a figure of that meaning, it is called alike.
 */
export class AgentMetrics {
  readonly #clock: Clock
  readonly #startedAt: number
  readonly #applications = new Map<string, { readonly sync: string; readonly health: string }>()
  readonly #ended = new Map<string, number>()
  /** The operation of each Application that was counted last. */
  readonly #counted = new Map<string, string>()
  readonly #requests = new Map<string, { readonly verb: string; readonly code: string; count: number }>()
  readonly #codes = new Set<string>()
  readonly #looks = { counts: BUCKETS.map(() => 0), sum: 0, count: 0 }
  #queue: () => number = () => 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedAt = clock.now()
  }

  /** The same transport, whose requests are counted. */
  counted(transport: ClusterTransport): ClusterTransport {
    return {
      request: async request => {
        const verb = request.method
        try {
          const response = await transport.request(request)
          this.#request(verb, String(response.status))
          return response
        } catch (error) {
          this.#request(verb, 'unreachable')
          throw error
        }
      },
      close: () => transport.close(),
    }
  }

  /** How many Applications wait to be looked at. */
  queue(depth: () => number): void {
    this.#queue = depth
  }

  /** An Application was looked at. */
  looked(durationMs: number): void {
    const seconds = durationMs / 1000
    this.#looks.sum += seconds
    this.#looks.count += 1
    for (const [index, bound] of BUCKETS.entries()) if (seconds <= bound) this.#looks.counts[index]! += 1
  }

  reported({ application, gone, sync, health, operation }: ReportEntry): void {
    if (operation?.finishedAt !== undefined && operation.finishedAt >= this.#startedAt) {
      // One that ended is reported again and again.
      if (this.#counted.get(application) !== operation.id) {
        this.#counted.set(application, operation.id)
        this.#ended.set(operation.phase, (this.#ended.get(operation.phase) ?? 0) + 1)
      }
    }
    if (gone) this.forget(application)
    else this.#applications.set(application, { sync: sync.status, health: health.status })
  }

  forget(application: string): void {
    this.#applications.delete(application)
    this.#counted.delete(application)
  }

  text(agent: MeasuredAgent): string {
    return prometheusText(this.#families(agent))
  }

  #request(verb: string, code: string): void {
    const told = this.#codes.has(code) || this.#codes.size < MOST_CODES ? code : 'other'
    this.#codes.add(told)
    const key = `${verb} ${told}`
    const known = this.#requests.get(key)
    if (known) known.count += 1
    else this.#requests.set(key, { verb, code: told, count: 1 })
  }

  #families({ version, connected, hubTime }: MeasuredAgent): readonly MetricFamily[] {
    const heard = hubTime()
    const one = (value: number): readonly Series[] => [{ labels: {}, value }]
    const states = new Map<string, { readonly labels: Record<string, string>; value: number }>()
    for (const { sync, health } of this.#applications.values()) {
      const key = `${sync} ${health}`
      const state = states.get(key) ?? { labels: { sync_status: sync, health_status: health }, value: 0 }
      state.value += 1
      states.set(key, state)
    }
    const { counts, sum, count } = this.#looks
    const buckets = BUCKETS.map((bound, index) => [String(bound), counts[index]!] as const)
    return [
      {
        ...{ name: 'flotilla_agent_info', type: 'gauge', help: 'The agent’s version; always 1.' },
        series: [{ labels: { version }, value: 1 }],
      },
      {
        ...{ name: 'flotilla_agent_hub_connected', type: 'gauge', help: 'Whether the agent is connected to its hub.' },
        series: one(connected() ? 1 : 0),
      },
      {
        ...{ name: 'flotilla_agent_hub_clock_skew_seconds', type: 'gauge' },
        help: 'This machine’s clock less the hub’s; not there before the hub was heard.',
        series: heard === undefined ? [] : one((this.#clock.now() - heard) / 1000),
      },
      {
        ...{ name: 'flotilla_agent_app_info', type: 'gauge' },
        help: 'Applications of this cluster by sync and health status, as sums of argocd_app_info.',
        series: [...states.values()],
      },
      {
        ...{ name: 'flotilla_agent_app_sync_total', type: 'counter' },
        help: 'Operations that ended since the start, by phase, as argocd_app_sync_total.',
        series: [...this.#ended].map(([phase, value]) => ({ labels: { phase }, value })),
      },
      {
        ...{ name: 'flotilla_agent_app_reconcile_seconds', type: 'histogram' },
        help: 'How long looks at Applications took, as argocd_app_reconcile.',
        series: [
          ...[...buckets, ['+Inf', count] as const].map(([le, value]) => {
            return { suffix: '_bucket', labels: { le }, value }
          }),
          { suffix: '_sum', labels: {}, value: sum },
          { suffix: '_count', labels: {}, value: count },
        ],
      },
      {
        ...{ name: 'flotilla_agent_app_k8s_request_total', type: 'counter' },
        help: 'Requests to the API server by verb and response code, as argocd_app_k8s_request_total.',
        series: [...this.#requests.values()].map(each => {
          return { labels: { verb: each.verb, response_code: each.code }, value: each.count }
        }),
      },
      {
        ...{ name: 'flotilla_agent_queue_depth', type: 'gauge', help: 'Applications that wait to be looked at.' },
        series: one(this.#queue()),
      },
      {
        ...{ name: 'process_start_time_seconds', type: 'gauge', help: 'When the agent began, seconds since 1970.' },
        series: one(this.#startedAt / 1000),
      },
    ]
  }
}
