import { seededRandom } from '@flotilla/core/ports/create-random'
import { HubRefused, type HubRequest, type HubResponse } from '@flotilla/core/ports/hub-transport'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { INCARNATION_HEADER } from '@flotilla/core/protocol/versions'
import { issueCommand } from '@flotilla/hub/gateway/issue-command'
import { describe, expect, test } from 'vitest'
import { type Faults, InProcessTransport, NO_FAULTS } from './in-process-transport.ts'
import { smallAgent } from './small-agent.ts'
import { configMap, reportEntry, SmallHub } from './small-hub.ts'

const START = Date.UTC(2030, 0, 1)
const MINUTE_MS = 60_000

/** An agent behind a proxy that lets no socket through. */
async function world(tamper?: (request: HubRequest, response: HubResponse) => HubResponse) {
  const clock = new VirtualClock({ startAt: START, settle: () => new Promise(resolve => setImmediate(resolve)) })
  const random = seededRandom(3)
  const hub = new SmallHub({ clock, random })
  const faults: Faults = { ...NO_FAULTS, socketsForbidden: true }
  const polls: number[] = []
  const transport = new InProcessTransport({
    gateway: () => hub.gateway,
    clock,
    random,
    faults,
    ...(tamper && { onAnswer: tamper }),
    onMessage: ({ direction, what }) => void (direction === 'up' && what.endsWith('/poll') && polls.push(clock.now())),
  })
  /** When a socket was tried. */
  const dials: number[] = []
  const connect = transport.connect.bind(transport)
  transport.connect = async (path, headers) => {
    dials.push(clock.now())
    return await connect(path, headers)
  }
  const agent = smallAgent({ transport, clock, random, joinToken: await hub.joinToken('eu-1') })
  await agent.link.start()
  return { clock, random, hub, faults, agent, dials, polls }
}

