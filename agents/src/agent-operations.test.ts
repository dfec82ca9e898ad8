import { DEFAULT_RUN } from '@flotilla/core/sync/run-options'
import { describe, expect, it } from 'vitest'
import { startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, deployment, OPTIONS, object } from './testing/documents.ts'

const ARGO = 'argocd.argoproj.io'
const ONCE = { retry: { ...DEFAULT_RUN.retry, limit: 0 } }

const wave = (value: string) => ({ annotations: { [`${ARGO}/sync-wave`]: value } })

function hook(name: string, phase: string, pod: { readonly [name: string]: string } = {}) {
  return object('batch/v1', 'Job', name, {
    metadata: { annotations: { [`${ARGO}/hook`]: phase } },
    spec: {
      backoffLimit: 0,
      template: {
        metadata: { annotations: pod },
        spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'registry.example/job:1' }] },
      },
    },
  })
}

describe('an operation', () => {
  it('is tried again just when it says so: 5, 10, 20, 40, 80, 160 and 180 s, each up to a fifth longer', async () => {
    const bench = await startBench()
    const limit = 7
    bench.hub.sync(bundleOf(object('v1', 'ConfigMap', 'Not_A_Name')), {
      run: { retry: { ...DEFAULT_RUN.retry, limit } },
    })
    for (const [index, base] of [5, 10, 20, 40, 80, 160, 180].entries()) {
      await bench.pass(1_000)
      const { operation } = bench.report
      expect(operation, `attempt ${index + 1}`).toMatchObject({ phase: 'Running', attempts: index + 2 })
      const waits = operation!.retryAt! - (bench.clock.now() - 1_000)
      expect(waits).toBeGreaterThanOrEqual((base - 1) * 1_000)
      expect(waits).toBeLessThanOrEqual(base * 1_200)
      const before = dryRuns(bench)
      await bench.pass(operation!.retryAt! - bench.clock.now() - 1)
      expect(dryRuns(bench)).toBe(before)
      await bench.pass(1)
      expect(dryRuns(bench)).toBe(before + 1)
    }
    await bench.pass(1_000)
    expect(bench.report.operation).toMatchObject({ phase: 'Failed', attempts: limit + 1 })
  })

  describe('of a person', () => {
    const OF_APPLICATION = { ...DEFAULT_RUN.retry, limit: 1 }
    const OF_REQUEST = { ...DEFAULT_RUN.retry, limit: 2, firstDelayMs: 1_000 }
    const table = {
      'is tried once where nobody says otherwise': [undefined, undefined, 1],
      'is tried again as its Application says': [OF_APPLICATION, undefined, 2],
      'is tried again as who asked for it says, before its Application': [OF_APPLICATION, OF_REQUEST, 3],
      'is tried once where who asked for it says so': [OF_APPLICATION, { ...OF_REQUEST, limit: 0 }, 1],
    } as const
    it.each(Object.entries(table))('%s', async (_sentence, [application, asked, attempts]) => {
      const bench = await startBench()
      const run = application ? { retry: application } : {}
      const offer = bench.hub.offer(bundleOf(object('v1', 'ConfigMap', 'Not_A_Name')), { run })
      const options = { dryRun: false, prune: false, revision: 'a'.repeat(40), ...(asked ? { retry: asked } : {}) }
      bench.hub.grant(offer, { trigger: 'manual', options })
      bench.hub.link.changed()
      await bench.pass(1_000)
      if (attempts > 1) {
        expect(bench.report.operation).toMatchObject({ phase: 'Running', attempts: 2, retryAt: expect.any(Number) })
      }
      await bench.pass(30_000)
      expect(bench.report.operation).toMatchObject({ phase: 'Failed', ...(attempts > 1 && { attempts }) })
    })

    it('is not tried again once somebody ended it, and waits for no further attempt', async () => {
      const bench = await startBench()
      const retry = { ...DEFAULT_RUN.retry, limit: -1, firstDelayMs: 60_000 }
      const offer = bench.hub.offer(bundleOf(object('v1', 'ConfigMap', 'Not_A_Name')))
      const options = { dryRun: false, prune: false, revision: '', retry }
      const grant = bench.hub.grant(offer, { trigger: 'manual', options })
      bench.hub.link.changed()
      await bench.pass(1_000)
      bench.hub.link.openCommands.push({
        ...{ typ: 'command', cluster: grant.cluster, adm: 1, iat: bench.clock.now(), must: [], id: 'end' },
        ...{ application: offer.application.id, action: { verb: 'terminate', operation: grant.id }, by: 'ana' },
        expires: bench.clock.now() + 60_000,
      })
      bench.hub.link.changed()
      await bench.pass(2_000)
      expect(bench.report.operation).toMatchObject({ phase: 'Failed', terminatedBy: 'ana' })
      expect(bench.report.operation?.retryAt).toBeUndefined()
    })
  })

  it('keeps to what it was started for while a newer Offer waits for its Grant', async () => {
    const bench = await startBench()
    const first = bench.hub.sync(
      bundleOf(hook('migrate', 'PreSync', { 'sim/run-for': '10s' }), configMap('a', { x: '1' })),
    )
    await bench.pass(2_000)
    bench.hub.offer(bundleOf(configMap('a', { x: '2' })))
    bench.hub.link.changed()
    await bench.pass(20_000)
    expect(bench.hub.link.reports.findLast(({ operation }) => operation?.id === first.id)?.operation?.phase).toBe(
      'Succeeded',
    )
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: '1' })
  })

  it('never prunes what a newer Offer keeps', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a'), configMap('b')))
    await bench.pass(5_000)
    bench.hub.sync(bundleOf(hook('migrate', 'PreSync', { 'sim/run-for': '10s' }), configMap('a')))
    await bench.pass(2_000)
    bench.hub.offer(bundleOf(configMap('a', { x: '2' })), { options: { ...OPTIONS, prune: false } })
    bench.hub.link.changed()
    await bench.pass(20_000)
    expect(bench.read('ConfigMap', 'b')).toBeDefined()
  })

  it('stops a wave at the first kind that fails, unless told otherwise', async () => {
    const bench = await startBench()
    const elsewhere = { ...object('v1', 'ServiceAccount', 'a'), metadata: { name: 'a', namespace: 'nowhere' } }
    bench.hub.sync(bundleOf(elsewhere, configMap('b')), { run: ONCE })
    await bench.pass(10_000)
    expect(bench.report.operation?.phase).toBe('Failed')
    expect(bench.read('ConfigMap', 'b')).toBeUndefined()
    bench.hub.sync(bundleOf(elsewhere, configMap('b')), { run: { ...ONCE, failFast: false } })
    await bench.pass(10_000)
    expect(bench.report.operation?.phase).toBe('Failed')
    expect(bench.read('ConfigMap', 'b')).toBeDefined()
  })

  it('has failed when its time is over, and what it waited for is told; a pause does not count', async () => {
    const bench = await startBench()
    const stuck = hook('migrate', 'PreSync', { 'sim/ready': 'never' })
    const grant = bench.hub.sync(bundleOf(stuck, configMap('a')), { run: { timeoutMs: 120_000 } })
    await bench.pass(119_000)
    expect(bench.report.operation).toMatchObject({ id: grant.id, phase: 'Running' })
    await bench.pass(3_000)
    expect(bench.report.operation).toMatchObject({
      phase: 'Failed',
      message: "waiting for completion of hook batch/Job/migrate, triggered by the operation's time-out of 2 min",
    })
    expect(bench.read('Job', 'migrate', 'batch')).toBeUndefined()
  })

  it('refuses what the server would refuse before it writes anything, later waves included', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a'), deployment('web')))
    await bench.pass(5_000)
    const other = { app: 'another' }
    const changed = deployment('web', 'registry.example/web:1', 1, wave('5'))
    const spec = {
      ...(changed['spec'] as object),
      selector: { matchLabels: other },
      template: { metadata: { labels: other }, spec: { containers: [{ name: 'web', image: 'a:1' }] } },
    }
    bench.hub.sync(bundleOf(configMap('a', { x: '2' }), { ...changed, spec } as typeof changed), { run: ONCE })
    await bench.pass(5_000)
    expect(bench.report.operation).toMatchObject({
      phase: 'Failed',
      message: expect.stringMatching(
        /^one or more objects failed to apply \(dry run\): PREDICTION_REFUSED: apps\/Deployment shop\/web/,
      ),
    })
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ a: '1' })
  })

  it('asks about a later wave just before it, when a definition of an earlier one may have changed the answer', async () => {
    const bench = await startBench()
    const schema = (field: string) => ({
      type: 'object',
      properties: { spec: { type: 'object', properties: { [field]: { type: 'string' } } } },
    })
    const definition = (field: string) =>
      object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'foos.acme.example', {
        spec: {
          group: 'acme.example',
          names: { kind: 'Foo', plural: 'foos', singular: 'foo', listKind: 'FooList' },
          scope: 'Namespaced',
          versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema(field) } }],
        },
      })
    const foo = (field: string) =>
      object('acme.example/v1', 'Foo', 'f', { metadata: wave('2'), spec: { [field]: 'x' } })
    bench.hub.sync(bundleOf(definition('old'), foo('old')))
    await bench.pass(10_000)
    bench.hub.sync(bundleOf(definition('new'), foo('new')), { run: ONCE })
    await bench.pass(10_000)
    expect(bench.report.operation).toMatchObject({ phase: 'Succeeded' })
    expect(bench.read('Foo', 'f', 'acme.example')?.['spec']).toEqual({ new: 'x' })
  })
})

