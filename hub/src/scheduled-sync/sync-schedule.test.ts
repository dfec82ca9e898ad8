import { afterEach, describe, expect, it } from 'vitest'
import { makeToken } from '../api/tokens.ts'
import { freezeDocument, HOUR_MS, type HubWithGates, hubWithGates, START } from '../gate-desk/testing/hub-with-gates.ts'

let opened: HubWithGates | undefined
afterEach(async () => {
  await opened?.stop()
  opened = undefined
})

const person = { name: 'ana', kind: 'person' as const }

async function open() {
  opened = await hubWithGates({
    'sets/shop.json': JSON.stringify({
      ...{ apiVersion: 'flotilla.dev/v1alpha1', kind: 'Application', metadata: { name: 'web' } },
      spec: {
        ...{ project: 'shop', destination: { name: 'eu-1', namespace: 'shop' } },
        source: { repoURL: 'https://git.example.com/apps.git', targetRevision: 'main', path: 'apps/web' },
      },
    }),
  })
  const { hub, desk } = opened
  const { row } = makeToken(hub.random, { name: 'ana', role: 'admin', kind: 'person', now: hub.clock.now() })
  await hub.store.write(rows => rows.putToken(row))
  const schedule = (fromMs: number, untilMs: number, more: object = {}) =>
    desk.schedule.schedule(
      { application: 'web', notBefore: START + fromMs, expires: START + untilMs, prune: false, reason: '', ...more },
      { name: 'ana', tokenId: row.id },
    )
  const one = async () => (await desk.schedule.list())[0]!
  const grants = async () =>
    (await hub.grants(hub.application('web').clusterId!)).map(({ by, trigger }) => `${by} ${trigger}`)
  return { ...opened, tokenId: row.id, schedule, one, grants }
}

describe('a sync that is scheduled', () => {
  it('starts at its time, once, as a sync by hand of whoever asked', async () => {
    const { schedule, one, grants, wait, hub } = await open()
    await schedule(2 * HOUR_MS, 5 * HOUR_MS, { reason: 'at night' })
    expect(await one()).toMatchObject({ state: 'waiting', message: 'waits for 2027-01-15T10:00:00.000Z' })
    await wait(2 * HOUR_MS - 1_000)
    expect(await grants()).toEqual([])
    await wait(2_000)
    expect(await one()).toMatchObject({ state: 'started', operation: expect.any(String) })
    expect(await grants()).toEqual(['ana manual'])
    await wait(HOUR_MS)
    expect(
      (await hub.store.read(rows => rows.audit({ limit: 100 }))).filter(({ action }) => action === 'application.sync'),
    ).toHaveLength(1)
  })

  it('waits while a gate is closed, says which, and starts when it opens', async () => {
    const { schedule, one, grants, wait, desk } = await open()
    await desk.freezes.create(freezeDocument('stop', HOUR_MS, 3 * HOUR_MS), person)
    await schedule(2 * HOUR_MS, 5 * HOUR_MS)
    await wait(2 * HOUR_MS + 30_000)
    expect(await one()).toMatchObject({ state: 'waiting', message: 'waits for FreezePeriod/stop' })
    expect(await grants()).toEqual([])
    await wait(HOUR_MS)
    expect((await one()).state).toBe('started')
    expect(await grants()).toEqual(['ana manual'])
  })

  it('that removes objects waits for that to be open, too', async () => {
    const { schedule, one, grants, wait, desk } = await open()
    await desk.freezes.create(freezeDocument('keep', HOUR_MS, 3 * HOUR_MS, { blocks: ['prune'] }), person)
    await schedule(2 * HOUR_MS, 5 * HOUR_MS, { prune: true })
    await wait(2 * HOUR_MS + 30_000)
    expect(await one()).toMatchObject({ state: 'waiting', message: 'waits for FreezePeriod/keep' })
    await wait(HOUR_MS)
    expect(await grants()).toEqual(['ana manual'])
  })

  it('ends unstarted when its time is over', async () => {
    const { schedule, one, grants, wait, desk } = await open()
    await desk.freezes.create(freezeDocument('stop', HOUR_MS, 9 * HOUR_MS), person)
    await schedule(2 * HOUR_MS, 3 * HOUR_MS)
    await wait(4 * HOUR_MS)
    expect(await one()).toMatchObject({
      state: 'expired',
      message: 'its time was over: it waits for FreezePeriod/stop',
    })
    await wait(8 * HOUR_MS)
    expect(await grants()).toEqual([])
  })

  it('is not done for somebody who may not do it any more', async () => {
    const { schedule, one, grants, wait, hub, tokenId } = await open()
    await schedule(HOUR_MS, 2 * HOUR_MS)
    await hub.store.write(rows => rows.deleteToken(tokenId))
    await wait(HOUR_MS + 2_000)
    expect(await one()).toMatchObject({ state: 'cancelled', message: 'ana may not do this any more' })
    expect(await grants()).toEqual([])
  })

  it('is cancelled before it starts, and not after', async () => {
    const { schedule, one, wait, desk } = await open()
    await schedule(HOUR_MS, 2 * HOUR_MS)
    const { id } = await one()
    expect((await desk.schedule.cancel(id, 'ben', 'not now')).kind).toBe('done')
    expect((await desk.schedule.cancel(id, 'ben', '')).kind).toBe('too-late')
    expect((await desk.schedule.cancel('none', 'ben', '')).kind).toBe('unknown')
    await wait(2 * HOUR_MS)
    expect(await one()).toMatchObject({ state: 'cancelled', message: 'cancelled by ben: not now' })
  })

  it('of what is not there is not taken', async () => {
    const { schedule } = await open()
    expect((await schedule(HOUR_MS, 2 * HOUR_MS, { application: 'none' })).kind).toBe('unknown')
  })

  it('outlives the hub', async () => {
    const { schedule, one, grants, wait, desk } = await open()
    await schedule(HOUR_MS, 3 * HOUR_MS)
    await desk.stop()
    await wait(2 * HOUR_MS)
    expect((await one()).state).toBe('waiting')
    const { SyncSchedule } = await import('./sync-schedule.ts')
    const { hub } = opened!
    const again = new SyncSchedule({
      ...{ store: hub.store, clock: hub.clock, random: hub.random, keeper: desk.keeper },
      log: { debug() {}, info() {}, warn() {}, error() {}, child: () => ({}) as never },
      sync: async name => ({ kind: 'accepted', id: `sync of ${name}` }),
    })
    again.start()
    await again.stop()
    expect(await one()).toMatchObject({ state: 'started', operation: 'sync of web' })
    expect(await grants()).toEqual([])
  })
})
