import { loadAdmission, loadNextKey, loadOrMakeKey } from '@flotilla/agents/link/identity'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { HubRequest, HubResponse } from '@flotilla/core/ports/hub-transport'
import { HubUnreachable } from '@flotilla/core/ports/hub-transport'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { AGENT_KEY_LIFE_MS, AGENT_KEY_PATH } from '@flotilla/core/protocol/agent-key'
import type { HubKeyRing } from '@flotilla/hub/gateway/hub-keys'
import { describe, expect, test } from 'vitest'
import { InProcessTransport, NO_FAULTS } from './in-process-transport.ts'
import { smallAgent } from './small-agent.ts'
import { configMap, SmallHub } from './small-hub.ts'

const START = Date.UTC(2030, 0, 1)

/** A hub and a connected agent of `eu-1`, whose requests a test may meddle with. */
async function world(meddle?: (request: HubRequest, send: () => Promise<HubResponse>) => Promise<HubResponse>) {
  const clock = new VirtualClock({ startAt: START, settle: () => new Promise(resolve => setImmediate(resolve)) })
  const random = seededRandom(3)
  const hub = new SmallHub({ clock, random })
  const transport = new InProcessTransport({ gateway: () => hub.gateway, clock, random, faults: { ...NO_FAULTS } })
  if (meddle) {
    const send = transport.request.bind(transport)
    transport.request = asked => meddle(asked, () => send(asked))
  }
  const agent = smallAgent({ transport, clock, random, joinToken: await hub.joinToken('eu-1') })
  await agent.link.start()
  await clock.advance(1000)
  expect(agent.link.status()).toEqual({ kind: 'connected' })
  const row = async () => (await hub.store.read(rows => rows.clusterByName('eu-1')))!
  const restarted = async () => {
    await agent.link.stop()
    const again = smallAgent({ transport, clock, random, state: agent.state })
    await again.link.start()
    await clock.advance(60_000)
    return again
  }
  return { clock, random, hub, transport, agent, row, restarted }
}

describe('the key of an agent', () => {
  test('changes in one step for both, and the old one is worth nothing', async () => {
    const { agent, row, hub, restarted } = await world()
    const before = await row()
    expect(await agent.link.rotateKey()).toMatchObject({ kind: 'changed' })
    const after = await row()
    expect(after).toMatchObject({ admission: before.admission, previousKey: before.agentKey })
    expect(after.agentKey).not.toBe(before.agentKey)
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    const again = await restarted()
    expect(again.link.status()).toEqual({ kind: 'connected' })
    expect((await loadOrMakeKey(agent.state, seededRandom(9))).publicKey).toBe(after.agentKey)
    expect([...again.link.held().keys()]).toEqual(['app-1'])
  })

  test('is the new one on both sides when the answer was lost and the agent starts anew', async () => {
    let lost = 0
    const { agent, row, restarted } = await world(async (request, send) => {
      const answer = await send()
      if (request.path !== AGENT_KEY_PATH || lost++ > 0) return answer
      throw new HubUnreachable('the answer was lost')
    })
    const before = await row()
    await expect(agent.link.rotateKey()).rejects.toThrow('lost')
    expect((await row()).previousKey).toBe(before.agentKey)
    expect(await loadNextKey(agent.state)).toMatchObject({ why: 'rotation' })
    const again = await restarted()
    expect(again.link.status()).toEqual({ kind: 'connected' })
    expect((await loadOrMakeKey(agent.state, seededRandom(9))).publicKey).toBe((await row()).agentKey)
    expect(await loadNextKey(agent.state)).toBeUndefined()
  })

  test('is told again to a hub that was restored from before the change', async () => {
    const { agent, row, hub, restarted } = await world()
    const before = await row()
    await agent.link.rotateKey()
    const { agentKey } = await row()
    const { previousKey: _, ...older } = { ...(await row()), agentKey: before.agentKey! }
    await hub.store.write(rows => rows.putCluster(older))
    const again = await restarted()
    expect(again.link.status()).toEqual({ kind: 'connected' })
    expect((await row()).agentKey).toBe(agentKey)
  })

  test('says in its admission how many it followed', async () => {
    const { agent, row, restarted } = await world()
    const kept = async () => (await loadAdmission(agent.state, await loadOrMakeKey(agent.state, seededRandom(9))))!
    expect((await kept()).admission.payload.keyNumber).toBeUndefined()
    for (const keyNumber of [1, 2]) {
      await agent.link.rotateKey()
      expect(await row()).toMatchObject({ keyNumber })
      expect((await kept()).admission.payload).toMatchObject({ keyNumber, epoch: 1 })
    }
    expect((await restarted()).link.status()).toEqual({ kind: 'connected' })
  })

  test('changes by itself when it is old', async () => {
    const { agent, row, clock, restarted } = await world()
    const before = await row()
    await agent.link.stop()
    await clock.advance(AGENT_KEY_LIFE_MS - 24 * 3_600_000)
    const young = await restarted()
    expect((await row()).agentKey).toBe(before.agentKey)
    await young.link.stop()
    await clock.advance(24 * 3_600_000)
    const old = await restarted()
    expect((await row()).agentKey).not.toBe(before.agentKey)
    expect(old.link.connected()).toBe(true)
  })
})

