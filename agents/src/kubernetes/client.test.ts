import type { ClusterRequest, ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { SimulatedCluster } from '@flotilla/sim'
import { afterEach, describe, expect, it } from 'vitest'
import { KubernetesClient } from './client.ts'
import { watchKind } from './watch.ts'

const QUIET: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => QUIET }

class Bench {
  readonly clock = new VirtualClock({ startAt: Date.UTC(2026, 0, 1), settle: () => new Promise(setImmediate) })
  readonly cluster = new SimulatedCluster({ name: 'eu-1', clock: this.clock, random: seededRandom(1) })
  readonly sent: ClusterRequest[] = []
  readonly client: KubernetesClient

  constructor(change: (transport: ClusterTransport) => ClusterTransport = transport => transport) {
    const transport = change(this.cluster.transport())
    const recording: ClusterTransport = {
      request: request => {
        this.sent.push(request)
        return transport.request(request)
      },
      close: () => transport.close(),
    }
    const { clock } = this
    this.client = new KubernetesClient({ transport: recording, clock, random: seededRandom(2), cluster: 'eu-1' })
    benches.push(this)
  }

  /** Lets time pass until the work has ended. */
  async during<T>(work: Promise<T>): Promise<T> {
    let ended = false
    const settled = work.finally(() => {
      ended = true
    })
    settled.catch(() => undefined)
    for (let step = 0; step < 2_000 && !ended; step++) await this.clock.advance(100)
    return settled
  }
}

const benches: Bench[] = []
afterEach(() => {
  for (const { cluster } of benches.splice(0)) cluster.stop()
})

const KEY = { group: '', kind: 'ConfigMap', namespace: 'default', name: 'a' }
const configMap = (data: { readonly [key: string]: string }, name = 'a') => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
})

describe('the client', () => {
  it('applies as flotilla by force, and asks the server to be strict', async () => {
    const bench = new Bench()
    await bench.during(bench.client.apply(configMap({ x: '1' })))
    const { method, path, headers } = bench.sent.at(-1)!
    expect(method).toBe('PATCH')
    expect(path).toBe('/api/v1/namespaces/default/configmaps/a?fieldManager=flotilla&force=true&fieldValidation=Strict')
    expect(headers?.['content-type']).toBe('application/apply-patch+yaml')
  })

  it('loses no digit on the way out and back', async () => {
    const bench = new Bench()
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'foos.acme.example' },
      spec: {
        group: 'acme.example',
        names: { kind: 'Foo', plural: 'foos' },
        scope: 'Cluster',
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    }
    await bench.during(bench.client.apply(crd))
    await bench.clock.advance(2_000)
    const foo = { apiVersion: 'acme.example/v1', kind: 'Foo', metadata: { name: 'f' }, spec: { id: 9007199254740993n } }
    const stored = await bench.during(bench.client.apply(foo))
    expect(stored['spec']).toEqual({ id: 9007199254740993n })
    expect(bench.sent.at(-1)?.body).toContain('9007199254740993')
  })

  it('answers undefined for what is not there', async () => {
    const bench = new Bench()
    expect(await bench.during(bench.client.get(KEY))).toBeUndefined()
  })

  it('names cluster, object, verb and reason when it fails', async () => {
    const bench = new Bench()
    const object = { ...configMap({}), unknownField: 1 }
    await expect(bench.during(bench.client.apply(object))).rejects.toThrow(
      /^eu-1 ConfigMap default\/a: apply failed \(\w+\): .*unknownField/,
    )
    const none = { group: 'acme.example', kind: 'Nothing', namespace: '', name: 'x' }
    await expect(bench.during(bench.client.get(none))).rejects.toMatchObject({ code: 'KIND_UNKNOWN', retry: true })
  })

  it('pages through a list', async () => {
    const bench = new Bench()
    for (let index = 0; index < 300; index++) await bench.during(bench.client.apply(configMap({}, `c-${index}`)))
    const pages: number[] = []
    for await (const page of bench.client.list('', 'ConfigMap', { namespace: 'default' }))
      pages.push(page.objects.length)
    expect(pages.reduce((sum, count) => sum + count)).toBeGreaterThanOrEqual(300)
    expect(Math.max(...pages)).toBeLessThanOrEqual(250)
  })

  it('deletes only the very object that was meant', async () => {
    const bench = new Bench()
    const { metadata } = await bench.during(bench.client.apply(configMap({})))
    expect(await bench.during(bench.client.delete(KEY, { uid: 'another', propagation: 'background' }))).toBe('absent')
    expect(await bench.during(bench.client.get(KEY))).toBeDefined()
    const meant = { uid: metadata.uid ?? '', propagation: 'background' as const }
    expect(await bench.during(bench.client.delete(KEY, meant))).toBe('deleted')
    expect(await bench.during(bench.client.delete(KEY, meant))).toBe('absent')
  })

  it('tries again what may succeed, after what the server asked for, and gives up', async () => {
    const bench = new Bench()
    await bench.during(bench.client.discovery.load())
    bench.cluster.faults.set({ failNext: [{ match: '/configmaps', status: 429, times: 2, retryAfterSeconds: 4 }] })
    const start = bench.clock.monotonicMs()
    await bench.during(bench.client.get(KEY))
    expect(bench.clock.monotonicMs() - start).toBeGreaterThanOrEqual(8_000)
    bench.cluster.faults.set({ failNext: [{ match: '/configmaps', status: 503, times: 100 }] })
    bench.sent.length = 0
    await expect(bench.during(bench.client.get(KEY))).rejects.toMatchObject({ code: 'SERVER_ERROR', status: 503 })
    expect(bench.sent).toHaveLength(5)
  })

  it('does not create twice when an answer is lost', async () => {
    const bench = new Bench()
    await bench.during(bench.client.discovery.load())
    bench.cluster.faults.set({ failNext: [{ match: 'POST', status: 0, times: 1 }] })
    await expect(bench.during(bench.client.create(configMap({})))).rejects.toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
    })
    expect(bench.sent.filter(({ method }) => method === 'POST')).toHaveLength(1)
  })

  it('gives up on a server that never answers', async () => {
    const bench = new Bench(transport => ({
      request: request =>
        request.path.includes('/configmaps')
          ? new Promise((_resolve, reject) => {
              request.signal?.addEventListener('abort', () => reject(request.signal?.reason))
            })
          : transport.request(request),
      close: () => transport.close(),
    }))
    await expect(bench.during(bench.client.create(configMap({})))).rejects.toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
    })
  })
})

