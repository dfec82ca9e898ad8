import request from 'supertest'
import { beforeEach, describe, expect, it } from 'vitest'
import { APPS } from '../loop/testing/loop-harness.ts'
import { apiOver, type ServedLoop } from './testing/api-over-loop.ts'
import { hubWithAdoption } from './testing/hub-with-adoption.ts'

let opened: ServedLoop

beforeEach(async () => {
  opened = await hubWithAdoption()
})

const as = (token: string) => ({
  get: (path: string) =>
    request(opened.app).get(`/api/v1/confirmations${path}`).set('Authorization', `Bearer ${token}`),
  post: (path: string, body: object = {}) =>
    request(opened.app).post(`/api/v1/confirmations${path}`).set('Authorization', `Bearer ${token}`).send(body),
})

describe('confirmations', () => {
  it('lists what waits, and each alone', async () => {
    const reader = as(opened.reader)
    const { body } = await reader.get('')
    expect(body.items.map((each: { kind: string }) => each.kind).sort()).toEqual(['adoption'])
    const only = await reader.get('?kind=adoption')
    expect(only.body.items).toMatchObject([
      {
        kind: 'adoption',
        state: 'held',
        scope: { kind: 'set', name: 'platform/shop' },
        reason: 'would adopt 6 objects tracked by Argo CD',
        applications: [{ cluster: 'eu-1' }, { cluster: 'eu-1' }],
      },
    ])
    const one = await reader.get(`/${only.body.items[0].id}`)
    expect(one.body).toEqual(only.body.items[0])
  })

  it('an adoption is approved by an administrator alone, and then waits no more', async () => {
    const admin = as(opened.admin)
    const { id } = (await admin.get('?kind=adoption')).body.items[0]
    expect((await as(opened.reader).post(`/${id}/approve`)).status).toBe(403)
    const approved = await admin.post(`/${id}/approve`, { reason: 'moving' })
    expect(approved.body).toMatchObject({ id, state: 'approved', decision: { reason: 'moving' } })
    await opened.hub.clock.advance(2_000)
    expect((await admin.get('?kind=adoption&state=all')).body.items).toEqual([])
  })

  it('a refused one is shown as such until it is approved', async () => {
    const admin = as(opened.admin)
    const { id } = (await admin.get('?kind=adoption')).body.items[0]
    expect((await admin.post(`/${id}/reject`, { reason: 'not yet' })).body.state).toBe('rejected')
    expect((await admin.get('?kind=adoption&state=rejected')).body.items).toMatchObject([{ id }])
  })

  it('a held prune is confirmed as it was shown, and becomes a sync by hand of exactly that', async () => {
    const digest = `sha256:${'a'.repeat(64)}`
    const { hub } = opened
    const { id, digest: wanted } = hub.application('web-eu-1')
    const heldPrunes = { count: 6, digest: digest as never, reason: '6 of 10 objects would be pruned' }
    await hub.report('web-eu-1', { adoptions: [], heldPrunes, lastSucceeded: wanted })
    opened = await apiOver(hub)
    const admin = as(opened.admin)
    const { body } = await admin.get('?kind=prune')
    expect(body.items).toMatchObject([{ id: `prune-${id}`, application: 'web-eu-1', count: 6, digest }])
    const other = await admin.post(`/prune-${id}/approve`, { digest: `sha256:${'b'.repeat(64)}` })
    expect(other.body).toMatchObject({ status: 409, code: 'CONFIRMATION_CHANGED' })
    expect((await admin.post(`/prune-${id}/reject`)).body.code).toBe('CONFIRMATION_STANDS')
    const approved = await admin.post(`/prune-${id}/approve`, { digest, reason: 'they moved' })
    expect(approved.body).toMatchObject({ state: 'approved', operation: expect.any(String) })
    const grant = await hub.store.read(rows => rows.grant(approved.body.operation))
    expect(grant?.payload.options).toMatchObject({ prune: true, confirms: digest })
  })

  it('what holds up a removal is confirmed in the same way, and its Tombstone says so', async () => {
    const digest = `sha256:${'a'.repeat(64)}`
    const { hub } = opened
    const { id } = hub.application('web-eu-1')
    await hub.push(APPS, { 'apps/web/cm.json': null })
    const heldPrunes = { count: 2, digest: digest as never, reason: 'asks for a confirmation (Delete=confirm)' }
    await hub.report('web-eu-1', { adoptions: [], heldPrunes })
    opened = await apiOver(hub)
    const admin = as(opened.admin)
    const { body } = await admin.get('?kind=prune')
    expect(body.items).toMatchObject([{ id: `prune-${id}`, removal: true, count: 2, digest }])
    expect((await admin.post(`/prune-${id}/reject`)).body).toMatchObject({
      code: 'CONFIRMATION_STANDS',
      detail: expect.stringContaining('Delete=false'),
    })
    const approved = await admin.post(`/prune-${id}/approve`, { digest, reason: 'moved' })
    expect(approved.body).toMatchObject({ state: 'approved', operation: null })
    expect(hub.application('web-eu-1').removal?.confirmed).toMatchObject({ digest })
  })

  it('what nobody asked about is not there', async () => {
    const admin = as(opened.admin)
    for (const id of ['adoption-none', 'prune-none', 'none']) {
      expect((await admin.get(`/${id}`)).status).toBe(404)
      expect((await admin.post(`/${id}/approve`)).status).toBe(404)
    }
  })
})
