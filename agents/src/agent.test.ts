import { numberAt, textAt } from '@flotilla/core/json/read-json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { printPlan } from '@flotilla/core/plan/print-plan'
import { describe, expect, it } from 'vitest'
import { type AgentBench, newBench, startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, deployment, OPTIONS, object, SHOP } from './testing/documents.ts'

describe('the agent', () => {
  it('does nothing for an Offer without a Grant but say what it sees', async () => {
    const bench = await startBench()
    bench.hub.offer(bundleOf(configMap('a')))
    bench.hub.link.changed()
    await bench.pass(1_000)
    expect(bench.read('ConfigMap', 'a')).toBeUndefined()
    expect(bench.report).toMatchObject({
      gone: false,
      sync: { status: 'OutOfSync' },
      health: { status: 'Missing' },
      objectCount: 2,
    })
    expect(bench.writes()).toEqual([])
  })

  it('creates what a Grant permits, records it, and reports it Synced and Healthy', async () => {
    const bench = await startBench()
    const bundle = bundleOf(configMap('a', { x: '1' }), deployment('web'))
    const grant = bench.hub.sync(bundle)
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')).toMatchObject({
      data: { x: '1' },
      metadata: {
        labels: {
          'flotilla.dev/application': SHOP.id,
          'applyset.kubernetes.io/part-of': expect.stringMatching(/^applyset-/),
        },
        annotations: { 'flotilla.dev/tracking-id': `${SHOP.id}:/ConfigMap:shop/a` },
      },
    })
    expect(bench.hub.link.settled).toEqual([{ id: grant.id, outcome: 'started' }])
    expect(bench.report).toMatchObject({
      held: bundle.digest,
      lastSucceeded: bundle.digest,
      sync: { status: 'Synced' },
      health: { status: 'Healthy' },
      objects: [],
      images: ['registry.example/web:1'],
      operation: {
        id: grant.id,
        phase: 'Succeeded',
        trigger: 'automated',
        message: 'successfully synced (all tasks run)',
      },
    })
    expect(bench.report.operation?.results.map(({ key, outcome }) => `${outcome} ${key.kind} ${key.name}`)).toEqual([
      'created Namespace shop',
      'created ConfigMap a',
      'created Deployment web',
    ])
  })

  it('writes and reports nothing more once everything is as it should be', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a'), deployment('web')))
    await bench.pass(10_000)
    bench.writes()
    const reports = bench.hub.link.reports.length
    await bench.pass(30 * 60_000)
    expect(bench.writes()).toEqual([])
    expect(bench.hub.link.reports).toHaveLength(reports)
  })

  it('corrects drift that a watch tells of, and says so', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a', { x: '1' })))
    await bench.pass(5_000)
    bench.writes()
    await bench.edit('/api/v1/namespaces/shop/configmaps/a', { data: { x: 'edited', mine: 'kept' } })
    await bench.pass(1_000)
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: '1', mine: 'kept' })
    expect(bench.report.operation).toMatchObject({ trigger: 'heal', phase: 'Succeeded' })
    expect(bench.report.sync.status).toBe('Synced')
  })

  it('creates again what somebody deleted', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a'), configMap('b')))
    await bench.pass(5_000)
    await bench.remove('/api/v1/namespaces/shop/configmaps/a')
    await bench.pass(2_000)
    expect(bench.read('ConfigMap', 'a')).toBeDefined()
  })

  it('shows drift and leaves it alone where self-heal is off', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a', { x: '1' })), { options: { ...OPTIONS, selfHeal: false } })
    await bench.pass(5_000)
    bench.writes()
    await bench.edit('/api/v1/namespaces/shop/configmaps/a', { data: { x: 'edited' } })
    await bench.pass(60_000)
    expect(bench.writes().filter(write => !write.includes('kubectl'))).toEqual([])
    expect(bench.report).toMatchObject({
      sync: { status: 'OutOfSync' },
      objects: [{ key: { name: 'a' }, sync: 'OutOfSync', reason: 'Modified', message: '.data.x' }],
    })
  })

  it('waits longer and longer when somebody fights it', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a', { x: '1' })))
    await bench.pass(5_000)
    const value = () => textAt(bench.read('ConfigMap', 'a'), 'data', 'x')
    const heals: number[] = []
    const start = bench.clock.monotonicMs()
    for (let second = 0; second < 100; second++) {
      if (value() === '1') {
        heals.push(Math.round((bench.clock.monotonicMs() - start) / 1000))
        await bench.edit('/api/v1/namespaces/shop/configmaps/a', { data: { x: 'theirs' } })
      }
      await bench.pass(1_000)
    }
    expect(heals).toEqual([0, 1, 3, 9, 27, 81])
  })

  it('removes a field that left Git, and nothing that others set', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a', { x: '1', y: '2' })))
    await bench.pass(5_000)
    await bench.edit('/api/v1/namespaces/shop/configmaps/a', { data: { mine: 'kept' } })
    bench.hub.sync(bundleOf(configMap('a', { x: '1' })))
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: '1', mine: 'kept' })
  })

  it('prunes what left Git once both witnesses agree', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a'), configMap('b'), configMap('taken')))
    await bench.pass(5_000)
    const other = { 'flotilla.dev/tracking-id': 'other:/ConfigMap:shop/taken' }
    await bench.edit('/api/v1/namespaces/shop/configmaps/taken', { metadata: { annotations: other } })
    bench.hub.sync(bundleOf(configMap('a')))
    await bench.pass(10_000)
    expect(bench.read('ConfigMap', 'b')).toBeUndefined()
    expect(bench.read('ConfigMap', 'taken')).toBeDefined()
    const stored = recordOf(bench, `flotilla-inventory-${SHOP.id}`)
    expect(textAt(stored, 'data', 'entries')).toBe('\tConfigMap\tshop\ta\n\tConfigMap\tshop\ttaken')
  })

  it('keeps what left Git where the Offer says so, whatever an automated Grant lets it do', async () => {
    const bench = await startBench()
    const options = { ...OPTIONS, prune: false }
    bench.hub.sync(bundleOf(configMap('a'), configMap('b')), { options })
    await bench.pass(5_000)
    const offer = bench.hub.offer(bundleOf(configMap('a')), { options })
    bench.hub.grant(offer, { options: { dryRun: false, prune: true, revision: 'b'.repeat(40) } })
    bench.hub.link.changed()
    await bench.pass(10_000)
    expect(bench.read('ConfigMap', 'b')).toBeDefined()
    expect(bench.report.operation?.phase).toBe('Succeeded')
  })

  it('refuses what belongs to another Application, and applies the rest', async () => {
    const bench = await startBench()
    const other = { ...SHOP, id: '0199c2f0-0000-7000-8000-000000000002', name: 'other' }
    bench.hub.sync(bundleOf(configMap('shared', { whose: 'other' })), { application: other })
    await bench.pass(5_000)
    bench.hub.sync(bundleOf(configMap('shared', { whose: 'shop' }), configMap('a')))
    await bench.pass(20_000)
    expect(bench.read('ConfigMap', 'shared')?.['data']).toEqual({ whose: 'other' })
    expect(bench.read('ConfigMap', 'a')).toBeDefined()
    expect(bench.report.operation?.phase).toBe('Failed')
    expect(bench.report.objects).toMatchObject([{ key: { name: 'shared' }, reason: 'OwnedByOther' }])
    expect(bench.hub.link.latest(other.id)?.sync.status).toBe('Synced')
  })

  it('waits for one wave before it begins the next', async () => {
    const bench = await startBench()
    const wave = (value: string) => ({ annotations: { 'argocd.argoproj.io/sync-wave': value } })
    bench.hub.sync(bundleOf(deployment('first', 'a:1', 1, wave('1')), configMap('second', {}, wave('2'))))
    for (let step = 0; step < 60 && !bench.read('ConfigMap', 'second'); step++) {
      const healthy = numberAt(bench.read('Deployment', 'first', 'apps'), 'status', 'availableReplicas')
      if (healthy !== 1) expect(bench.read('ConfigMap', 'second')).toBeUndefined()
      await bench.pass(250)
    }
    expect(bench.read('ConfigMap', 'second')).toBeDefined()
    expect(bench.report.operation?.phase).toBe('Succeeded')
  })

  it('establishes a definition before its resources, in one sync', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(definition(), object('acme.example/v1', 'Foo', 'f', { spec: { size: 1 } })))
    await bench.pass(20_000)
    expect(bench.read('Foo', 'f', 'acme.example')).toBeDefined()
    expect(bench.report).toMatchObject({ sync: { status: 'Synced' }, operation: { phase: 'Succeeded' } })
  })

  it('starts nothing in a freeze, and heals only as the freeze says', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a', { x: '1' })))
    await bench.pass(5_000)
    const now = bench.clock.now()
    const freeze = {
      applications: 'all' as const,
      from: now,
      to: now + 60_000,
      rule: 'freeze-1',
      layer: 'freeze',
      triggers: ['automated' as const],
      blocks: ['sync' as const, 'heal' as const],
      inFlight: 'finish' as const,
      gracePeriodMs: 0,
      selfHeal: false,
    }
    bench.hub.calendar({ intervals: [freeze] })
    bench.hub.sync(bundleOf(configMap('a', { x: '2' })))
    await bench.edit('/api/v1/namespaces/shop/configmaps/a', { data: { x: 'edited' } })
    await bench.pass(30_000)
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: 'edited' })
    await bench.pass(35_000)
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: '2' })
  })

  it('heals to the last success while a newer Offer waits for its Grant', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a', { x: '1' })))
    await bench.pass(5_000)
    bench.hub.offer(bundleOf(configMap('a', { x: '2' })))
    bench.hub.link.changed()
    await bench.edit('/api/v1/namespaces/shop/configmaps/a', { data: { x: 'edited' } })
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: '1' })
    expect(bench.report.sync.status).toBe('OutOfSync')
  })

  it('uses a Grant once, whoever asks again', async () => {
    const bench = await startBench()
    const grant = bench.hub.sync(bundleOf(configMap('a', { x: '1' })), { options: { ...OPTIONS, selfHeal: false } })
    await bench.pass(5_000)
    await bench.edit('/api/v1/namespaces/shop/configmaps/a', { data: { x: 'edited' } })
    await bench.stop()
    await bench.start()
    bench.hub.link.openGrants.push(grant)
    bench.hub.link.changed()
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: 'edited' })
    expect(bench.hub.link.settled.at(-1)).toEqual({ id: grant.id, outcome: 'started' })
  })

  it('goes on after a restart in the middle of an operation, and forgets nothing that it applied', async () => {
    const bench = await startBench()
    const names = Array.from({ length: 40 }, (_, index) => `c-${String(index).padStart(2, '0')}`)
    bench.cluster.faults.set({ failNext: [{ match: /PATCH .*configmaps\/c-2\d\?/, status: 503, times: 1_000 }] })
    bench.hub.sync(bundleOf(...names.map(name => configMap(name))))
    await bench.pass(3_000)
    expect(bench.read('ConfigMap', 'c-00')).toBeDefined()
    expect(bench.read('ConfigMap', 'c-20')).toBeUndefined()
    await bench.stop()
    bench.cluster.faults.clear()
    await bench.start()
    await bench.pass(5_000)
    expect(names.every(name => bench.read('ConfigMap', name))).toBe(true)
    expect(bench.report.operation?.phase).toBe('Succeeded')
    bench.hub.sync(bundleOf(...names.slice(0, 30).map(name => configMap(name))))
    await bench.pass(10_000)
    expect(names.filter(name => bench.read('ConfigMap', name))).toEqual(names.slice(0, 30))
  })

  it('ends alike wherever it is killed, and leaves no more behind', { timeout: 300_000 }, async () => {
    const wave = { annotations: { 'argocd.argoproj.io/sync-wave': '1' } }
    const first = bundleOf(configMap('a', { x: '1' }), configMap('b'), deployment('web'), configMap('c', {}, wave))
    const second = bundleOf(configMap('a', { x: '2' }), deployment('web', 'web:2'), configMap('d', {}, wave))
    const outcomes = new Map<string, number[]>()
    for (let requests = 1; requests <= 40; requests++) {
      const bench = newBench()
      await bench.start()
      bench.hub.sync(first)
      await bench.pass(10_000)
      await bench.stop()
      const grant = bench.hub.grant(bench.hub.offer(second))
      await bench.start(requests)
      await bench.pass(5_000)
      await bench.stop()
      await bench.start()
      // The hub repeats a Grant until it has heard what became of it.
      if (!bench.hub.link.settled.some(({ id }) => id === grant.id)) expect(bench.hub.link.openGrants).toHaveLength(1)
      await bench.pass(60_000)
      const inventory = recordOf(bench, `flotilla-inventory-${SHOP.id}`)
      const state = JSON.stringify([
        ['a', 'b', 'c', 'd'].map(name => bench.read('ConfigMap', name)?.['data']),
        bench.read('Deployment', 'web', 'apps')?.['spec'],
        textAt(inventory, 'data', 'entries'),
        bench.report.sync.status,
        bench.report.health.status,
        bench.report.operation?.phase,
      ])
      outcomes.set(state, [...(outcomes.get(state) ?? []), requests])
    }
    expect([...outcomes.values()]).toEqual([Array.from({ length: 40 }, (_, index) => index + 1)])
    expect([...outcomes.keys()][0]).toContain('"Synced","Healthy","Succeeded"')
  })

  it('goes on enforcing while the hub is away', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a', { x: '1' })))
    await bench.pass(5_000)
    bench.hub.link.reachable = false
    bench.hub.link.now = () => undefined
    await bench.edit('/api/v1/namespaces/shop/configmaps/a', { data: { x: 'edited' } })
    await bench.pass(2_000)
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: '1' })
  })

  it('removes everything under a Tombstone and its Grant, and says that it is gone', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a'), deployment('web')))
    await bench.pass(10_000)
    const tombstone = bench.hub.tombstone()
    bench.hub.link.changed()
    await bench.pass(10_000)
    expect(bench.read('ConfigMap', 'a')).toBeDefined()
    bench.hub.grant(tombstone)
    bench.hub.link.changed()
    await bench.pass(20_000)
    expect(bench.read('ConfigMap', 'a')).toBeUndefined()
    expect(bench.read('Deployment', 'web', 'apps')).toBeUndefined()
    expect(bench.report).toMatchObject({ gone: true, operation: { phase: 'Succeeded', trigger: 'delete' } })
  })

  it('lets go of everything under a Tombstone that detaches', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a')))
    await bench.pass(5_000)
    bench.hub.grant(bench.hub.tombstone({ policy: 'detach' }))
    bench.hub.link.changed()
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')?.metadata.annotations?.['flotilla.dev/tracking-id']).toBeUndefined()
    expect(bench.read('ConfigMap', 'a')).toBeDefined()
    expect(bench.report.gone).toBe(true)
  })

  it('heals to the newest success after the clock of its machine was set back', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a', { x: '1' })))
    await bench.pass(5_000)
    bench.clock.step(-60 * 60 * 1000)
    const bundle = bundleOf(configMap('a', { x: '2' }))
    bench.hub.sync(bundle)
    await bench.pass(5_000)
    expect(bench.report).toMatchObject({ lastSucceeded: bundle.digest, sync: { status: 'Synced' } })
    await bench.edit('/api/v1/namespaces/shop/configmaps/a', { data: { x: 'edited' } })
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: '2' })
  })

  it('removes an Application again that had returned after it was removed', async () => {
    const bench = await startBench()
    const bundle = bundleOf(configMap('a'))
    for (const round of [1, 2]) {
      const returned = bench.hub.offer(bundle)
      bench.hub.link.changed()
      await bench.pass(5_000)
      // What an earlier life of it achieved gives no right to bring it back: that needs a Grant of its own.
      expect(bench.read('ConfigMap', 'a'), `before the Grant of round ${round}`).toBeUndefined()
      expect(bench.report.lastSucceeded).toBeUndefined()
      bench.hub.grant(returned)
      bench.hub.link.changed()
      await bench.pass(5_000)
      expect(bench.read('ConfigMap', 'a')).toBeDefined()
      bench.hub.grant(bench.hub.tombstone())
      bench.hub.link.changed()
      await bench.pass(10_000)
      expect(bench.read('ConfigMap', 'a'), `after the removal of round ${round}`).toBeUndefined()
      expect(bench.report.gone).toBe(true)
    }
  })

  it('prints the plan that it then performs', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a', { x: '1' }), configMap('b')))
    await bench.pass(5_000)
    bench.writes()
    const offer = bench.hub.offer(bundleOf(configMap('a', { x: '2' }), configMap('c')))
    const plan = await bench.agent!.plan('shop')
    expect(printPlan(plan)).toBe(
      [
        'shop: 1 to create, 1 to update, 1 to prune, 1 kept',
        '  prune   Sync/0  ConfigMap shop/b',
        '  update  Sync/0  ConfigMap shop/a: .data.x',
        '  create  Sync/0  ConfigMap shop/c',
      ].join('\n'),
    )
    expect(bench.writes()).toEqual([])
    bench.hub.grant(offer)
    bench.hub.link.changed()
    await bench.pass(5_000)
    expect(bench.writes()).toEqual([
      'delete /api/v1/namespaces/shop/configmaps/b 200',
      'patch /api/v1/namespaces/shop/configmaps/a 200',
      'patch /api/v1/namespaces/shop/configmaps/c 201',
    ])
  })

  it('shows the local administrator what it does', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a')))
    await bench.pass(20_000)
    expect(recordOf(bench, 'flotilla-agent-status')?.['data']).toEqual({
      applications: 'shop  Synced  Healthy  Succeeded: successfully synced (all tasks run)',
      hub: 'connected',
    })
    const events = bench.cluster
      .objects()
      .filter(({ kind, metadata }) => kind === 'Event' && metadata.namespace === 'flotilla-system')
    expect(events.map(({ reason, message }) => `${String(reason)} ${String(message)}`)).toEqual([
      'OperationSucceeded shop: successfully synced (all tasks run)',
    ])
  })

  it('looks only at the Applications that there is news of', async () => {
    const bench = await startBench()
    const others = Array.from({ length: 30 }, (_, index) => ({
      ...SHOP,
      id: `0199c2f0-0000-7000-8000-2000000000${index + 10}`,
      name: `other-${index}`,
    }))
    for (const application of others) bench.hub.sync(bundleOf(configMap(application.name)), { application })
    await bench.pass(20_000)
    const before = Object.values(bench.cluster.counters.byVerb).reduce((sum, count) => sum + count)
    bench.hub.sync(bundleOf(configMap('a')))
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')).toBeDefined()
    const after = Object.values(bench.cluster.counters.byVerb).reduce((sum, count) => sum + count)
    expect(after - before).toBeLessThan(25)
  })

  it('does nothing to an Application that is no longer named', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a')))
    await bench.pass(5_000)
    bench.hub.link.documents.clear()
    bench.hub.link.changed()
    bench.writes()
    await bench.pass(60_000)
    expect(bench.read('ConfigMap', 'a')).toBeDefined()
    expect(bench.writes()).toEqual([])
  })
})