describe('a join token that is new to an agent that was admitted before', () => {
  test('is asked with once the hub answers, when the first attempt did not reach it', async () => {
    const { agent, hub, clock, random, transport, row } = await world()
    const before = await row()
    await agent.link.stop()
    const reach = transport.request.bind(transport)
    let away = true
    transport.request = async request => {
      if (away && request.path === '/agent/v1/enrol') throw new HubUnreachable('the message was lost')
      return await reach(request)
    }
    const joinToken = await hub.joinToken('eu-1')
    const again = smallAgent({ transport, clock, random, state: agent.state, joinToken })
    await again.link.start()
    await clock.advance(10_000)
    // What it had goes on meanwhile.
    expect(again.link.status()).toEqual({ kind: 'connected' })
    away = false
    await clock.advance(10 * 60_000)
    expect(again.link.status()).toEqual({ kind: 'connected' })
    const token = (await hub.store.read(rows => rows.joinTokens())).find(({ createdAt }) => createdAt > START)
    expect(token?.usedBy).toBe((await row()).agentKey)
    expect((await row()).agentKey).toBe(before.agentKey)
    expect(again.log.lines.filter(({ message }) => message === 'this agent was admitted')).toHaveLength(1)
  })
})

test('an agent that its hub refuses, while its API server is away, asks again later as if that were all', async () => {
  const { agent, hub, clock, random, transport, row } = await world()
  await agent.link.stop()
  await hub.store.write(async rows => rows.putCluster({ ...(await row()), agentKey: 'another' }))
  let asked = 0
  const uid = async () => {
    asked++
    throw new Error('too many requests')
  }
  const again = smallAgent({ transport, clock, random, state: agent.state, uid })
  await again.link.start()
  await clock.advance(5 * 60_000)
  expect(asked).toBeGreaterThan(1)
  const messages = again.log.lines.map(({ message }) => message)
  expect(messages).toContain('this agent could not return to its hub')
  expect(messages).not.toContain('the link to the hub failed; it is tried again')
})

describe('a key of the hub', () => {
  test('is learned by whoever is connected, and signs when all know it; then the old one is not believed', async () => {
    const { agent, hub, clock, random } = await world()
    const keys = hub.keys as HubKeyRing
    const first = keys.kid
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    await keys.announce(random, clock.now())
    expect([keys.kid, keys.newest === first]).toEqual([first, false])
    await clock.advance(60_000)
    // The old key goes on until it is let go, and is believed so long.
    await hub.offer('eu-1', 'app-2', [configMap('b')])
    await clock.advance(1000)
    expect(agent.link.held().size).toBe(2)
    const old = keys.sign('pulse', { typ: 'pulse' })
    await keys.activate()
    expect(keys.kid).toBe(keys.newest)
    await clock.advance(60_000)
    await hub.offer('eu-1', 'app-3', [configMap('c')])
    await clock.advance(1000)
    expect(agent.link.held().size).toBe(3)
    expect(old).not.toBe(keys.fresh(old))
    expect(agent.log.complaints()).toEqual([])
  })

  test('reaches an agent without a folder with every document under the key that signs', async () => {
    const { hub, agent, clock, random, transport } = await world()
    const keys = hub.keys as HubKeyRing
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    await clock.advance(1000)
    await agent.link.stop()
    for (let round = 0; round < 2; round++) {
      await keys.announce(random, clock.now())
      await keys.activate()
    }
    for (const name of await agent.state.list('documents/')) await agent.state.delete(name)
    const again = smallAgent({ transport, clock, random, state: agent.state })
    await again.link.start()
    await clock.advance(60_000)
    expect([...again.link.held().keys()]).toEqual(['app-1'])
    expect(again.link.hubTime()).toBeDefined()
  })
})
