import { numberAt, objectAt, textAt } from '@flotilla/core/json/read-json'
import type { Clock } from '@flotilla/core/ports/clock'
import { createClock } from '@flotilla/core/ports/create-clock'
import { readJws } from '@flotilla/core/protocol/jws'
import { dump } from 'js-yaml'
import { afterAll, describe, expect, type TestContext, test } from 'vitest'
import { endAll, run } from '../e2e/support/processes.ts'
import { configMap, deployment } from '../e2e/support/small-fleet.ts'
import { until } from '../e2e/support/until.ts'
import type { TamperingHub } from './support/tampering-hub.ts'
import { World, type WorldOptions } from './support/world.ts'

/** Documents, Grants and Bundles that come late, twice, old or altered, from a real hub over real sockets: protocol.md 10. */

const clock = createClock(globalThis)
const APPS = ['web', 'api', 'job']

/** They wait for a hub, an agent and each other: each test has a world of its own, and runs beside the others. */
async function started({ onTestFinished }: Pick<TestContext, 'onTestFinished'>, options: WorldOptions): Promise<World> {
  const world = await World.start(options)
  onTestFinished(() => world.close())
  return world
}

afterAll(endAll)

const files = (app: string, value: string): string => `${dump(configMap(app, value))}---\n${dump(deployment(app))}`
const offersOf = (between: TamperingHub, app: string): readonly string[] =>
  between.of('offer').filter(jws => {
    const read = readJws(jws)
    return read.kind === 'unverified' && textAt(read.payload, 'application', 'name').startsWith(`${app}-`)
  })
function idIn(jws: string): string {
  const read = readJws(jws)
  return read.kind === 'unverified' ? textAt(read.payload, 'id') : ''
}
function numberIn(jws: string): number {
  const read = readJws(jws)
  return read.kind === 'unverified' ? numberAt(read.payload, 'number', 'n') : 0
}
const quietly = (ms: number): Promise<void> => clock.sleep(ms)

describe.concurrent('documents that are old', () => {
  test('are refused by number, whatever comes with them; a late Tombstone does not prune what returned', async context => {
    const world = await started(context, { apps: APPS })
    const { hub, fleet, between } = world
    await hub.settled(3)
    const [first] = offersOf(between, 'web')
    const [calendar] = between.of('calendar')
    await world.say('web', 'two')
    await until('the new value', async () => (await world.value('web')) === 'two')

    // It leaves its set, so that there is a Tombstone, and comes back before anything of it is removed.
    await fleet.commit({ 'apps/web/eu-1/app.yaml': undefined })
    await hub.push()
    const [tombstone] = await until('the Tombstone', () => {
      const list = between.of('tombstone')
      return list.length > 0 ? list : undefined
    })
    await fleet.commit({ 'apps/web/eu-1/app.yaml': files('web', 'three') })
    await hub.push()
    await until('it returned', async () => (await world.value('web')) === 'three')

    const before = world.refusals().length
    between.replayed.push(first!, tombstone!, calendar!)
    between.replayedGrants.push(...between.of('grant'))
    const begun = await world.begun()
    await world.say('api', 'after the replay')
    await until('what is new is taken', async () => (await world.value('api')) === 'after the replay')
    const refused = world.refusals().slice(before)
    expect(refused.filter(code => code === 'OLDER').length).toBeGreaterThanOrEqual(2)
    expect(await world.value('web')).toBe('three')
    // One operation for what is new, and none for what was replayed.
    expect((await world.begun()).filter(name => !begun.includes(name))).toHaveLength(1)
    await hub.settled(3)
  })
})

describe.concurrent('a document', () => {
  test('by a key that two rotations have left behind is refused, though the agent was away', async context => {
    const world = await started(context, { apps: APPS })
    const { hub, between } = world
    await hub.settled(3)
    const [old] = offersOf(between, 'web')
    await world.stopAgent()
    for (let rotation = 0; rotation < 2; rotation++) {
      const rotated = await run(['hub', 'keys', 'rotate', '--force'], { env: hub.clientEnvironment })
      expect(rotated.code, rotated.stderr).toBe(0)
    }
    await world.startAgent()
    await world.say('web', 'two')
    await until('what the newest key signs is taken', async () => (await world.value('web')) === 'two')
    const before = world.refusals().length
    world.between.replayed.push(old!)
    await world.say('web', 'three')
    await until('what is new is taken', async () => (await world.value('web')) === 'three')
    await until('the old one was refused', () => world.refusals().slice(before).includes('JWS_KEY'))
    await hub.settled(3)
  })
})

