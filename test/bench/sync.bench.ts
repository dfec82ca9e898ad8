import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CONCURRENT_WRITES } from '@flotilla/agents/apply'
import { createNodeClusterTransport } from '@flotilla/agents/kubernetes/node-cluster-transport'
import { startControlPlane } from '@flotilla/controlplane'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { createClock } from '@flotilla/core/ports/create-clock'
import { FixtureRepository } from '@flotilla/hub/source/git/testing/fixture-repository'
import { HttpGitServer } from '@flotilla/hub/source/git/testing/http-git-server'
import type { Benchmark } from './figure.ts'
import { AgentProcess } from './parts/agent-process.ts'
import { HubChild } from './parts/hub-child.ts'
import { mixedObjects, pathOf } from './parts/mixed-objects.ts'

const OBJECTS = 1_000
/** How often the large Application is measured; the median counts. */
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
const APPLICATIONS = 50
const SETTLE_MS = 240_000
const IDLE_MS = 20_000
const ROOT = join(import.meta.dirname, '../..')
const run_ = promisify(execFile)

/**
 * What the sync engine's figures are about: 400 ConfigMaps, 200 Secrets, 200 Services, 100 Deployments, 50 Roles and 50
 * RoleBindings from the Offer to the report that they are Synced, by the bundled agent on a real control plane. Beside it,
 * in the same run and with the same concurrency, the requests alone. Then the same number in 50 Applications, held idle.
 */
