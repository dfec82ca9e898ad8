import type { ClosedInterval, GrantTrigger } from '@flotilla/core/protocol/documents'
import { expect, it } from 'vitest'
import { type AgentBench, startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, object, SHOP } from './testing/documents.ts'

const TWO_WAVES = bundleOf(
  object('batch/v1', 'Job', 'first', {
    metadata: { annotations: { 'argocd.argoproj.io/hook': 'PreSync' } },
    spec: {
      template: {
        metadata: { annotations: { 'sim/run-for': '10s' } },
        spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'registry.example/job:1' }] },
      },
    },
  }),
  configMap('second'),
)

/** Closes for these triggers from now on, for an hour. */
function close(bench: AgentBench, triggers: readonly GrantTrigger[]): void {
  const now = bench.clock.now()
  const interval: ClosedInterval = {
    applications: 'all',
    from: now,
    to: now + 3_600_000,
    rule: 'window-1',
    layer: 'window',
    triggers,
    blocks: ['sync', 'prune', 'heal'],
    inFlight: 'pauseAtWave',
    gracePeriodMs: 0,
    selfHeal: false,
  }
  bench.hub.calendar({ intervals: [interval] })
  bench.hub.link.changed()
}

async function begun(trigger: GrantTrigger): Promise<AgentBench> {
  const bench = await startBench()
  bench.hub.grant(bench.hub.offer(TWO_WAVES), { trigger })
  bench.hub.link.changed()
  for (let step = 0; step < 100 && !bench.read('Job', 'first', 'batch'); step++) await bench.pass(50)
  expect(bench.read('ConfigMap', 'second')).toBeUndefined()
  return bench
}

it('a sync by hand is by hand in each of its waves: a window that lets people through lets it go on', async () => {
  const bench = await begun('manual')
  close(bench, ['automated'])
  await bench.pass(20_000)
  expect(bench.report.operation).toMatchObject({ phase: 'Succeeded' })
  expect(bench.read('ConfigMap', 'second')).toBeDefined()
})

it('an automated one pauses before its next wave, says until when, and goes on when it opens', async () => {
  const bench = await begun('automated')
  close(bench, ['automated'])
  await bench.pass(20_000)
  expect(bench.report.operation).toMatchObject({ phase: 'Paused', resumesAt: expect.any(Number) })
  expect(bench.read('ConfigMap', 'second')).toBeUndefined()
  await bench.pass(3_600_000)
  expect(bench.report.operation).toMatchObject({ phase: 'Succeeded' })
  expect(bench.read('ConfigMap', 'second')).toBeDefined()
})

it('what a gate has paused can be terminated while it is closed', async () => {
  const bench = await begun('automated')
  close(bench, ['automated', 'manual'])
  await bench.pass(20_000)
  const id = bench.report.operation!.id
  expect(bench.report.operation).toMatchObject({ phase: 'Paused' })
  const now = bench.clock.now()
  bench.hub.link.openCommands.push({
    typ: 'command',
    cluster: 'cluster-1',
    adm: 1,
    iat: now,
    must: [],
    id: 'command-1',
    application: SHOP.id,
    action: { verb: 'terminate', operation: id },
    by: 'ana',
    expires: now + 300_000,
  })
  bench.hub.link.changed()
  await bench.pass(10_000)
  expect(bench.report.operation).toMatchObject({ id, phase: 'Failed', message: expect.stringContaining('terminated') })
  await bench.pass(3_600_000)
  expect(bench.read('ConfigMap', 'second')).toBeUndefined()
})
