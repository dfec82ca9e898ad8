import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FixtureRepository } from '@flotilla/hub/source/git/testing/fixture-repository'
import { HttpGitServer } from '@flotilla/hub/source/git/testing/http-git-server'
import type { Benchmark, Figure } from './figure.ts'
import { BenchAgent } from './parts/bench-agent.ts'
import { clusterNames, fleetFiles } from './parts/fleet-files.ts'
import { HubChild } from './parts/hub-child.ts'

const AGENTS = Number(process.env['BENCH_AGENTS'] ?? 1_000)
const APPLICATIONS_EACH = 2
/** Two heartbeats of each of a thousand agents, and the hub's own rounds. */
const IDLE_MS = 120_000
/** The first heartbeat after a sync compares everything anew: a hub is idle after that. */
const FIRST_HEARTBEATS_MS = 75_000
/** Time for what was set off to end, and for garbage to be noticed. */
const SETTLE_MS = 10_000
/** The agents are one process here; a fleet's would not dial from one machine. */
const AT_ONCE = 50

/**
 * What a thousand agents cost a hub that has nothing to do: memory and processor time. The hub is `flotilla hub` in a
 * process of its own; the agents are real links with keys of their own over real sockets, in this process.
 */
export const run: Benchmark = async () => {
  const figures: Figure[] = []
  for (const tls of [false, true]) figures.push(...(await measure(tls)))
  return figures
}

async function measure(tls: boolean): Promise<Figure[]> {
  const fixture = await FixtureRepository.make()
  const server = await HttpGitServer.start({ root: fixture.root })
  const repository = server.url('fleet.git')
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-bench-agents-'))
  const agents: BenchAgent[] = []
  let hub: HubChild | undefined
  try {
    await fixture.commit({ files: fleetFiles({ clusters: AGENTS, applications: APPLICATIONS_EACH, repository }) })
    hub = await HubChild.start({ directory, repository, tls })
    const applications = AGENTS * APPLICATIONS_EACH
    await hub.until('all is rendered', metrics => metrics.sum('flotilla_applications_held') === applications)
    await pause(SETTLE_MS)
    const alone = await hub.usage()
    const startedAt = performance.now()
    const waiting = [...clusterNames(AGENTS)]
    const joinAll = async (): Promise<void> => {
      for (let cluster = waiting.pop(); cluster !== undefined; cluster = waiting.pop()) {
        const agent = new BenchAgent(hub!.url, await hub!.joinToken(cluster))
        agents.push(agent)
        await agent.link.start()
        await agent.connected()
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, joinAll))
    const connectedMs = performance.now() - startedAt
    await hub.until(
      'everything is Synced',
      metrics =>
        metrics.sum('flotilla_agents', '"connected"') === AGENTS &&
        metrics.sum('flotilla_applications_sync', '"Synced"') === applications,
    )
    const syncedMs = performance.now() - startedAt
    const busy = await hub.usage()
    await pause(FIRST_HEARTBEATS_MS)
    const before = await hub.usage()
    const from = performance.now()
    await pause(IDLE_MS)
    const after = await hub.usage()
    const cpu = (100 * (after.cpuSeconds - before.cpuSeconds) * 1000) / (performance.now() - from)
    const connected = (await hub.metrics()).sum('flotilla_agents', '"connected"')
    if (connected !== AGENTS) throw new Error(`${connected} of ${AGENTS} agents are still connected`)
    const reached = tls ? 'own TLS' : 'plain, behind a proxy'
    return [
      {
        figure: `hub with ${AGENTS} agents and ${applications} Applications, idle (${reached}): memory (RSS)`,
        unit: 'MB',
        value: tenths(after.rssMb),
        baseline: tenths(alone.rssMb),
        baselineOf: 'the same hub without agents',
        target: '< 300',
      },
      { figure: `of that the JavaScript heap in use (${reached})`, unit: 'MB', value: tenths(after.heapMb) },
      { figure: `right after the first sync (${reached})`, unit: 'MB', value: tenths(busy.rssMb) },
      { figure: `processor time, idle (${reached})`, unit: '% of a core', value: tenths(cpu), target: '< 3' },
      { figure: `all join and connect (${reached})`, unit: 's', value: tenths(connectedMs / 1000) },
      { figure: `all is Synced (${reached})`, unit: 's', value: tenths(syncedMs / 1000) },
    ]
  } finally {
    await Promise.all(agents.map(agent => agent.stop()))
    await hub?.stop()
    await server.close()
    await fixture.remove()
    await rm(directory, { recursive: true, force: true })
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}