describe('discovery', () => {
  it('knows scope, resource and the preferred version of each kind', async () => {
    const bench = new Bench()
    await bench.during(bench.client.discovery.load())
    const { discovery } = bench.client
    expect(discovery.lookup('apps', 'Deployment')).toMatchObject({
      resource: 'deployments',
      namespaced: true,
      versions: ['v1'],
    })
    expect(discovery.lookup('', 'Namespace')).toMatchObject({ namespaced: false, watchable: true })
    expect(discovery.lookup('', 'Nothing')).toBeUndefined()
  })

  it('reads the older documents where the server has no aggregated ones', async () => {
    const plain = new Bench()
    await plain.during(plain.client.discovery.load())
    const bench = new Bench(transport => ({
      request: request => {
        const { accept, ...headers } = request.headers ?? {}
        return transport.request(accept?.includes('apidiscovery') ? { ...request, headers } : request)
      },
      close: () => transport.close(),
    }))
    await bench.during(bench.client.discovery.load())
    for (const [group, kind] of [
      ['apps', 'Deployment'],
      ['', 'Pod'],
      ['autoscaling', 'HorizontalPodAutoscaler'],
    ] as const) {
      expect(bench.client.discovery.lookup(group, kind)).toEqual(plain.client.discovery.lookup(group, kind))
    }
  })

  it('asks again for a kind that it does not know, and not all the time', async () => {
    const bench = new Bench()
    const nothing = { group: 'acme.example', kind: 'Nothing', namespace: '', name: 'x' }
    const ask = () => bench.client.get(nothing).catch(() => undefined)
    await bench.during(ask())
    bench.sent.length = 0
    await Promise.all(Array.from({ length: 20 }, ask))
    expect(bench.sent.length).toBeLessThanOrEqual(2)
  })
})

describe('a watch', () => {
  it('lists, then tells of every change, over cuts and 410', async () => {
    const bench = new Bench()
    const { client, cluster, clock } = bench
    await bench.during(client.apply(configMap({ x: '0' })))
    const seen: string[] = []
    const watch = watchKind(
      client,
      { group: '', kind: 'ConfigMap', namespace: 'default', metadataOnly: true },
      {
        onList: objects =>
          void seen.push(
            `list ${objects.map(({ metadata }) => metadata.name).filter(name => name !== 'kube-root-ca.crt')}`,
          ),
        onChange: (object, change) => void seen.push(`${change} ${object.kind} ${object.metadata.name}`),
      },
      QUIET,
    )
    await clock.advance(1_000)
    await bench.during(client.apply(configMap({ x: '1' })))
    cluster.faults.dropWatches()
    await bench.during(client.apply(configMap({ x: '2' })))
    await clock.advance(5_000)
    expect(seen).toEqual(['list a', 'modified ConfigMap a', 'modified ConfigMap a'])
    cluster.faults.dropWatches()
    await bench.during(client.apply(configMap({}, 'b')))
    cluster.faults.compactWatchHistory()
    await clock.advance(10_000)
    expect(seen.at(-1)).toBe('list a,b')
    watch.stop()
    await clock.advance(10)
    await watch.ended
    expect(cluster.counters.openWatches).toBe(0)
  })

  it('waits longer after each failure in a row', async () => {
    const bench = new Bench()
    await bench.during(bench.client.discovery.load())
    bench.cluster.faults.set({ denied: [{ verbs: ['list'], group: '', resource: 'configmaps' }] })
    bench.sent.length = 0
    const watch = watchKind(
      bench.client,
      { group: '', kind: 'ConfigMap' },
      { onList: () => {}, onChange: () => {} },
      QUIET,
    )
    await bench.clock.advance(5 * 60_000)
    expect(bench.sent.length).toBeGreaterThan(8)
    expect(bench.sent.length).toBeLessThan(30)
    watch.stop()
    await bench.clock.advance(10)
    await watch.ended
  })
})
