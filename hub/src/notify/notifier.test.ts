import type { Store } from '@flotilla/core/ports/store'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MemoryStore } from '../store/memory-store.ts'
import { SendError } from './send-error.ts'
import { COMMIT, NotifierHarness } from './testing/notifier-harness.ts'

const MINUTE = 60_000
const route = (spec: string, name = 'oncall') =>
  `---\napiVersion: flotilla.dev/v1alpha1\nkind: NotificationRoute\nmetadata: {name: ${name}}\nspec:\n${spec}`
const TO = '  to: [{name: chat, slack: {webhookUrlRef: {secretName: s, key: k}}}]\n'
const DEGRADED = route(`  triggers: [{trigger: on-health-degraded, for: 10m}]\n${TO}`)

let hub: NotifierHarness
beforeEach(() => {
  hub = new NotifierHarness()
})
afterEach(() => hub.notifier.stop())

describe('what is told', () => {
  it('one commit that breaks three hundred clusters is one message, with counts and links, and one that it is over', async () => {
    hub.routes(DEGRADED)
    for (let n = 0; n < 300; n++) hub.app(`shop-${n}`)
    await hub.start()
    for (let n = 0; n < 300; n++) hub.health(`shop-${n}`, 'Degraded', 'no progress')
    await hub.pass(9 * MINUTE)
    expect(hub.sent).toEqual([])
    await hub.pass(2 * MINUTE)
    expect(hub.titles()).toEqual([
      `chat: 300 Degraded: commit ${COMMIT.slice(0, 12)} of https://git.example.com/shop/deploy.git`,
    ])
    const [{ body, context }] = hub.sent as [(typeof hub.sent)[0]]
    expect(context['count']).toEqual({ firing: 300, total: 300, resolved: 0, named: 20, more: 280 })
    expect(body).toContain('shop-0 on cluster-shop-0: no progress https://hub.example.com/api/v1/applications/shop-0')
    expect(body).toContain('and 280 more')
    expect(body).toContain(`https://git.example.com/shop/deploy/commit/${COMMIT}`)
    for (let n = 0; n < 300; n++) hub.health(`shop-${n}`, 'Healthy')
    await hub.pass(MINUTE)
    expect(hub.titles().slice(1)).toEqual([
      `chat: Resolved: 300 Degraded: commit ${COMMIT.slice(0, 12)} of https://git.example.com/shop/deploy.git`,
    ])
    // The end belongs to the beginning: a thread, a reply.
    expect(hub.sent[1]?.first).toBe(`receipt-${hub.sent[0]?.id}`)
  })

  it('what lasts less long than wanted is not told, and what becomes more is told now and then', async () => {
    hub.routes(DEGRADED)
    for (const name of ['a', 'b', 'c']) hub.app(name)
    await hub.start()
    hub.health('a', 'Degraded')
    await hub.pass(9 * MINUTE)
    hub.health('a', 'Healthy')
    await hub.pass(20 * MINUTE)
    expect(hub.sent).toEqual([])
    hub.health('a', 'Degraded')
    await hub.pass(11 * MINUTE)
    expect(hub.sent.map(({ kind }) => kind)).toEqual(['firing'])
    hub.health('b', 'Degraded')
    hub.health('c', 'Degraded')
    await hub.pass(11 * MINUTE)
    expect(hub.sent.map(({ kind, context }) => `${kind} ${JSON.stringify(context['count'])}`).slice(1)).toEqual([
      'update {"firing":3,"total":3,"resolved":0,"named":3,"more":0}',
    ])
    await hub.pass(60 * MINUTE)
    expect(hub.sent).toHaveLength(2)
  })

  it('a restart forgets nothing and says nothing twice', async () => {
    hub.routes(DEGRADED)
    hub.app('a')
    hub.app('b')
    await hub.start()
    hub.health('a', 'Degraded')
    await hub.pass(6 * MINUTE)
    await hub.restart()
    await hub.pass(5 * MINUTE)
    expect(hub.sent.map(({ kind }) => kind)).toEqual(['firing'])
    await hub.restart()
    await hub.pass(20 * MINUTE)
    expect(hub.sent).toHaveLength(1)
    // It gets well while no hub runs.
    hub.health('a', 'Healthy')
    await hub.restart()
    await hub.pass(MINUTE)
    expect(hub.sent.map(({ kind }) => kind)).toEqual(['firing', 'resolved'])
  })

  it('nothing is told to be well because its agent fell silent, or because a hub has just started', async () => {
    hub.routes(`${DEGRADED}${route(`  triggers: [{trigger: on-agent-silent, for: 5m}]\n${TO}`, 'agents')}`)
    for (const name of ['a', 'b']) hub.app(name)
    await hub.start()
    hub.health('a', 'Degraded')
    await hub.pass(11 * MINUTE)
    expect(hub.sent.map(({ kind }) => kind)).toEqual(['firing'])
    await hub.pass(20 * MINUTE, ['cluster-a'])
    expect(hub.titles().slice(1)).toEqual(['chat: 1 agent silent: agents that are silent'])
    expect(hub.sent[1]?.body).toContain('cluster-a')
    await hub.pass(MINUTE)
    expect(hub.titles().slice(2)).toEqual(['chat: Resolved: 1 agent silent: agents that are silent'])
  })

  it('an Application that is gone is no longer broken', async () => {
    hub.routes(route(`  triggers: [{trigger: on-health-degraded}]\n  groupWait: 0s\n${TO}`))
    hub.app('a')
    await hub.start()
    hub.health('a', 'Degraded')
    await hub.pass(MINUTE)
    hub.remove('a')
    await hub.pass(MINUTE)
    expect(hub.sent.map(({ kind }) => kind)).toEqual(['firing', 'resolved'])
  })

  it('a deployment is told once for each revision, and nothing of before the route', async () => {
    const operation = (id: string, revision: string) => ({
      ...{ id, trigger: 'automated' as const, by: 'hub', phase: 'Succeeded' as const, message: '', revision },
      ...{ startedAt: hub.clock.now(), finishedAt: hub.clock.now(), results: [], resultsCut: 0 },
      digest: 'sha256:0' as never,
    })
    hub.routes(route(`  triggers: [{trigger: on-deployed}]\n${TO}`))
    hub.app('a')
    hub.change('a', { operation: operation('1', COMMIT) })
    await hub.clock.advance(1_000)
    await hub.start()
    await hub.pass(5 * MINUTE)
    expect(hub.sent).toEqual([])
    hub.change('a', { operation: operation('2', 'b'.repeat(40)) })
    await hub.pass(MINUTE)
    hub.change('a', { operation: operation('3', 'b'.repeat(40)) })
    await hub.pass(10 * MINUTE)
    await hub.restart()
    await hub.pass(10 * MINUTE)
    expect(hub.titles()).toEqual(['chat: 1 deployed: commit bbbbbbbbbbbb of https://git.example.com/shop/deploy.git'])
  })

  it('what a gate does is told to whom it concerns', async () => {
    const gates = `  triggers: [{trigger: on-gate, events: ["freeze.*"]}]\n${TO}`
    hub.routes(
      `apiVersion: flotilla.dev/v1alpha1\nkind: Team\nmetadata: {name: shop}\nspec: {owns: {projects: [shop]}}\n${route(gates, 'all')}${route(`  team: shop\n${gates.replace('chat', 'shop')}`, 'shop')}`,
    )
    await hub.start()
    await hub.emit({ kind: 'freeze.started', subject: 'FreezePeriod/year-end', owners: ['platform'] })
    await hub.emit({ kind: 'freeze.announced', subject: 'FreezePeriod/sale', owners: ['shop'] })
    await hub.emit({ kind: 'window.opened', subject: 'SyncWindow/nights', owners: ['shop'] })
    await hub.pass(MINUTE)
    expect([...hub.titles()].sort()).toEqual([
      'chat: freeze.announced: FreezePeriod/sale',
      'chat: freeze.started: FreezePeriod/year-end',
      'shop: freeze.announced: FreezePeriod/sale',
    ])
  })

  it('what a gate did just before the hub died, or while none ran, is told by the next one, once', async () => {
    hub.routes(route(`  triggers: [{trigger: on-gate}]\n${TO}`))
    await hub.emit({ kind: 'freeze.made', subject: 'FreezePeriod/before-everything' })
    await hub.start()
    // The notifier is stopped before it looks again: nobody has read this.
    await hub.emit({ kind: 'freeze.started', subject: 'FreezePeriod/year-end' })
    await hub.restart()
    expect(hub.titles()).toEqual(['chat: freeze.started: FreezePeriod/year-end'])
    await hub.notifier.stop()
    await hub.emit({ kind: 'freeze.ended', subject: 'FreezePeriod/year-end' })
    await hub.restart()
    await hub.restart()
    await hub.pass(MINUTE)
    expect(hub.titles()).toEqual([
      'chat: freeze.started: FreezePeriod/year-end',
      'chat: freeze.ended: FreezePeriod/year-end',
    ])
    expect(new Set(hub.sent.map(({ id }) => id)).size).toBe(2)
  })

  it('what a gate did is told although the store refused the first writing of the message', async () => {
    let refusals = 1
    const store = new MemoryStore()
    const write = store.write.bind(store)
    store.write = async work =>
      await write(async rows => {
        const answer = await work(rows)
        if ((await rows.messages()).length > 0 && refusals-- > 0) throw new Error('the disk is full')
        return answer
      })
    hub = new NotifierHarness(store)
    hub.routes(route(`  triggers: [{trigger: on-gate}]\n${TO}`))
    await hub.start()
    await hub.emit({ kind: 'freeze.started', subject: 'FreezePeriod/year-end' })
    await hub.pass(0).catch(() => undefined)
    expect([refusals, hub.sent]).toEqual([0, []])
    await hub.restart()
    expect(hub.titles()).toEqual(['chat: freeze.started: FreezePeriod/year-end'])
  })
})

