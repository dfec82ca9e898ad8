import { describe, expect, it } from 'vitest'
import { bounded, createMetrics, type GaugeValue, MOST_SERIES } from '../metrics.ts'
import { NotifierHarness } from '../notify/testing/notifier-harness.ts'
import { MOST_PROJECTS, StateFigures } from './measure-states.ts'
import { openTracing } from './tracing.ts'

const MINUTE = 60_000

function measured() {
  const hub = new NotifierHarness()
  const metrics = createMetrics({ process: false })
  new StateFigures(hub.view, hub.clock).measure(metrics)
  const read = async (name: string, labels: Readonly<Record<string, string>> = {}) => {
    const found = (await metrics.registry.getSingleMetric(name)!.get()).values as GaugeValue[]
    return found.filter(each => Object.entries(labels).every(([key, value]) => each.labels[key] === value))
  }
  const value = async (name: string, labels: Readonly<Record<string, string>> = {}) =>
    (await read(name, labels)).reduce((sum, each) => sum + each.value, 0)
  /** Time goes on with agents that speak. */
  const pass = async (ms: number, apps: readonly string[]) => {
    for (let left = ms; left > 0; left -= MINUTE) {
      await hub.clock.advance(Math.min(left, MINUTE))
      const heard = { connected: true, lastSeenAt: hub.clock.now() }
      hub.view.apply(
        { connections: apps.map(name => ({ clusterId: `id-of-cluster-${name}`, ...heard })) },
        hub.clock.now(),
      )
    }
  }
  return { hub, read, value, pass }
}

describe('the states of the fleet', () => {
  it('have ages, and those that last are counted', async () => {
    const { hub, value, pass } = measured()
    for (const name of ['a', 'b', 'c']) hub.app(name)
    hub.health('a', 'Degraded')
    await pass(9 * MINUTE, ['a', 'b', 'c'])
    expect(await value('flotilla_app_state_oldest_seconds', { state: 'Degraded' })).toBe(540)
    expect(await value('flotilla_app_state_lasting')).toBe(0)
    hub.health('b', 'Degraded')
    await pass(2 * MINUTE, ['a', 'b', 'c'])
    expect(await value('flotilla_app_state_oldest_seconds', { state: 'Degraded' })).toBe(660)
    expect(await value('flotilla_app_state_lasting', { state: 'Degraded' })).toBe(1)
    hub.health('a', 'Healthy')
    await pass(MINUTE, ['a', 'b', 'c'])
    expect(await value('flotilla_app_state_oldest_seconds', { state: 'Degraded' })).toBe(180)
  })

  it('are told of a gate that is open by now and still holds', async () => {
    const { hub, value, pass } = measured()
    hub.app('a', { hold: { code: 'FROZEN' as never, reason: 'x', nextOpening: hub.clock.now() + MINUTE } })
    await pass(MINUTE, ['a'])
    expect(await value('flotilla_app_held_past_opening')).toBe(0)
    await pass(5 * MINUTE, ['a'])
    expect(await value('flotilla_app_held_past_opening')).toBe(1)
    expect(await value('flotilla_app_held_past_opening_seconds')).toBe(300)
  })

  it('count each operation that ends once, and none of before', async () => {
    const { hub, value } = measured()
    hub.app('a')
    const operation = (id: string, phase: 'Running' | 'Succeeded' | 'Failed') =>
      hub.change('a', {
        operation: {
          ...{ id, trigger: 'automated', by: 'hub', phase, message: '', digest: 'sha256:0' as never, revision: 'r' },
          ...{ startedAt: 1, results: [], resultsCut: 0 },
        },
      })
    operation('1', 'Running')
    operation('1', 'Failed')
    operation('1', 'Failed')
    operation('2', 'Running')
    operation('2', 'Succeeded')
    expect(await value('flotilla_app_sync_total', { phase: 'Failed' })).toBe(1)
    expect(await value('flotilla_app_sync_total', { phase: 'Succeeded' })).toBe(1)
    expect(await value('flotilla_app_sync_total', { phase: 'Error' })).toBe(0)
  })

  it('have no more projects than the largest and others', async () => {
    const { hub, read, value } = measured()
    for (let n = 0; n < MOST_PROJECTS + 20; n++) hub.app(`a${n}`, { project: `p${n}` })
    hub.app('big', { project: 'zzz' })
    hub.app('bigger', { project: 'zzz' })
    const projects = new Set((await read('flotilla_app_info')).map(({ labels }) => labels['project']))
    expect(projects.size).toBe(MOST_PROJECTS + 1)
    expect([...projects]).toEqual(expect.arrayContaining(['zzz', 'other']))
    expect(await value('flotilla_app_info')).toBe(MOST_PROJECTS + 22)
  })
})

it('a metric has no more series than its bound; what is beyond is the largest of it', () => {
  const values = Array.from({ length: MOST_SERIES + 10 }, (_, n) => ({ labels: { cluster: `c${n}` }, value: n }))
  const kept = bounded(values)
  expect(kept).toHaveLength(MOST_SERIES)
  expect(kept.at(-1)).toEqual({ labels: { cluster: 'other' }, value: MOST_SERIES + 9 })
  expect(bounded(values.slice(0, MOST_SERIES))).toHaveLength(MOST_SERIES)
})

it('traces are off until somebody names a collector', async () => {
  const off: Record<string, string>[] = [
    {},
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_SDK_DISABLED: 'true' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_TRACES_EXPORTER: 'none' },
  ]
  for (const environment of off) expect(await openTracing({ environment, version: '0' })).toBeUndefined()
})
