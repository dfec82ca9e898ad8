import type { JsonObject } from '@flotilla/core/json/json'
import { expect, it } from 'vitest'
import { startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, deployment, object } from './testing/documents.ts'

const MINUTE_MS = 60_000
const web = deployment('web')
const SLOW_WAVE = bundleOf(
  { ...web, spec: { ...(web['spec'] as JsonObject), minReadySeconds: 60 } },
  object('v1', 'ConfigMap', 'second', { metadata: { annotations: { 'argocd.argoproj.io/sync-wave': '1' } } }),
)

it('a wave that watches tell of is waited for without asking all the time, and goes on when it is ready', async () => {
  const bench = await startBench()
  bench.hub.grant(bench.hub.offer(SLOW_WAVE))
  bench.hub.link.changed()
  await bench.pass(10_000)
  expect(bench.report.operation?.phase).toBe('Running')
  const before = bench.asked
  await bench.pass(45_000)
  // The Lease is somebody else's here; a look asks for what is not there yet and for the namespace.
  expect(bench.asked - before).toBeLessThan(15)
  expect(bench.read('ConfigMap', 'second')).toBeUndefined()
  await bench.pass(10_000)
  expect(bench.read('ConfigMap', 'second')).toBeDefined()
})

it('a wave that waits too long is told as stalled when it is, though no watch says so', async () => {
  const bench = await startBench()
  bench.hub.grant(bench.hub.offer(SLOW_WAVE, { run: { stallAfterMs: 4_000 } }))
  bench.hub.link.changed()
  await bench.pass(3_000)
  expect(bench.report.operation?.stalled).toBeUndefined()
  await bench.pass(5_000)
  expect(bench.report.operation?.stalled?.blocking).toMatchObject([{ key: { kind: 'Deployment', name: 'web' } }])
})

it('a hook is asked after as often as ever', async () => {
  const bench = await startBench()
  const hook = object('batch/v1', 'Job', 'first', {
    metadata: { annotations: { 'argocd.argoproj.io/hook': 'PreSync' } },
    spec: {
      template: {
        metadata: { annotations: { 'sim/run-for': '30s' } },
        spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'registry.example/job:1' }] },
      },
    },
  })
  bench.hub.grant(bench.hub.offer(bundleOf(hook, configMap('second'))))
  bench.hub.link.changed()
  await bench.pass(28_000)
  expect(bench.read('ConfigMap', 'second')).toBeUndefined()
  await bench.pass(6_000)
  expect(bench.read('ConfigMap', 'second')).toBeDefined()
})

it('a Grant that waits for a gate starts when that opens, and is not looked at every other second until then', async () => {
  const bench = await startBench()
  const now = bench.clock.now()
  bench.hub.calendar({
    intervals: [
      {
        applications: 'all',
        from: now,
        to: now + 60 * MINUTE_MS,
        rule: 'freeze-1',
        layer: 'freeze',
        triggers: ['automated'],
        blocks: ['sync', 'prune', 'heal'],
        inFlight: 'pauseAtWave',
        gracePeriodMs: 0,
        selfHeal: false,
      },
    ],
  })
  const offer = bench.hub.offer(bundleOf(configMap('second')))
  bench.hub.grant(offer, { startBefore: now + 120 * MINUTE_MS })
  bench.hub.link.changed()
  await bench.pass(MINUTE_MS)
  const before = bench.asked
  await bench.pass(58 * MINUTE_MS)
  expect(bench.asked - before).toBeLessThan(500)
  expect(bench.read('ConfigMap', 'second')).toBeUndefined()
  await bench.pass(MINUTE_MS + 1_000)
  expect(bench.read('ConfigMap', 'second')).toBeDefined()
})
