import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { OverrideRow } from '@flotilla/core/ports/store'
import type { CalendarPayload } from '@flotilla/core/protocol/documents'
import type { OperationReport } from '@flotilla/core/protocol/report'
import { describe, expect, it } from 'vitest'
import type { GateSettings } from '../gates/rules-in-force.ts'
import { bumpRulesVersion } from '../gates/rules-version.ts'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** The harness begins on 2027-01-15 at 08:00 UTC. */
const START = 1_800_000_000_000
const local = (ms: number): string => new Date(ms).toISOString().slice(0, 16)
const gate = (kind: string, spec: object): string =>
  JSON.stringify({ apiVersion: 'flotilla.dev/v1alpha1', kind, metadata: { name: 'one' }, spec })
const freeze = (more: object = {}): string =>
  gate('FreezePeriod', {
    level: 'hard',
    reason: 'closing',
    scope: { all: true },
    when: [{ from: local(START - HOUR_MS), until: local(START + HOUR_MS) }],
    ...more,
  })

const FLEET = {
  'clusters/eu-1.json': cluster('eu-1'),
  'projects/shop.json': project('shop'),
  'sets/shop.json': set('shop'),
}

async function started(files: { readonly [path: string]: string }, settings?: GateSettings) {
  const hub = new LoopHarness()
  hub.gates = settings
  hub.git.commit(CONFIG, { ...FLEET, ...files })
  hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) })
  if (settings) await hub.restart(undefined, 'kept')
  else await hub.start()
  await hub.refresh(APPS)
  const id = await hub.join('eu-1')
  return { hub, id }
}

const hold = (hub: LoopHarness) => hub.application('web-eu-1').hold

describe('an override for what the hub does by itself', () => {
  const override = (hub: LoopHarness, more: Partial<OverrideRow> = {}): OverrideRow => ({
    id: uuidV7(hub.clock.now(), hub.random.bytes(10)),
    scope: { all: true },
    covers: ['freeze', 'window'],
    actions: ['sync'],
    from: START,
    until: START + HOUR_MS,
    includeAutomated: true,
    reason: 'INC-1',
    requestedBy: 'ana',
    requestedAt: START,
    approvalsNeeded: 1,
    rules: [],
    approvals: [{ by: 'bela', at: START }],
    useCount: 0,
    uses: [],
    ...more,
  })
  const put = async (hub: LoopHarness, row: OverrideRow): Promise<void> => {
    await hub.store.write(async rows => {
      await rows.putOverride(row)
      await bumpRulesVersion(rows)
    })
    await hub.loop.gatesChanged()
    await hub.loop.idle()
  }

  it('opens the freeze, passes the very rule until its own end, and is counted with the Grant', async () => {
    const { hub, id } = await started({ 'g.json': freeze() })
    const row = override(hub, { maxUses: 1 })
    await put(hub, row)
    const [grant] = await hub.grants(id)
    const [rule] = hub.loop.world.gates.current.rules.rules
    expect(grant).toMatchObject({ trigger: 'automated', passes: [{ rule: rule!.id, until: START + HOUR_MS }] })
    const used = await hub.store.read(rows => rows.override(row.id))
    expect(used).toMatchObject({ useCount: 1, uses: [{ operation: grant!.id, application: 'web-eu-1' }] })
    const [entry] = await hub.store.read(rows => rows.audit({ limit: 1 }))
    expect(entry).toMatchObject({ action: 'override.use', detail: { rules: ['FreezePeriod/one'] } })
  })

  it.each<[string, Partial<OverrideRow>]>([
    ['that is for people opens nothing', { includeAutomated: false }],
    ['that nobody else has approved opens nothing', { approvals: [{ by: 'ana', at: START }] }],
    ['that is used up opens nothing', { maxUses: 1, useCount: 1 }],
    ['of another content opens nothing', { bundle: `sha256:${'0'.repeat(64)}` }],
  ])('one %s', async (_, more) => {
    const { hub, id } = await started({ 'g.json': freeze() })
    await put(hub, override(hub, more))
    expect([await hub.grants(id), hold(hub)?.code]).toEqual([[], 'FROZEN'])
  })

  it('that is revoked takes back the Grant that it has opened', async () => {
    const { hub, id } = await started({ 'g.json': freeze() })
    const row = override(hub)
    await put(hub, row)
    const [grant] = await hub.grants(id)
    const used = await hub.store.read(rows => rows.override(row.id))
    await put(hub, { ...used!, revoked: { by: 'ana', at: START, reason: 'over' } })
    expect(await hub.grants(id)).toEqual([])
    const documents = (await hub.documents(id)) as readonly CalendarPayload[]
    expect(documents.find(({ typ }) => typ === 'calendar')?.void).toEqual([grant!.id])
    expect(hold(hub)?.code).toBe('FROZEN')
  })
})