describe('the agent, when the API server answers', () => {
  it.each([429, 500, 503, 0])('%i for a while, syncs after all', async status => {
    const bench = await startBench()
    bench.cluster.faults.set({ failNext: [{ match: '/configmaps', status, times: 12, retryAfterSeconds: 1 }] })
    bench.hub.sync(bundleOf(configMap('a'), configMap('b')))
    await bench.pass(90_000)
    expect(bench.read('ConfigMap', 'a')).toBeDefined()
    expect(bench.report).toMatchObject({ sync: { status: 'Synced' }, operation: { phase: 'Succeeded' } })
  })

  it('401 for a while, syncs after all, and says so meanwhile', async () => {
    const bench = await startBench()
    bench.cluster.faults.set({ failNext: [{ match: '/namespaces/shop/configmaps', status: 401, times: 5 }] })
    bench.hub.sync(bundleOf(configMap('a')))
    await bench.pass(1_500)
    expect(bench.hub.link.reports.some(({ sync }) => sync.message?.includes('(UNAUTHENTICATED)'))).toBe(true)
    await bench.pass(120_000)
    expect(bench.report.sync.status).toBe('Synced')
  })

  it('asks again at the next attempt when rights were missing at the last', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a', { x: '1' })))
    await bench.pass(5_000)
    bench.cluster.faults.set({ denied: [{ verbs: ['patch'], group: '', resource: 'configmaps' }] })
    const offer = bench.hub.offer(bundleOf(configMap('a', { x: '2' })))
    bench.hub.grant(offer)
    bench.hub.link.changed()
    await bench.pass(5_000)
    expect(bench.report.operation).toMatchObject({ phase: 'Failed', message: expect.stringMatching(/cannot patch/) })
    bench.cluster.faults.clear()
    bench.hub.grant(offer)
    bench.hub.link.changed()
    await bench.pass(5_000)
    expect(bench.report.operation).toMatchObject({ phase: 'Succeeded' })
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: '2' })
  })

  it('403 to a write: nothing of it is written, and it fails with the server’s words', async () => {
    const bench = await startBench()
    bench.cluster.faults.set({ denied: [{ verbs: ['patch', 'create'], group: 'apps', resource: 'deployments' }] })
    bench.hub.sync(bundleOf(configMap('a'), deployment('web')))
    await bench.pass(10_000)
    expect(bench.read('ConfigMap', 'a')).toBeUndefined()
    expect(bench.report.operation?.phase).toBe('Failed')
    expect(bench.report.operation?.message).toMatch(
      /\(dry run\): eu-1 apps\/Deployment shop\/web: dry run failed \(FORBIDDEN\): .*cannot/,
    )
  })

  it('409 to a write: tries again', async () => {
    const bench = await startBench()
    bench.cluster.faults.set({ failNext: [{ match: /PATCH .*configmaps\/a\?/, status: 409, times: 2 }] })
    bench.hub.sync(bundleOf(configMap('a')))
    await bench.pass(5_000)
    expect(bench.report.operation?.phase).toBe('Succeeded')
  })

  it('422 to a write: fails, says so, and does not hammer', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(object('v1', 'ConfigMap', 'Not_A_Name'), configMap('b')))
    await bench.pass(60_000)
    expect(bench.report.operation?.phase).toBe('Failed')
    expect(bench.report.operation?.message).toMatch(/\(INVALID\)/)
    // The dry run said so.
    expect(bench.writes().filter(write => write.includes('Not_A_Name'))).toEqual([])
  })

  it('nothing at all when it starts, waits for it', async () => {
    const bench = newBench()
    bench.cluster.faults.set({ partitioned: true })
    bench.hub.offer(bundleOf(configMap('a')))
    await bench.start()
    await bench.pass(60_000)
    bench.cluster.faults.clear()
    bench.hub.sync(bundleOf(configMap('a')))
    await bench.pass(90_000)
    expect(bench.report.sync.status).toBe('Synced')
  })

  it('410 to its watches, sees drift all the same', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a', { x: '1' })))
    await bench.pass(5_000)
    bench.cluster.faults.compactWatchHistory()
    bench.cluster.faults.dropWatches()
    await bench.edit('/api/v1/namespaces/shop/configmaps/a', { data: { x: 'edited' } })
    bench.cluster.faults.compactWatchHistory()
    await bench.pass(40_000)
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: '1' })
  })
})

function recordOf(bench: AgentBench, name: string): KubernetesObject | undefined {
  return bench.cluster.read({ group: '', kind: 'ConfigMap', namespace: 'flotilla-system', name })
}

function definition() {
  const schema = { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } } }
  return object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'foos.acme.example', {
    spec: {
      group: 'acme.example',
      names: { kind: 'Foo', plural: 'foos', singular: 'foo', listKind: 'FooList' },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  })
}
