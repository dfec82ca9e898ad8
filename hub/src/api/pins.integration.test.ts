import type { OperationReport } from '@flotilla/core/protocol/report'
import request from 'supertest'
import { beforeEach, describe, expect, it } from 'vitest'
import { CONFIG, project } from '../loop/testing/loop-harness.ts'
import { oneApplicationTwice, WEB } from '../loop/testing/one-application.ts'
import { apiOver, type ServedLoop } from './testing/api-over-loop.ts'

let opened: ServedLoop

/** An Application that has had two revisions. */
beforeEach(async () => {
  opened = await apiOver(await oneApplicationTwice())
})

const get = (path: string, token = opened.reader) =>
  request(opened.app).get(`/api/v1${path}`).set('Authorization', `Bearer ${token}`)
const post = (path: string, body: object = {}, token = opened.admin) =>
  request(opened.app).post(`/api/v1/applications/${WEB}${path}`).set('Authorization', `Bearer ${token}`).send(body)

describe('history', () => {
  it('has each operation with who, what, when, how long, and its exact manifests', async () => {
    const { body } = await get(`/applications/${WEB}/history`)
    expect(body.items).toMatchObject([
      { trigger: 'automated', by: 'flotilla', phase: 'Succeeded', durationMs: 1_500 },
      { trigger: 'automated', by: 'flotilla', phase: 'Succeeded', durationMs: 1_500 },
    ])
    const [second, first] = body.items
    const of = async (query: string) => (await get(`/applications/${WEB}/manifests?${query}`)).body
    expect((await of(`revision=${first.revision.slice(0, 8)}`)).items).toMatchObject([{ data: { greeting: 'hello' } }])
    expect(await of(`digest=${second.digest}`)).toMatchObject({ items: [{ data: { greeting: 'salut' } }] })
    expect((await get(`/applications/${WEB}/manifests?revision=ffffffff`)).status).toBe(404)
  })

  it('renders again what is kept no more, and says so where that does not come to it', async () => {
    const { hub } = opened
    const { body } = await get(`/applications/${WEB}/history`)
    const first = body.items[1]
    await hub.bundles.delete(first.digest)
    const again = await get(`/applications/${WEB}/manifests?digest=${first.digest}`)
    expect(again.body.items).toMatchObject([{ data: { greeting: 'hello' } }])
    const { id, clusterId } = hub.application(WEB)
    const [row] = await hub.store.read(rows => rows.operations(id, { limit: 1 }))
    const lost = { ...row!.operation, id: 'lost', digest: `sha256:${'4'.repeat(64)}` as const }
    await hub.store.write(async rows => {
      await rows.putOperation({ id: 'lost', applicationId: id, clusterId: clusterId!, operation: lost })
    })
    const [shown] = (await get(`/applications/${WEB}/history`)).body.items
    const gone = await get(`/applications/${WEB}/manifests?digest=${shown.digest}`)
    expect([gone.status, gone.body.code]).toEqual([410, 'MANIFESTS_GONE'])
  })
})

describe('a rollback', () => {
  it('is an intervention that is shown, in the feed and the audit log, until it is unpinned', async () => {
    expect((await post('/rollback', {}, opened.reader)).status).toBe(403)
    const [, first] = (await get(`/applications/${WEB}/history`)).body.items
    const done = await post('/rollback', { digest: first.digest, reason: 'it hangs' })
    expect([done.status, done.body.status]).toEqual([202, 'accepted'])
    const pinned = await post('/pin', { until: '2100-01-01T00:00:00.000Z' })
    expect(pinned.body).toMatchObject({
      revision: first.revision,
      interventions: [{ kind: 'pin', origin: 'pin', by: 'admin', until: '2100-01-01T00:00:00.000Z' }],
    })
    const { items } = (await get('/activity?kind=intervention,commit')).body
    expect(items.map(({ event }: { event: string }) => event)).toEqual([
      ...['application.pin', 'application.rollback', 'commit', 'commit', 'source.commit'],
    ])
    expect(items[1]).toMatchObject({
      by: 'admin',
      message: expect.stringMatching(/: it hangs$/),
      applications: [{ name: WEB, project: 'shop', cluster: 'eu-1' }],
    })
    const free = await post('/unpin', { reason: 'mended' })
    expect(free.body.interventions).toEqual([])
    expect((await post('/unpin')).body.code).toBe('OPERATION_NONE')
  })

  it('to what never was, or to two things, is refused with the reason', async () => {
    expect((await post('/rollback', { operation: 'nothing' })).body).toMatchObject({
      code: 'PIN_IMPOSSIBLE',
      status: 422,
    })
    expect((await post('/rollback', { operation: 'a', digest: 'b' })).body.code).toBe('REQUEST_INVALID')
    expect((await post('/sync', { revision: 'nowhere' })).body.code).toBe('PIN_IMPOSSIBLE')
    expect((await post('/pin', { until: '2000-01-01T00:00:00.000Z' })).body.code).toBe('PIN_IMPOSSIBLE')
  })
})