describe('what a team may not see', () => {
  it('is in no message, no count and no webhook body', async () => {
    hub.routes(
      `apiVersion: flotilla.dev/v1alpha1\nkind: Team\nmetadata: {name: shop}\nspec: {owns: {projects: [shop]}, watches: {projects: ["shared-*"]}}\n${route(
        `  team: shop\n  triggers: [{trigger: on-health-degraded}]\n  to: [{webhook: {url: "https://a.example.com"}}]\n`,
      )}`,
    )
    hub.app('ours')
    hub.app('watched', { project: 'shared-dns' })
    hub.app('secret-canary', { project: 'bank' })
    await hub.start()
    for (const name of ['ours', 'watched', 'secret-canary']) hub.health(name, 'Degraded', `message of ${name}`)
    await hub.pass(2 * MINUTE)
    expect(hub.titles()).toEqual([expect.stringContaining('2 Degraded')])
    expect(JSON.stringify([hub.sent, await hub.store.read(rows => rows.messages())])).not.toContain('canary')
  })

  it('is everything where no document declares the team', async () => {
    hub.routes(route(`  team: shopp\n  triggers: [{trigger: on-health-degraded}]\n${TO}`))
    hub.app('a')
    await hub.start()
    hub.health('a', 'Degraded')
    await hub.pass(5 * MINUTE)
    expect(hub.sent).toEqual([])
    expect(hub.notifier.routes[0]?.trouble).toBe('there is no Team "shopp"')
  })
})

