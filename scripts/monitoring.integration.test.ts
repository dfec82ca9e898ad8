import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AgentMetrics } from '@flotilla/agents/metrics/agent-metrics'
import { createClock } from '@flotilla/core/ports/create-clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { playTarget } from '@flotilla/hub/notify/testing/targets'
import { FixtureRepository } from '@flotilla/hub/source/git/testing/fixture-repository'
import { type RunningHub, startHub } from '@flotilla/hub/start-hub'
import { silentLog } from '@flotilla/hub/store/test-store'
import { playCollector } from '@flotilla/hub/telemetry/testing/play-collector'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPromtool, PromtoolUnavailable, promtool } from './promtool.ts'

const MONITORING = 'deploy/monitoring'
const ROUTE = `apiVersion: flotilla.dev/v1alpha1
kind: NotificationRoute
metadata: { name: oncall }
spec:
  triggers: [{ trigger: on-sync-status-unknown }]
  groupWait: 0s
  to: [{ webhook: { urlRef: { secretName: pager, key: url } } }]
---
apiVersion: flotilla.dev/v1alpha1
kind: Cluster
metadata: { name: eu-1 }
`

let folder: string
let fleet: FixtureRepository
let running: RunningHub
let collector: Awaited<ReturnType<typeof playCollector>>
let pager: Awaited<ReturnType<typeof playTarget>>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-monitoring-'))
  collector = await playCollector()
  pager = await playTarget()
  fleet = await FixtureRepository.make()
  await fleet.commit({ files: { 'fleet.yaml': ROUTE } })
  await mkdir(join(folder, 'secrets', 'pager'), { recursive: true })
  await writeFile(join(folder, 'secrets', 'pager', 'url'), `${pager.url}/v1/CANARY`)
  running = await startHub(
    {
      ...{ dataDirectory: join(folder, 'data'), listen: { host: '127.0.0.1', port: 0 }, version: '1.2.3' },
      configSources: [{ name: 'fleet', repository: fleet.path, revision: 'main', path: '', trust: { kind: 'all' } }],
      hosts: { enabled: true, allowedProviders: [], secretsFolder: join(folder, 'secrets'), secrets: [] },
      notificationNetworks: ['127.0.0.0/8'],
      tracingEndpoint: collector.url,
    },
    { clock: createClock(globalThis), random: seededRandom(1), log: silentLog },
  )
})

afterAll(async () => {
  await running?.stop()
  await collector?.close()
  await pager?.close()
  await fleet?.remove()
  await rm(folder, { recursive: true, force: true })
})

const ask = (path: string, init: RequestInit = {}) =>
  fetch(`${running.url}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${running.adminToken}`, ...init.headers },
  })

async function metricNames(): Promise<ReadonlySet<string>> {
  const text = await (await ask('/metrics')).text()
  return new Set([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) => namesOf(name!, type!)))
}

function namesOf(name: string, type: string): readonly string[] {
  return type === 'histogram' ? [name, `${name}_bucket`, `${name}_count`, `${name}_sum`] : [name]
}

/** Names of ours and of the process in an expression. */
function namesIn(expression: string): readonly string[] {
  return [...expression.matchAll(/\b(?:flotilla|process|nodejs)_[a-z0-9_]+|flotilla:[a-z0-9_:]+/g)].map(
    ([name]) => name,
  )
}

const unavailable = await findPromtool().then(
  path => ({ kind: 'found' as const, path }),
  (error: unknown) => {
    if (!(error instanceof PromtoolUnavailable) || process.env['CI'] === 'true') throw error
    process.stderr.write(`\n!!! NOT TESTED with promtool: ${error.message}\n!!! Under CI=true this is a failure.\n\n`)
    return { kind: 'missing' as const, path: '' }
  },
)

describe.runIf(unavailable.kind === 'found')('rules', () => {
  it('are rules', async () => {
    expect(await promtool(unavailable.path, ['check', 'rules', 'flotilla.rules.yml'], MONITORING)).toMatchObject({
      ok: true,
    })
  })

  it('alert when they are meant to, and not before', async () => {
    const tested = await promtool(unavailable.path, ['test', 'rules', 'flotilla.rules.test.yml'], MONITORING)
    expect(tested, tested.text).toMatchObject({ ok: true })
  })

  it('that are broken are found out: the tests can fail', async () => {
    const rules = await readFile(join(MONITORING, 'flotilla.rules.yml'), 'utf8')
    const tests = await readFile(join(MONITORING, 'flotilla.rules.test.yml'), 'utf8')
    await writeFile(join(folder, 'flotilla.rules.yml'), rules.replace('_seconds > 600', '_seconds > 60'))
    await writeFile(join(folder, 'flotilla.rules.test.yml'), tests)
    expect(await promtool(unavailable.path, ['test', 'rules', 'flotilla.rules.test.yml'], folder)).toMatchObject({
      ok: false,
    })
  })

  it('and the dashboard ask what a Prometheus can answer', async () => {
    const rules = (await dashboardExpressions()).map((expr, index) => ({ record: `panel_${index}`, expr }))
    await writeFile(join(folder, 'panels.yml'), JSON.stringify({ groups: [{ name: 'panels', rules }] }))
    expect(await promtool(unavailable.path, ['check', 'rules', 'panels.yml'], folder)).toMatchObject({ ok: true })
  })
})

