import type { OfferPayload } from '@flotilla/core/protocol/documents'
import { describe, expect, it } from 'vitest'
import { APPS, CONFIG, configMap, type LoopHarness, project } from '../loop/testing/loop-harness.ts'
import { oneApplication, succeed, WEB } from '../loop/testing/one-application.ts'
import { readRecoveryList } from '../recovery/recovery-list.ts'
import { OperationDesk } from './operation-desk.ts'
import { PauseDesk } from './pause-desk.ts'

const HOUR = 3_600_000
const asker = { by: 'ana', reason: 'looking at it' }

async function started() {
  const { hub, clusterId: id } = await oneApplication()
  const { store, keys, clock, random } = hub
  const pauses = () => new PauseDesk({ store, keys, clock, random, interventions: hub.loop.interventions })
  const desk = new OperationDesk({
    ...{ store, keys, clock, random },
    ...{ told: () => undefined, changed: () => undefined },
  })
  return { hub, id, pauses, desk }
}

const offered = async (hub: LoopHarness, id: string) =>
  (await hub.documents(id)).find(document => (document as { typ?: string }).typ === 'offer') as OfferPayload
const audited = async (hub: LoopHarness) =>
  (await hub.store.read(rows => rows.audit({ limit: 20 }))).map(({ action, actor }) => `${actor} ${action}`)

describe('a pause', () => {
  it('takes back what was permitted, ends healing, and lets nothing start by itself until it is resumed', async () => {
    const { hub, id, pauses } = await started()
    expect(await hub.grants(id)).toMatchObject([{ trigger: 'automated' }])
    expect((await offered(hub, id)).options.selfHeal).toBe(true)
    expect(await pauses().pause(WEB, asker)).toEqual({ kind: 'done' })
    expect(await hub.grants(id)).toEqual([])
    expect((await offered(hub, id)).options.selfHeal).toBe(false)
    await hub.push(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'salut' }) })
    await hub.restart()
    await hub.refresh(APPS)
    await hub.clock.advance(48 * HOUR)
    expect(await hub.grants(id)).toEqual([])
    const paused = hub.application(WEB)
    expect(paused.hold).toMatchObject({
      code: 'SYNC_NOT_AUTOMATED',
      reason: expect.stringMatching(/^it is paused by ana \(looking at it\)/),
    })
    // What Git wants is offered all the same.
    expect((await offered(hub, id)).digest).toBe(paused.digest)
    expect(await pauses().resume(WEB, asker)).toEqual({ kind: 'done' })
    expect((await offered(hub, id)).options.selfHeal).toBe(true)
    expect(await hub.grants(id)).toMatchObject([{ trigger: 'automated' }])
    expect(await audited(hub)).toEqual(expect.arrayContaining(['ana application.pause', 'ana application.unpause']))
    expect(await pauses().resume(WEB, asker)).toMatchObject({ code: 'IDLE' })
    expect(await pauses().pause('nobody', asker)).toMatchObject({ code: 'UNKNOWN' })
  })

  it('is no obstacle to who syncs by hand', async () => {
    const { hub, id, pauses, desk } = await started()
    await pauses().pause(WEB, asker)
    const wish = { ...asker, dryRun: false, prune: false, resources: [] }
    expect((await desk.sync(WEB, wish)).kind).toBe('accepted')
    expect(await hub.grants(id)).toMatchObject([{ trigger: 'manual', by: 'ana' }])
    await succeed(hub)
    expect(hub.application(WEB).hold).toBeUndefined()
  })

  it('ends by itself when its time is over, and says so', async () => {
    const { hub, id, pauses } = await started()
    await pauses().pause(WEB, { ...asker, until: hub.clock.now() + HOUR })
    await hub.clock.advance(HOUR / 2)
    expect(await hub.grants(id)).toEqual([])
    await hub.clock.advance(HOUR)
    await hub.loop.idle()
    expect(hub.application(WEB).pause).toBeUndefined()
    expect(await hub.grants(id)).toMatchObject([{ trigger: 'automated' }])
    expect((await offered(hub, id)).options.selfHeal).toBe(true)
    expect(await audited(hub)).toContain('hub application.unpause')
  })

  it('ends at its time also while nobody can read what Git says', async () => {
    const { hub, id, pauses } = await started()
    await succeed(hub)
    await pauses().pause(WEB, { ...asker, until: hub.clock.now() + HOUR })
    hub.git.away.add(APPS)
    await hub.restart()
    await hub.clock.advance(HOUR / 2)
    expect((await offered(hub, id)).options.selfHeal).toBe(false)
    await hub.clock.advance(HOUR)
    await hub.loop.idle()
    expect(hub.application(WEB).pause).toBeUndefined()
    expect((await offered(hub, id)).options.selfHeal).toBe(true)
    expect(await audited(hub)).toContain('hub application.unpause')
  })

  it('ends healing also of what is held, and gives it back', async () => {
    const { hub, id, pauses } = await started()
    await succeed(hub)
    const { spec, ...rest } = JSON.parse(project('shop')) as { spec: object }
    const only = { clusterResourceWhitelist: [], namespaceResourceWhitelist: [{ group: 'apps', kind: 'Deployment' }] }
    await hub.push(CONFIG, { 'projects/shop.json': JSON.stringify({ ...rest, spec: { ...spec, ...only } }) })
    expect(hub.application(WEB).hold?.code).toBe('KIND_FORBIDDEN')
    const before = await offered(hub, id)
    expect(before.options.selfHeal).toBe(true)
    await pauses().pause(WEB, asker)
    const after = await offered(hub, id)
    expect(after).toMatchObject({ digest: before.digest, options: { ...before.options, selfHeal: false } })
    await pauses().resume(WEB, asker)
    expect((await offered(hub, id)).options.selfHeal).toBe(true)
    expect(hub.application(WEB).hold?.code).toBe('KIND_FORBIDDEN')
  })

  it('is among what an operator reads after a recovery', async () => {
    const { hub, pauses } = await started()
    await pauses().pause(WEB, asker)
    const { interventions } = await hub.store.read(readRecoveryList)
    expect(interventions).toContainEqual({ kind: 'pause', name: WEB, state: 'in force', ...asker })
  })
})
