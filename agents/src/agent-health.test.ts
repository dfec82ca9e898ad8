// Loaded with the first rule in life; here time is virtual, and would not wait for a file.
import '@flotilla/core/health/custom/lua-rule'
import { describe, expect, it } from 'vitest'
import { startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, object, SHOP } from './testing/documents.ts'

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

describe('a custom resource that has no status yet', () => {
  const GROUP = 'acme.example'
  const definition = (subresources: object) =>
    object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', `foos.${GROUP}`, {
      spec: {
        group: GROUP,
        names: { kind: 'Foo', plural: 'foos', singular: 'foo', listKind: 'FooList' },
        scope: 'Namespaced',
        versions: [
          {
            ...{ name: 'v1', served: true, storage: true, ...subresources },
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    })
  const FOO = object(`${GROUP}/v1`, 'Foo', 'f', { spec: { size: 1 } })
  async function synced(subresources: object) {
    const bench = await startBench()
    bench.hub.sync(bundleOf(definition(subresources)), { application: { ...SHOP, id: `${SHOP.id.slice(0, -1)}2` } })
    await bench.pass(10_000)
    bench.hub.sync(bundleOf(FOO))
    await bench.pass(500)
    return bench
  }
  const status = { subresources: { status: {} } }

  it('is Progressing for a moment where its controller has one to write', async () => {
    const bench = await synced(status)
    expect(bench.report).toMatchObject({ operation: { phase: 'Succeeded' }, health: { status: 'Progressing' } })
    expect(bench.report.objects).toMatchObject([{ message: 'Waiting for the controller to write a status' }])
    await bench.pass(3_000)
    expect(bench.report.health).toMatchObject({ status: 'Healthy' })
  })

  it('is what its status says as soon as it has one', async () => {
    const bench = await synced(status)
    const conditions = [{ type: 'Stalled', status: 'True', message: 'no such size' }]
    await bench.edit(`/apis/${GROUP}/v1/namespaces/shop/foos/f/status`, { status: { conditions } })
    await bench.pass(500)
    expect(bench.report.health).toMatchObject({ status: 'Degraded' })
  })

  it('is Healthy at once where it has none to write', async () => {
    expect((await synced({})).report.health).toMatchObject({ status: 'Healthy' })
  })

  it('keeps the next wave waiting for as long', async () => {
    const bench = await synced(status)
    const late = { annotations: { 'argocd.argoproj.io/sync-wave': '1' } }
    const other = object(`${GROUP}/v1`, 'Foo', 'g', { spec: { size: 1 } })
    bench.hub.sync(bundleOf(FOO, other, configMap('late', {}, late)))
    await bench.pass(1_000)
    expect([bench.read('Foo', 'g', GROUP) !== undefined, bench.read('ConfigMap', 'late')]).toEqual([true, undefined])
    await bench.pass(4_000)
    expect(bench.read('ConfigMap', 'late')).toBeDefined()
  })
})

describe('a claim that is bound once a Pod uses it', () => {
  const storageClass = (mode: string) =>
    object('storage.k8s.io/v1', 'StorageClass', 'local', { provisioner: 'none.example', volumeBindingMode: mode })
  const claim = object('v1', 'PersistentVolumeClaim', 'data', {
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'local',
      resources: { requests: { storage: '1Gi' } },
    },
  })
  const late = configMap('late', {}, { annotations: { 'argocd.argoproj.io/sync-wave': '1' } })

  it.each([
    ['WaitForFirstConsumer', true],
    ['Immediate', false],
  ])('and class of %s lets the next wave go: %s', async (mode, goes) => {
    const bench = await startBench()
    const platform = { ...SHOP, id: `${SHOP.id.slice(0, -1)}2`, name: 'platform' }
    bench.hub.sync(bundleOf(storageClass(mode)), { application: platform })
    await bench.pass(5_000)
    bench.hub.sync(bundleOf(claim, late))
    await bench.pass(10_000)
    expect(bench.read('PersistentVolumeClaim', 'data')?.['status']).toMatchObject({ phase: 'Pending' })
    expect(bench.read('ConfigMap', 'late') !== undefined).toBe(goes)
  })
})

it('an Ingress without an address is Healthy where its Application says so', async () => {
  const bench = await startBench()
  const ingress = object('networking.k8s.io/v1', 'Ingress', 'web', {
    spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
  })
  bench.hub.sync(bundleOf(ingress))
  await bench.pass(5_000)
  expect(bench.report.health.status).toBe('Progressing')
  bench.hub.sync(bundleOf(ingress), { run: { ignoreIngressAddress: true } })
  await bench.pass(5_000)
  expect(bench.report.health.status).toBe('Healthy')
})
