import type { Json, JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { ClusterUnreachable } from '@flotilla/core/ports/cluster-transport'
import { describe, expect, it } from 'vitest'
import { at } from './objects/drafts.ts'
import { TestCluster } from './testing.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'
const JOBS = '/apis/batch/v1/namespaces/default/jobs'

function configMap(name: string, data: JsonObject = { k: '1' }): JsonObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }
}

function template(annotations: JsonObject = {}, spec: JsonObject = {}): JsonObject {
  const containers = [{ name: 'c', image: 'example.test/app:1' }]
  return { metadata: { labels: { app: 'a' }, annotations }, spec: { containers, ...spec } }
}

function deployment(annotations: JsonObject = {}, spec: JsonObject = {}): JsonObject {
  const selector = { matchLabels: { app: 'a' } }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'a' },
    spec: { selector, template: template(annotations), ...spec },
  }
}

function job(annotations: JsonObject, spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'a' },
    spec: { template: template(annotations, { restartPolicy: 'Never' }), ...spec },
  }
}

function condition(object: KubernetesObject, type: string): Json | undefined {
  const conditions = (at(object, 'status', 'conditions') ?? []) as readonly JsonObject[]
  const found = conditions.find(each => each['type'] === type)
  return found && `${found['status']} ${found['reason']}`
}

/** Opens a watch and returns a reader of its next event. */
async function watch(cluster: TestCluster, path: string, signal?: AbortSignal) {
  const response = await cluster.transport.request({ method: 'GET', path, ...(signal ? { signal } : {}) })
  const chunks = response.body[Symbol.asyncIterator]()
  return async () => {
    const { value, done } = await chunks.next()
    if (done) return undefined
    const event = JSON.parse(Buffer.from(value as Uint8Array).toString('utf8')) as JsonObject
    return `${event['type']} ${String(at(event['object'], 'metadata', 'name') ?? at(event['object'], 'code') ?? '')}`.trim()
  }
}

describe('faults', () => {
  it('latency passes on the clock of the cluster', async () => {
    const cluster = new TestCluster()
    cluster.cluster.faults.set({ latencyMs: 500 })
    let answered = false
    const answer = cluster.ask('GET', '/version').then(() => {
      answered = true
    })
    cluster.clock.advance(499)
    await Promise.resolve()
    expect(answered).toBe(false)
    cluster.clock.advance(1)
    await answer
  })

  it('failures are used up by the requests they match', async () => {
    const cluster = new TestCluster()
    cluster.cluster.faults.set({ failNext: [{ match: '/configmaps', status: 429, times: 2, retryAfterSeconds: 3 }] })
    const answers = [
      await cluster.ask('GET', MAPS),
      await cluster.ask('GET', '/version'),
      await cluster.ask('GET', MAPS),
      await cluster.ask('GET', MAPS),
    ]
    expect(answers.map(answer => answer.status)).toEqual([429, 200, 429, 200])
    expect(answers[0]?.headers['retry-after']).toBe('3')
  })

  it('a failure of status 0 breaks the connection', async () => {
    const cluster = new TestCluster()
    cluster.cluster.faults.set({ failNext: [{ status: 0, times: 1 }] })
    await expect(cluster.ask('GET', '/version')).rejects.toThrow(ClusterUnreachable)
    expect((await cluster.ask('GET', '/version')).status).toBe(200)
  })

  it('a partition answers nothing and cuts watches; afterwards everything is as it was', async () => {
    const cluster = new TestCluster()
    const next = await watch(cluster, `${MAPS}?watch=true&resourceVersion=${cluster.cluster.revision}`)
    cluster.cluster.faults.set({ partitioned: true })
    await expect(next()).rejects.toThrow(ClusterUnreachable)
    await expect(cluster.ask('GET', MAPS)).rejects.toThrow(ClusterUnreachable)
    cluster.cluster.faults.clear()
    expect((await cluster.ask('GET', MAPS)).status).toBe(200)
    expect(cluster.cluster.counters.openWatches).toBe(0)
  })

  it('a compacted history is 410 for watches and paged lists that resume from before', async () => {
    const cluster = new TestCluster()
    for (const name of ['a', 'b', 'c']) await cluster.apply(`${MAPS}/${name}`, configMap(name))
    const page = await cluster.ask('GET', `${MAPS}?limit=1`)
    const before = cluster.cluster.revision - 1
    cluster.cluster.faults.compactWatchHistory()
    await cluster.apply(`${MAPS}/d`, configMap('d'))
    expect(await (await watch(cluster, `${MAPS}?watch=true&resourceVersion=${before}`))()).toBe('ERROR 410')
    expect((await cluster.ask('GET', `${MAPS}?limit=1&continue=${at(page.body, 'metadata', 'continue')}`)).status).toBe(
      200,
    )
    cluster.cluster.faults.compactWatchHistory()
    expect((await cluster.ask('GET', `${MAPS}?limit=1&continue=${at(page.body, 'metadata', 'continue')}`)).status).toBe(
      410,
    )
  })

  it('denied verbs are 403 for anyone, in their namespace, and a review says so', async () => {
    const cluster = new TestCluster()
    cluster.cluster.faults.set({
      denied: [{ verbs: ['patch'], group: '', resource: 'configmaps', namespace: 'default' }],
    })
    const refused = await cluster.apply(`${MAPS}/a`, configMap('a'))
    expect(refused.status).toBe(403)
    expect(at(refused.body, 'message')).toContain(
      'User "admin" cannot patch resource "configmaps" in API group "" in the namespace "default"',
    )
    expect((await cluster.ask('POST', MAPS, configMap('a'))).status).toBe(201)
    const attributes = { verb: 'patch', group: '', resource: 'configmaps', namespace: 'default' }
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: attributes },
    }
    const answer = await cluster.ask('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review)
    expect(at(answer.body, 'status', 'allowed')).toBe(false)
  })
})

