import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '@flotilla/core/json/json'
import { createClock } from '@flotilla/core/ports/create-clock'
import type { DecisionResourcesRequest } from '@flotilla/generators/inputs'
import { kubeconfigFor, serveOverHttp } from '@flotilla/sim/serve-over-http'
import { TestCluster } from '@flotilla/sim/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DecisionResources, type DecisionSource } from './decision-resources.ts'
import { ManagementCluster } from './management-cluster.ts'
import { DUCK_CRD } from './testing/duck-crd.ts'

const clock = createClock(globalThis)
const never = new AbortController().signal
const ask: DecisionResourcesRequest = {
  kind: 'decision-resources',
  configMapRef: 'ducks',
  project: 'shop',
  trust: { kind: 'all' },
}
const labelled = (labels: JsonObject): DecisionResourcesRequest => ({ ...ask, labelSelector: { matchLabels: labels } })

let folder = ''
const ending: (() => Promise<void>)[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-decisions-'))
})
afterAll(async () => {
  for (const end of ending.reverse()) await end()
  await rm(folder, { recursive: true, force: true })
})

/** A management cluster with three ducks, behind a token. */
async function managed(more: Partial<DecisionSource> = {}) {
  const test = new TestCluster()
  const put = async (path: string, object: JsonObject): Promise<void> => {
    const { status, body } = await test.apply(path, object)
    if (status > 299) throw new Error(`${path}: ${JSON.stringify(body)}`)
  }
  await put('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/ducks.mallard.io', DUCK_CRD)
  // Until the new kind is served.
  test.clock.advance(60_000)
  await put('/api/v1/namespaces/argocd', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } })
  const config = (name: string, data: JsonObject) =>
    put(`/api/v1/namespaces/argocd/configmaps/${name}`, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name },
      data,
    })
  const keys = { statusListKey: 'decisions', matchKey: 'clusterName' }
  await config('ducks', { apiVersion: 'mallard.io/v1', kind: 'ducks', ...keys })
  await config('geese', { apiVersion: 'mallard.io/v1', kind: 'geese', ...keys })
  await config('core', { apiVersion: 'v1', kind: 'secrets', ...keys })
  const duck = (name: string, labels: JsonObject, clusters: readonly string[] | undefined) =>
    put(`/apis/mallard.io/v1/namespaces/argocd/ducks/${name}`, {
      apiVersion: 'mallard.io/v1',
      kind: 'Duck',
      metadata: { name, labels },
      ...(clusters && { status: { decisions: clusters.map(clusterName => ({ clusterName })), other: 'x' } }),
    })
  await duck('quak', { kind: 'wild' }, ['eu-1', 'us-1'])
  await duck('alfred', { kind: 'wild', pond: 'a' }, ['ap-1'])
  await duck('young', { kind: 'tame' }, undefined)
  const tokens = { t0k3n: { name: 'hub', groups: ['system:masters'] } }
  const served = await serveOverHttp(test.cluster, { host: '127.0.0.1', port: 0, tokens })
  ending.push(() => served.close())
  const path = join(folder, `${served.url.replace(/\W/g, '')}.kubeconfig`)
  await writeFile(path, JSON.stringify(kubeconfigFor(served)))
  const cluster = new ManagementCluster({ kind: 'kubeconfig', path }, clock)
  return { duck, path, resources: new DecisionResources({ cluster, namespace: 'argocd', ...more }) }
}

const decided = (...clusters: readonly string[]) => ({
  status: { decisions: clusters.map(clusterName => ({ clusterName })) },
})

