import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import net, { type AddressInfo } from 'node:net'
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
const AT_ONCE = 50

/**
 * A hub that stops in order and comes back, with a thousand agents: how long until every one of them has dialled again
 * and shown by its digest that it holds what the hub has issued, what that costs the hub, and what is asked for again.
 * Then a freeze over all of them, from the request until the last agent holds its new calendar.
 */
export const run: Benchmark = async () => {
  const fixture = await FixtureRepository.make()
  const server = await HttpGitServer.start({ root: fixture.root })
  const repository = server.url('fleet.git')
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-bench-redial-'))
  const agents: BenchAgent[] = []
  let hub: HubChild | undefined
  try {
    const port = await freePort()
    await fixture.commit({ files: fleetFiles({ clusters: AGENTS, applications: APPLICATIONS_EACH, repository }) })
    hub = await HubChild.start({ directory, repository, port })
    const applications = AGENTS * APPLICATIONS_EACH
    await hub.until('all is rendered', metrics => metrics.sum('flotilla_applications_held') === applications)
    await joinAll(hub, agents)
    await hub.until(
      'everything is Synced and at rest',
      metrics =>
        metrics.sum('flotilla_applications_sync', '"Synced"') === applications &&
        metrics.sum('flotilla_loop_waiting') === 0 &&
        metrics.sum('flotilla_agents_agreeing') === AGENTS,
    )
    const before = askedOf(agents)
    const { token } = hub
    const stoppedAt = performance.now()
    await hub.stop()
    hub = await HubChild.start({ directory, repository, port, token })
    const readyAt = performance.now()
    const atStart = await hub.cpuSeconds()
    // Rarely: what is asked here costs the hub too.
    await hub.until('every agent agrees', metrics => metrics.sum('flotilla_agents_agreeing') === AGENTS, 3000)
    const agreedAt = performance.now()
    const agreed = await hub.cpuSeconds()
    const { rssMb } = await hub.usage()
    const after = askedOf(agents)
    const again = (path: string): number => (after.get(path) ?? 0) - (before.get(path) ?? 0)
    const resent = again('/agent/v1/documents') + again('/agent/v1/bundles/') + again('/agent/v1/reports')
    return [
      {
        figure: `${AGENTS} agents redial after an orderly restart: from ready until every digest agrees`,
        unit: 's',
        value: tenths((agreedAt - readyAt) / 1000),
        target: '< 40',
      },
      { figure: 'from the stop of the hub', unit: 's', value: tenths((agreedAt - stoppedAt) / 1000) },
      {
        figure: 'processor time of the hub for that, its start included',
        unit: 's',
        value: tenths(agreed),
        target: '< 10',
      },
      { figure: 'of that until it was ready', unit: 's', value: tenths(atStart) },
      { figure: 'memory of the hub then', unit: 'MB', value: tenths(rssMb) },
      {
        figure: 'documents, Bundles and reports asked for or sent again',
        unit: 'requests',
        value: resent,
        target: '0',
      },
      ...(await freeze(hub, agents)),
    ]
  } finally {
    await Promise.all(agents.map(agent => agent.stop()))
    await hub?.stop()
    await server.close()
    await fixture.remove()
    await rm(directory, { recursive: true, force: true })
  }
}

async function joinAll(hub: HubChild, agents: BenchAgent[]): Promise<void> {
  const waiting = [...clusterNames(AGENTS)]
  const next = async (): Promise<void> => {
    for (let cluster = waiting.pop(); cluster !== undefined; cluster = waiting.pop()) {
      const agent = new BenchAgent(hub.url, await hub.joinToken(cluster))
      agents.push(agent)
      await agent.link.start()
      await agent.connected()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, next))
}

/** "Stop the line": from the request until it is answered, and until every agent holds a calendar that closes. */
async function freeze(hub: HubChild, agents: readonly BenchAgent[]): Promise<Figure[]> {
  const closed = (agent: BenchAgent): boolean => (agent.link.calendar()?.intervals.length ?? 0) > 0
  const held = Promise.all(agents.map(agent => agent.once(() => closed(agent) || undefined)))
  const hearing = agents.map(agent => agent.holdBack())
  const before = await hub.cpuSeconds()
  const from = performance.now()
  await hub.ask('POST', '/api/v1/freezes/now', { scope: { all: true }, reason: 'a benchmark' })
  const answeredMs = performance.now() - from
  const sentMs = Math.max(...(await Promise.all(hearing.map(({ calendarAt }) => calendarAt)))) - from
  const sent = await hub.cpuSeconds()
  for (const { release } of hearing) release()
  await held
  const heldMs = performance.now() - from
  const after = await hub.cpuSeconds()
  return [
    { figure: `a freeze over ${AGENTS} clusters: answered`, unit: 'ms', value: tenths(answeredMs) },
    { figure: 'signed, stored and sent to the last of them', unit: 'ms', value: tenths(sentMs), target: '< 500' },
    { figure: 'processor time of the hub until then', unit: 'ms', value: tenths(1000 * (sent - before)) },
    {
      figure: 'until the last agent holds its calendar (all agents share one core)',
      unit: 'ms',
      value: tenths(heldMs),
    },
    {
      figure: 'processor time of the hub for all of it',
      unit: 'ms',
      value: tenths(1000 * (after - before)),
    },
  ]
}

function askedOf(agents: readonly BenchAgent[]): Map<string, number> {
  const all = new Map<string, number>()
  for (const { asked } of agents) for (const [path, count] of asked) all.set(path, (all.get(path) ?? 0) + count)
  return all
}

async function freePort(): Promise<number> {
  const probe = net.createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}