describe('settings of the hub', () => {
  const denies = (zone: string) => ({
    'g.json': gate('SyncWindow', {
      ...{ kind: 'deny', schedule: '0 8 * * *', duration: '30m', timeZone: zone, scope: { all: true } },
    }),
  })

  it('give the zone of a Cluster that names none', async () => {
    // It is 08:00 UTC, and nine o'clock in Berlin.
    const utc = await started(denies('cluster'), {})
    expect(hold(utc.hub)?.code).toBe('WINDOW_CLOSED')
    const berlin = await started(denies('cluster'), { defaultTimeZone: 'Europe/Berlin' })
    expect(hold(berlin.hub)).toBeUndefined()
  })

  it('say whose windows concern other Projects, by their labels', async () => {
    const platform = JSON.stringify({
      ...{ apiVersion: 'flotilla.dev/v1alpha1', kind: 'Project', metadata: { name: 'platform' } },
      spec: { syncWindows: [{ kind: 'deny', schedule: '0 8 * * *', duration: '1h', clusters: ['*'] }] },
    })
    const shop = project('shop').replace('"name":"shop"', '"name":"shop","labels":{"tier":"gold"}')
    const files = { 'projects/shop.json': shop, 'projects/platform.json': platform }
    const reached = await started(files, { globalProjects: [{ projectName: 'platform', labelSelector: 'tier=gold' }] })
    expect(hold(reached.hub)?.blockers?.map(({ rule }) => rule)).toEqual(['Project/platform syncWindows[0], global'])
    const others = await started(files, { globalProjects: [{ projectName: 'platform', labelSelector: 'tier=silver' }] })
    expect(hold(others.hub)).toBeUndefined()
  })
})

describe('a hub', () => {
  it('that must suspect its clock starts nothing by itself, and goes on when that is over', async () => {
    const hub = new LoopHarness()
    hub.clockDoubt = 'its clock is an hour off'
    hub.git.commit(CONFIG, FLEET)
    hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) })
    await hub.start()
    await hub.refresh(APPS)
    const id = await hub.join('eu-1')
    expect([await hub.grants(id), hold(hub)]).toMatchObject([[], { code: 'HUB_CLOCK_SUSPECT' }])
    hub.clockDoubt = undefined
    await hub.clock.advance(MINUTE_MS)
    await hub.loop.idle()
    expect([(await hub.grants(id)).length, hold(hub)]).toEqual([1, undefined])
  })

  it('whose disk is full tells its clusters of a freeze as soon as it can', async () => {
    const { hub, id } = await started({})
    const [granted] = await hub.grants(id)
    // The config source and the rules are stored; the calendar is not.
    let refused = 0
    hub.git.commit(CONFIG, { 'g.json': freeze() })
    const told = hub.told.length
    const before = hub.loop.world.gates.current
    hub.refuseCommit = () => hub.loop.world.gates.current !== before && ++refused <= 3
    hub.loop.refreshRepository(CONFIG)
    await hub.loop.idle()
    expect(refused).toBeGreaterThan(0)
    await hub.clock.advance(MINUTE_MS)
    await hub.loop.idle()
    const calendar = ((await hub.documents(id)) as readonly CalendarPayload[]).find(({ typ }) => typ === 'calendar')
    expect(calendar).toMatchObject({ void: [granted!.id], intervals: [{ layer: 'freeze' }] })
    expect(hub.told.slice(told)).toContain(id)
  })

  it('removes nothing with a sync while only that is closed', async () => {
    const { hub, id } = await started({ 'g.json': freeze({ blocks: ['prune'] }) })
    const [first] = await hub.grants(id)
    expect(first?.options.prune).toBe(false)
    const { digest } = hub.application('web-eu-1')
    await hub.settle('web-eu-1', 'started')
    const operation: OperationReport = {
      ...{ id: first!.id, trigger: 'automated', by: 'flotilla', phase: 'Succeeded', message: '', digest: digest! },
      ...{ revision: '', startedAt: START, finishedAt: START, results: [], resultsCut: 0 },
    }
    await hub.report('web-eu-1', { lastSucceeded: digest, operation, sync: { status: 'OutOfSync' } })
    expect(await hub.grants(id)).toEqual([])
    // What was left is removed when that opens.
    await hub.clock.advance(HOUR_MS + MINUTE_MS)
    await hub.loop.idle()
    expect((await hub.grants(id)).map(({ options }) => options.prune)).toEqual([true])
  })
})