describe('decisions of a management cluster', () => {
  it('are read by name, by label and by expression, in the order of names, without what else a resource holds', async () => {
    const { resources, duck } = await managed()
    const found = { kind: 'decision-resources', matchKey: 'clusterName', statusListKey: 'decisions' }
    const answer = async (request: DecisionResourcesRequest) => await resources.ask(request, never)
    expect(await answer({ ...ask, name: 'quak' })).toEqual({ ...found, resources: [decided('eu-1', 'us-1')] })
    expect(await answer(labelled({ kind: 'wild' }))).toEqual({
      ...found,
      resources: [decided('ap-1'), decided('eu-1', 'us-1')],
    })
    expect(await answer(labelled({ kind: 'tame' }))).toEqual({ ...found, resources: [{ status: {} }] })
    const expressions = [
      { key: 'kind', operator: 'In', values: ['wild', 'tame'] },
      { key: 'pond', operator: 'DoesNotExist' },
      { key: 'kind', operator: 'NotIn', values: ['tame'] },
      { key: 'kind', operator: 'Exists' },
    ]
    expect(await answer({ ...ask, labelSelector: { matchExpressions: expressions } })).toEqual({
      ...found,
      resources: [decided('eu-1', 'us-1')],
    })
    expect(await answer({ ...ask, name: 'nobody' })).toEqual({ ...found, resources: [] })
    await duck('quak', { kind: 'wild' }, ['ap-1'])
    expect(await answer({ ...ask, name: 'quak' })).toEqual({ ...found, resources: [decided('ap-1')] })
  })

  it('are read to the last page', async () => {
    const { resources, duck } = await managed()
    for (let index = 0; index < 300; index++) await duck(`d${index}`, { kind: 'many' }, [`c${index}`])
    const answer = await resources.ask(labelled({ kind: 'many' }), never)
    expect(answer.kind === 'decision-resources' ? answer.resources.length : answer).toBe(300)
  })

  const refused: { readonly [sentence: string]: readonly [Partial<DecisionResourcesRequest>, string | RegExp] } = {
    'a ConfigMap that is not there': [
      { configMapRef: 'none', name: 'x' },
      'error reading configMapRef: configmaps "none" not found',
    ],
    'a ConfigMap that leads elsewhere': [{ configMapRef: '../secrets/x', name: 'x' }, /is not the name of a ConfigMap/],
    'a kind of the core': [
      { configMapRef: 'core', name: 'x' },
      'there is a problem with the apiVersion, kind or resourceName provided',
    ],
    'a kind that the cluster does not have': [
      { configMapRef: 'geese', name: 'x' },
      /^failed to get dynamic resources: /,
    ],
    'a name that is none': [{ name: 'a,metadata.namespace=b' }, /is not the name of a resource/],
  }
  for (const [sentence, [request, message]] of Object.entries(refused)) {
    it(`are an error: ${sentence}`, async () => {
      const { resources } = await managed()
      await expect(resources.ask({ ...ask, ...request }, never)).rejects.toThrow(message)
    })
  }

  it('are for the projects that hub.yaml names, and others learn no more than without a cluster', async () => {
    const { resources } = await managed({ projects: ['shop'] })
    const trust = { kind: 'projects', projects: ['shop', 'web'] } as const
    const none = new DecisionResources(undefined)
    const message = 'error reading configMapRef: the hub has no management cluster for this set'
    expect(await resources.ask({ ...ask, trust, name: 'quak' }, never)).toMatchObject({ kind: 'decision-resources' })
    await expect(resources.ask({ ...ask, trust, project: 'web', name: 'quak' }, never)).rejects.toThrow(message)
    await expect(none.ask({ ...ask, name: 'quak' }, never)).rejects.toThrow(message)
    const { resources: unlimited } = await managed()
    await expect(unlimited.ask({ ...ask, trust, name: 'quak' }, never)).rejects.toThrow(message)
  })

  it('are asked with the kubeconfig as it is now: a mended token needs no restart', async () => {
    const { resources, path } = await managed()
    const good = await readFile(path, 'utf8')
    await writeFile(path, good.replace('t0k3n', 'stale'))
    await expect(resources.ask({ ...ask, name: 'quak' }, never)).rejects.toMatchObject({ code: 'HOST_REFUSED' })
    await writeFile(path, good)
    expect(await resources.ask({ ...ask, name: 'quak' }, never)).toMatchObject({ kind: 'decision-resources' })
  })

  it('a kubeconfig that is missing or broken is an error with its path', async () => {
    const absent = new ManagementCluster({ kind: 'kubeconfig', path: '/nowhere/config' }, clock)
    await expect(absent.get('/version', never)).rejects.toThrow('/nowhere/config')
    const path = join(folder, 'broken')
    await writeFile(path, 'clusters: [')
    const broken = new ManagementCluster({ kind: 'kubeconfig', path }, clock)
    await expect(broken.get('/version', never)).rejects.toMatchObject({ code: 'HOST_CONFIG_INVALID' })
  })
})

