import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closingIntervals } from '@flotilla/core/protocol/calendar-intervals'
import { FixtureRepository } from '@flotilla/hub/source/git/testing/fixture-repository'
import { HttpGitServer } from '@flotilla/hub/source/git/testing/http-git-server'
import type { Benchmark } from './figure.ts'
import { BenchAgent } from './parts/bench-agent.ts'
import { clusterNames, fleetFiles } from './parts/fleet-files.ts'
import { HubChild } from './parts/hub-child.ts'

const AGENTS = Number(process.env['BENCH_AGENTS'] ?? 1_000)
const APPLICATIONS_EACH = 2
const AT_ONCE = 50
const SETTLE_MS = 10_000

/**
 * Stop the line: from the word of the person to the moment at which the last connected agent starts and heals nothing
 * more. The hub is `flotilla hub` in a process of its own; the agents are real links over real sockets in this one, so
 * that what this machine can do is shared by all of them.
 */
export const run: Benchmark = async () => {
  const fixture = await FixtureRepository.make()
  const server = await HttpGitServer.start({ root: fixture.root })
  const repository = server.url('fleet.git')
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-bench-freeze-'))
  const agents: BenchAgent[] = []
  let hub: HubChild | undefined
  try {
    await fixture.commit({ files: fleetFiles({ clusters: AGENTS, applications: APPLICATIONS_EACH, repository }) })
    hub = await HubChild.start({ directory, repository })
    const applications = AGENTS * APPLICATIONS_EACH
    await hub.until('all is rendered', metrics => metrics.sum('flotilla_applications_held') === applications)
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
    await hub.until(
      'everything is Synced',
      metrics => metrics.sum('flotilla_applications_sync', '"Synced"') === applications,
    )
    await new Promise(resolve => setTimeout(resolve, SETTLE_MS))
    const obeyed = agents.map(agent => until(agent, () => isClosed(agent)))
    const startedAt = performance.now()
    await hub.ask('POST', '/api/v1/freezes/now', { reason: 'the line is stopped' })
    const answeredMs = performance.now() - startedAt
    const times = (await Promise.all(obeyed)).map(at => at - startedAt).sort((a, b) => a - b)
    return [
      { figure: `freeze of ${AGENTS} clusters: the hub has answered`, unit: 'ms', value: Math.round(answeredMs) },
      { figure: 'half of the agents have obeyed', unit: 'ms', value: Math.round(times[times.length >> 1]!) },
      {
        figure: 'the last connected agent has obeyed',
        unit: 'ms',
        value: Math.round(times.at(-1)!),
        target: '< 2000',
      },
    ]
  } finally {
    await Promise.all(agents.map(agent => agent.stop()))
    await hub?.stop()
    await server.close()
    await fixture.remove()
    await rm(directory, { recursive: true, force: true })
  }
}

/** Whether its calendar closes every Application that it holds, by the hub's time. */
function isClosed({ link }: BenchAgent): boolean {
  const calendar = link.calendar()
  const now = link.hubTime()
  if (calendar === undefined || now === undefined) return false
  return [...link.held().keys()].every(id => closingIntervals(calendar, id, now + 1_000).length > 0)
}

function until({ link }: BenchAgent, done: () => boolean): Promise<number> {
  return new Promise(resolve => {
    let over = false
    link.onChange(() => {
      if (over || !done()) return
      over = true
      resolve(performance.now())
    })
  })
}
