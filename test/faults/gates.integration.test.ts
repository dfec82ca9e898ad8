import { textAt, valueAt } from '@flotilla/core/json/read-json'
import type { Clock } from '@flotilla/core/ports/clock'
import { createClock } from '@flotilla/core/ports/create-clock'
import { readJws } from '@flotilla/core/protocol/jws'
import { afterAll, describe, expect, type TestContext, test } from 'vitest'
import { endAll, run } from '../e2e/support/processes.ts'
import { until } from '../e2e/support/until.ts'
import { smallAgent } from '../simulation/small-agent.ts'
import { PARTITION } from './fault-proxy.ts'
import { hasty } from './support/played-agent.ts'
import { World, type WorldOptions } from './support/world.ts'

/** Freezes, permissions to start and clocks between a real hub and an agent that is cut off: protocol.md 10. */

const clock = createClock(globalThis)
const MINUTE_MS = 60_000
/** Several looks of the agent at what it holds. */
const LONG_ENOUGH_MS = 3_000
type Context = Pick<TestContext, 'onTestFinished'>

/** They wait for a hub, an agent and each other: each test has a world of its own, and runs beside the others. */
async function started({ onTestFinished }: Context, options: WorldOptions): Promise<World> {
  const world = await World.start(options)
  onTestFinished(() => world.close())
  return world
}

afterAll(endAll)

/** The machine of the agent: what its clocks say beside the real ones. */
class Machine implements Clock {
  wallMs = 0
  passedMs = 0
  now(): number {
    return clock.now() + this.wallMs + this.passedMs
  }
  monotonicMs(): number {
    return clock.monotonicMs() + this.passedMs
  }
  setTimer(...[ms, work]: Parameters<Clock['setTimer']>): ReturnType<Clock['setTimer']> {
    return clock.setTimer(ms, work)
  }
  sleep(...[ms, signal]: Parameters<Clock['sleep']>): ReturnType<Clock['sleep']> {
    return clock.sleep(ms, signal)
  }
}

function startBeforeOf(jws: string): number {
  const read = readJws(jws)
  return read.kind === 'unverified' ? Number(read.payload['startBefore']) : 0
}

/** An agent has a Grant that it cannot start yet, because its cluster does not take records; then it is cut off. */
async function cutOffWithGrant(
  context: Context,
  machine: Machine,
): Promise<{ readonly held: World; readonly startBefore: number }> {
  const world = await started(context, { apps: ['web'], clusters: ['eu-1', 'eu-2'], machine })
  const { hub, cluster, between, proxy } = world
  await until('eu-1 is done', async () => (await world.value('web')) === 'one')
  // The other cluster has an agent that obeys and does nothing.
  const token = await world.joinToken('eu-2')
  const other = smallAgent({ transport: hub.transport, clock, random: hasty, joinToken: token, uid: 'uid-eu-2' })
  context.onTestFinished(() => other.link.stop())
  await other.link.start()
  await until('eu-2 is connected', () => other.link.connected())
  const before = between.of('grant').length
  cluster.faults.set({ failNext: [{ match: /POST .*flotilla-system\/configmaps/, status: 503, times: 1_000_000 }] })
  await world.say('web', 'two')
  const grant = await until('the Grant has come', () => between.of('grant').slice(before)[0])
  await until('and its Offer', () => between.of('offer').length >= 2)
  await clock.sleep(500)
  expect(await world.value('web')).toBe('one')
  proxy.set(PARTITION)
  return { held: world, startBefore: startBeforeOf(grant) }
}

describe.concurrent('a partition, and then a freeze', () => {
  test('shows how far it is in force and until when something may start, and after that nothing does', async context => {
    const machine = new Machine()
    const { held, startBefore } = await cutOffWithGrant(context, machine)
    const { hub, cluster, proxy } = held
    const words = ['freeze', 'now', '--all', '--name', 'stop', '--for', '1h', '--reason', 'it burns']
    const made = await run(words, { env: hub.clientEnvironment })
    expect(made.code, made.stderr).toBe(0)
    const shown = await until('eu-2 has it', async () => {
      const freeze = await hub.api.get('/api/v1/freezes/stop')
      return valueAt(freeze, 'effect', 'inForce') === 1 && freeze
    })
    expect(shown).toMatchObject({
      effect: { clusters: 2, inForce: 1, latestStart: new Date(startBefore).toISOString() },
    })
    const minute = new Date(startBefore).toISOString().slice(0, 16).replace('T', ' ')
    const told = await run(['freeze', 'get', 'stop'], { env: hub.clientEnvironment })
    expect(told.stdout).toContain(`in force on 1 of 2 clusters, latest possible start ${minute}`)

    // On the agent's machine the quarter of an hour passes, and only then its cluster takes records again.
    machine.passedMs = startBefore - clock.now() + MINUTE_MS
    const begun = await held.begun()
    cluster.faults.clear()
    await clock.sleep(LONG_ENOUGH_MS)
    expect(await held.value('web')).toBe('one')
    expect(await held.begun()).toEqual(begun)

    proxy.heal()
    const all = async () => valueAt(await hub.api.get('/api/v1/freezes/stop'), 'effect', 'inForce') === 2
    await until('it is in force everywhere', all)
    const reached = await run(['freeze', 'get', 'stop'], { env: hub.clientEnvironment })
    expect(reached.stdout).toContain('in force on 2 of 2 clusters')
    expect(await held.value('web')).toBe('one')
  })

  test('before that time it may start, as is shown, and what runs ends without the hub', async context => {
    const machine = new Machine()
    const { held } = await cutOffWithGrant(context, machine)
    const words = ['freeze', 'now', '--all', '--name', 'stop', '--for', '1h', '--reason', 'it burns']
    expect((await run(words, { env: held.hub.clientEnvironment })).code).toBe(0)
    held.cluster.faults.clear()
    await until('it has started and ended', async () => (await held.value('web')) === 'two')
    const finished = async () => (await held.phases()).every(phase => phase === 'Succeeded')
    await until('its operation has ended', finished)
    held.proxy.heal()
    await until('the hub knows', async () => {
      const operations = (await held.hub.api.list('/api/v1/applications/web-eu-1/history', {})).items
      return operations.length >= 2
    })
  })
})

