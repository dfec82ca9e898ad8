import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CONCURRENT_WRITES } from '@flotilla/agents/apply'
import { createNodeClusterTransport } from '@flotilla/agents/kubernetes/node-cluster-transport'
import { startControlPlane } from '@flotilla/controlplane'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { createClock } from '@flotilla/core/ports/create-clock'
import { FixtureRepository } from '@flotilla/hub/source/git/testing/fixture-repository'
import { HttpGitServer } from '@flotilla/hub/source/git/testing/http-git-server'
import type { Benchmark, Figure } from './figure.ts'
import { AGENT_FLAGS, AgentProcess, buildAgent } from './parts/agent-process.ts'
import { foldersOfOneCluster } from './parts/declarations.ts'
import { HubChild } from './parts/hub-child.ts'
import { mixedObjects } from './parts/mixed-objects.ts'
import { rawWrites } from './parts/raw-writes.ts'
import { requestCounts, requestsOf, since, writesOf } from './parts/request-counts.ts'

const OBJECTS = 1_000
/** How often the large Application is measured; the median counts. */
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
const PARTS = (process.env['BENCH_PARTS'] ?? 'writes,held').split(',')
const BY_HAND = 5
const APPLICATIONS = 50
const SETTLE_MS = 90_000
/** Until what the syncs left behind is collected, and their records are swept. */
const QUIET_MS = 20_000
const IDLE_MS = 60_000

interface Stage {
  readonly hub: HubChild
  readonly agent: AgentProcess
  readonly fixture: FixtureRepository
  readonly repository: string
  /** For the baselines and the API server's own counts. */
  readonly transport: ClusterTransport
}

/**
 * What the sync engine's figures are about: 400 ConfigMaps, 200 Secrets, 200 Services, 100 Deployments, 50 Roles and 50
 * RoleBindings from the Offer to the report that they are Synced, by the bundled agent on a real control plane. Beside it,
 * in the same run and with the same concurrency, the requests alone. Then, in a cluster of its own, the same number in 50
 * Applications, held idle.
 */
export const run: Benchmark = async () => {
  await buildAgent()
  return [
    ...(PARTS.includes('writes') ? await onStage(writes) : []),
    ...(PARTS.includes('held') ? await onStage(held) : []),
  ]
}

