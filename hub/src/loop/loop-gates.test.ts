import type { CalendarPayload } from '@flotilla/core/protocol/documents'
import { describe, expect, it } from 'vitest'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

const FLEET = {
  'clusters/eu-1.json': cluster('eu-1'),
  'projects/shop.json': project('shop'),
  'sets/shop.json': set('shop'),
}
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** The harness begins on 2027-01-15 at 08:00 UTC. */
const START = 1_800_000_000_000

const document = (kind: string, spec: object, name = 'one'): string =>
  JSON.stringify({ apiVersion: 'flotilla.dev/v1alpha1', kind, metadata: { name }, spec })
const local = (ms: number): string => new Date(ms).toISOString().slice(0, 16)
const freeze = (fromMs: number, untilMs: number, more: object = {}): string =>
  document('FreezePeriod', {
    level: 'hard',
    reason: 'closing',
    scope: { all: true },
    when: [{ from: local(START + fromMs), until: local(START + untilMs) }],
    ...more,
  })
const window = (spec: object): string => document('SyncWindow', { scope: { all: true }, ...spec })
const projectWith = (...syncWindows: object[]): string =>
  project('shop').replace('"spec":{', `"spec":{"syncWindows":${JSON.stringify(syncWindows)},`)

async function started(gates: { readonly [path: string]: string }) {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, { ...FLEET, ...gates })
  hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) })
  await hub.start()
  await hub.refresh(APPS)
  const id = await hub.join('eu-1')
  return { hub, id }
}

async function calendar(hub: LoopHarness, id: string): Promise<CalendarPayload> {
  const all = (await hub.documents(id)) as readonly CalendarPayload[]
  return all.find(({ typ }) => typ === 'calendar')!
}

async function wait(hub: LoopHarness, ms: number): Promise<void> {
  await hub.clock.advance(ms)
  await hub.loop.idle()
}

const hold = (hub: LoopHarness) => hub.application('web-eu-1').hold
const offers = async (hub: LoopHarness, id: string) =>
  (await hub.documents(id)).filter(each => JSON.stringify(each).includes('"typ":"offer"'))

describe('a closed gate', () => {
  it.each<[string, { readonly [path: string]: string }, string, string]>([
    ['a FreezePeriod', { 'g.json': freeze(-HOUR_MS, HOUR_MS) }, 'FROZEN', 'FreezePeriod/one'],
    [
      'a SyncWindow that denies',
      { 'g.json': window({ kind: 'deny', schedule: '0 7 * * *', duration: '2h' }) },
      'WINDOW_CLOSED',
      'SyncWindow/one',
    ],
    [
      'a SyncWindow that allows at other times',
      { 'g.json': window({ kind: 'allow', schedule: '0 9 * * *', duration: '2h' }) },
      'WINDOW_CLOSED',
      'SyncWindow/one',
    ],
    [
      'a window of the Project',
      {
        'projects/shop.json': projectWith({
          kind: 'deny',
          schedule: '0 7 * * *',
          duration: '2h',
          applications: ['web-*'],
        }),
      },
      'WINDOW_CLOSED',
      'Project/shop syncWindows[0]',
    ],
    [
      'one that nobody can read',
      { 'g.json': freeze(HOUR_MS, -HOUR_MS) },
      'GATE_INDETERMINATE',
      'FreezePeriod "one" at g.json:1',
    ],
  ])('holds what it concerns, which is offered all the same: %s', async (_, gates, code, rule) => {
    const { hub, id } = await started(gates)
    expect(hold(hub)).toMatchObject({ code, blockers: [{ rule }] })
    expect(await hub.grants(id)).toEqual([])
    expect(await offers(hub, id)).toHaveLength(1)
  })

  it('lets go by itself, within five seconds of its end', async () => {
    const { hub, id } = await started({ 'g.json': freeze(-HOUR_MS, HOUR_MS) })
    expect(hold(hub)?.nextOpening).toBe(START + HOUR_MS)
    await wait(hub, START + HOUR_MS - 1 - hub.clock.now())
    expect(await hub.grants(id)).toEqual([])
    await wait(hub, 5_001)
    expect(hold(hub)).toBeUndefined()
    expect(await hub.grants(id)).toHaveLength(1)
  })

  it('that concerns others holds nothing', async () => {
    const { hub, id } = await started({ 'g.json': freeze(-HOUR_MS, HOUR_MS, { scope: { projects: ['bank'] } }) })
    expect(hold(hub)).toBeUndefined()
    expect(await hub.grants(id)).toHaveLength(1)
  })

  it('never misses an opening of one minute', async () => {
    const { hub, id } = await started({
      'g.json': window({ kind: 'allow', schedule: '30 9 * * *', duration: '1m' }),
    })
    await wait(hub, 3 * HOUR_MS)
    const [grant] = await hub.grants(id)
    expect(grant?.iat).toBeGreaterThanOrEqual(START + 90 * MINUTE_MS)
    expect(grant?.iat).toBeLessThanOrEqual(START + 90 * MINUTE_MS + 5_000)
  })

  it('whose opening came and went while the hub was down is written down', async () => {
    const { hub, id } = await started({
      'g.json': window({ kind: 'allow', schedule: '30 9 * * *', duration: '1m' }),
    })
    await hub.loop.stop()
    await hub.clock.advance(3 * HOUR_MS)
    await hub.restart(undefined, 'kept')
    expect(await hub.grants(id)).toEqual([])
    const [entry] = await hub.store.read(rows => rows.audit({ limit: 5 }))
    expect(entry).toMatchObject({
      action: 'window.missed',
      subject: 'Application/web-eu-1',
      detail: { opened: '2027-01-15T09:30:00.000Z', closed: '2027-01-15T09:31:00.000Z' },
    })
    expect(hold(hub)?.nextOpening).toBe(Date.UTC(2027, 0, 16, 9, 30))
  })

  it('in the commit that changes the Application holds that change', async () => {
    const { hub, id } = await started({})
    const [first] = await hub.grants(id)
    await hub.settle('web-eu-1', 'started')
    await hub.report('web-eu-1', { lastSucceeded: hub.application('web-eu-1').digest })
    hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'good day' }) })
    await hub.push(CONFIG, { 'g.json': freeze(-HOUR_MS, HOUR_MS) })
    await hub.refresh(APPS)
    expect(first).toBeDefined()
    expect(hold(hub)?.code).toBe('FROZEN')
    expect(await hub.grants(id)).toEqual([])
  })
})

