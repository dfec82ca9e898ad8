import type { JsonObject } from '@flotilla/core/json/json'
import type { ClosedInterval } from '@flotilla/core/protocol/documents'
import { describe, expect, it } from 'vitest'
import { type AgentBench, startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, deployment, OPTIONS } from './testing/documents.ts'

const BUNDLE = bundleOf(configMap('a', { x: '1' }), configMap('b', { x: '1' }))
const HEALED = { options: { ...OPTIONS, selfHeal: true } }
const CLOSED: ClosedInterval = {
  applications: 'all',
  from: 0,
  to: Number.MAX_SAFE_INTEGER,
  rule: 'freeze-1',
  layer: 'freeze',
  triggers: ['automated'],
  blocks: ['sync', 'prune', 'heal'],
  inFlight: 'abort',
  gracePeriodMs: 0,
  selfHeal: false,
}

/** Counts looks from now on: each asks for its Bundle. */
function countLooks(bench: AgentBench): () => number {
  const { link } = bench.hub
  const bundle = link.bundle.bind(link)
  let looks = 0
  link.bundle = digest => {
    looks++
    return bundle(digest)
  }
  return () => looks
}

async function inPlace(): Promise<AgentBench> {
  const bench = await startBench()
  bench.hub.sync(BUNDLE, HEALED)
  await bench.pass(30_000)
  expect(bench.report).toMatchObject({ sync: { status: 'Synced' }, operation: { phase: 'Succeeded' } })
  return bench
}

describe('what watches tell', () => {
  it('is no news where it is what was written here: a sync is one look', async () => {
    const bench = await inPlace()
    const looks = countLooks(bench)
    bench.hub.sync(bundleOf(configMap('a', { x: '2' }), configMap('b', { x: '2' })), HEALED)
    await bench.pass(60_000)
    expect(bench.report.operation?.phase).toBe('Succeeded')
    expect(looks()).toBe(1)
  })

  it('is news where somebody else wrote, deleted, or made it anew', async () => {
    const bench = await inPlace()
    const path = '/api/v1/namespaces/shop/configmaps/a'
    const looks = countLooks(bench)
    await bench.edit(path, { data: { x: 'other' } })
    await bench.pass(10_000)
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: '1' })
    const afterEdit = looks()
    expect(afterEdit).toBeGreaterThan(0)
    await bench.pass(60_000)
    await bench.remove(path)
    await bench.pass(10_000)
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: '1' })
    expect(looks()).toBeGreaterThan(afterEdit)
  })

  it('does not put off the look that is due', async () => {
    const bench = await inPlace()
    const looks = countLooks(bench)
    bench.hub.sync(bundleOf(configMap('a', { x: '2' }), configMap('b', { x: '2' })), HEALED)
    await bench.pass(11 * 60_000)
    // Its own, and the one that reads everything again.
    expect(looks()).toBe(2)
  })
})

describe('a new calendar', () => {
  it('is nothing to an Application that is as it should be', async () => {
    const bench = await inPlace()
    const looks = countLooks(bench)
    bench.hub.calendar({ intervals: [CLOSED] })
    bench.hub.link.changed()
    await bench.pass(60_000)
    expect(looks()).toBe(0)
  })

  it('is looked at by one that has drifted and may not be put right: it is, once it may', async () => {
    const bench = await inPlace()
    bench.hub.calendar({ intervals: [CLOSED] })
    bench.hub.link.changed()
    await bench.edit('/api/v1/namespaces/shop/configmaps/a', { data: { x: 'other' } })
    await bench.pass(30_000)
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: 'other' })
    bench.hub.calendar()
    bench.hub.link.changed()
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: '1' })
  })
})

it('a rule that closes while a wave is waited for ends the operation when it closes', async () => {
  const bench = await startBench()
  const web = deployment('web')
  const slow = { ...web, spec: { ...(web['spec'] as JsonObject), minReadySeconds: 600 } }
  const late = configMap('late', {}, { annotations: { 'argocd.argoproj.io/sync-wave': '1' } })
  const closesAt = bench.clock.now() + 40_000
  bench.hub.calendar({ intervals: [{ ...CLOSED, from: closesAt }] })
  bench.hub.grant(bench.hub.offer(bundleOf(slow, late)))
  bench.hub.link.changed()
  await bench.pass(closesAt - bench.clock.now() - 1_000)
  expect(bench.report.operation?.phase).toBe('Running')
  await bench.pass(3_000)
  expect(bench.report.operation).toMatchObject({ phase: 'Failed', message: expect.stringContaining('freeze-1') })
})