describe('a removal', () => {
  it('waits whole for whoever has to confirm one of its objects', async () => {
    const bench = await startBench()
    const asks = { annotations: { [`${ARGO}/sync-options`]: 'Delete=confirm' } }
    bench.hub.sync(bundleOf(configMap('a'), configMap('precious', {}, asks)))
    await bench.pass(5_000)
    bench.hub.grant(bench.hub.tombstone())
    bench.hub.link.changed()
    await bench.pass(30_000)
    expect(bench.report).toMatchObject({
      gone: false,
      operation: { phase: 'Running', message: 'waiting for deletion confirmation of /ConfigMap/precious' },
    })
    expect(bench.read('ConfigMap', 'a')).toBeDefined()
    bench.hub.tombstone({ approvedBy: 'ana' })
    bench.hub.link.changed()
    await bench.pass(30_000)
    expect(bench.report.gone).toBe(true)
    expect(bench.read('ConfigMap', 'precious')).toBeUndefined()
  })

  it('goes to its end once exactly what waited was approved, wave by wave, and not for another list', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a', {}, wave('1')), configMap('b', {}, wave('2')), configMap('c')))
    await bench.pass(10_000)
    const asks = { deletion: 'confirm' as const }
    bench.hub.grant(bench.hub.tombstone(asks))
    bench.hub.link.changed()
    await bench.pass(10_000)
    const { heldPrunes } = bench.report
    expect(heldPrunes).toMatchObject({ count: 3, reason: expect.stringContaining('Delete=confirm') })
    bench.hub.tombstone({ ...asks, approvedBy: 'ana', confirms: `sha256:${'0'.repeat(64)}` })
    bench.hub.link.changed()
    await bench.pass(10_000)
    expect(bench.read('ConfigMap', 'b')).toBeDefined()
    bench.hub.tombstone({ ...asks, approvedBy: 'ana', confirms: heldPrunes!.digest })
    bench.hub.link.changed()
    await bench.pass(30_000)
    expect(bench.report).toMatchObject({ gone: true })
    expect(bench.report.heldPrunes).toBeUndefined()
    expect(['a', 'b', 'c'].filter(name => bench.read('ConfigMap', name))).toEqual([])
  })

  it('keeps what its Application says is kept, and not what says itself that it goes', async () => {
    const bench = await startBench()
    const goes = { annotations: { [`${ARGO}/sync-options`]: 'Delete=true' } }
    bench.hub.sync(bundleOf(configMap('a'), configMap('b', {}, goes)))
    await bench.pass(5_000)
    bench.hub.grant(bench.hub.tombstone({ deletion: 'no' }))
    bench.hub.link.changed()
    await bench.pass(30_000)
    expect(bench.report).toMatchObject({ gone: true, operation: { phase: 'Succeeded' } })
    expect([bench.read('ConfigMap', 'a') !== undefined, bench.read('ConfigMap', 'b')]).toEqual([true, undefined])
  })
})