describe('a calendar', () => {
  it('says when the Applications of its cluster are closed', async () => {
    const { hub, id } = await started({ 'g.json': freeze(2 * HOUR_MS, 3 * HOUR_MS) })
    const { intervals, groups, until, from } = await calendar(hub, id)
    expect(until - from).toBe(14 * 24 * HOUR_MS)
    expect(groups).toEqual({ g1: [hub.application('web-eu-1').id] })
    expect(intervals).toMatchObject([
      {
        groups: ['g1'],
        from: START + 2 * HOUR_MS,
        to: START + 3 * HOUR_MS,
        layer: 'freeze',
        blocks: ['sync', 'prune', 'heal'],
      },
    ])
  })

  it('is one document when a freeze is made, and no Offer; Grants that have not been used are void', async () => {
    const { hub, id } = await started({})
    const [granted] = await hub.grants(id)
    const before = await hub.documents(id)
    hub.signatures = 0
    await hub.push(CONFIG, { 'g.json': freeze(-HOUR_MS, HOUR_MS) })
    expect(hub.signatures).toBe(1)
    expect((await calendar(hub, id)).void).toEqual([granted!.id])
    expect(await hub.grants(id)).toEqual([])
    const offer = (list: readonly object[]) => list.find(each => JSON.stringify(each).includes('"typ":"offer"'))
    expect(offer(await hub.documents(id))).toEqual(offer(before))
    expect(hold(hub)?.code).toBe('FROZEN')
  })

  it('is not issued again for nothing', async () => {
    const gates = {
      'g.json': window({ kind: 'deny', schedule: '0 22 * * *', duration: '8h', timeZone: 'Europe/Berlin' }),
    }
    const { hub } = await started(gates)
    hub.signatures = 0
    await hub.push(CONFIG, { 'projects/bank.json': project('bank') })
    await hub.join('eu-1').then(() => undefined)
    const joined = hub.signatures
    hub.loop.connected('eu-1')
    await hub.loop.idle()
    expect(hub.signatures).toBe(joined)
  })

  it('is renewed long before its end', async () => {
    const { hub, id } = await started({ 'g.json': window({ kind: 'deny', schedule: '0 22 * * *', duration: '8h' }) })
    await wait(hub, 8 * 24 * HOUR_MS)
    const { until } = await calendar(hub, id)
    expect(until).toBeGreaterThan(hub.clock.now() + 12 * 24 * HOUR_MS)
  })

  it('knows a new Application before that is offered', async () => {
    const { hub, id } = await started({ 'g.json': freeze(2 * HOUR_MS, 3 * HOUR_MS) })
    await hub.push(APPS, { 'apps/api/cm.json': configMap('api', { greeting: 'hello' }) })
    const { groups, number } = (await calendar(hub, id)) as CalendarPayload
    expect(groups?.['g1']).toContain(hub.application('api-eu-1').id)
    const [offer] = (await hub.documents(id)).filter(each => JSON.stringify(each).includes('"name":"api-eu-1"')) as {
      readonly cal: { readonly n: number }
    }[]
    expect(offer?.cal.n).toBe(number.n)
  })
})

describe('a Grant', () => {
  it('is not stored when the rules have changed since they were read', async () => {
    const { hub, id } = await started({ 'g.json': freeze(-HOUR_MS, HOUR_MS, { scope: { projects: ['bank'] } }) })
    await hub.settle('web-eu-1', 'started')
    await hub.report('web-eu-1', { lastSucceeded: hub.application('web-eu-1').digest })
    // As the API does it: in the store, and the loop hears of it a moment later.
    await hub.store.write(rows => rows.putSetting('gate-rules', { version: 99, digest: '' }))
    hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'good day' }) })
    await hub.refresh(APPS)
    await wait(hub, 2_000)
    expect(hub.loop.world.gates.current.version).toBe(100)
    expect(await hub.grants(id)).toHaveLength(1)
  })

  it('to remove waits for the freeze to end', async () => {
    const { hub, id } = await started({})
    await hub.settle('web-eu-1', 'started')
    await hub.report('web-eu-1', { lastSucceeded: hub.application('web-eu-1').digest })
    await hub.push(CONFIG, { 'g.json': freeze(-HOUR_MS, HOUR_MS), 'sets/shop.json': set('shop', { clusters: [] }) })
    const [plan] = await hub.store.read(rows => rows.deletionPlans())
    if (plan) await hub.loop.decideDeletion(plan.id, { verdict: 'approve', by: 'ana', reason: 'gone for good' })
    await wait(hub, 20 * MINUTE_MS)
    const row = hub.application('web-eu-1')
    expect([row.state, row.hold?.code]).toEqual(['withdrawn', 'FROZEN'])
    expect(await hub.grants(id)).toEqual([])
    await wait(hub, HOUR_MS)
    expect((await hub.grants(id)).map(({ trigger }) => trigger)).toEqual(['delete'])
  })
})
