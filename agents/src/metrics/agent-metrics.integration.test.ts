import { request } from 'node:http'
import type { Log } from '@flotilla/core/ports/log'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import type { ReportEntry } from '@flotilla/core/protocol/report'
import { afterEach, describe, expect, it } from 'vitest'
import { AgentMetrics } from './agent-metrics.ts'
import { prometheusText } from './prometheus-text.ts'
import { type MetricsServer, parseAddress, serveMetrics } from './serve-metrics.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
const AGENT = { version: '1.2.3', connected: () => true, hubTime: () => 5_000 }
const clock = new VirtualClock({ startAt: 6_000, settle: async () => undefined })

function entry(application: string, over: object = {}): ReportEntry {
  const states = { sync: { status: 'Synced' }, health: { status: 'Healthy' } }
  return { application, ...states, ...over } as unknown as ReportEntry
}

const operation = (id: string, phase: string, finishedAt?: number) => ({
  operation: { id, phase, ...(finishedAt !== undefined && { finishedAt }) },
})

const linesOf = (metrics: AgentMetrics, prefix: string) =>
  metrics
    .text(AGENT)
    .split('\n')
    .filter(line => line.startsWith(prefix))

describe('figures of an agent', () => {
  it('count Applications by status and never name one', () => {
    const metrics = new AgentMetrics(clock)
    for (const name of ['a', 'b', 'c']) metrics.reported(entry(name))
    metrics.reported(entry('b', { sync: { status: 'OutOfSync' } }))
    metrics.reported(entry('c', { gone: true }))
    expect(linesOf(metrics, 'flotilla_agent_app_info')).toEqual([
      'flotilla_agent_app_info{sync_status="Synced",health_status="Healthy"} 1',
      'flotilla_agent_app_info{sync_status="OutOfSync",health_status="Healthy"} 1',
    ])
    metrics.forget('a')
    expect(linesOf(metrics, 'flotilla_agent_app_info')).toHaveLength(1)
  })

  it('count an operation once when it ended, however often it is reported, and none of an earlier process', () => {
    const metrics = new AgentMetrics(clock)
    metrics.reported(entry('a', operation('1', 'Succeeded', 5_999)))
    metrics.reported(entry('a', operation('2', 'Running')))
    for (let n = 0; n < 3; n++) metrics.reported(entry('a', operation('2', 'Failed', 6_001)))
    metrics.reported(entry('b', operation('3', 'Succeeded', 6_002)))
    expect(linesOf(metrics, 'flotilla_agent_app_sync_total')).toEqual([
      'flotilla_agent_app_sync_total{phase="Failed"} 1',
      'flotilla_agent_app_sync_total{phase="Succeeded"} 1',
    ])
  })

  it('count requests to the API server with codes that are bounded', async () => {
    const metrics = new AgentMetrics(clock)
    let status = 200
    const transport = metrics.counted({
      request: async () => {
        if (status === 0) throw new Error('refused')
        return { status, headers: {}, body: (async function* () {})() }
      },
      close: async () => undefined,
    })
    await transport.request({ method: 'GET', path: '/' })
    await transport.request({ method: 'GET', path: '/other' })
    status = 0
    await expect(transport.request({ method: 'PATCH', path: '/' })).rejects.toThrow('refused')
    expect(linesOf(metrics, 'flotilla_agent_app_k8s_request_total')).toEqual([
      'flotilla_agent_app_k8s_request_total{verb="GET",response_code="200"} 2',
      'flotilla_agent_app_k8s_request_total{verb="PATCH",response_code="unreachable"} 1',
    ])
    for (status = 600; status < 700; status++) await transport.request({ method: 'GET', path: '/' })
    expect(linesOf(metrics, 'flotilla_agent_app_k8s_request_total').length).toBeLessThan(50)
  })

  it('have looks in buckets that add up, and what is read when somebody asks', () => {
    const metrics = new AgentMetrics(clock)
    metrics.queue(() => 7)
    for (const ms of [10, 300, 200_000]) metrics.looked(ms)
    expect(linesOf(metrics, 'flotilla_agent_app_reconcile_seconds')).toEqual([
      ...['0.05"} 1', '0.25"} 1', '1"} 2', '5"} 2', '25"} 2', '100"} 2', '+Inf"} 3'].map(
        each => `flotilla_agent_app_reconcile_seconds_bucket{le="${each}`,
      ),
      'flotilla_agent_app_reconcile_seconds_sum 200.31',
      'flotilla_agent_app_reconcile_seconds_count 3',
    ])
    expect(linesOf(metrics, 'flotilla_agent_queue_depth')).toEqual(['flotilla_agent_queue_depth 7'])
    expect(linesOf(metrics, 'flotilla_agent_hub_')).toEqual([
      'flotilla_agent_hub_connected 1',
      'flotilla_agent_hub_clock_skew_seconds 1',
    ])
  })

  it('are written so that odd values stay within their label', () => {
    const series = [{ labels: { of: 'a"b\\c\nd' }, value: Number.POSITIVE_INFINITY }]
    expect(prometheusText([{ name: 'up', help: 'one\ntwo', type: 'gauge', series }])).toBe(
      '# HELP up one\\ntwo\n# TYPE up gauge\nup{of="a\\"b\\\\c\\nd"} +Inf\n',
    )
  })
})

describe('where figures are', () => {
  it.each([
    ['127.0.0.1:9464', { host: '127.0.0.1', port: 9464 }],
    ['[::1]:0', { host: '::1', port: 0 }],
    ['localhost:80', { host: 'localhost', port: 80 }],
    ['9464', undefined],
    ['127.0.0.1:70000', undefined],
    ['127.0.0.1:', undefined],
    ['http://127.0.0.1:1', undefined],
  ])('%s', (text, address) => {
    expect(parseAddress(text)).toEqual(address)
  })

  let served: MetricsServer | undefined
  afterEach(() => served?.stop())

  const ask = (path: string, method = 'GET'): Promise<readonly [number, string]> =>
    new Promise((resolve, reject) => {
      const { host, port } = parseAddress(served!.address)!
      request({ host, port, path, method }, response => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.once('end', () => resolve([response.statusCode ?? 0, text]))
      })
        .once('error', reject)
        .end()
    })

  it('there is nothing else, and an address that is taken is no end of the agent', async () => {
    served = await serveMetrics({ host: '127.0.0.1', port: 0 }, () => 'up 1\n', silent)
    expect(await ask('/metrics')).toEqual([200, 'up 1\n'])
    expect(await ask('/metrics', 'POST')).toMatchObject([404, expect.any(String)])
    expect(await ask('/')).toMatchObject([404, expect.any(String)])
    const again = await serveMetrics(parseAddress(served!.address)!, () => '', silent)
    expect(again).toBeUndefined()
  })
})
