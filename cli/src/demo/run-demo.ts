import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Clock } from '@flotilla/core/ports/clock'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { ApplicationView } from '@flotilla/core/view/application-view'
import type { ClusterView } from '@flotilla/core/view/fleet-parts'
import { type RunningHub, startHub } from '@flotilla/hub/start-hub'
import { SimulatedCluster } from '@flotilla/sim/simulated-cluster'
import { type DemoAgent, startDemoAgent } from './demo-agent.ts'
import { demoApplicationCount, demoClusters, demoFileToEdit } from './demo-content.ts'
import { prepareDemoRepository } from './demo-repository.ts'
import { type FleetSummary, summarise } from './fleet-summary.ts'

export interface DemoOptions {
  /** Where the demo lives: `fleet/` is the config repository, `state/` is made anew at each start. */
  readonly directory: string
  readonly clusters: number
  /** Real control planes instead of simulated ones. */
  readonly real: boolean
  readonly port: number
  readonly version: string
}

export interface DemoPorts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  say(text: string): void
}

export interface Demo {
  readonly repository: string
  /** A file of the repository whose change is seen on some clusters and not on others. */
  readonly fileToEdit: string
  /** Whether the repository was made now; otherwise it holds edits of an earlier run. */
  readonly freshRepository: boolean
  readonly hub: RunningHub
  look(): {
    readonly clusters: readonly ClusterView[]
    readonly applications: readonly ApplicationView[]
    readonly summary: FleetSummary
  }
  /** Resolves when everything is Synced and Healthy; false when `timeoutMs` passed before. */
  settled(timeoutMs: number): Promise<boolean>
  stop(): Promise<void>
}

interface DemoCluster {
  readonly name: string
  readonly transport: ClusterTransport
}

const LOOK_MS = 100

/** Config repository, hub, clusters and agents on this machine: the product, small. */
export async function startDemo(options: DemoOptions, ports: DemoPorts): Promise<Demo> {
  const { clock, random, log, say } = ports
  const startedAt = clock.monotonicMs()
  const repository = join(options.directory, 'fleet')
  const repoURL = pathToFileURL(repository).href
  const state = join(options.directory, 'state')
  const freshRepository = await prepareDemoRepository(repository, { clusters: options.clusters, repoURL })
  // Clusters in memory are new at each start, so what hub and agents remembered of the old ones goes.
  await rm(state, { recursive: true, force: true })
  await mkdir(state, { recursive: true })
  const stops: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end()
  }
  try {
    const hub = await startHub(
      {
        dataDirectory: join(state, 'hub'),
        listen: { host: '127.0.0.1', port: options.port },
        version: options.version,
        configSources: [{ name: 'demo', repository: repoURL, revision: 'main', path: 'fleet', trust: { kind: 'all' } }],
        pollIntervalMs: 1_000,
        localRepositories: 'all',
        tick: '* * * * * *',
        removalGraceMs: 5_000,
      },
      { clock, random, log: log.child({ part: 'hub' }) },
    )
    stops.push(() => hub.stop())
    say(`hub at ${hub.url}`)
    const names = demoClusters(options.clusters).map(({ name }) => name)
    const clusters = options.real ? await realClusters(names, stops, say) : simulatedClusters(names, ports)
    await untilDeclared(hub, names, clock)
    const agents: DemoAgent[] = []
    // Agents say goodbye together; the hub and the clusters go after them.
    stops.push(async () => void (await Promise.all(agents.map(agent => agent.stop()))))
    for (const { name, transport } of clusters) {
      const joinToken = await hub.createJoinToken(name, 'demo')
      const directory = join(state, 'agents', name)
      const agentPorts = { clock, random, log: log.child({ part: 'agent' }) }
      agents.push(
        await startDemoAgent({
          name,
          cluster: transport,
          hubUrl: hub.url,
          joinToken,
          directory,
          version: options.version,
          ...agentPorts,
        }),
      )
    }
    say(`${agents.length} ${options.real ? 'real control planes' : 'simulated clusters'}, each with its agent`)
    const look: Demo['look'] = () => {
      const now = clock.now()
      const view = hub.hub.view
      const everything = {
        filters: {},
        words: [],
        labels: [],
        sort: 'name',
        descending: false,
        limit: 100_000,
      } as const
      const applications = view.applications(everything, now).items
      const elapsedMs = clock.monotonicMs() - startedAt
      const expected = freshRepository ? demoApplicationCount(options.clusters) : 1
      return {
        clusters: view.clusters(now),
        applications,
        summary: summarise({ clusters: view.clusters(now), applications, expected, elapsedMs }),
      }
    }
    const settled: Demo['settled'] = async timeoutMs => {
      const deadline = clock.monotonicMs() + timeoutMs
      while (!look().summary.complete) {
        if (clock.monotonicMs() > deadline) return false
        await clock.sleep(LOOK_MS)
      }
      return true
    }
    return {
      repository,
      fileToEdit: join(repository, demoFileToEdit(options.clusters)),
      freshRepository,
      hub,
      look,
      settled,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function simulatedClusters(names: readonly string[], { clock, random }: DemoPorts): readonly DemoCluster[] {
  return names.map(name => ({ name, transport: new SimulatedCluster({ name, clock, random }).transport() }))
}

/** Loaded only when asked for: the demo needs no Go otherwise. */
async function realClusters(
  names: readonly string[],
  stops: (() => Promise<void>)[],
  say: (text: string) => void,
): Promise<readonly DemoCluster[]> {
  const { startControlPlanes } = await import('@flotilla/controlplane')
  say(`starting ${names.length} real control planes (built once, about five minutes; then seconds) …`)
  const planes = await startControlPlanes(names.length)
  stops.push(async () => void (await Promise.all(planes.map(plane => plane.stop()))))
  return planes.map((plane, index) => ({ name: names[index]!, transport: plane.transport() }))
}

/** A join token is for a declared Cluster: the hub has to have read the repository. */
async function untilDeclared(hub: RunningHub, names: readonly string[], clock: Clock): Promise<void> {
  const deadline = clock.monotonicMs() + 30_000
  const missing = () => names.filter(name => !hub.hub.loop.world.cluster(name))
  await hub.hub.settled()
  while (missing().length > 0) {
    if (clock.monotonicMs() > deadline) {
      throw new Error(`the config repository declares no Cluster ${missing().join(', ')}; see flotilla validate`)
    }
    await clock.sleep(LOOK_MS)
  }
}