describe('an agent where sockets are forbidden', () => {
  test('polls after three failures every 15 s ± 20 %, and tries the socket after 1, 2, 4 … 60 minutes', async () => {
    const { clock, faults, agent, dials, polls } = await world()
    await clock.advance(MINUTE_MS)
    expect(agent.link.status()).toEqual({ kind: 'polling' })
    expect(dials.length).toBe(3)
    await clock.advance(6 * 60 * MINUTE_MS)
    // One poll lies between two tries at most: it is then that the next one is due.
    const waited = dials.slice(3).map((at, index) => Math.floor((at - (dials[index + 2] ?? 0)) / MINUTE_MS))
    expect(waited.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60])
    const between = polls.slice(1).map((at, index) => at - (polls[index] ?? 0))
    expect(between.every(ms => ms <= 18_000)).toBe(true)
    expect(between.filter(ms => ms >= 12_000).length).toBeGreaterThan(0.9 * between.length)

    faults.socketsForbidden = false
    await clock.advance(61 * MINUTE_MS)
    expect(agent.link.status()).toEqual({ kind: 'connected' })
    await agent.link.stop()
  })

  test('gets the time, documents, Grants and commands by polls, and its answers and reports arrive', async () => {
    const { clock, random, hub, agent } = await world()
    await clock.advance(MINUTE_MS)
    const bundle = await hub.offer('eu-1', 'app-1', [configMap('a')])
    const grantId = await hub.grant('eu-1', 'app-1')
    await clock.advance(MINUTE_MS)
    expect(agent.link.hubTime()).toBe(clock.now())
    expect([...agent.link.held().keys()]).toEqual(['app-1'])
    expect(agent.link.grants().map(({ id }) => id)).toEqual([grantId])
    expect((await agent.link.bundle(bundle.digest))?.objects).toEqual([configMap('a')])

    const clusterId = await hub.clusterId('eu-1')
    const issued = await hub.store.write(async rows => {
      const cluster = (await rows.cluster(clusterId))!
      const object = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' }
      const given = { action: { verb: 'restart', object }, by: 'ann' } as const
      return await issueCommand(rows, hub.keys, clock, random, { cluster, applicationId: 'app-1' }, given)
    })
    if (issued.kind !== 'issued') throw new Error('the command was not issued')
    hub.gateway.changed([clusterId])
    await clock.advance(MINUTE_MS)
    expect(agent.log.complaints().filter(line => line.includes('command'))).toEqual([])
    expect(agent.link.commands().map(({ command }) => command.id)).toEqual([issued.row.id])
    const [held] = agent.link.commands()
    await agent.link.beginCommand(held!.command)
    await agent.link.answerCommand({ id: issued.row.id, outcome: 'done', message: 'restarted' })
    await agent.link.settleGrant(grantId, 'started')
    await agent.link.report([reportEntry('app-1', await agent.link.nextReportNumber())])
    await clock.advance(MINUTE_MS)
    const [command, grant, report] = await hub.store.read(async rows => [
      await rows.command(issued.row.id),
      await rows.grant(grantId),
      await rows.report('app-1'),
    ])
    expect(command).toMatchObject({ state: 'done', message: 'restarted' })
    expect(grant?.state).toBe('started')
    expect(report?.entry.n).toBe(1)
    await clock.advance(5 * MINUTE_MS)
    expect([agent.link.commands(), agent.link.grants()]).toEqual([[], []])
    await agent.link.stop()
  })

  test('does not go on answering a hub that asks without end', async () => {
    const endless = (request: HubRequest, response: HubResponse): HubResponse => {
      if (!request.path.endsWith('/poll') || response.status !== 200) return response
      const answer = JSON.parse(Buffer.from(response.body).toString('utf8'))
      const ask = { kind: 'ask', of: 'held' }
      return { ...response, body: Buffer.from(JSON.stringify({ ...answer, frames: [...answer.frames, ask, ask] })) }
    }
    const { clock, agent, polls } = await world(endless)
    await clock.advance(MINUTE_MS)
    const failed = agent.log.complaints().filter(line => line.startsWith('a poll of the hub failed')).length
    expect(failed).toBeGreaterThan(0)
    expect(polls.length).toBeLessThanOrEqual(64 * (failed + 1))
    await agent.link.stop()
  })

  test('does not raise its count of starts to where no number is left', async () => {
    const forged = (request: HubRequest, response: HubResponse): HubResponse =>
      request.path.endsWith('/poll') && lying.now
        ? { status: 409, headers: {}, body: Buffer.from(JSON.stringify({ highestInc: Number.MAX_SAFE_INTEGER - 1 })) }
        : response
    const lying = { now: true }
    const { clock, hub, agent } = await world(forged)
    await clock.advance(MINUTE_MS)
    expect(agent.link.status()).toMatchObject({ kind: 'refused', code: 'INCARNATION' })
    lying.now = false
    await clock.advance(5 * MINUTE_MS)
    expect(agent.link.status()).toEqual({ kind: 'polling' })
    expect(hub.gateway.connections()).toMatchObject([{ inc: 1 }])
    await agent.link.stop()
  })

  test('nor over and over for a hub that names a higher one each time', async () => {
    const clock = new VirtualClock({ startAt: START, settle: () => new Promise(resolve => setImmediate(resolve)) })
    const random = seededRandom(4)
    const hub = new SmallHub({ clock, random })
    const transport = new InProcessTransport({ gateway: () => hub.gateway, clock, random })
    let named = 1
    let dials = 0
    const connect = transport.connect.bind(transport)
    transport.connect = async (path, headers) => {
      if (++dials > 1000 || clock.now() > START + 10 * MINUTE_MS) return await connect(path, headers)
      named += 2
      throw new HubRefused(409, { [INCARNATION_HEADER]: String(named) }, 'a newer start is known')
    }
    const agent = smallAgent({ transport, clock, random, joinToken: await hub.joinToken('eu-1') })
    await agent.link.start()
    await clock.advance(10 * MINUTE_MS)
    expect(dials).toBeLessThan(60)
    await clock.advance(5 * MINUTE_MS)
    expect(agent.link.status()).toEqual({ kind: 'connected' })
    await agent.link.stop()
  })
})