export const run: Benchmark = async () => {
  await run_(process.execPath, [join(ROOT, 'scripts/build-agent.mjs')])
  const plane = await startControlPlane({ components: 'apiserver', audit: 'none' })
  const fixture = await FixtureRepository.make()
  const server = await HttpGitServer.start({ root: fixture.root })
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-bench-sync-'))
  const repository = server.url('fleet.git')
  const kubeconfig = { kind: 'kubeconfig', path: plane.kubeconfigPath } as const
  const transport = createNodeClusterTransport(kubeconfig, createClock(globalThis))
  const opened: { stop(): Promise<void> }[] = []
  try {
    await fixture.commit({ files: { 'fleet/fleet.yaml': declarations(repository), 'apps/README.md': 'empty' } })
    const hub = await HubChild.start({ directory: join(directory, 'hub'), repository })
    opened.push(hub)
    const agent = new AgentProcess(plane, await hub.joinToken('eu-1'), join(directory, 'agent'))
    opened.unshift(agent)
    await agent.said('agent started')
    const [rawNew, ownNew, rawChange, ownChange]: number[][] = [[], [], [], []]
    for (let round = 1; round <= ROUNDS; round++) {
      const [first, second] = [mixedObjects(OBJECTS, 'one'), mixedObjects(OBJECTS, 'two')]
      const file = `apps/app-${round}/objects.yaml`
      rawNew!.push(await raw(transport, `raw-${round}`, first, false))
      await fixture.commit({ files: { [file]: yamlOf(first) } })
      ownNew!.push(await syncedMs(hub, agent, repository, round))
      rawChange!.push(await raw(transport, `raw-${round}`, second, true))
      await fixture.commit({ files: { [file]: yamlOf(second) } })
      ownChange!.push(await syncedMs(hub, agent, repository, round))
    }
    const before = await writes(transport)
    const nothing: number[] = []
    for (let round = 0; round < 5; round++) nothing.push(await syncedByHandMs(hub, 'app-1'))
    const written = (await writes(transport)) - before
    const many = Object.fromEntries(
      Array.from({ length: APPLICATIONS }, (_, index) => [
        `many/many-${index}/objects.yaml`,
        yamlOf(mixedObjects(OBJECTS / APPLICATIONS, 'one')),
      ]),
    )
    await fixture.commit({ files: many })
    const holder = new AgentProcess(plane, await hub.joinToken('eu-2'), join(directory, 'holder'))
    opened.unshift(holder)
    await hub.webhook(repository)
    await settled(hub, ROUNDS + APPLICATIONS)
    await agent.stop()
    const peak = await holder.peakRssMiB()
    await new Promise(resolve => setTimeout(resolve, IDLE_MS))
    const cpu = await holder.cpuMs()
    await new Promise(resolve => setTimeout(resolve, IDLE_MS))
    const idle = ((await holder.cpuMs()) - cpu) / IDLE_MS
    const concurrency = `${CONCURRENT_WRITES} at a time`
    return [
      {
        figure: `${OBJECTS} mixed objects, new: from the look at the Offer to the hub's Synced`,
        ...{ unit: 'ms', value: median(ownNew!), baseline: median(rawNew!) },
        ...{ baselineOf: `one server-side apply each, ${concurrency}`, target: '≤ 1.3 ×' },
      },
      {
        figure: `${OBJECTS} mixed objects, all changed`,
        ...{ unit: 'ms', value: median(ownChange!), baseline: median(rawChange!) },
        ...{ baselineOf: `one dry run and one server-side apply each, ${concurrency}`, target: '≤ 1.3 ×' },
      },
      {
        figure: `${OBJECTS} mixed objects, nothing to do: a sync by hand, from its asking to its end`,
        ...{ unit: 'ms', value: median(nothing), target: '< 300' },
      },
      { figure: 'writes to the cluster of five such syncs, records included', unit: 'requests', value: written },
      {
        figure: `peak RSS of the agent, ${OBJECTS} objects in ${APPLICATIONS} Applications`,
        ...{ unit: 'MiB', value: peak, target: '< 110' },
      },
      {
        figure: `RSS of the agent holding them, ${(2 * IDLE_MS) / 1_000} s later`,
        ...{ unit: 'MiB', value: await holder.rssMiB(), target: '< 80' },
      },
      {
        figure: `processor time while it holds them, over ${IDLE_MS / 1_000} s`,
        ...{ unit: '% of a core', value: Math.round(idle * 10_000) / 100, target: '< 0.5' },
      },
    ]
  } finally {
    for (const each of opened) await each.stop()
    await transport.close()
    await server.close()
    await fixture.remove()
    await plane.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

/** From the agent's first look at the Application until the hub has its report. */
async function syncedMs(hub: HubChild, agent: AgentProcess, repository: string, applications: number): Promise<number> {
  agent.forget()
  await hub.webhook(repository)
  const startedAt = await agent.said('looking at an application')
  await settled(hub, applications)
  return Date.now() - startedAt
}

/** Nothing here makes Deployments healthy, and nothing has to: what was applied is what counts. */
async function settled(hub: HubChild, applications: number): Promise<void> {
  const deadline = performance.now() + SETTLE_MS
  for (;;) {
    const { total } = (await hub.ask('GET', '/api/v1/applications?sync=Synced&limit=1')) as { readonly total: number }
    if (total === applications) return
    if (performance.now() > deadline) throw new Error(`${total} of ${applications} are Synced`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

async function syncedByHandMs(hub: HubChild, name: string): Promise<number> {
  const started = performance.now()
  const headers = { authorization: `Bearer ${hub.token}`, 'content-type': 'application/json' }
  const asked = await fetch(`${hub.url}/api/v1/applications/${name}/sync`, { method: 'POST', headers, body: '{}' })
  const { id } = (await asked.json()) as { readonly id?: string }
  if (id === undefined) throw new Error(`the sync was refused: ${asked.status}`)
  for (;;) {
    const found = await fetch(`${hub.url}/api/v1/operations/${id}`, { headers })
    const { state, message } = (await found.json()) as { readonly state: string; readonly message: string }
    if (state === 'succeeded') return performance.now() - started
    if (state !== 'waiting' && state !== 'running') throw new Error(`${state}: ${message}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** The least that it can take: the same bodies, nothing read, nothing parsed, kind by kind as they depend on each other. */
async function raw(
  transport: ClusterTransport,
  namespace: string,
  objects: readonly KubernetesObject[],
  again: boolean,
): Promise<number> {
  if (!again) {
    await send(transport, 'POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    })
  }
  const started = performance.now()
  let next = 0
  const worker = async (): Promise<void> => {
    for (let object = objects[next++]; object !== undefined; object = objects[next++]) {
      const labels = { ...object.metadata.labels, 'flotilla.dev/application': '0199c2f0-0000-7000-8000-000000000001' }
      const mark = `0199c2f0-0000-7000-8000-000000000001:/${object.kind}:${namespace}/${object.metadata.name}`
      const metadata = { ...object.metadata, namespace, labels, annotations: { 'flotilla.dev/tracking-id': mark } }
      const path = `${pathOf(object, namespace)}?fieldManager=flotilla&force=true`
      if (again) await send(transport, 'PATCH', `${path}&dryRun=All`, { ...object, metadata })
      await send(transport, 'PATCH', path, { ...object, metadata })
    }
  }
  await Promise.all(Array.from({ length: CONCURRENT_WRITES }, worker))
  return performance.now() - started
}

async function send(transport: ClusterTransport, method: 'POST' | 'PATCH', path: string, body: object): Promise<void> {
  const contentType = method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json'
  const headers = { 'content-type': contentType, accept: 'application/json' }
  const response = await transport.request({ method, path, headers, body: JSON.stringify(body) })
  for await (const _chunk of response.body) {
    // Read, not kept.
  }
  if (response.status >= 300) throw new Error(`${method} ${path}: ${response.status}`)
}

/** Requests that the API server says have changed something, by its own count; Leases are everybody's heartbeat. */
async function writes(transport: ClusterTransport): Promise<number> {
  const response = await transport.request({ method: 'GET', path: '/metrics', headers: {} })
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body) text += decoder.decode(chunk, { stream: true })
  let total = 0
  for (const line of text.split('\n')) {
    if (!line.startsWith('apiserver_request_total{') || line.includes('resource="leases"')) continue
    if (line.includes('dry_run=""') && /verb="(POST|PUT|PATCH|APPLY|DELETE)"/.test(line))
      total += Number(line.split(' ').at(-1))
  }
  return total
}

function yamlOf(objects: readonly KubernetesObject[]): string {
  return objects.map(object => JSON.stringify(object)).join('\n---\n')
}

function declarations(repository: string): string {
  const set = (name: string, path: string, cluster: string) => `---
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: ${name}}
spec:
  generators:
  - git: {repoURL: '${repository}', revision: main, directories: [{path: ${path}/*}]}
  template:
    metadata: {name: '{{path.basename}}'}
    spec:
      project: bench
      source: {repoURL: '${repository}', targetRevision: main, path: '{{path}}'}
      destination: {name: ${cluster}, namespace: '{{path.basename}}'}
      syncPolicy: {automated: {prune: true, selfHeal: true}, syncOptions: [CreateNamespace=true]}
`
  return `apiVersion: flotilla.dev/v1alpha1
kind: Cluster
metadata: {name: eu-1, labels: {env: prod}}
---
apiVersion: flotilla.dev/v1alpha1
kind: Cluster
metadata: {name: eu-2, labels: {env: prod}}
---
apiVersion: flotilla.dev/v1alpha1
kind: Project
metadata: {name: bench}
spec:
  sourceRepos: ['*']
  destinations: [{name: '*', namespace: '*'}]
${set('apps', 'apps', 'eu-1')}${set('many', 'many', 'eu-2')}`
}

function median(values: readonly number[]): number {
  return Math.round([...values].sort((a, b) => a - b)[values.length >> 1] ?? 0)
}
