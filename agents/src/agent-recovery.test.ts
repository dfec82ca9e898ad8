import type { JsonObject } from '@flotilla/core/json/json'
import { listAt, textAt } from '@flotilla/core/json/read-json'
import { type ClusterTransport, ClusterUnreachable } from '@flotilla/core/ports/cluster-transport'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { describe, expect, it } from 'vitest'
import { KubernetesClient } from './kubernetes/client.ts'
import { AgentLease } from './lease.ts'
import { Outbox } from './link/outbox.ts'
import { type AgentBench, type Between, QUIET, startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, object, SHOP } from './testing/documents.ts'

const GROUP = 'acme.example'
/** How the cluster's discovery speaks of the group while its server is away. */
type Away = 'left out' | 'stale' | 'legacy 503'

/** The group's server is away: asked itself it does not answer, and discovery says so in one of its ways. */
function awayAs(away: Away): Between {
  return async (request, pass) => {
    if (request.path.startsWith(`/apis/${GROUP}/`)) return answer(503, { kind: 'Status', message: 'is away' })
    const legacy = away === 'legacy 503' && (request.path === '/api' || request.path === '/apis')
    const response = await pass(legacy ? { ...request, headers: { accept: 'application/json' } } : request)
    if (request.path !== '/apis' || legacy) return response
    const items = listAt(await bodyOf(response.body), 'items') as readonly JsonObject[]
    const changed = items.flatMap(item => {
      if (textAt(item, 'metadata', 'name') !== GROUP) return [item]
      const versions = [{ version: 'v1', resources: [], freshness: 'Stale' }]
      return away === 'stale' ? [{ ...item, versions }] : []
    })
    return answer(200, { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', items: changed })
  }
}

/** Does something once, right after the end of an operation was stored. */
function onceEnded(what: () => Promise<void>): Between {
  let isDone = false
  return async (request, pass) => {
    const response = await pass(request)
    const ended = request.method === 'PUT' && /flotilla-operation/.test(request.path)
    if (ended && !isDone && request.body?.includes('Succeeded')) {
      isDone = true
      await what()
    }
    return response
  }
}

/** A new process that finds the group as `away` says: what the last one knew of it is lost. */
async function restart(bench: AgentBench, away?: Away): Promise<void> {
  await bench.stop()
  bench.between = away === undefined ? PASSES : awayAs(away)
  await bench.start()
}

const PASSES: Between = (request, pass) => pass(request)

async function bodyOf(body: AsyncIterable<Uint8Array>): Promise<JsonObject> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

function answer(status: number, value: JsonObject) {
  async function* body() {
    yield Buffer.from(JSON.stringify(value))
  }
  return { status, headers: { 'content-type': 'application/json' }, body: body() }
}

function definition() {
  const schema = { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } } }
  return object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', `foos.${GROUP}`, {
    spec: {
      group: GROUP,
      names: { kind: 'Foo', plural: 'foos', singular: 'foo', listKind: 'FooList' },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  })
}

const PLATFORM = { ...SHOP, id: '0199c2f0-0000-7000-8000-000000000002', name: 'platform' }
const FOO = object(`${GROUP}/v1`, 'Foo', 'f', { spec: { size: 1 } })

/** The definition belongs to another Application, its object to ours. */
async function startWithFoo(): Promise<AgentBench> {
  const bench = await startBench()
  bench.hub.sync(bundleOf(definition()), { application: PLATFORM })
  await bench.pass(10_000)
  bench.hub.sync(bundleOf(configMap('a'), FOO))
  await bench.pass(10_000)
  expect(bench.inventory).toContain(`${GROUP}\tFoo\tshop\tf`)
  return bench
}