describe('a dry run of a rollback', () => {
  it('shows what it would change and whether it may begin, and leaves nothing behind', async () => {
    const before = (await get(`/applications/${WEB}`)).body
    const { status, body } = await post('/rollback', { dryRun: true })
    expect([status, body.permitted, body.refusal]).toEqual([200, true, null])
    expect(body.from.digest).toBe(before.digest)
    expect(body.to.digest).not.toBe(before.digest)
    expect(body.changes).toMatchObject([
      { object: 'ConfigMap web', change: 'updated', diff: expect.stringMatching(/-.*salut[\s\S]*\+.*hello/) },
    ])
    expect((await get(`/applications/${WEB}`)).body).toEqual(before)
    const { hub } = opened
    expect(await hub.grants(hub.application(WEB).clusterId!)).toEqual([])
    const audit = await hub.store.read(rows => rows.audit({ limit: 50 }))
    expect(audit.filter(({ action }) => action.startsWith('application.'))).toEqual([])
    expect((await post('/rollback', { dryRun: true }, opened.reader)).status).toBe(403)
    expect((await post('/rollback', { dryRun: true, operation: 'nothing' })).body.code).toBe('PIN_IMPOSSIBLE')
  })

  it('says what would refuse it', async () => {
    const asked = await post('/sync')
    const { hub } = opened
    const [grant] = await hub.grants(hub.application(WEB).clusterId!)
    expect([asked.status, asked.body.id]).toEqual([202, grant!.id])
    const { digest, revision } = hub.application(WEB)
    const running: OperationReport = {
      ...{ id: grant!.id, trigger: 'manual', by: 'admin', phase: 'Running', message: '' },
      ...{ digest: digest!, revision: revision!, startedAt: hub.clock.now(), results: [], resultsCut: 0 },
    }
    await hub.report(WEB, { operation: running, lastSucceeded: digest })
    const { status, body } = await post('/rollback', { dryRun: true })
    expect([status, body.permitted, body.refusal.code]).toEqual([200, false, 'OPERATION_BUSY'])
    expect(body.changes).toHaveLength(1)
  })
})

describe('a pause', () => {
  it('is an intervention that is shown, in the feed and the audit log, until it is resumed', async () => {
    expect((await post('/pause', {}, opened.reader)).status).toBe(403)
    expect((await post('/pause', { until: '2000-01-01T00:00:00.000Z' })).body.code).toBe('REQUEST_INVALID')
    const paused = await post('/pause', { reason: 'by hand', until: '2100-01-01T00:00:00.000Z' })
    expect([paused.status, paused.body.interventions]).toMatchObject([
      200,
      [{ kind: 'pause', by: 'admin', reason: 'by hand', until: '2100-01-01T00:00:00.000Z' }],
    ])
    const free = await post('/resume', { reason: 'found it' })
    expect([free.status, free.body.interventions]).toEqual([200, []])
    expect((await post('/resume')).body.code).toBe('OPERATION_NONE')
    const { items } = (await get('/activity?kind=intervention')).body
    expect(items.map(({ event }: { event: string }) => event)).toEqual(['application.unpause', 'application.pause'])
  })
})

