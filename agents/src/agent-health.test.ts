// Loaded with the first rule in life; here time is virtual, and would not wait for a file.
import '@flotilla/core/health/custom/lua-rule'
import { expect, it } from 'vitest'
import { startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap } from './testing/documents.ts'

const LUA = `
if obj.data.state == "broken" then return { status = "Degraded", message = "it is broken" } end
return { status = "Healthy" }`

it('reads health by the rules of the Offer, and by shipped ones again once it has none', async () => {
  const bench = await startBench()
  const healthRules = [{ kind: 'ConfigMap', lua: LUA }]
  bench.hub.sync(bundleOf(configMap('a', { state: 'broken' })), { healthRules })
  await bench.pass(5_000)
  expect(bench.report).toMatchObject({
    sync: { status: 'Synced' },
    health: { status: 'Degraded' },
    objects: [{ key: { name: 'a' }, health: 'Degraded', message: 'it is broken' }],
  })
  bench.hub.sync(bundleOf(configMap('a', { state: 'broken' })))
  await bench.pass(5_000)
  expect(bench.report.health).toMatchObject({ status: 'Healthy' })
})

it('waits for a wave by those rules, and goes on with the shipped rule where one cannot be read', async () => {
  const bench = await startBench()
  const wave = (value: string) => ({ annotations: { 'argocd.argoproj.io/sync-wave': value } })
  const bundle = bundleOf(configMap('first', { state: 'broken' }, wave('1')), configMap('second', {}, wave('2')))
  bench.hub.sync(bundle, { healthRules: [{ kind: 'ConfigMap', lua: LUA }] })
  await bench.pass(5_000)
  expect(bench.report.operation).toMatchObject({ phase: 'Failed', message: expect.stringContaining('it is broken') })
  expect(bench.read('ConfigMap', 'second')).toBeUndefined()
  bench.hub.sync(bundle, { healthRules: [{ kind: 'ConfigMap', lua: 'return {' }] })
  await bench.pass(5_000)
  expect(bench.report.operation).toMatchObject({ phase: 'Succeeded' })
  expect(bench.messages.join('\n')).toContain('a health rule cannot be read')
})
