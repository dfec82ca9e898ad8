import type { OperationReport } from '@flotilla/core/protocol/report'
import { describe, expect, it } from 'vitest'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from '../loop/testing/loop-harness.ts'
import { type GateForPeople, OperationDesk } from './operation-desk.ts'
import { PinDesk } from './pin-desk.ts'

const FLEET = {
  'clusters/eu-1.json': cluster('eu-1'),
  'projects/shop.json': project('shop'),
  'sets/shop.json': set('shop'),
}
const WEB = 'web-eu-1'
const HOUR = 3_600_000
const asker = { by: 'ana', reason: 'the new one does not start' }

/** An Application that has had one revision, and then another. */
async function started(gate?: GateForPeople) {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, FLEET)
  hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) })
  await hub.start()
  await hub.refresh(APPS)
  const id = await hub.join('eu-1')
  const told: string[] = []
  const desk = new OperationDesk({
    ...{ store: hub.store, keys: hub.keys, clock: hub.clock, random: hub.random },
    ...(gate && { gate }),
    told: ids => void told.push(...ids),
    changed: () => undefined,
  })
  const { store, clock, random } = hub
  const pinned = () => new PinDesk({ store, clock, random, desk, interventions: hub.loop.interventions })
  await perform(hub, 'Succeeded')
  const first = hub.application(WEB)
  await hub.push(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'salut' }) })
  await perform(hub, 'Succeeded')
  return { hub, id, desk, pinned, first, second: hub.application(WEB) }
}

/** The agent performs the open Grant of the Application. */
async function perform(hub: LoopHarness, phase: OperationReport['phase']): Promise<OperationReport | undefined> {
  const row = hub.application(WEB)
  const grant = (await hub.grants(row.clusterId!)).find(({ application }) => application === row.id)
  if (!grant) return undefined
  const now = hub.clock.now()
  const operation: OperationReport = {
    ...{ id: grant.id, trigger: grant.trigger, by: grant.by, phase, message: '' },
    ...{ digest: row.digest!, revision: row.revision ?? '', startedAt: now, finishedAt: now },
    ...{ results: [], resultsCut: 0 },
  }
  await hub.report(WEB, { operation, ...(phase === 'Succeeded' && { lastSucceeded: row.digest }) })
  return operation
}

const offered = async (hub: LoopHarness, id: string) =>
  (await hub.documents(id)).find(document => (document as { typ?: string }).typ === 'offer') as { digest: string }
const audited = async (hub: LoopHarness) =>
  (await hub.store.read(rows => rows.audit({ limit: 20 }))).map(({ action, actor }) => `${actor} ${action}`)

