import { AGENT_APPLICATION_LABEL } from '@flotilla/core/model/agent-application'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { describe, expect, test } from 'vitest'
import { type Faults, InProcessTransport, NO_FAULTS } from './in-process-transport.ts'
import { smallAgent } from './small-agent.ts'
import { configMap, SmallHub } from './small-hub.ts'

/** A hub of the future, which does not serve today's agents any more but still tells them so. */
const FUTURE = { min: 2, max: 3, upgradeFrom: 1 }
/** One that is so far ahead that it cannot. */
const FAR_FUTURE = { min: 9, max: 9, upgradeFrom: 8 }

async function agentOf(faults: Partial<Faults> = {}) {
  const random = seededRandom(8)
  const settle = () => new Promise<void>(resolve => setImmediate(resolve))
  const clock = new VirtualClock({ startAt: Date.UTC(2030, 0, 1), settle })
  const hub = new SmallHub({ clock, random })
  const forbidden = { ...NO_FAULTS, ...faults }
  const transport = new InProcessTransport({ gateway: () => hub.gateway, clock, random, faults: forbidden })
  const agent = smallAgent({ transport, clock, random, joinToken: await hub.joinToken('eu-1') })
  await agent.link.start()
  await clock.advance(60_000)
  await hub.offer('eu-1', 'app-1', [configMap('first')])
  await clock.advance(60_000)
  expect(agent.link.held().size).toBe(1)
  return { clock, hub, agent }
}

async function labelAsAgent(hub: SmallHub, id: string): Promise<void> {
  await hub.store.write(async rows => {
    const row = await rows.application(id)
    if (row) await rows.putApplication({ ...row, labels: { [AGENT_APPLICATION_LABEL]: 'true' } })
  })
}

describe.each([
  ['by socket', {}],
  ['by polls', { socketsForbidden: true }],
])('an agent that is too old for its hub, %s,', (_, faults: Partial<Faults>) => {
  test('keeps what it holds, is offered its own upgrade alone, and says why', async () => {
    const { clock, hub, agent } = await agentOf(faults)
    hub.restart(FUTURE)
    await clock.advance(5 * 60_000)
    expect(agent.link.status()).toMatchObject({ kind: 'outdated', message: expect.stringContaining('protocol 1-1') })
    const clusterId = await hub.clusterId('eu-1')
    expect(hub.gateway.isVersionRefused(clusterId)).toBe(true)

    await hub.offer('eu-1', 'app-2', [configMap('new')])
    await hub.offer('eu-1', 'agent', [configMap('agent')])
    await labelAsAgent(hub, 'agent')
    await hub.grant('eu-1', 'app-1')
    const upgrade = await hub.grant('eu-1', 'agent')
    await clock.advance(5 * 60_000)
    expect([...agent.link.held().keys()].sort()).toEqual(['agent', 'app-1'])
    expect(agent.link.grants().map(({ id }) => id)).toEqual([upgrade])
    // Its clock goes on, so that a calendar it holds goes on closing what it closes.
    expect(agent.link.hubTime()).toBe(clock.now())
    expect(hub.gateway.connections().length).toBe(1)

    // The upgrade has come: a program that both understand, with the same state, catches up.
    hub.restart({ min: 1, max: 3, upgradeFrom: 1 })
    await clock.advance(10 * 60_000)
    expect([...agent.link.held().keys()].sort()).toEqual(['agent', 'app-1', 'app-2'])
    expect(agent.link.grants().length).toBe(2)
    expect(hub.gateway.isVersionRefused(clusterId)).toBe(false)
    await agent.link.stop()
  })

  test('and one that is older still keeps what it holds, and knows what its hub speaks', async () => {
    const { clock, hub, agent } = await agentOf(faults)
    hub.restart(FAR_FUTURE)
    await hub.offer('eu-1', 'app-2', [configMap('new')])
    await clock.advance(5 * 60_000)
    expect(agent.link.status()).toMatchObject({
      kind: 'refused',
      code: 'PROTOCOL',
      message: expect.stringContaining('9-9'),
    })
    expect([...agent.link.held().keys()]).toEqual(['app-1'])
    expect(hub.gateway.connections()).toEqual([])
    await agent.link.stop()
  })
})