describe('delivery', () => {
  const AT_ONCE = route(`  triggers: [{trigger: on-health-degraded}]\n  groupWait: 0s\n${TO}`)

  it('is tried again, never before it was asked to, and the message stays the same', async () => {
    const ids: string[] = []
    const at: number[] = []
    hub.fail = ({ message }) => {
      ids.push(message.id)
      at.push(hub.clock.now())
      const asked = ids.length === 1 ? { retryAfterMs: 60_000 } : {}
      return ids.length < 4
        ? new SendError('NOTIFY_UNAVAILABLE', 'chat', 'answered 503', { retry: true, ...asked })
        : undefined
    }
    hub.routes(AT_ONCE)
    hub.app('a')
    await hub.start()
    hub.health('a', 'Degraded')
    await hub.pass(5 * MINUTE)
    expect(new Set(ids).size).toBe(1)
    expect(hub.sent).toHaveLength(1)
    expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(60_000)
    expect(at[3]! - at[2]!).toBeGreaterThan(at[2]! - at[1]!)
  })

  it('of a message that is refused for good ends in a dead one, which can be sent again', async () => {
    let refuse = true
    hub.fail = () => (refuse ? new SendError('NOTIFY_REFUSED', 'chat', 'answered 404', { retry: false }) : undefined)
    hub.routes(AT_ONCE)
    hub.app('a')
    await hub.start()
    hub.health('a', 'Degraded')
    await hub.pass(MINUTE)
    const [dead] = await hub.store.read(rows => rows.messages('dead'))
    expect(dead).toMatchObject({ attempts: 1, error: { code: 'NOTIFY_REFUSED', message: 'chat: answered 404' } })
    expect(hub.lines).toEqual([expect.stringContaining('a message could not be delivered')])
    refuse = false
    await hub.notifier.retry(dead!.id)
    await hub.pass(MINUTE)
    expect(hub.sent.map(({ id }) => id)).toEqual([dead!.id])
  })

  it('is given up after a day', async () => {
    hub.fail = () => new SendError('NOTIFY_UNREACHABLE', 'chat', 'cannot be reached', { retry: true })
    hub.routes(AT_ONCE)
    hub.app('a')
    await hub.start()
    hub.health('a', 'Degraded')
    await hub.pass(23 * 60 * MINUTE)
    expect(await hub.store.read(rows => rows.messages('dead'))).toEqual([])
    await hub.pass(2 * 60 * MINUTE)
    expect(await hub.store.read(rows => rows.messages('dead'))).toHaveLength(1)
  })

  it('is never lost over a restart, and repeated only where the acknowledgement was not written', async () => {
    const disk = diskThatFills()
    hub = new NotifierHarness(disk.store)
    hub.routes(AT_ONCE)
    hub.app('a')
    await hub.start()
    hub.fail = () => {
      disk.full = true
      return undefined
    }
    hub.health('a', 'Degraded')
    await hub.pass(MINUTE)
    // It was sent and could not be written: the same process knows, and does not repeat it.
    expect(hub.sent).toHaveLength(1)
    hub.fail = undefined
    disk.full = false
    await hub.restart()
    await hub.pass(MINUTE)
    expect(new Set(hub.sent.map(({ id }) => id)).size).toBe(1)
    expect(hub.sent).toHaveLength(2)
    await hub.restart()
    await hub.pass(MINUTE)
    expect(hub.sent).toHaveLength(2)
  })

  it('waits where nothing can be written, and loses no message of it', async () => {
    const disk = diskThatFills()
    hub = new NotifierHarness(disk.store)
    hub.routes(AT_ONCE)
    hub.app('a')
    await hub.start()
    disk.full = true
    hub.health('a', 'Degraded')
    await hub.pass(MINUTE).catch(() => undefined)
    expect(hub.sent).toEqual([])
    disk.full = false
    await hub.pass(MINUTE)
    expect(hub.sent.map(({ kind }) => kind)).toEqual(['firing'])
  })

  it('to a target that is gone ends', async () => {
    hub.fail = () => new SendError('NOTIFY_UNREACHABLE', 'chat', 'cannot be reached', { retry: true })
    hub.routes(AT_ONCE)
    hub.app('a')
    await hub.start()
    hub.health('a', 'Degraded')
    await hub.pass(MINUTE)
    hub.routes(AT_ONCE.replace('name: chat', 'name: other'))
    await hub.pass(10 * MINUTE)
    expect((await hub.store.read(rows => rows.messages('dead'))).map(({ error }) => error?.code)).toEqual([
      'NOTIFY_TARGET_GONE',
    ])
  })
})

it('a test message goes to each target', async () => {
  hub.routes(
    route(
      `  triggers: [{trigger: on-held}]\n  to: [{name: a, slack: {webhookUrlRef: {secretName: s, key: k}}}, {name: b, teams: {webhookUrlRef: {secretName: s, key: k}}}]\n`,
    ),
  )
  await hub.start()
  expect(await hub.notifier.test('nobody', 'ana')).toBeUndefined()
  await hub.notifier.test('oncall', 'ana')
  await hub.pass(1_000)
  expect([...hub.titles()].sort()).toEqual(['a: [test] test: oncall', 'b: [test] test: oncall'])
  expect(hub.sent[0]?.body).toContain('(by ana)')
})

/** A store in memory that takes no write while its disk is full. */
function diskThatFills(): { full: boolean; readonly store: Store } {
  const memory = new MemoryStore()
  const disk: { full: boolean; readonly store: Store } = {
    full: false,
    store: {
      ...{ read: work => memory.read(work), close: () => memory.close() },
      get counters() {
        return memory.counters
      },
      write: work => (disk.full ? Promise.reject(new Error('the disk is full')) : memory.write(work)),
    },
  }
  return disk
}
