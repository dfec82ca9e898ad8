import request from 'supertest'
import { describe, expect, it } from 'vitest'
import { APPS, CONFIG, configMap, set } from '../loop/testing/loop-harness.ts'
import { hubWithRemoval, REMOVED as names } from './testing/hub-with-removal.ts'

async function opened() {
  const { hub, app, admin, reader, plan } = await hubWithRemoval()
  const as = (token: string) => ({
    get: (path: string) => request(app).get(path).set('Authorization', `Bearer ${token}`),
    post: (path: string, body: object = {}, headers: Record<string, string> = {}) =>
      request(app).post(path).set('Authorization', `Bearer ${token}`).set(headers).send(body),
  })
  return { hub, admin: as(admin), reader: as(reader), plan }
}

const BASE = '/api/v1/applicationsets/shop/deletions'

describe('removals that wait', () => {
  it('are listed for their set and among all confirmations, every Application named', async () => {
    const { reader, plan } = await opened()
    for (const path of [BASE, '/api/v1/confirmations', `${BASE}?state=all`]) {
      const { status, body } = await reader.get(path)
      expect(status).toBe(200)
      expect(body).toMatchObject({
        total: 1,
        items: [
          { id: plan.id, kind: 'deletion', state: 'held', set: 'shop', count: { removed: 4, total: 4 }, clusters: 1 },
        ],
      })
      expect(body.items[0].applications.map((each: { name: string }) => each.name)).toEqual(
        names.map(name => `${name}-eu-1`),
      )
    }
    expect((await reader.get(`/api/v1/confirmations/${plan.id}`)).body).toMatchObject({ digest: plan.digest })
    expect((await reader.get(`${BASE}?state=approved`)).body).toEqual({ items: [], total: 0, next: null })
    expect((await reader.get('/api/v1/applicationsets/other/deletions')).body.items).toEqual([])
  })

  it('show in the status of the set, beside what it made', async () => {
    const { reader } = await opened()
    const { body } = await reader.get('/api/v1/applicationsets/shop')
    const ready = body.conditions.find((each: { type: string }) => each.type === 'Ready')
    expect(ready).toMatchObject({ status: 'False', reason: 'DeletionHeld' })
    expect(body.generators).toMatchObject([{ generator: '0', status: 'ok', applications: 0 }])
    expect(body.health).toMatchObject({ status: 'Healthy' })
    const made = await reader.get('/api/v1/applicationsets/shop/applications?limit=3')
    expect(made.body.items).toHaveLength(3)
    const rest = await reader.get(`/api/v1/applicationsets/shop/applications?limit=3&cursor=${made.body.next}`)
    expect(rest.body).toMatchObject({ items: [{ name: 'd-eu-1' }], total: 4, next: null })
  })

  it('are decided on by administrators alone', async () => {
    const { reader, plan } = await opened()
    expect((await reader.post(`${BASE}/${plan.id}/approve`)).status).toBe(403)
    expect((await reader.post(`/api/v1/confirmations/${plan.id}/reject`)).status).toBe(403)
  })

  it('are approved once, with the caller and the reason, however often it is asked', async () => {
    const { hub, admin, plan } = await opened()
    const first = await admin.post(
      `${BASE}/${plan.id}/approve`,
      { reason: 'moved' },
      { 'If-Match': `"${plan.digest}"` },
    )
    expect(first.body).toMatchObject({ state: 'approved', decision: { by: 'admin', reason: 'moved' } })
    const again = await admin.post(`/api/v1/confirmations/${plan.id}/approve`, { reason: 'again' })
    expect([again.status, again.body]).toEqual([200, first.body])
    expect(hub.application('a-eu-1').state).toBe('withdrawn')
    const late = await admin.post(`${BASE}/${plan.id}/reject`)
    expect([late.status, late.body.code]).toEqual([409, 'DELETION_DECIDED'])
  })

  it('are rejected, and shown as such', async () => {
    const { hub, admin, reader, plan } = await opened()
    expect((await admin.post(`${BASE}/${plan.id}/reject`, { reason: 'no' })).body).toMatchObject({ state: 'rejected' })
    expect(hub.application('a-eu-1').hold?.reason).toContain('rejected')
    expect((await reader.get('/api/v1/confirmations?state=rejected')).body.total).toBe(1)
  })

  it('are not decided on when the list is another one', async () => {
    const { hub, admin, plan } = await opened()
    const other = await admin.post(`${BASE}/${plan.id}/approve`, {}, { 'If-Match': '"sha256:other"' })
    expect([other.status, other.body.code]).toEqual([409, 'DELETION_CHANGED'])
    await hub.push(APPS, { 'apps/a/cm.json': configMap('a', {}) })
    const changed = await admin.post(`${BASE}/${plan.id}/approve`)
    expect([changed.status, changed.body.code]).toEqual([409, 'DELETION_CHANGED'])
    expect(changed.body.detail).toContain('with 3 Applications')
    expect(hub.application('b-eu-1').state).toBe('active')
  })

  it('are not decided on while inputs are away', async () => {
    const { hub, admin, plan } = await opened()
    await hub.push(CONFIG, { 'sets/shop.json': set('shop').replaceAll(APPS, 'https://git.example.com/away.git') })
    const answer = await admin.post(`${BASE}/${plan.id}/approve`)
    expect([answer.status, answer.body.code]).toEqual([409, 'DELETION_INPUTS_AWAY'])
  })

  it.each([
    ['an unknown set', '/api/v1/applicationsets/none/deletions', 'get'],
    ['an unknown set’s Applications', '/api/v1/applicationsets/none/applications', 'get'],
    ['an unknown removal', `${BASE}/none/approve`, 'post'],
    ['an unknown confirmation', '/api/v1/confirmations/none', 'get'],
    ['and its approval', '/api/v1/confirmations/none/approve', 'post'],
  ] as const)('%s is not found', async (_sentence, path, method) => {
    const { admin } = await opened()
    expect((await admin[method](path)).status).toBe(404)
  })

  it('a removal of one set is not found under another', async () => {
    const { admin, plan } = await opened()
    expect((await admin.post(`/api/v1/applicationsets/other/deletions/${plan.id}/approve`)).status).toBe(404)
  })

  it.each([
    ['a reason that is no text', { reason: 1 }],
    ['an unknown member', { because: 'x' }],
    ['a reason without end', { reason: 'x'.repeat(3000) }],
  ])('%s is refused', async (_sentence, body) => {
    const { admin, plan } = await opened()
    expect((await admin.post(`${BASE}/${plan.id}/approve`, body)).status).toBe(400)
  })
})
