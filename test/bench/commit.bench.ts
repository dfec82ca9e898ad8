import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cleanEnvironment, FixtureRepository } from '@flotilla/hub/source/git/testing/fixture-repository'
import { HttpGitServer } from '@flotilla/hub/source/git/testing/http-git-server'
import type { Benchmark, Figure } from './figure.ts'
import { BenchAgent } from './parts/bench-agent.ts'
import { clusterNames, fleetFiles, folderFiles } from './parts/fleet-files.ts'
import { HubChild } from './parts/hub-child.ts'

const CLUSTERS = 100
const SIZES = (process.env['BENCH_APPLICATIONS'] ?? '1000,10000').split(',').map(Number)
const COMMITS = 15
const run_ = promisify(execFile)

/**
 * A commit that touches one folder of a fleet, from the webhook until the agent concerned holds the new signed Offer.
 * Hub, agents and Git server talk over real sockets; every cluster's agent is connected. Beside it: the git program alone
 * fetching the same commit over the same HTTP and saying what changed.
 */
export const run: Benchmark = async () => {
  const figures: Figure[] = []
  const medians: number[] = []
  for (const applications of SIZES) {
    const { toldMs, gitMs, worstMs, startMs, cpuMs, gcMs } = await measure(applications)
    medians.push(toldMs)
    figures.push(
      {
        figure: `one-folder commit of ${applications} Applications: webhook → agent told`,
        unit: 'ms',
        value: toldMs,
        baseline: gitMs,
        baselineOf: 'git fetch + diff alone',
        target: '< 1000',
      },
      { figure: `the slowest of ${COMMITS}`, unit: 'ms', value: worstMs },
      { figure: `the hub's processor time for one commit (${applications})`, unit: 'ms', value: cpuMs },
      { figure: 'of that collecting garbage', unit: 'ms', value: gcMs },
      { figure: `first start of the hub on ${applications} Applications`, unit: 'ms', value: startMs },
    )
  }
  const [small = 0, large = 0] = medians
  figures.push({
    figure: `the commit, ${SIZES[1]} beside ${SIZES[0]} Applications`,
    unit: '×',
    value: Math.round((large / small) * 100) / 100,
    target: 'within 0.8 to 1.2',
  })
  return figures
}

async function measure(applications: number) {
  const fixture = await FixtureRepository.make()
  const server = await HttpGitServer.start({ root: fixture.root })
  const repository = server.url('fleet.git')
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-bench-commit-'))
  const clusters = clusterNames(CLUSTERS)
  const agents: BenchAgent[] = []
  let hub: HubChild | undefined
  try {
    const perCluster = applications / CLUSTERS
    await fixture.commit({ files: fleetFiles({ clusters: CLUSTERS, applications: perCluster, repository }) })
    await fixture.git('gc', '--quiet')
    const startedAt = performance.now()
    hub = await HubChild.start({ directory, repository })
    await hub.until(
      'everything is rendered and waits for its agent',
      metrics => metrics.sum('flotilla_applications_held') === applications,
    )
    const startMs = performance.now() - startedAt
    for (const cluster of clusters) agents.push(new BenchAgent(hub.url, await hub.joinToken(cluster)))
    for (const agent of agents) await agent.link.start()
    await settled(hub, applications)

    const mirror = join(directory, 'raw.git')
    await git('clone', '--quiet', '--mirror', repository, mirror)
    const told: number[] = []
    const raw: number[] = []
    const cpu: number[] = []
    const gc: number[] = []
    for (let round = 0; round < COMMITS; round++) {
      const index = (round * 7) % CLUSTERS
      const agent = agents[index]!
      const name = `app-${round % perCluster}-${clusters[index]}`
      const earlier = agent.offers().find(({ application }) => application.name === name)?.digest
      const parent = await fixture.tip()
      const commit = await fixture.commit({
        files: folderFiles(clusters[index]!, `app-${round % perCluster}`, `round ${round}`),
      })
      const before = await hub.usage()
      told.push(
        await timed(async () => {
          const held = agent.offer(({ application, digest }) => application.name === name && digest !== earlier)
          await hub!.webhook(repository)
          await held
        }),
      )
      const after = await hub.usage()
      cpu.push(1000 * (after.cpuSeconds - before.cpuSeconds))
      gc.push(1000 * (after.gcSeconds - before.gcSeconds))
      raw.push(
        await timed(async () => {
          await git('-C', mirror, 'fetch', '--quiet')
          await git('-C', mirror, 'diff-tree', '-r', '--name-only', `${parent}`, commit)
        }),
      )
      await settled(hub, applications)
    }
    return {
      toldMs: median(told),
      gitMs: median(raw),
      worstMs: tenths(Math.max(...told)),
      startMs: tenths(startMs),
      cpuMs: median(cpu),
      gcMs: median(gc),
    }
  } finally {
    await Promise.all(agents.map(agent => agent.stop()))
    await hub?.stop()
    await server.close()
    await fixture.remove()
    await rm(directory, { recursive: true, force: true })
  }
}

async function settled(hub: HubChild, applications: number): Promise<void> {
  await hub.until('everything is Synced', metrics => {
    const synced = metrics.sum('flotilla_applications_sync', 'status="Synced"')
    const healthy = metrics.sum('flotilla_applications_health', 'status="Healthy"')
    // A commit is measured on a fleet at rest: what ten thousand reports left to look at comes first.
    return synced === applications && healthy === applications && metrics.sum('flotilla_loop_waiting') === 0
  })
}

async function git(...words: string[]): Promise<void> {
  await run_('git', words, { env: cleanEnvironment(), maxBuffer: 64 * 1024 * 1024 })
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

function median(values: readonly number[]): number {
  return tenths([...values].sort((a, b) => a - b)[values.length >> 1] ?? 0)
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}