describe('a pause of many', () => {
  const many = (body: object, token = opened.admin) =>
    request(opened.app)
      .post('/api/v1/operations')
      .set('Authorization', `Bearer ${token}`)
      .send({ project: 'shop', ...body })
  const interventions = async () => (await get(`/applications/${WEB}`)).body.interventions
  const item = { application: WEB, cluster: 'eu-1', id: null, code: null }

  it('is shown before it is done, is kept to be followed, and each is audited', async () => {
    const { hub } = opened
    const planned = await many({ action: 'pause', dryRun: true })
    expect([planned.status, planned.body]).toMatchObject([200, { id: null, items: [{ ...item, status: 'planned' }] }])
    expect(await interventions()).toEqual([])
    const until = '2100-01-01T00:00:00.000Z'
    const asked = { action: 'pause', until, reason: 'the database moves', applications: [WEB, 'absent'] }
    const paused = await many(asked)
    expect(paused.status).toBe(202)
    expect(paused.body.items).toMatchObject([
      { ...item, status: 'done' },
      { application: 'absent', status: 'refused', code: 'NOT_FOUND' },
    ])
    expect(await interventions()).toMatchObject([{ kind: 'pause', by: 'admin', reason: 'the database moves', until }])
    const followed = await get(`/operations/${paused.body.id}`, opened.admin)
    expect(followed.body).toMatchObject({
      ...{ kind: 'bulk', action: 'pause', state: 'failed', counts: { succeeded: 1, refused: 1 } },
      finishedAt: expect.any(String),
    })
    const resumed = await many({ action: 'resume', reason: 'it has moved' })
    expect(resumed.body.items).toMatchObject([{ ...item, status: 'done' }])
    expect(await interventions()).toEqual([])
    const over = await get(`/operations/${resumed.body.id}`)
    expect(over.body).toMatchObject({ action: 'resume', state: 'succeeded', total: 1 })
    expect((await many({ action: 'resume', dryRun: true })).body.items).toMatchObject([
      { status: 'refused', code: 'OPERATION_NONE' },
    ])
    const audit = await hub.store.read(rows => rows.audit({ limit: 50 }))
    expect(audit.map(({ action, subject }) => `${action} ${subject}`)).toEqual(
      expect.arrayContaining([`application.pause Application/${WEB}`, `application.unpause Application/${WEB}`]),
    )
  })

  it('asks for the right of each, and for an end that lies ahead', async () => {
    const refused = await many({ action: 'pause' }, opened.reader)
    expect(refused.body.items).toMatchObject([{ application: WEB, status: 'refused', code: 'FORBIDDEN' }])
    expect(await interventions()).toEqual([])
    expect((await many({ action: 'pause', until: '2000-01-01T00:00:00.000Z' })).body.code).toBe('REQUEST_INVALID')
    expect((await many({ action: 'sync', until: '2100-01-01T00:00:00.000Z' })).body.code).toBe('REQUEST_INVALID')
    const all = await request(opened.app)
      .post('/api/v1/operations')
      .set('Authorization', `Bearer ${opened.admin}`)
      .send({ action: 'pause' })
    expect(all.body.code).toBe('REQUEST_INVALID')
  })
})

describe('the feed', () => {
  it('goes on page by page, and filters by what is seen', async () => {
    const all = (await get('/events?limit=100')).body.items
    const paged = []
    let cursor = ''
    do {
      const { body } = await get(`/events?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`)
      paged.push(...body.items)
      cursor = body.next ?? ''
    } while (cursor !== '')
    expect(paged).toEqual(all)
    expect(all.length).toBeGreaterThan(2)
    expect((await get('/activity?project=other')).body.items).toEqual([])
    expect((await get(`/activity?application=${WEB}&event=commit`)).body.items).toHaveLength(2)
    expect((await get('/activity?cursor=x')).body.code).toBe('CURSOR_INVALID')
  })
})

describe('a Project that wants commits signed', () => {
  it('is not got around by a pin or a rollback to what was there before', async () => {
    const { hub } = opened
    const [, first] = (await get(`/applications/${WEB}/history`)).body.items
    const document = JSON.parse(project('shop')) as { spec: object }
    const spec = { ...document.spec, signatureKeys: [{ keyID: '4AEE18F83AFDEB23' }] }
    await hub.push(CONFIG, { 'projects/shop.json': JSON.stringify({ ...document, spec }) })
    const { digest } = hub.application(WEB)
    expect(hub.application(WEB).hold?.code).toBe('SIGNATURE_MISSING')
    const pinned = await post('/pin', { revision: first.revision, reason: 'as before' })
    const back = await post('/rollback', { operation: first.id, reason: 'as before' })
    // A pin may be set, and is held; a rollback is to start at once, and is refused.
    expect([pinned.status, back.status]).toEqual([200, 409])
    expect(back.text).toContain('is not signed')
    expect(hub.application(WEB)).toMatchObject({ digest, hold: { code: 'SIGNATURE_MISSING' } })
    expect(await hub.grants(hub.application(WEB).clusterId!)).toEqual([])
  })
})