/** A cluster that answers as it is told to. */
async function served(listener: RequestListener): Promise<ManagementCluster> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  ending.push(
    () =>
      new Promise(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  )
  const { port } = server.address() as AddressInfo
  const path = join(folder, `${port}.kubeconfig`)
  await writeFile(path, JSON.stringify(kubeconfigFor({ name: 'x', url: `http://127.0.0.1:${port}`, token: 't' })))
  return new ManagementCluster({ kind: 'kubeconfig', path }, clock)
}

describe('a cluster that misbehaves', () => {
  const SETTINGS = { data: { apiVersion: 'mallard.io/v1', kind: 'ducks', matchKey: 'clusterName' } }

  it('a list that expires half way is begun again, and never taken for half', async () => {
    let expired = false
    const cluster = await served((request, response) => {
      const url = new URL(request.url ?? '', 'http://x')
      if (url.pathname.includes('configmaps')) return void response.end(JSON.stringify(SETTINGS))
      const token = url.searchParams.get('continue')
      if (token !== null && !expired) {
        expired = true
        response.writeHead(410)
        return void response.end(JSON.stringify({ code: 410, message: 'expired' }))
      }
      const item = { metadata: { name: token ?? 'a' }, status: { clusters: [token ?? 'a'] } }
      response.end(JSON.stringify({ metadata: { continue: token === null ? 'b' : '' }, items: [item] }))
    })
    const resources = new DecisionResources({ cluster, namespace: 'argocd' })
    const answer = await resources.ask({ ...ask, name: 'x' }, never)
    expect(answer).toMatchObject({ resources: [{ status: { clusters: ['a'] } }, { status: { clusters: ['b'] } }] })
    expect(expired).toBe(true)
  })

  it('one that lists without end is stopped', async () => {
    const item = { metadata: { name: 'a' }, status: {} }
    const cluster = await served((request, response) => {
      if (request.url?.includes('configmaps')) return void response.end(JSON.stringify(SETTINGS))
      response.end(JSON.stringify({ metadata: { continue: 'more' }, items: Array.from({ length: 2000 }, () => item) }))
    })
    const resources = new DecisionResources({ cluster, namespace: 'argocd' })
    await expect(resources.ask({ ...ask, name: 'x' }, never)).rejects.toMatchObject({ code: 'HOST_ANSWER_TOO_LARGE' })
  })

  it('an answer without end is not read to its end', async () => {
    const cluster = await served((_request, response) => {
      const chunk = Buffer.alloc(1024 * 1024, 32)
      const more = (): void => {
        if (!response.destroyed) response.write(chunk, more)
      }
      more()
    })
    await expect(cluster.get('/x', never)).rejects.toMatchObject({ code: 'HOST_ANSWER_TOO_LARGE' })
  })

  it('one that is silent is given up when the hub stops, and HTML is no answer', async () => {
    const stopping = new AbortController()
    const silent = await served(() => stopping.abort(new Error('stopping')))
    await expect(silent.get('/x', stopping.signal)).rejects.toThrow('stopping')
    const html = await served((_request, response) => void response.end('<html>'))
    await expect(html.get('/x', never)).rejects.toMatchObject({ code: 'HOST_ANSWER_INVALID' })
    const gone = await served((_request, response) => response.destroy())
    await expect(gone.get('/x', never)).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
  })

  it('one that lists nothing but cursors is stopped', async () => {
    let asked = 0
    const cluster = await served((request, response) => {
      if (request.url?.includes('configmaps')) return void response.end(JSON.stringify(SETTINGS))
      asked++
      response.end(JSON.stringify({ metadata: { continue: `c${asked}` }, items: [] }))
    })
    const resources = new DecisionResources({ cluster, namespace: 'argocd' })
    await expect(resources.ask({ ...ask, name: 'x' }, never)).rejects.toMatchObject({ code: 'HOST_ANSWER_TOO_LARGE' })
    expect(asked).toBeLessThan(200)
  })
})
