import type { Incarnation } from '@flotilla/agents/link/incarnation'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { expect, test } from 'vitest'
import { InProcessTransport, NO_FAULTS } from './in-process-transport.ts'
import { smallAgent } from './small-agent.ts'
import { configMap, SmallHub } from './small-hub.ts'

/** Two processes of one agent, with one state: the second waits for what the first one has, as for a Lease. */
test('a process that takes over holds what the one before it took, also where no hub can be asked', async () => {
  const clock = new VirtualClock({ startAt: Date.UTC(2030, 0, 1), settle: () => new Promise(setImmediate) })
  const random = seededRandom(1)
  const hub = new SmallHub({ clock, random })
  const transport = (faults = NO_FAULTS) =>
    new InProcessTransport({ gateway: () => hub.gateway, clock, random, faults })
  const first = smallAgent({ transport: transport(), clock, random, joinToken: await hub.joinToken('eu-1') })
  await first.link.start()
  await clock.advance(1000)
  await hub.offer('eu-1', 'app-1', [configMap('a', { k: 'old' })])
  const early = await hub.grant('eu-1', 'app-1')
  await clock.advance(1000)

  const turn = Promise.withResolvers<void>()
  let held = false
  const waiting: Incarnation = {
    acquire: async () => {
      await turn.promise
      held = true
      return { inc: 2, inst: 'second' }
    },
    held: () => held,
  }
  const cutOff = { ...NO_FAULTS, partitioned: true }
  const { state } = first
  const second = smallAgent({ transport: transport(cutOff), clock, random, state, incarnation: waiting })
  await second.link.start()
  let became = false
  const becoming = second.link.becomesAgent(new AbortController().signal).then(() => {
    became = true
  })
  await first.link.settleGrant(early, 'started')
  const { digest } = await hub.offer('eu-1', 'app-1', [configMap('a', { k: 'new' })])
  const late = await hub.grant('eu-1', 'app-1')
  await clock.advance(1000)
  await first.link.stop()
  expect(became).toBe(false)
  expect(second.link.held().get('app-1'), 'what it read when it began to wait').not.toMatchObject({ digest })

  turn.resolve()
  await clock.advance(1000)
  await becoming
  expect(second.link.held().get('app-1')).toMatchObject({ typ: 'offer', digest })
  expect(second.link.grants().map(({ id }) => id)).toEqual([late])
  await second.link.stop()
})

test('a process that ends while it waits becomes no agent', async () => {
  const clock = new VirtualClock({ startAt: Date.UTC(2030, 0, 1), settle: () => new Promise(setImmediate) })
  const random = seededRandom(1)
  const hub = new SmallHub({ clock, random })
  const never: Incarnation = { acquire: () => new Promise(() => undefined), held: () => false }
  const through = new InProcessTransport({ gateway: () => hub.gateway, clock, random, faults: NO_FAULTS })
  const agent = smallAgent({ transport: through, clock, random, incarnation: never })
  await agent.link.start()
  const ending = new AbortController()
  const becoming = agent.link.becomesAgent(ending.signal)
  ending.abort(new Error('it ends'))
  await expect(becoming).rejects.toThrow('it ends')
  await agent.link.stop()
})
