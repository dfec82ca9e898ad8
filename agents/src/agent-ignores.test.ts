import type { JsonObject } from '@flotilla/core/json/json'
import { valueAt } from '@flotilla/core/json/read-json'
import { expect, it } from 'vitest'
import { type AgentBench, startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, deployment } from './testing/documents.ts'

const DEPLOYMENT = '/apis/apps/v1/namespaces/shop/deployments/web'
const IGNORE_REPLICAS = [{ group: 'apps', kind: 'Deployment', jsonPointers: ['/spec/replicas'] }]

it('ignoring the replicas of a Deployment that we alone own never scales it', async () => {
  const bench = await startBench()
  bench.hub.sync(bundleOf(deployment('web', 'web:1', 1)), { ignoreDifferences: IGNORE_REPLICAS })
  await bench.pass(5_000)
  await bench.edit(DEPLOYMENT, { spec: { replicas: 7 } })
  await bench.pass(20_000)
  expect(bench.report.sync.status).toBe('Synced')
  bench.hub.sync(bundleOf(deployment('web', 'web:2', 1)), { ignoreDifferences: IGNORE_REPLICAS })
  await bench.pass(5_000)
  expect(replicas(bench)).toBe(7)
  expect(image(bench)).toBe('web:2')
  expect(bench.report.operation?.phase).toBe('Succeeded')
})

it('replicas that an autoscaler set are no drift, and a sync leaves them', async () => {
  const bench = await startBench()
  bench.hub.sync(bundleOf(deployment('web', 'web:1', 2)))
  await bench.pass(5_000)
  await scale(bench, 7, 'kube-controller-manager')
  await bench.pass(20_000)
  expect(bench.report.sync.status).toBe('Synced')
  bench.hub.sync(bundleOf(deployment('web', 'web:2', 2)))
  await bench.pass(5_000)
  expect([replicas(bench), image(bench)]).toEqual([7, 'web:2'])
})

it('replicas that a person set are drift, and healed', async () => {
  const bench = await startBench()
  bench.hub.sync(bundleOf(deployment('web', 'web:1', 2)))
  await bench.pass(5_000)
  await scale(bench, 7, 'kubectl')
  await bench.pass(20_000)
  expect(replicas(bench)).toBe(2)
})

it('an ignored key of a ConfigMap keeps its live value through a sync', async () => {
  const bench = await startBench()
  const ignoreDifferences = [{ kind: 'ConfigMap', jqPathExpressions: ['.data.counter'] }]
  bench.hub.sync(bundleOf(configMap('a', { counter: '0', x: '1' })), { ignoreDifferences })
  await bench.pass(5_000)
  await bench.edit('/api/v1/namespaces/shop/configmaps/a', { data: { counter: '41' } })
  await bench.pass(20_000)
  expect(bench.report.sync.status).toBe('Synced')
  bench.hub.sync(bundleOf(configMap('a', { counter: '0', x: '2' })), { ignoreDifferences })
  await bench.pass(5_000)
  expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ counter: '41', x: '2' })
})

it('rules that change count from the next look on', async () => {
  const bench = await startBench()
  const bundle = bundleOf(deployment('web', 'web:1', 2))
  bench.hub.sync(bundle)
  await bench.pass(5_000)
  bench.hub.link.currentCalendar = undefined
  await scale(bench, 7, 'kubectl')
  await bench.pass(5_000)
  expect([bench.report.sync.status, replicas(bench)]).toEqual(['OutOfSync', 7])
  bench.hub.offer(bundle, { ignoreDifferences: IGNORE_REPLICAS })
  bench.hub.link.changed()
  await bench.pass(5_000)
  expect([bench.report.sync.status, replicas(bench)]).toEqual(['Synced', 7])
})

function replicas(bench: AgentBench) {
  return valueAt(bench.read('Deployment', 'web', 'apps')?.['spec'], 'replicas')
}

function image(bench: AgentBench) {
  const containers = valueAt(bench.read('Deployment', 'web', 'apps')?.['spec'], 'template', 'spec', 'containers')
  return (containers as readonly JsonObject[])[0]?.['image']
}

async function scale(bench: AgentBench, to: number, manager: string): Promise<void> {
  const response = await bench.cluster.handle({
    method: 'PATCH',
    path: `${DEPLOYMENT}/scale?fieldManager=${manager}`,
    headers: { 'content-type': 'application/merge-patch+json' },
    body: JSON.stringify({ spec: { replicas: to } }),
  })
  expect(response.status).toBe(200)
}
