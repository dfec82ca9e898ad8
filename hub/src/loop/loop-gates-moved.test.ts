import type { MadeGateRow } from '@flotilla/core/ports/store'
import type { CalendarPayload } from '@flotilla/core/protocol/documents'
import { describe, expect, it } from 'vitest'
import { bumpRulesVersion } from '../gates/rules-version.ts'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

/*
 * Whom a rule concerns changes in many ways besides the rule: by the Cluster, by the Project, and while the hub does not
 * run. Whatever it is, what was permitted before is taken back, and the cluster is told.
 */

const HOUR_MS = 3_600_000
/** The harness begins on 2027-01-15 at 08:00 UTC. */
const START = 1_800_000_000_000
const local = (ms: number): string => new Date(ms).toISOString().slice(0, 16)
const freezeDocument = (more: object = {}) => ({
  ...{ apiVersion: 'flotilla.dev/v1alpha1', kind: 'FreezePeriod', metadata: { name: 'one' } },
  spec: {
    ...{ level: 'hard', reason: 'closing', scope: { all: true } },
    when: [{ from: local(START - HOUR_MS), until: local(START + HOUR_MS) }],
    ...more,
  },
})
const freeze = (more: object = {}): string => JSON.stringify(freezeDocument(more))
const FLEET = {
  'clusters/eu-1.json': cluster('eu-1'),
  'projects/shop.json': project('shop'),
  'sets/shop.json': set('shop'),
}
const inZone = (timeZone: string): string => cluster('eu-1').replace('"spec":{', `"spec":{"timeZone":"${timeZone}"`)

async function permitted(files: { readonly [path: string]: string }) {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, { ...FLEET, ...files })
  hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) })
  await hub.start()
  await hub.refresh(APPS)
  const id = await hub.join('eu-1')
  const grants = await hub.grants(id)
  expect([hub.application('web-eu-1').hold, grants.length]).toEqual([undefined, 1])
  return { hub, id, grant: grants[0]! }
}

async function expectClosed({ hub, id, grant }: Awaited<ReturnType<typeof permitted>>, code = 'FROZEN') {
  const documents = (await hub.documents(id)) as readonly CalendarPayload[]
  const calendar = documents.find(({ typ }) => typ === 'calendar')!
  const now = hub.clock.now()
  expect(hub.application('web-eu-1').hold?.code).toBe(code)
  expect(await hub.grants(id)).toEqual([])
  expect(calendar.void).toEqual([grant.id])
  expect(calendar.intervals.some(({ from, to }) => from <= now && now < to)).toBe(true)
}

describe('what was permitted is taken back', () => {
  it.each<[string, { readonly [path: string]: string }, { readonly [path: string]: string }]>([
    [
      'when a label of the Cluster brings it into the scope of a freeze',
      { 'f.json': freeze({ scope: { clusters: { selector: 'env=prod' } } }) },
      { 'clusters/eu-1.json': cluster('eu-1', { env: 'prod' }) },
    ],
    [
      'when the clocks of the Cluster are others',
      // 09:00 to 10:00: now in Berlin, and in an hour in UTC.
      { 'f.json': freeze({ timeZone: 'cluster', when: [{ from: '2027-01-15T09:00', until: '2027-01-15T10:00' }] }) },
      { 'clusters/eu-1.json': inZone('Europe/Berlin') },
    ],
    [
      'when a freeze is edited so that it begins earlier',
      { 'f.json': freeze({ when: [{ from: local(START + HOUR_MS), until: local(START + 2 * HOUR_MS) }] }) },
      { 'f.json': freeze() },
    ],
    [
      'when an exemption is taken out of a freeze',
      { 'f.json': freeze({ exclude: [{ projects: ['shop'], reason: 'sells' }] }) },
      { 'f.json': freeze() },
    ],
    [
      'when its set puts it into a Project that is frozen',
      { 'projects/bank.json': project('bank'), 'f.json': freeze({ scope: { projects: ['bank'] } }) },
      { 'sets/shop.json': set('shop').replaceAll('"project":"shop"', '"project":"bank"') },
    ],
  ])('%s', async (_, before, change) => {
    const world = await permitted(before)
    await world.hub.push(CONFIG, change)
    await expectClosed(world)
  })

  it('when a freeze was made through the API and the hub ended before any cluster was told', async () => {
    const world = await permitted({})
    const { hub } = world
    await hub.loop.stop()
    const row: MadeGateRow = {
      ...{ id: 'f', kind: 'FreezePeriod', name: 'one', document: freezeDocument() as never, revision: 1 },
      ...{ madeBy: 'ana', madeAt: START },
    }
    await hub.store.write(async rows => {
      await rows.putMadeGate(row)
      await bumpRulesVersion(rows)
    })
    await hub.restart(undefined, 'kept')
    await expectClosed(world)
  })

  it('when an edit makes a freeze that nobody can read', async () => {
    const world = await permitted({})
    await world.hub.push(CONFIG, { 'f.json': freeze({ timeZone: 'Mars/Olympus' }) })
    await expectClosed(world, 'GATE_INDETERMINATE')
  })
})

describe('a Project that is removed', () => {
  it('opens nothing with its windows', async () => {
    const deny = { kind: 'deny', schedule: '0 0 * * *', duration: '24h', applications: ['*'] }
    const closed = project('shop').replace('"spec":{', `"spec":{"syncWindows":[${JSON.stringify(deny)}],`)
    const hub = new LoopHarness()
    hub.git.commit(CONFIG, { ...FLEET, 'projects/shop.json': closed })
    hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) })
    await hub.start()
    await hub.refresh(APPS)
    const id = await hub.join('eu-1')
    expect(hub.application('web-eu-1').hold?.code).toBe('WINDOW_CLOSED')
    await hub.push(CONFIG, { 'projects/shop.json': null })
    await hub.clock.advance(HOUR_MS)
    await hub.loop.idle()
    expect(hub.application('web-eu-1').hold?.code).toMatch(/^PROJECT/)
    expect(await hub.grants(id)).toEqual([])
  })
})
