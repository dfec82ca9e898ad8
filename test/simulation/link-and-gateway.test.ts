import { seededRandom } from '@flotilla/core/ports/create-random'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { describe, expect, test } from 'vitest'
import { type Faults, InProcessTransport, NO_FAULTS } from './in-process-transport.ts'
import { smallAgent } from './small-agent.ts'
import { configMap, reportEntry, SmallHub } from './small-hub.ts'

const START = Date.UTC(2030, 0, 1)

async function world(seed = 1) {
  const clock = new VirtualClock({ startAt: START, settle: () => new Promise(resolve => setImmediate(resolve)) })
  const random = seededRandom(seed)
  const hub = new SmallHub({ clock, random })
  const faults: Faults = { ...NO_FAULTS }
  const messages: string[] = []
  const transport = new InProcessTransport({
    gateway: () => hub.gateway,
    clock,
    random,
    faults,
    onMessage: ({ direction, what }) => void messages.push(`${direction} ${what}`),
  })
  const joinToken = await hub.joinToken('eu-1')
  const agent = smallAgent({ transport, clock, random, joinToken })
  return { clock, random, hub, faults, transport, agent, messages, joinToken }
}

describe('an agent and its hub', () => {
  test('it enrols, takes what is offered, fetches the Bundle, settles the Grant and reports', async () => {
    const { clock, hub, agent } = await world()
    await agent.link.start()
    await clock.advance(1000)
    expect(agent.link.status()).toEqual({ kind: 'connected' })
    expect(agent.link.hubTime()).toBe(clock.now())

    const bundle = await hub.offer('eu-1', 'app-1', [configMap('a', { k: 'v' })])
    const grantId = await hub.grant('eu-1', 'app-1')
    await clock.advance(100)
    expect([...agent.link.held().keys()]).toEqual(['app-1'])
    expect(agent.link.grants().map(grant => grant.id)).toEqual([grantId])
    expect(agent.link.calendar()?.intervals).toEqual([])
    expect((await agent.link.bundle(bundle.digest))?.objects).toEqual([configMap('a', { k: 'v' })])

    await agent.link.settleGrant(grantId, 'started')
    await agent.link.report([reportEntry('app-1', await agent.link.nextReportNumber(), { held: bundle.digest })])
    await clock.advance(100)
    const clusterId = await hub.clusterId('eu-1')
    const [grant, report] = await hub.store.read(async rows => [await rows.grant(grantId), await rows.report('app-1')])
    expect(grant?.state).toBe('started')
    expect(report?.entry).toMatchObject({ application: 'app-1', inc: 1, n: 1, held: bundle.digest })
    expect(hub.reported).toContainEqual({ clusterId, applicationIds: ['app-1'] })
    expect(agent.link.grants()).toEqual([])
    await clock.advance(120_000)
    expect(agent.log.complaints()).toEqual([])
    expect(hub.log.complaints()).toEqual([])
    await agent.link.stop()
  })
})