describe('what a sync costs', () => {
  it('is one write for an object that is new, and one dry run and one write for one that changed', async () => {
    const bench = await startBench()
    const all = (x: string) => bundleOf(...Array.from({ length: 60 }, (_, index) => configMap(`c-${index}`, { x })))
    const asked = () => {
      const requests = bench.cluster.requests.filter(({ path }) => path.includes('/configmaps/c-'))
      const counts = {
        dryRuns: requests.filter(({ dryRun }) => dryRun).length,
        writes: requests.filter(({ dryRun }) => !dryRun).length,
      }
      bench.cluster.clearRequests()
      return counts
    }
    bench.hub.sync(all('1'))
    await bench.pass(30_000)
    // One of its kind is asked about before anything is written.
    expect(asked()).toEqual({ dryRuns: 1, writes: 60 })
    bench.hub.sync(all('2'))
    await bench.pass(30_000)
    expect(asked()).toEqual({ dryRuns: 60, writes: 60 })
    await bench.pass(3_600_000)
    expect(asked()).toEqual({ dryRuns: 0, writes: 0 })
  })
})

describe('a heal', () => {
  it('goes wave by wave, and runs hooks of the Sync phase only where the options say so', async () => {
    const bench = await startBench()
    const bundle = bundleOf(
      configMap('a', { x: '1' }, wave('1')),
      configMap('b', { x: '1' }, wave('2')),
      hook('after', 'Sync'),
    )
    bench.hub.sync(bundle)
    await bench.pass(10_000)
    const first = bench.read('Job', 'after', 'batch')?.metadata.uid
    await bench.edit('/api/v1/namespaces/shop/configmaps/a', { data: { x: 'edited' } })
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: '1' })
    expect(bench.read('Job', 'after', 'batch')?.metadata.uid).toBe(first)
    bench.hub.sync(bundle, { run: { healHooks: true } })
    await bench.pass(10_000)
    const second = bench.read('Job', 'after', 'batch')?.metadata.uid
    await bench.edit('/api/v1/namespaces/shop/configmaps/b', { data: { x: 'edited' } })
    await bench.pass(10_000)
    expect(bench.read('ConfigMap', 'b')?.['data']).toEqual({ x: '1' })
    expect(bench.read('Job', 'after', 'batch')?.metadata.uid).not.toBe(second)
    expect(bench.report.operation).toMatchObject({ trigger: 'heal', phase: 'Succeeded' })
  })
})

function dryRuns(bench: Awaited<ReturnType<typeof startBench>>): number {
  return bench.cluster.requests.filter(({ dryRun, path }) => dryRun && path.includes('Not_A_Name')).length
}