async function dashboardExpressions(): Promise<readonly string[]> {
  const dashboard = JSON.parse(await readFile(join(MONITORING, 'grafana-dashboard.json'), 'utf8')) as {
    panels: { targets: { expr: string }[] }[]
  }
  return dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
}

describe('a hub', () => {
  it('has every figure that rules and dashboard ask for', async () => {
    const rules = await readFile(join(MONITORING, 'flotilla.rules.yml'), 'utf8')
    const recorded = [...rules.matchAll(/- record: (\S+)/g)].map(([, name]) => name!)
    const known = new Set([...(await metricNames()), ...recorded])
    const expressions = [...rules.matchAll(/^\s+(?:expr: .*|(?:sum|histogram|increase|or|\/).*)$/gm)].map(
      ([line]) => line,
    )
    const asked = [...expressions, ...(await dashboardExpressions())].flatMap(namesIn)
    expect(asked.length).toBeGreaterThan(30)
    expect(asked.filter(name => !known.has(name))).toEqual([])
  })

  it('has the figures that docs/monitoring.md lists, and no others of its own', async () => {
    const text = await readFile('docs/monitoring.md', 'utf8')
    const listedIn = (table: string) =>
      [...table.matchAll(/^\| (`flotilla_[^|]*) \|/gm)].flatMap(([, cell]) =>
        [...cell!.matchAll(/`(flotilla_[a-z_0-9]+)/g)].map(([, name]) => name!),
      )
    const [ofHub = '', ofAgents = ''] = text.split('| metric of an agent | meaning |')
    const own = [...(await metricNames())].filter(name => /^flotilla_/.test(name) && !/_(bucket|count|sum)$/.test(name))
    expect(listedIn(ofHub).sort()).toEqual([...own].sort())
    const agent = new AgentMetrics(createClock(globalThis))
    const told = agent.text({ version: '1', connected: () => true, hubTime: () => 0 })
    const names = [...told.matchAll(/^# TYPE (flotilla_\S+)/gm)].map(([, name]) => name!)
    expect(listedIn(ofAgents).sort()).toEqual(names.sort())
  })

  it('explains each alert', async () => {
    const text = await readFile('docs/monitoring.md', 'utf8')
    const rules = await readFile(join(MONITORING, 'flotilla.rules.yml'), 'utf8')
    const anchors = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!.toLowerCase().replaceAll(' ', '-'))
    const wanted = [...rules.matchAll(/runbook: docs\/monitoring\.md#(\S+)/g)].map(([, anchor]) => anchor!)
    expect(wanted.length).toBeGreaterThan(5)
    expect(wanted.filter(anchor => !anchors.includes(anchor))).toEqual([])
  })

  it('tells figures to nobody who may not see the hub', async () => {
    expect((await fetch(`${running.url}/metrics`)).status).toBe(401)
  })

  it('traces requests and the path of a commit to a collector, below whoever asked', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
    await ask('/api/v1/applications/CANARY')
    await ask('/api/v1/fleet', { headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` } })
    const names = () => collector.spans().map(({ name }) => name)
    await expect
      .poll(names, { timeout: 60_000 })
      .toEqual(
        expect.arrayContaining([
          'fetch',
          'reconcile repository',
          'reconcile source',
          'GET /api/v1/fleet',
          'GET /api/v1/applications/{name}',
        ]),
      )
    const request = collector.spans().find(({ name }) => name === 'GET /api/v1/fleet')
    expect(request).toMatchObject({ traceId: trace, parentSpanId: '00f067aa0ba902b7' })
    const fetched = collector.spans().find(({ name }) => name === 'fetch')!
    expect(collector.spans().map(({ spanId }) => spanId)).toContain(fetched.parentSpanId)
    expect(JSON.stringify(collector.spans())).not.toContain('CANARY')
    expect(collector.resources()).toContain('service.name=flotilla-hub')
    expect(collector.resources()).toContain('service.version=1.2.3')
  })

  it('sends a test of a route where its Secret says, and shows the address to nobody', async () => {
    await expect
      .poll(async () => ((await (await ask('/api/v1/notifications')).json()) as { total: number }).total, {
        timeout: 60_000,
      })
      .toBe(1)
    const tested = await ask('/api/v1/notifications/oncall/test', { method: 'POST' })
    expect(tested.status).toBe(202)
    await expect.poll(() => pager.got.length, { timeout: 60_000 }).toBe(1)
    expect(pager.got[0]?.path).toBe('/v1/CANARY')
    const messages = await (await ask('/api/v1/notifications/messages')).text()
    expect(messages).toContain('[test] test: oncall')
    expect(messages + (await (await ask('/api/v1/notifications')).text())).not.toContain('CANARY')
  })
})