describe.concurrent('a Grant', () => {
  test('before its Offer waits for it, and starts once, however often it comes, also after a restart', async context => {
    const world = await started(context, {
      apps: APPS,
      prepare: between => {
        between.withoutDocuments = true
      },
    })
    const { hub, between } = world
    await until('the Grants have come', () => between.of('grant').length >= 3)
    await quietly(1_000)
    expect(await world.begun()).toEqual([])
    expect(await world.value('web')).toBeUndefined()
    const early = between.of('grant')
    between.withoutDocuments = false
    await world.say('web', 'what makes it ask again')
    // All may be settled for a moment before the hub has seen the commit.
    await until('the newest is there', async () => (await world.value('web')) === 'what makes it ask again')
    await hub.settled(3)
    const begun = await world.begun()
    // The one whose document was replaced may have started under its first Grant before that.
    expect([3, 4]).toContain(begun.length)
    // Those whose document was not replaced meanwhile started under the very Grants that had waited.
    expect(begun.filter(name => early.some(jws => name.includes(idIn(jws)))).length).toBeGreaterThanOrEqual(2)
    const grants = between.of('grant')

    await world.stopAgent()
    world.between.replayedGrants.push(...grants)
    // Only what the folder remembers of them goes: the records in the cluster say that they are used up.
    for (const prefix of ['grants/', 'settled/']) {
      for (const key of await world.state.list(prefix)) await world.state.delete(key)
    }
    await world.startAgent()
    await world.say('web', 'two')
    await until('the agent is there again', async () => (await world.value('web')) === 'two')
    const told = [...new Set(between.of('grant'))].map(jws => JSON.stringify(readJws(jws))).join('\n')
    expect(
      (await world.begun()).filter(name => !begun.includes(name)),
      told,
    ).toHaveLength(1)
  })

  test('that was taken back before it began is never started, though the agent has it', async context => {
    const world = await started(context, { apps: APPS })
    const { hub, between } = world
    await hub.settled(3)
    const begun = await world.begun()
    // It loses what the hub says of Grants and hears everything else.
    const held = Promise.withResolvers<void>()
    between.hold = { match: /^\/agent\/v1\/documents/, until: held.promise, lost: true }
    const before = between.of('grant').length
    const given = await hub.api.post('/api/v1/applications/web-eu-1/sync', { reason: 'by mistake' })
    await until('the Grant is on its way', () => between.of('grant').length > before)
    const grant = between.of('grant').at(-1)!
    const cancelled = await hub.api.post('/api/v1/applications/web-eu-1/terminate', { reason: 'mistake' })
    expect(cancelled).toMatchObject({ status: 'cancelled', id: given['id'] })
    // From now on the Grant comes with every answer; the calendar that says it is void comes with the first.
    between.replayedGrants.push(grant)
    between.hold = undefined
    held.resolve()
    const calendars = between.of('calendar').length
    await world.say('api', 'two')
    await until('what is new is taken', async () => (await world.value('api')) === 'two')
    expect(between.of('calendar').length).toBeGreaterThan(calendars)
    expect((await world.begun()).filter(name => !begun.includes(name))).toHaveLength(1)
    const followed = await hub.api.get(`/api/v1/operations/${String(given['id'])}`)
    expect(textAt(followed, 'state')).toBe('cancelled')
  })

  test('stored on a node that was off for a week starts nothing before a pulse', async context => {
    const world = await started(context, {
      apps: APPS,
      prepare: between => {
        between.loses = kind => kind === 'pulse'
      },
    })
    const { hub, between } = world
    await until('Offers and Grants are held', () => between.of('grant').length >= 3 && between.of('offer').length >= 3)
    await quietly(1_000)
    expect(await world.begun()).toEqual([])
    await world.stopAgent()
    world.between.loses = kind => kind === 'pulse'
    const week = 7 * 24 * 3_600_000
    const machine: Clock = {
      now: () => clock.now() + week,
      monotonicMs: () => clock.monotonicMs(),
      setTimer: (ms, work) => clock.setTimer(ms, work),
      sleep: (ms, signal) => clock.sleep(ms, signal),
    }
    await world.startAgent(undefined, machine)
    await until('it is connected', async () =>
      (await hub.clusters()).some(row => objectAt(row, 'agent')['connected'] === true),
    )
    await quietly(1_500)
    expect(await world.begun()).toEqual([])
    await world.stopAgent()
    await world.startAgent(undefined, machine)
    await hub.settled(3)
    expect((await world.begun()).length).toBeGreaterThanOrEqual(3)
  })
})

describe.concurrent('a Bundle on its way', () => {
  const variants: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
    ['altered', bytes => Uint8Array.from(bytes, (byte, index) => (index === bytes.length >> 1 ? byte ^ 1 : byte))],
    ['truncated', bytes => bytes.slice(0, bytes.length - 7)],
    ['longer than was offered', bytes => Buffer.concat([bytes, Buffer.alloc(64 * 1024)])],
    ['another altogether', () => Buffer.from('{"format":1,"objects":[]}')],
  ]
  for (const [name, change] of variants) {
    test(`${name} is never applied, and fetched again ever more rarely`, async context => {
      const world = await started(context, {
        apps: APPS,
        prepare: between => {
          between.bundle = change
        },
      })
      const { between, hub } = world
      await until('it was asked for', () => between.bundlesAsked >= 3)
      const since = clock.monotonicMs()
      const asked = between.bundlesAsked
      await until('it is asked for again', () => between.bundlesAsked >= asked + 3)
      expect(clock.monotonicMs() - since).toBeGreaterThan(500)
      for (const app of APPS) expect(await world.value(app)).toBeUndefined()
      between.bundle = bytes => bytes
      await hub.settled(3)
    })
  }
})

describe.concurrent('an agent whose folder was lost', () => {
  test('takes no old document, and is given what it lacks under new numbers', async context => {
    const world = await started(context, { apps: APPS })
    const { hub, between } = world
    await hub.settled(3)
    const [old] = offersOf(between, 'web')
    await world.say('web', 'two')
    await until('the new value', async () => (await world.value('web')) === 'two')
    await hub.settled(3)
    await world.stopAgent()
    // Everything but who it is.
    const lost = ['documents/', 'retired', 'grants/', 'settled/', 'bundles/', 'commands/']
    for (const prefix of lost) for (const key of await world.state.list(prefix)) await world.state.delete(key)
    world.between.replayed.push(old!)
    const begun = await world.begun()
    const before = Math.max(...between.of('offer').map(numberIn))
    await world.startAgent()
    await until('the old Offer was refused', () => world.refusals().includes('OLDER'))
    await until('all is held again', () => world.agent!.link.held().size === 3)
    for (const { number } of world.agent!.link.held().values()) expect(number.n).toBeGreaterThan(before)
    await hub.settled(3)
    expect(await world.value('web')).toBe('two')
    expect(await world.begun(), 'nothing was applied again').toEqual(begun)
  })
})