async function onStage(measure: (stage: Stage) => Promise<readonly Figure[]>): Promise<readonly Figure[]> {
  const plane = await startControlPlane({ components: 'apiserver', audit: 'none' })
  const fixture = await FixtureRepository.make()
  const server = await HttpGitServer.start({ root: fixture.root })
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-bench-sync-'))
  const repository = server.url('fleet.git')
  const kubeconfig = { kind: 'kubeconfig', path: plane.kubeconfigPath } as const
  const transport = createNodeClusterTransport(kubeconfig, createClock(globalThis))
  const opened: { stop(): Promise<void> }[] = []
  try {
    await fixture.commit({
      files: { 'fleet/fleet.yaml': foldersOfOneCluster(repository, 'eu-1'), 'apps/README.md': 'empty' },
    })
    const hub = await HubChild.start({ directory: join(directory, 'hub'), repository })
    opened.push(hub)
    const agent = new AgentProcess(plane, await hub.joinToken('eu-1'), join(directory, 'agent'))
    opened.unshift(agent)
    await agent.said('agent started')
    return await measure({ hub, agent, fixture, repository, transport })
  } finally {
    for (const each of opened) await each.stop()
    await transport.close()
    await server.close()
    await fixture.remove()
    await plane.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

/** One large Application: made, changed, left alone. */
async function writes({ hub, agent, fixture, repository, transport }: Stage): Promise<readonly Figure[]> {
  const [rawNew, ownNew, rawChange, ownChange, overNew, overChange]: number[][] = [[], [], [], [], [], []]
  const [cpuNew, cpuChange]: number[][] = [[], []]
  for (let round = 1; round <= ROUNDS; round++) {
    const file = `apps/app-${round}/objects.yaml`
    const sync = async (objects: readonly KubernetesObject[], over: number[], cpu: number[], requests: number) => {
      const before = await requestCounts(transport)
      const cpuBefore = await agent.cpuMs()
      await fixture.commit({ files: { [file]: yamlOf(objects) } })
      const elapsed = await syncedMs(hub, agent, repository, `app-${round}`)
      cpu.push((await agent.cpuMs()) - cpuBefore)
      const counts = since(before, await requestCounts(transport))
      over.push(requestsOf(counts) - requests)
      if (process.env['BENCH_REQUESTS']) console.error(Object.fromEntries([...counts].sort()))
      return elapsed
    }
    const [first, second] = [mixedObjects(OBJECTS, 'one'), mixedObjects(OBJECTS, 'two')]
    const concurrency = CONCURRENT_WRITES
    rawNew!.push(await rawWrites(transport, `raw-${round}`, first, { again: false, concurrency }))
    ownNew!.push(await sync(first, overNew!, cpuNew!, OBJECTS))
    rawChange!.push(await rawWrites(transport, `raw-${round}`, second, { again: true, concurrency }))
    ownChange!.push(await sync(second, overChange!, cpuChange!, 2 * OBJECTS))
  }
  const before = await requestCounts(transport)
  const nothing: number[] = []
  for (let round = 0; round < BY_HAND; round++) nothing.push(await syncedByHandMs(hub, 'app-1'))
  const counts = since(before, await requestCounts(transport))
  if (process.env['BENCH_REQUESTS']) console.error(Object.fromEntries([...counts].sort()))
  const concurrency = `${CONCURRENT_WRITES} at a time`
  return [
    {
      figure: `${OBJECTS} mixed objects, new: from the look at the Offer to the hub's Synced`,
      ...{ unit: 'ms', value: median(ownNew!), baseline: median(rawNew!) },
      ...{ baselineOf: `one server-side apply each, ${concurrency}`, target: '≤ 1.3 ×' },
    },
    { figure: "of it the agent's processor time", unit: 'ms', value: median(cpuNew!) },
    { figure: 'its requests beyond one for each object', unit: 'requests', value: median(overNew!) },
    {
      figure: `${OBJECTS} mixed objects, all changed`,
      ...{ unit: 'ms', value: median(ownChange!), baseline: median(rawChange!) },
      ...{ baselineOf: `one dry run and one server-side apply each, ${concurrency}`, target: '≤ 1.3 ×' },
    },
    { figure: "of it the agent's processor time", unit: 'ms', value: median(cpuChange!) },
    { figure: 'its requests beyond two for each object', unit: 'requests', value: median(overChange!) },
    {
      figure: `${OBJECTS} mixed objects, nothing to do: a sync by hand, from its asking to its end`,
      ...{ unit: 'ms', value: median(nothing), target: '< 300' },
    },
    {
      figure: 'of which each writes to the cluster: the record of the operation',
      ...{ unit: 'requests', value: writesOf(counts) / BY_HAND },
    },
    {
      figure: `peak RSS of the agent in this, ${ROUNDS * OBJECTS} objects in ${ROUNDS} Applications`,
      ...{ unit: 'MiB', value: await agent.peakRssMiB() },
    },
  ]
}

/** As many objects in many Applications, and then nothing. */
async function held({ hub, agent, fixture, repository, transport }: Stage): Promise<readonly Figure[]> {
  const objects = yamlOf(mixedObjects(OBJECTS / APPLICATIONS, 'one'))
  const files = Array.from({ length: APPLICATIONS }, (_, index) => [`apps/many-${index}/objects.yaml`, objects])
  await fixture.commit({ files: Object.fromEntries(files) })
  await hub.webhook(repository)
  await settled(hub, APPLICATIONS)
  const peak = await agent.peakRssMiB()
  await new Promise(resolve => setTimeout(resolve, QUIET_MS))
  const [cpu, before] = [await agent.cpuMs(), await requestCounts(transport)]
  await new Promise(resolve => setTimeout(resolve, IDLE_MS))
  const idle = ((await agent.cpuMs()) - cpu) / IDLE_MS
  const counts = since(before, await requestCounts(transport))
  const inAll = `${OBJECTS} objects in ${APPLICATIONS} Applications, node ${AGENT_FLAGS.join(' ')}`
  return [
    { figure: `peak RSS of the agent, ${inAll}`, unit: 'MiB', value: peak, target: '< 110' },
    {
      figure: `RSS of the agent that holds them, ${(QUIET_MS + IDLE_MS) / 1_000} s later`,
      ...{ unit: 'MB', value: await agent.rssMb(), target: '< 80' },
    },
    {
      figure: `its processor time, over ${IDLE_MS / 1_000} s`,
      ...{ unit: '% of a core', value: Math.round(idle * 10_000) / 100, target: '< 0.5' },
    },
    { figure: 'its writes to the cluster meanwhile, without the Lease', unit: 'requests', value: writesOf(counts) },
  ]
}

/** From the agent's first look at the Application until the hub has the report of an operation that is over. */
async function syncedMs(hub: HubChild, agent: AgentProcess, repository: string, name: string): Promise<number> {
  agent.forget()
  const before = await seenOf(hub, name)
  await hub.webhook(repository)
  const startedAt = await agent.said('looking at an application', name)
  // Who asks all the time is in the way of what is measured.
  await agent.ended(name)
  const deadline = performance.now() + SETTLE_MS
  for (;;) {
    const now = await seenOf(hub, name)
    if (now.operation !== before.operation && now.over && now.sync === 'Synced') return Date.now() - startedAt
    if (performance.now() > deadline) throw new Error(`${name} is not Synced: ${JSON.stringify(now)}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

interface Seen {
  readonly sync: string
  /** Id of the operation that it speaks of; empty: none. */
  readonly operation: string
  readonly over: boolean
}

async function seenOf(hub: HubChild, name: string): Promise<Seen> {
  const list = (await hub.ask('GET', `/api/v1/applications?namespace=${name}&limit=1`)) as {
    readonly items: readonly {
      readonly sync: { readonly status: string }
      readonly operation: { readonly id: string; readonly finishedAt: string | null } | null
    }[]
  }
  const [application] = list.items
  const operation = application?.operation
  const over = typeof operation?.finishedAt === 'string'
  return { sync: application?.sync.status ?? 'none', operation: operation?.id ?? '', over }
}

/** Nothing here makes Deployments healthy, and nothing has to: what was applied is what counts. */
async function settled(hub: HubChild, applications: number): Promise<void> {
  const deadline = performance.now() + SETTLE_MS
  for (;;) {
    const { total } = (await hub.ask('GET', '/api/v1/applications?sync=Synced&limit=1')) as { readonly total: number }
    if (total === applications) return
    if (performance.now() > deadline) throw new Error(`${total} of ${applications} are Synced`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

async function syncedByHandMs(hub: HubChild, name: string): Promise<number> {
  const started = performance.now()
  const { id } = (await hub.ask('POST', `/api/v1/applications/${name}/sync`, {})) as { readonly id: string }
  for (;;) {
    const operation = (await hub.ask('GET', `/api/v1/operations/${id}`)) as { readonly [name: string]: string }
    if (operation['state'] === 'succeeded') return performance.now() - started
    if (operation['state'] !== 'waiting' && operation['state'] !== 'running') {
      throw new Error(`${operation['state']}: ${operation['message']}`)
    }
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

function yamlOf(objects: readonly KubernetesObject[]): string {
  return objects.map(object => JSON.stringify(object)).join('\n---\n')
}

function median(values: readonly number[]): number {
  return Math.round([...values].sort((a, b) => a - b)[values.length >> 1] ?? 0)
}