describe.concurrent('a freeze, and an Offer of something new while what was there drifts', () => {
  test.for([
    ['allowed: the drift is put right to what was there', 'continue'],
    ['not allowed: the drift stays', 'pause'],
  ] as const)('self-heal is %s; what is new waits', async ([, selfHeal], context) => {
    const world = await started(context, { apps: ['web'] })
    const { hub, fleet } = world
    await hub.settled(1)
    await fleet.commit({ 'fleet/freeze.yaml': freeze(selfHeal) })
    await hub.push()
    await until('the agent has the freeze', () =>
      world.between.of('calendar').some(jws => {
        const read = readJws(jws)
        return read.kind === 'unverified' && JSON.stringify(read.payload).includes('FreezePeriod/still')
      }),
    )
    const offers = world.between.of('offer').length
    await world.say('web', 'two')
    await until('what is new is offered', () => world.between.of('offer').length > offers)
    await world.drift('web', 'edited')
    if (selfHeal === 'continue') await until('it is put right', async () => (await world.value('web')) === 'one')
    await clock.sleep(LONG_ENOUGH_MS)
    expect(await world.value('web')).toBe(selfHeal === 'continue' ? 'one' : 'edited')
    const [row] = await hub.applications()
    expect(textAt(valueAt(row, 'hold'), 'code')).toBe('FROZEN')
    await fleet.commit({ 'fleet/freeze.yaml': undefined })
    await hub.push()
    await until('what is new is there', async () => (await world.value('web')) === 'two')
  })
})

describe.concurrent('a Grant', () => {
  test('whose calendar has not come waits for it', async context => {
    const world = await started(context, { apps: ['web'] })
    const { hub, between } = world
    await hub.settled(1)
    const begun = await world.begun()
    // What is pushed of calendars and what is answered is lost; the rules change, and what follows is decided on them.
    between.losesDocuments = typ => typ === 'calendar'
    await world.fleet.commit({ 'fleet/freeze.yaml': freeze('pause', 120) })
    await hub.push()
    const granted = between.of('grant').length
    await world.say('web', 'two')
    await until('the Grant has come', () => between.of('grant').length > granted)
    await clock.sleep(LONG_ENOUGH_MS)
    expect(await world.value('web')).toBe('one')
    expect(await world.begun()).toEqual(begun)
    between.losesDocuments = () => false
    await until('it has started', async () => (await world.value('web')) === 'two')
  })
})

describe.concurrent("an agent whose machine's clock", () => {
  test('is an hour ahead and then behind: it connects, goes by pulses, and its skew is shown', async context => {
    const machine = new Machine()
    const wallMs = 60 * MINUTE_MS
    machine.wallMs = wallMs
    const world = await started(context, { apps: ['web'], machine })
    const { hub } = world
    await hub.settled(1)
    const skew = async () => Number(valueAt(await hub.api.get('/api/v1/clusters/eu-1'), 'clockSkewMs'))
    await until('the skew is known', async () => Math.abs((await skew()) - wallMs) < MINUTE_MS)
    const told = await run(['cluster', 'get', 'eu-1'], { env: hub.clientEnvironment })
    expect(told.stdout).toContain('CLOCK_SKEWED')
    expect(told.stdout).toMatch(/3(?:6\d\d|59\d) s ahead of the hub/)
    // It is stepped while the agent runs: what it may do is asked of pulses, not of this clock.
    machine.wallMs = -wallMs
    await world.say('web', 'two')
    await until('the new value', async () => (await world.value('web')) === 'two')
  })
})

/** @param inMinutes When it begins. */
function freeze(selfHeal: 'continue' | 'pause', inMinutes = -1): string {
  const instant = (at: number): string => new Date(at).toISOString().slice(0, 19).concat('Z')
  return JSON.stringify({
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'FreezePeriod',
    metadata: { name: 'still' },
    spec: {
      level: 'hard',
      reason: 'nothing changes',
      scope: { all: true },
      selfHeal,
      when: [{ from: instant(clock.now() + inMinutes * MINUTE_MS), until: instant(clock.now() + 180 * MINUTE_MS) }],
    },
  })
}