describe('what a test may look at', () => {
  it('logs writes with manager, dry run and status, and counts everything', async () => {
    const cluster = new TestCluster()
    await cluster.apply(`${MAPS}/a`, configMap('a'), 'one')
    await cluster.apply(`${MAPS}/a`, configMap('a', { k: '2' }), 'two', '&dryRun=All')
    await cluster.ask('GET', MAPS)
    expect(cluster.cluster.requests).toEqual([
      { verb: 'patch', path: `${MAPS}/a`, dryRun: false, fieldManager: 'one', status: 201 },
      { verb: 'patch', path: `${MAPS}/a`, dryRun: true, fieldManager: 'two', status: 409 },
    ])
    expect(cluster.cluster.counters.byVerb).toEqual({ patch: 2, list: 1 })
  })

  it('reads objects by key and lists all of them', async () => {
    const cluster = new TestCluster()
    await cluster.apply(`${MAPS}/a`, configMap('a'))
    expect(cluster.cluster.read({ group: '', kind: 'ConfigMap', namespace: 'default', name: 'a' })?.['data']).toEqual({
      k: '1',
    })
    expect(cluster.cluster.objects().some(object => object.kind === 'Namespace')).toBe(true)
  })

  it('is the same for the same seed, whatever is done to it', async () => {
    const run = async () => {
      const cluster = new TestCluster(7)
      await cluster.apply(`${DEPLOYMENTS}/a`, deployment({}, { replicas: 3 }))
      cluster.clock.advance(5_000)
      return JSON.stringify(cluster.cluster.objects())
    }
    expect(await run()).toBe(await run())
  })

  it('keeps the uid of kube-system that it was given', () => {
    expect(new TestCluster().cluster.uid).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('controllers on the clock', () => {
  it('a Deployment comes up when time passes, and not before', async () => {
    const cluster = new TestCluster()
    await cluster.apply(`${DEPLOYMENTS}/a`, deployment({}, { replicas: 2 }))
    expect(condition(await cluster.object(`${DEPLOYMENTS}/a`), 'Available')).toBeUndefined()
    cluster.clock.advance(1_000)
    const live = await cluster.object(`${DEPLOYMENTS}/a`)
    expect(condition(live, 'Available')).toBe('True MinimumReplicasAvailable')
    expect(at(live, 'status', 'readyReplicas')).toBe(2)
  })

  it('one that is never ready misses its deadline just then', async () => {
    const cluster = new TestCluster()
    await cluster.apply(`${DEPLOYMENTS}/a`, deployment({ 'sim/ready': 'never' }, { progressDeadlineSeconds: 60 }))
    cluster.clock.advance(58_000)
    expect(condition(await cluster.object(`${DEPLOYMENTS}/a`), 'Progressing')).toBe('True ReplicaSetUpdated')
    cluster.clock.advance(3_000)
    expect(condition(await cluster.object(`${DEPLOYMENTS}/a`), 'Progressing')).toBe('False ProgressDeadlineExceeded')
  })

  it('a Job runs for as long as it is told', async () => {
    const cluster = new TestCluster()
    await cluster.apply(`${JOBS}/a`, job({ 'sim/run-for': '1m30s' }))
    cluster.clock.advance(89_000)
    expect(at(await cluster.object(`${JOBS}/a`), 'status', 'active')).toBe(1)
    cluster.clock.advance(2_000)
    expect(condition(await cluster.object(`${JOBS}/a`), 'Complete')).toBe('True CompletionsReached')
  })

  it('a failing Job is tried again with growing pauses until its limit', async () => {
    const cluster = new TestCluster()
    await cluster.apply(`${JOBS}/a`, job({ 'sim/outcome': 'fail' }, { backoffLimit: 2 }))
    cluster.clock.advance(5_000)
    expect(at(await cluster.object(`${JOBS}/a`), 'status', 'failed')).toBe(1)
    cluster.clock.advance(10_000)
    expect(at(await cluster.object(`${JOBS}/a`), 'status', 'failed')).toBe(2)
    cluster.clock.advance(25_000)
    expect(condition(await cluster.object(`${JOBS}/a`), 'Failed')).toBe('True BackoffLimitExceeded')
  })

  it('a stopped cluster brings nothing about and still answers', async () => {
    const cluster = new TestCluster()
    cluster.cluster.stop()
    await cluster.apply(`${DEPLOYMENTS}/a`, deployment())
    cluster.clock.advance(60_000)
    expect(at(await cluster.object(`${DEPLOYMENTS}/a`), 'status', 'replicas')).toBeUndefined()
  })
})

describe('a watch', () => {
  it('sends bookmarks by the minute to those who asked', async () => {
    const cluster = new TestCluster()
    const next = await watch(
      cluster,
      `${MAPS}?watch=true&allowWatchBookmarks=true&resourceVersion=${cluster.cluster.revision}`,
    )
    cluster.clock.advance(61_000)
    expect(await next()).toMatch(/^(ADDED|BOOKMARK)/)
  })

  it('ends with the reason of its abort, even when no one reads it', async () => {
    const cluster = new TestCluster()
    cluster.clock.advance(1_000)
    const controller = new AbortController()
    const next = await watch(
      cluster,
      `${MAPS}?watch=true&resourceVersion=${cluster.cluster.revision}`,
      controller.signal,
    )
    expect(cluster.cluster.counters.openWatches).toBe(1)
    controller.abort(new Error('enough'))
    expect(cluster.cluster.counters.openWatches).toBe(0)
    await expect(next()).rejects.toThrow('enough')
  })

  it('ends with the transport that it was opened through', async () => {
    const cluster = new TestCluster()
    const next = await watch(cluster, `${MAPS}?watch=true&resourceVersion=${cluster.cluster.revision}`)
    await cluster.transport.close()
    await expect(next()).rejects.toThrow(ClusterUnreachable)
    await expect(cluster.ask('GET', '/version')).rejects.toThrow(ClusterUnreachable)
    expect(cluster.cluster.counters.openWatches).toBe(0)
  })

  it('is closed by its consumer leaving', async () => {
    const cluster = new TestCluster()
    const response = await cluster.transport.request({ method: 'GET', path: `${MAPS}?watch=true` })
    await cluster.apply(`${MAPS}/a`, configMap('a'))
    for await (const _ of response.body) break
    expect(cluster.cluster.counters.openWatches).toBe(0)
  })
})

describe('hostile input', () => {
  it.each([
    ['broken JSON', 'POST', MAPS, '{"a":', 400],
    ['no object', 'POST', MAPS, '[]', 400],
    ['a name that leaves its path', 'POST', MAPS, JSON.stringify(configMap('../x')), 422],
    ['a broken escape in the path', 'GET', `${MAPS}/%zz`, undefined, 400],
    ['a limit that is no number', 'GET', `${MAPS}?limit=many`, undefined, 400],
    ['a made-up continue token', 'GET', `${MAPS}?limit=1&continue=xyz`, undefined, 400],
    ['a selector that is none', 'GET', `${MAPS}?labelSelector=a%20in%20b`, undefined, 400],
    ['an unknown subresource', 'GET', `${MAPS}/a/status`, undefined, 404],
    ['a body of four megabytes', 'POST', MAPS, ' '.repeat(4 * 1024 * 1024), 413],
  ] as const)('%s', async (_, method, path, body, status) => {
    expect((await new TestCluster().ask(method, path, body)).status).toBe(status)
  })

  it('keys named __proto__ are data', async () => {
    const cluster = new TestCluster()
    const body =
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"__proto__":"x","constructor":"y"}}'
    expect((await cluster.ask('POST', MAPS, body)).status).toBe(201)
    const live = cluster.cluster.read({ group: '', kind: 'ConfigMap', namespace: 'default', name: 'a' })
    expect(Object.keys(live?.['data'] as object).sort()).toEqual(['__proto__', 'constructor'])
  })
})