describe('requirement 36: a rollback pins', () => {
  it('goes back to what was in force before, by a Grant without hooks, and stays there whatever is pushed', async () => {
    const { hub, id, pinned, first, second } = await started()
    const answer = await pinned().rollback(WEB, { ...asker, prune: false, target: { kind: 'previous' } })
    expect(answer.kind).toBe('accepted')
    expect(hub.application(WEB)).toMatchObject({
      digest: first.digest,
      revision: first.revision,
      pin: { origin: 'rollback', by: 'ana', reason: asker.reason, digest: first.digest },
    })
    expect((await offered(hub, id)).digest).toBe(first.digest)
    const [grant] = await hub.grants(id)
    expect(grant).toMatchObject({ trigger: 'manual', by: 'ana', options: { prune: false, skipHooks: true } })
    expect(grant?.must).toContain('options.skipHooks')
    await perform(hub, 'Succeeded')
    expect(hub.application(WEB).hold).toBeUndefined()
    await hub.push(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hola' }) })
    await hub.restart()
    await hub.refresh(APPS)
    await hub.clock.advance(48 * HOUR)
    expect(hub.application(WEB).digest).toBe(first.digest)
    expect(await hub.grants(id)).toEqual([])
    expect(await audited(hub)).toEqual(expect.arrayContaining(['ana application.rollback', 'ana application.sync']))
    // What Git wants by now comes by itself once it is let go.
    expect(await pinned().unpin(WEB, asker)).toEqual({ kind: 'done' })
    await hub.loop.idle()
    const free = hub.application(WEB)
    expect(free.pin).toBeUndefined()
    expect([first.digest, second.digest]).not.toContain(free.digest)
    expect(await hub.grants(id)).toMatchObject([{ trigger: 'automated', by: 'flotilla' }])
  })

  it('starts nothing while what it goes back to cannot be checked, for its repository is away', async () => {
    const { hub, id, pinned, second } = await started()
    hub.git.away.add(APPS)
    await hub.restart()
    const { spec, ...rest } = JSON.parse(project('shop')) as { spec: object }
    const signed = { ...spec, signatureKeys: [{ keyID: '4AEE18F83AFDEB23' }] }
    await hub.push(CONFIG, { 'projects/shop.json': JSON.stringify({ ...rest, spec: signed }) })
    const answer = await pinned().rollback(WEB, { ...asker, prune: false, target: { kind: 'previous' } })
    expect(answer).toMatchObject({ kind: 'refused', code: 'HELD', message: expect.stringContaining(APPS) })
    expect(await hub.grants(id)).toEqual([])
    const { digest, hold, pin } = hub.application(WEB)
    expect([digest, hold, pin]).toEqual([second.digest, undefined, undefined])
  })

  it('ends by itself when its time is over, and says so', async () => {
    const { hub, id, pinned, first, second } = await started()
    const until = hub.clock.now() + HOUR
    await pinned().rollback(WEB, { ...asker, prune: false, target: { kind: 'previous' }, until })
    await perform(hub, 'Succeeded')
    await hub.clock.advance(HOUR / 2)
    expect(hub.application(WEB).digest).toBe(first.digest)
    await hub.clock.advance(HOUR)
    await hub.loop.idle()
    expect(hub.application(WEB)).toMatchObject({ digest: second.digest })
    expect(hub.application(WEB).pin).toBeUndefined()
    expect(await hub.grants(id)).toMatchObject([{ trigger: 'automated' }])
    expect(await audited(hub)).toContain('hub application.unpin')
  })

  it('a failed one is not tried again by itself, and says what it waits for', async () => {
    const { hub, id, pinned } = await started()
    await pinned().rollback(WEB, { ...asker, prune: false, target: { kind: 'previous' } })
    await perform(hub, 'Failed')
    await hub.clock.advance(48 * HOUR)
    expect(await hub.grants(id)).toEqual([])
    expect(hub.application(WEB).hold).toMatchObject({
      code: 'SYNC_NOT_AUTOMATED',
      reason: expect.stringMatching(/^it is pinned to .* by ana/),
    })
  })

  it('a closed gate, a running operation and a Project that forbids it leave nothing behind', async () => {
    let closed = true
    const hold = { code: 'FROZEN', reason: 'year-end' } as const
    const { hub, id, pinned, second } = await started(async () =>
      closed ? { kind: 'closed', hold } : { kind: 'open', trigger: 'manual', passes: [] },
    )
    const wish = { ...asker, prune: false, target: { kind: 'previous' } } as const
    const unchanged = async () => {
      expect(hub.application(WEB)).toMatchObject({ digest: second.digest })
      expect(hub.application(WEB).pin).toBeUndefined()
      expect((await offered(hub, id)).digest).toBe(second.digest)
      expect(await hub.grants(id)).toEqual([])
      expect((await hub.store.read(rows => rows.application(second.id)))?.pin).toBeUndefined()
      expect(await audited(hub)).not.toContain('ana application.rollback')
    }
    expect(await pinned().rollback(WEB, wish)).toEqual({ kind: 'refused', code: 'HELD', message: 'year-end' })
    await unchanged()
    closed = false
    const open = JSON.parse(project('shop')) as { spec: object }
    const only = { clusterResourceWhitelist: [], namespaceResourceWhitelist: [{ group: 'apps', kind: 'Deployment' }] }
    const forbidden = JSON.stringify({ ...open, spec: { ...open.spec, ...only } })
    await hub.push(CONFIG, { 'projects/shop.json': forbidden })
    expect(await pinned().rollback(WEB, wish)).toMatchObject({
      code: 'HELD',
      message: expect.stringMatching(/ConfigMap/),
    })
    await unchanged()
    await hub.push(CONFIG, { 'projects/shop.json': project('shop') })
    expect((await pinned().rollback(WEB, wish)).kind).toBe('accepted')
    expect(await pinned().rollback(WEB, wish)).toMatchObject({ kind: 'refused', code: 'NO_TARGET' })
  })

  it('syncs another revision, named by its commit, and holds it there', async () => {
    const { hub, id, pinned, first } = await started()
    const sync = { ...asker, dryRun: false, prune: false, resources: [] }
    expect(await pinned().syncRevision(WEB, 'nowhere', sync)).toMatchObject({ kind: 'refused', code: 'NO_TARGET' })
    expect((await pinned().syncRevision(WEB, first.revision!, sync)).kind).toBe('accepted')
    expect(hub.application(WEB)).toMatchObject({ digest: first.digest, pin: { origin: 'sync', digest: first.digest } })
    const [grant] = await hub.grants(id)
    expect(grant?.options).toEqual({ dryRun: false, prune: false, revision: first.revision })
  })

  it('goes back to what nobody can render any more, while its Bundle is kept; then it says that it is gone', async () => {
    const { hub, pinned, first, second } = await started()
    const wish = { ...asker, prune: false, target: { kind: 'previous' } } as const
    await hub.bundles.delete(first.digest!)
    // From its commit it comes to the very same.
    expect((await pinned().rollback(WEB, wish)).kind).toBe('accepted')
    expect(hub.application(WEB).digest).toBe(first.digest)
    await perform(hub, 'Succeeded')
    await pinned().unpin(WEB, asker)
    await hub.loop.idle()
    await perform(hub, 'Succeeded')
    const [kept] = await hub.store.read(rows => rows.operations(first.id, { limit: 9 }))
    await hub.store.write(rows =>
      rows.putOperation({
        ...{ id: 'older', applicationId: first.id, clusterId: kept!.clusterId },
        operation: { ...kept!.operation, id: 'older', digest: `sha256:${'5'.repeat(64)}`, revision: second.revision! },
      }),
    )
    const gone = await pinned().rollback(WEB, { ...asker, prune: false, target: { kind: 'operation', id: 'older' } })
    expect(gone).toMatchObject({ kind: 'refused', code: 'HELD', message: expect.stringMatching(/not kept any more/) })
    expect(hub.application(WEB).pin).toBeUndefined()
  })

  it('pins what there is, so that nothing moves, and is let go once', async () => {
    const { hub, id, pinned, second } = await started()
    expect(await pinned().pin(WEB, { ...asker, target: { kind: 'now' } })).toEqual({ kind: 'done' })
    await hub.push(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hola' }) })
    expect(hub.application(WEB)).toMatchObject({ digest: second.digest, pin: { origin: 'pin' } })
    expect(await hub.grants(id)).toEqual([])
    expect(await pinned().unpin(WEB, asker)).toEqual({ kind: 'done' })
    expect(await pinned().unpin(WEB, asker)).toMatchObject({ kind: 'refused', code: 'IDLE' })
    expect(await pinned().unpin('nobody', asker)).toMatchObject({ kind: 'refused', code: 'UNKNOWN' })
  })
})