describe.each(['left out', 'stale', 'legacy 503'] as const)('an API group that is away (%s)', away => {
  it('keeps its objects in the Inventory, and they are pruned once it is back', async () => {
    const bench = await startWithFoo()
    await restart(bench, away)
    const grant = bench.hub.sync(bundleOf(configMap('a', { x: '2' })))
    await bench.pass(20_000)
    expect(bench.read('ConfigMap', 'a')?.['data']).toEqual({ x: '2' })
    expect(bench.report.operation?.id).toBe(grant.id)
    expect(bench.inventory).toContain(`${GROUP}\tFoo\tshop\tf`)
    expect(bench.report).toMatchObject({
      sync: { status: 'OutOfSync' },
      objects: [{ key: { kind: 'Foo' }, message: expect.stringMatching(/cannot be told whether it is there/) }],
    })
    bench.between = PASSES
    await bench.pass(60_000)
    bench.hub.sync(bundleOf(configMap('a', { x: '3' })))
    await bench.pass(20_000)
    expect(bench.read('Foo', 'f', GROUP)).toBeUndefined()
    expect(bench.inventory).not.toContain('Foo')
  })

  it('neither fails a sync of such an object nor calls it missing', async () => {
    const bench = await startWithFoo()
    await restart(bench, away)
    const before = bench.hub.link.reports.length
    const grant = bench.hub.sync(bundleOf(configMap('a', { x: '2' }), FOO))
    await bench.pass(30_000)
    const words = bench.hub.link.reports.slice(before).filter(({ application }) => application === SHOP.id)
    expect(words.some(({ operation }) => operation?.phase === 'Failed')).toBe(false)
    expect(words.flatMap(({ objects }) => objects).filter(({ health }) => health === 'Missing')).toEqual([])
    expect(bench.report.sync).toMatchObject({ status: 'Unknown' })
    bench.between = PASSES
    await bench.pass(120_000)
    expect(bench.report).toMatchObject({ sync: { status: 'Synced' }, operation: { id: grant.id, phase: 'Succeeded' } })
  })

  it.each(['prune', 'detach'] as const)('has a removal (%s) wait and say why', async policy => {
    const bench = await startWithFoo()
    await restart(bench, away)
    bench.hub.grant(bench.hub.tombstone({ policy }))
    bench.hub.link.changed()
    await bench.pass(30_000)
    expect(bench.report).toMatchObject({
      gone: false,
      operation: { phase: 'Running', message: expect.stringMatching(/can be told whether acme.example\/Foo shop\/f/) },
    })
    expect(bench.inventory).toContain('Foo')
    bench.between = PASSES
    await bench.pass(60_000)
    expect(bench.report).toMatchObject({ gone: true, operation: { phase: 'Succeeded' } })
    const left = bench.read('Foo', 'f', GROUP)
    if (policy === 'prune') expect(left).toBeUndefined()
    else expect(left?.metadata.annotations?.['flotilla.dev/tracking-id']).toBeUndefined()
  })
})

