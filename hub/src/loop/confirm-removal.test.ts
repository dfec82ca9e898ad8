import { readJws } from '@flotilla/core/protocol/jws'
import { describe, expect, it } from 'vitest'
import { APPS, application, CONFIG, cluster, configMap, LoopHarness, project } from './testing/loop-harness.ts'

const POLICY = { syncPolicy: { automated: { prune: true }, syncOptions: ['Delete=confirm'] } }
const HELD = { count: 2, digest: `sha256:${'a'.repeat(64)}` as const, reason: 'asks for a confirmation' }
const CONFIRM = { by: 'ana', reason: 'moved', digest: HELD.digest }

/** An Application whose objects ask before they go, and that nobody wants any more. */
async function withdrawn() {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, {
    'clusters/eu-1.json': cluster('eu-1'),
    'projects/shop.json': project('shop'),
    'applications/web.json': application('web', APPS, 'apps/web', POLICY),
  })
  hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) })
  await hub.start()
  await hub.refresh(APPS)
  await hub.join('eu-1')
  await hub.report('web', { lastSucceeded: hub.application('web').digest! })
  await hub.push(CONFIG, { 'applications/web.json': null })
  return hub
}

async function tombstoneOf(hub: LoopHarness) {
  const { id, clusterId } = hub.application('web')
  const document = await hub.store.read(rows => rows.document(clusterId!, `application/${id}`))
  const read = readJws(document!.jws)
  return read.kind === 'unverified' ? read.payload : undefined
}

describe('a removal whose objects ask', () => {
  it('is told to its agent with the Application’s own wish, which no other agent may overlook', async () => {
    const hub = await withdrawn()
    expect(await tombstoneOf(hub)).toMatchObject({
      typ: 'tombstone',
      deletion: 'confirm',
      must: ['policy', 'deletion'],
    })
  })

  it('goes on once somebody confirmed exactly what waits, and not for another list', async () => {
    const hub = await withdrawn()
    await hub.clock.advance(11 * 60_000)
    await hub.report('web', { heldPrunes: HELD })
    const { id } = hub.application('web')
    const other = { ...CONFIRM, digest: `sha256:${'b'.repeat(64)}` }
    expect(await hub.loop.confirmRemoval(id, other)).toMatchObject({ kind: 'changed', held: HELD })
    expect(await tombstoneOf(hub)).not.toHaveProperty('approvedBy')
    expect(await hub.loop.confirmRemoval(id, CONFIRM)).toMatchObject({ kind: 'confirmed' })
    await hub.loop.idle()
    expect(await tombstoneOf(hub)).toMatchObject({
      approvedBy: 'ana',
      confirms: HELD.digest,
      must: ['policy', 'deletion', 'confirms'],
    })
    const [last] = await hub.store.read(rows => rows.audit({ limit: 1 }))
    expect(last).toMatchObject({ action: 'removal.confirm', actor: 'ana', subject: 'Application/web' })
  })

  it('is still permitted after the confirmation, which counts its absence no anew', async () => {
    const hub = await withdrawn()
    await hub.clock.advance(5 * 60_000)
    await hub.report('web', { heldPrunes: HELD })
    await hub.loop.confirmRemoval(hub.application('web').id, CONFIRM)
    await hub.clock.advance(6 * 60_000)
    expect(await hub.grants(hub.application('web').clusterId!)).toMatchObject([{ trigger: 'delete' }])
  })

  it('is nobody’s to confirm while nothing waits, or while it is wanted', async () => {
    const hub = await withdrawn()
    expect(await hub.loop.confirmRemoval(hub.application('web').id, CONFIRM)).toEqual({ kind: 'unknown' })
    expect(await hub.loop.confirmRemoval('none', CONFIRM)).toEqual({ kind: 'unknown' })
    await hub.push(CONFIG, { 'applications/web.json': application('web', APPS, 'apps/web', POLICY) })
    await hub.report('web', { heldPrunes: HELD })
    expect(await hub.loop.confirmRemoval(hub.application('web').id, CONFIRM)).toEqual({ kind: 'unknown' })
  })

  it('that comes back and goes again is to be confirmed again', async () => {
    const hub = await withdrawn()
    await hub.report('web', { heldPrunes: HELD })
    await hub.loop.confirmRemoval(hub.application('web').id, CONFIRM)
    await hub.push(CONFIG, { 'applications/web.json': application('web', APPS, 'apps/web', POLICY) })
    await hub.push(CONFIG, { 'applications/web.json': null })
    expect(await tombstoneOf(hub)).toMatchObject({ typ: 'tombstone', deletion: 'confirm' })
    expect(await tombstoneOf(hub)).not.toHaveProperty('approvedBy')
  })
})
