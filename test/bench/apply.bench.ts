import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CONCURRENT_WRITES } from '@flotilla/agents/apply'
import { createNodeClusterTransport } from '@flotilla/agents/kubernetes/node-cluster-transport'
import { startControlPlane } from '@flotilla/controlplane'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { createClock } from '@flotilla/core/ports/create-clock'
import { FixtureRepository } from '@flotilla/hub/source/git/testing/fixture-repository'
import { HttpGitServer } from '@flotilla/hub/source/git/testing/http-git-server'
import type { Benchmark, Figure } from './figure.ts'
import { AgentProcess, buildAgent } from './parts/agent-process.ts'
import { foldersOfOneCluster } from './parts/declarations.ts'
import { HubChild } from './parts/hub-child.ts'

const OBJECTS = 1_000
const ROUNDS = 3
const SETTLE_MS = 120_000

/**
 * The bundled agent applies 1,000 new ConfigMaps on a real control plane, under a real hub's Offer and Grant, and the
 * hub sees it Synced. Beside it, in the same run: as many server-side applies with the same concurrency and nothing
 * around them.
 */
export const run: Benchmark = async () => {
  await buildAgent()
  const plane = await startControlPlane({ components: 'apiserver', audit: 'none' })
  const fixture = await FixtureRepository.make()
  const server = await HttpGitServer.start({ root: fixture.root })
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-bench-apply-'))
  const repository = server.url('fleet.git')
  const transport = createNodeClusterTransport(
    { kind: 'kubeconfig', path: plane.kubeconfigPath },
    createClock(globalThis),
  )
  let hub: HubChild | undefined
  let agent: AgentProcess | undefined
  try {
    await fixture.commit({
      files: { 'fleet/fleet.yaml': foldersOfOneCluster(repository, 'eu-1'), 'apps/README.md': 'empty' },
    })
    hub = await HubChild.start({ directory: join(directory, 'hub'), repository })
    const token = await hub.joinToken('eu-1')
    agent = new AgentProcess(plane, token, join(directory, 'agent'))
    await agent.said('agent started')
    const raw: number[] = []
    const applied: number[] = []
    const peaksMiB: number[] = []
    const agentsShare: number[] = []
    const hubsShare: number[] = []
    for (let round = 1; round <= ROUNDS; round++) {
      raw.push(await applyRaw(transport, `raw-${round}`))
      await fixture.commit({ files: { [`apps/app-${round}/objects.yaml`]: manifests() } })
      const [agentMs, hubMs] = [await agent.cpuMs(), await hub.cpuSeconds()]
      applied.push(await syncedMs(hub, agent, repository, round))
      agentsShare.push((await agent.cpuMs()) - agentMs)
      hubsShare.push(Math.round(((await hub.cpuSeconds()) - hubMs) * 1_000))
      peaksMiB.push(await agent.peakRssMiB())
    }
    const baseline = median(raw)
    const figures: Figure[] = [
      {
        figure: `agent applies ${OBJECTS} new ConfigMaps and the hub sees them Synced`,
        unit: 'ms',
        value: median(applied),
        baseline,
        baselineOf: `raw server-side apply, ${CONCURRENT_WRITES} at a time`,
        target: '≤ 1.5 ×',
      },
      { figure: "of it the agent's processor time", unit: 'ms', value: median(agentsShare) },
      { figure: "and the hub's", unit: 'ms', value: median(hubsShare) },
      {
        figure: `peak RSS of the bundled agent, ${OBJECTS} objects`,
        unit: 'MiB',
        value: peaksMiB[0]!,
        target: '< 110',
      },
      { figure: `peak RSS of the bundled agent, ${ROUNDS * OBJECTS} objects`, unit: 'MiB', value: peaksMiB.at(-1)! },
    ]
    return figures
  } finally {
    await agent?.stop()
    await hub?.stop()
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
  // Who asks all the time is in the way of what is measured.
  await agent.ended(`app-${applications}`)
  const deadline = performance.now() + SETTLE_MS
  for (;;) {
    const counts = await hub.counts()
    if (counts.settled === applications) return Date.now() - startedAt
    if (performance.now() > deadline) throw new Error(`not settled: ${JSON.stringify(counts)}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** The least that applying can take: the same bodies, nothing read, nothing parsed. */
async function applyRaw(transport: ClusterTransport, namespace: string): Promise<number> {
  await send(transport, 'POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
  })
  const started = performance.now()
  let next = 0
  const worker = async () => {
    while (next < OBJECTS) {
      const name = `object-${next++}`
      const path = `/api/v1/namespaces/${namespace}/configmaps/${name}?fieldManager=flotilla&force=true`
      const labels = { 'flotilla.dev/application': '0199c2f0-0000-7000-8000-000000000001' }
      const annotations = {
        'flotilla.dev/tracking-id': `${labels['flotilla.dev/application']}:/ConfigMap:${namespace}/${name}`,
      }
      const metadata = { name, namespace, labels, annotations }
      await send(transport, 'PATCH', path, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: data(name) })
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

function manifests(): string {
  return Array.from({ length: OBJECTS }, (_, index) => {
    const name = `object-${index}`
    return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: data(name) })
  }).join('\n---\n')
}

function data(name: string): { readonly [key: string]: string } {
  return { name, text: 'a line of settings, as they are\n'.repeat(4) }
}

function median(values: readonly number[]): number {
  return Math.round([...values].sort((a, b) => a - b)[values.length >> 1] ?? 0)
}