describe('an API group whose definition was deleted', () => {
  it('holds up no removal: its objects are gone', async () => {
    const bench = await startWithFoo()
    await bench.remove(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/foos.${GROUP}`)
    bench.hub.link.documents.delete(PLATFORM.id)
    await restart(bench)
    await bench.pass(5_000)
    bench.hub.grant(bench.hub.tombstone())
    bench.hub.link.changed()
    await bench.pass(30_000)
    expect(bench.report).toMatchObject({ gone: true, operation: { phase: 'Succeeded' } })
  })
})

describe('a process whose Lease another had meanwhile', () => {
  const process = (bench: AgentBench, name: string) => {
    const wire = { cut: false, lost: 0 }
    const whole = bench.cluster.transport()
    const transport: ClusterTransport = {
      close: () => whole.close(),
      request: async request => {
        if (wire.cut) throw new ClusterUnreachable('cut off')
        return whole.request(request)
      },
    }
    const { clock } = bench
    const client = new KubernetesClient({ transport, clock, random: seededRandom(2), cluster: 'eu-1' })
    const options = { client, namespace: 'flotilla-system', clock, log: QUIET, newInstance: () => name }
    const lease = new AgentLease({ ...options, onLost: () => void wire.lost++ })
    const taken: number[] = []
    return { lease, wire, taken, acquire: () => void lease.acquire().then(({ inc }) => taken.push(inc)) }
  }

  it('is told to end and never gets it back, even where the other has gone before it could notice', async () => {
    const bench = await startBench()
    const first = process(bench, 'first')
    const second = process(bench, 'second')
    first.acquire()
    await bench.pass(1_000)
    first.wire.cut = true
    // As the link does, once it may not speak any more.
    first.acquire()
    await bench.pass(12_000)
    second.acquire()
    await bench.pass(30_000)
    expect(second.taken).toEqual([2])
    await second.lease.release()
    first.wire.cut = false
    await bench.pass(60_000)
    expect(first.wire.lost).toBe(1)
    expect(first.taken).toEqual([1])
    expect(first.lease.held()).toBe(false)
  })

  it('goes on with the Lease that nobody else took', async () => {
    const bench = await startBench()
    const first = process(bench, 'first')
    first.acquire()
    await bench.pass(1_000)
    first.wire.cut = true
    first.acquire()
    await bench.pass(60_000)
    expect(first.lease.held()).toBe(false)
    first.wire.cut = false
    await bench.pass(30_000)
    expect(first.wire.lost).toBe(0)
    expect(first.lease.held()).toBe(true)
  })

  it('writes no record from what it remembers', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a', { x: '1' })))
    await bench.pass(5_000)
    bench.mayWrite = false
    bench.cluster.clearRequests()
    await bench.remove('/api/v1/namespaces/shop/configmaps/a')
    await bench.edit(`/api/v1/namespaces/flotilla-system/configmaps/flotilla-inventory-${SHOP.id}`, {
      metadata: { annotations: { of: 'the other' } },
    })
    bench.hub.sync(bundleOf(configMap('a', { x: '1' }), configMap('b')))
    bench.hub.grant(bench.hub.tombstone())
    bench.hub.link.changed()
    await bench.pass(30_000)
    const written = bench.cluster.requests.filter(({ path, verb }) => {
      return verb !== 'get' && verb !== 'list' && /flotilla-(inventory|operation)/.test(path)
    })
    // Our own edit above.
    expect(written).toHaveLength(1)
  })
})

describe('healing', () => {
  it('does not bring objects into another namespace that no Grant has named', async () => {
    const bench = await startBench()
    const bundle = bundleOf(configMap('a', { x: '1' }))
    bench.hub.sync(bundle)
    await bench.pass(5_000)
    const moved = bench.hub.offer(bundle, { namespace: 'elsewhere' })
    bench.hub.link.changed()
    await bench.pass(20_000)
    expect(bench.read('ConfigMap', 'a', '', 'elsewhere')).toBeUndefined()
    bench.hub.grant(moved)
    bench.hub.link.changed()
    await bench.pass(20_000)
    expect(bench.read('ConfigMap', 'a', '', 'elsewhere')).toBeDefined()
    await bench.remove('/api/v1/namespaces/elsewhere/configmaps/a')
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a', '', 'elsewhere')).toBeDefined()
  })

  it('in the look in which an operation ended does not hide that end', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a', { x: '1' })))
    await bench.pass(5_000)
    bench.between = onceEnded(() => bench.remove('/api/v1/namespaces/shop/configmaps/a'))
    const before = bench.hub.link.reports.length
    const grant = bench.hub.sync(bundleOf(configMap('a', { x: '2' })))
    await bench.pass(20_000)
    const operations = bench.hub.link.reports.slice(before).flatMap(({ operation }) => operation ?? [])
    expect(operations.filter(({ id }) => id === grant.id).at(-1)?.phase).toBe('Succeeded')
    expect(operations.at(-1)?.trigger).toBe('heal')
    // The same on the way: of one Application only the newest report travels.
    const reports = bench.hub.link.reports.slice(before)
    const outbox = new Outbox()
    outbox.put(reports)
    expect(outbox.batches().flat()[0]?.operation).toMatchObject({ id: grant.id, phase: 'Succeeded' })
    const sent = outbox.batches().flat()
    outbox.answered(sent, { taken: [SHOP.id], known: [], ignored: [] } as never)
    outbox.put([reports.at(-1)!])
    expect(outbox.batches().flat()[0]?.operation?.trigger).toBe('heal')
  })
})

describe('an Application that the hub offers under another id, by a newer number', () => {
  const AGAIN = { ...SHOP, id: '0199c2f0-0000-7000-8000-000000000003' }

  it('takes along what it deployed under the old one, of which no end was heard here, and restarts nothing', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a'), configMap('b')))
    await bench.pass(5_000)
    const { uid } = bench.read('ConfigMap', 'a')!.metadata
    bench.hub.link.documents.delete(SHOP.id)
    bench.hub.link.changed()
    await restart(bench)
    bench.hub.sync(bundleOf(configMap('a')), { application: AGAIN })
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')?.metadata).toMatchObject({
      uid,
      labels: { 'flotilla.dev/application': AGAIN.id },
    })
    // What it does not want is nobody’s to delete.
    expect(bench.read('ConfigMap', 'b')?.metadata.labels).toMatchObject({ 'flotilla.dev/application': SHOP.id })
  })

  it('takes nothing along of one whose removal began here: what that left was meant to stay', async () => {
    const bench = await startBench()
    const kept = { annotations: { 'argocd.argoproj.io/sync-options': 'Delete=false' } }
    bench.hub.sync(bundleOf(configMap('a', {}, kept)))
    await bench.pass(5_000)
    bench.hub.grant(bench.hub.tombstone())
    bench.hub.link.changed()
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')).toBeDefined()
    bench.hub.link.documents.delete(SHOP.id)
    bench.hub.sync(bundleOf(configMap('a', {}, kept)), { application: AGAIN })
    await bench.pass(5_000)
    expect(bench.read('ConfigMap', 'a')?.metadata.labels).toMatchObject({ 'flotilla.dev/application': SHOP.id })
  })
})
