import { createHmac } from 'node:crypto'
import * as fs from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { JsonObject } from '@flotilla/core/json/json'
import { createClock } from '@flotilla/core/ports/create-clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { kubeconfigFor, serveOverHttp } from '@flotilla/sim/serve-over-http'
import { TestCluster } from '@flotilla/sim/testing'
import * as git from 'isomorphic-git'
import { afterEach, expect, it } from 'vitest'
import { DUCK_CRD } from './hosts/testing/duck-crd.ts'
import { githubRoutes } from './hosts/testing/github-server.ts'
import { type HostContent, serveHost } from './hosts/testing/host-server.ts'
import { type RunningHub, startHub } from './start-hub.ts'
import { silentLog } from './store/test-store.ts'

/*
 * The hub as a process, with real services over sockets: what they say becomes Applications, and a webhook makes it look.
 */

const ending: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

const CLUSTERS = ['eu-1', 'us-1'].map(name => ({
  apiVersion: 'flotilla.dev/v1alpha1',
  kind: 'Cluster',
  metadata: { name },
  spec: { environment: 'prod' },
}))
const PROJECT = {
  apiVersion: 'flotilla.dev/v1alpha1',
  kind: 'Project',
  metadata: { name: 'shop' },
  spec: { sourceRepos: ['*'], destinations: [{ name: '*', namespace: '*' }] },
}

function setOf(name: string, generator: JsonObject, parameter: string): JsonObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name },
    spec: {
      generators: [generator],
      template: {
        metadata: { name: `${name}-{{${parameter}}}` },
        spec: {
          project: 'shop',
          source: { repoURL: 'https://git.invalid/x.git', path: 'x', targetRevision: 'main' },
          destination: { name: 'eu-1', namespace: 'x' },
        },
      },
    },
  }
}

async function repositoryWith(folder: string, sets: readonly JsonObject[]): Promise<string> {
  await git.init({ fs, dir: folder, defaultBranch: 'main' })
  const documents = [...CLUSTERS, PROJECT, ...sets].map(document => JSON.stringify(document))
  for (const [index, text] of documents.entries()) {
    const filepath = `fleet/${index}.yaml`
    await mkdir(dirname(join(folder, filepath)), { recursive: true })
    await writeFile(join(folder, filepath), text)
    await git.add({ fs, dir: folder, filepath })
  }
  await git.commit({ fs, dir: folder, message: 'Fleet', author: { name: 'a', email: 'a@flotilla.invalid' } })
  return pathToFileURL(folder).href
}

/** A portal that answers with one parameter set for each of these teams. */
async function portal(teams: () => readonly string[]) {
  const tokens: (string | undefined)[] = []
  const server = createServer((request, response) => {
    tokens.push(request.headers.authorization)
    response.end(JSON.stringify({ output: { parameters: teams().map(team => ({ team })) } }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  ending.push(
    () =>
      new Promise(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  )
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, tokens }
}

async function managementCluster(folder: string): Promise<string> {
  const test = new TestCluster()
  const apply = async (path: string, object: JsonObject): Promise<void> => {
    const { status } = await test.apply(path, object)
    expect(status).toBeLessThan(300)
  }
  await apply('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/ducks.mallard.io', DUCK_CRD)
  test.clock.advance(60_000)
  await apply('/api/v1/namespaces/argocd', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } })
  await apply('/api/v1/namespaces/argocd/configmaps/ducks', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'ducks' },
    data: { apiVersion: 'mallard.io/v1', kind: 'ducks', statusListKey: 'decisions', matchKey: 'clusterName' },
  })
  await apply('/apis/mallard.io/v1/namespaces/argocd/ducks/quak', {
    apiVersion: 'mallard.io/v1',
    kind: 'Duck',
    metadata: { name: 'quak' },
    status: { decisions: [{ clusterName: 'us-1' }, { clusterName: 'nobody' }] },
  })
  const served = await serveOverHttp(test.cluster, { host: '127.0.0.1', port: 0 })
  ending.push(() => served.close())
  const path = join(folder, 'management.kubeconfig')
  await writeFile(path, JSON.stringify(kubeconfigFor(served)))
  return path
}

/** The test's own limit ends this when it never comes. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => setTimeout(resolve, 10))
}

const names = ({ hub }: RunningHub): readonly string[] =>
  [...hub.loop.world.applications()]
    .filter(({ state }) => state === 'active')
    .map(({ name }) => name)
    .sort()

it('plugins, decisions and pull requests become Applications, and webhooks make the hub look', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-services-'))
  ending.push(() => rm(folder, { recursive: true, force: true }))
  const teams = ['search']
  const pulls: HostContent['pulls'][string][number][] = []
  const pull = (number: number) =>
    pulls.push({
      ...{ number, title: `Change ${number}`, branch: `b${number}`, target: 'main', sha: 'a'.repeat(40) },
      ...{ author: 'ada', labels: [], files: [] },
    })
  pull(1)
  const content = (): HostContent => ({
    organization: 'acme',
    repositories: [{ id: 1, name: 'shop', defaultBranch: 'main', labels: [], branches: [] }],
    pulls: { shop: pulls },
  })
  const github = await serveHost(githubRoutes(content))
  ending.push(() => github.close())
  const { url, tokens } = await portal(() => teams)
  const repository = await repositoryWith(join(folder, 'fleet'), [
    setOf('team', { plugin: { configMapRef: { name: 'portal' } } }, 'team'),
    setOf('duck', { clusterDecisionResource: { configMapRef: 'ducks', name: 'quak' } }, 'name'),
    setOf('pull', { pullRequest: { github: { owner: 'acme', repo: 'shop', api: github.url } } }, 'number'),
  ])
  const running = await startHub(
    {
      dataDirectory: join(folder, 'data'),
      listen: { host: '127.0.0.1', port: 0 },
      version: '0.0.0',
      configSources: [{ name: 'fleet', repository, revision: 'main', path: 'fleet', trust: { kind: 'all' } }],
      webhookSecret: 'swordfish',
      hosts: { enabled: true, allowedProviders: [github.url], secrets: [] },
      plugins: [{ name: 'portal', baseUrl: url, token: 't0k3n', requestTimeoutMs: 5_000 }],
      managementCluster: { kubeconfig: await managementCluster(folder), namespace: 'argocd' },
    },
    { clock: createClock(globalThis), random: seededRandom(1), log: silentLog },
  )
  ending.push(() => running.stop())
  const post = async (path: string, headers: Record<string, string>, body: JsonObject): Promise<number> =>
    (
      await fetch(`${running.url}/api/v1/webhooks/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
    ).status

  await until(() => names(running).length === 3)
  expect(names(running)).toEqual(['duck-us-1', 'pull-1', 'team-search'])
  expect(new Set(tokens)).toEqual(new Set(['Bearer t0k3n']))

  // Nobody looks again by itself for half an hour; strangers cannot make it.
  teams.push('checkout')
  pull(2)
  expect(await post('generic', {}, { plugins: ['portal'] })).toBe(401)
  expect(await post('generic', { 'x-flotilla-token': 'swordfish' }, { plugins: ['portal'] })).toBe(202)
  await until(() => names(running).includes('team-checkout'))
  expect(names(running)).toEqual(['duck-us-1', 'pull-1', 'team-checkout', 'team-search'])

  const { hostname } = new URL(github.url)
  const hook = {
    action: 'edited',
    number: 2,
    repository: { name: 'shop', owner: { login: 'acme' }, html_url: `http://${hostname}/acme/shop` },
  }
  const signature = createHmac('sha256', 'swordfish').update(JSON.stringify(hook)).digest('hex')
  const headers = { 'x-github-event': 'pull_request', 'x-hub-signature-256': `sha256=${signature}` }
  const asked = tokens.length
  expect(await post('github', headers, hook)).toBe(202)
  await until(() => names(running).includes('pull-2'))
  // The plugin had nothing to do with it.
  expect(tokens).toHaveLength(asked)
})
