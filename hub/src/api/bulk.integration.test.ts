import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Store } from '@flotilla/core/ports/store'
import request from 'supertest'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { DeskAnswer, OperationDesk } from '../operations/operation-desk.ts'
import { endInterruptedBulks } from '../operations/run-bulk.ts'
import { sampleApplication } from '../store/sample-rows.ts'
import { silentLog } from '../store/test-store.ts'
import { createApi } from './create-api.ts'
import type { ApiServices } from './route.ts'
import { openTestApi, type TestApi } from './test-api.ts'

const NAMES = ['api', 'db', 'web']
let api: TestApi
afterEach(() => api.close())

/** A desk whose syncs the test decides, each in a transaction of its own. */
async function open(sync: (name: string, services: ApiServices) => Promise<DeskAnswer>) {
  let services!: ApiServices
  const desk: Pick<OperationDesk, 'sync'> = {
    sync: async (name, wish, within) => {
      const answer = await sync(name, services)
      if (answer.kind !== 'refused') {
        await services.store.write(async rows => {
          const about = { actor: wish.by, action: 'application.sync', subject: `Application/${name}` }
          await rows.appendAudit({ at: services.clock.now(), ...about, detail: {} })
          await within?.(rows, answer)
        })
      }
      return answer
    },
  }
  api = await openTestApi({}, { desk: desk as OperationDesk })
  const { store, view, bundles, clock } = api
  services = { store, view, bundles, clock, random: seededRandom(9), log: silentLog } as unknown as ApiServices
  const rows = NAMES.map(name => sampleApplication({ id: `id-${name}`, name, project: 'shop', clusterName: 'eu-1' }))
  await api.write(
    async writer => {
      for (const row of rows) await writer.putApplication(row)
    },
    { applications: rows.map(({ id }) => id) },
  )
  return {
    many: (body: object, key?: string, token = api.admin) => {
      const asked = request(api.app).post('/api/v1/operations').set('Authorization', `Bearer ${token}`)
      return (key === undefined ? asked : asked.set('Idempotency-Key', key)).send({ action: 'sync', ...body })
    },
    get: (path: string) => request(api.app).get(path).set('Authorization', `Bearer ${api.admin}`),
  }
}

const accepted = (name: string): DeskAnswer => ({ kind: 'accepted', id: `op-${name}` })
const openOnes = (store: Store) => store.read(rows => rows.openBulkOperations())

describe('many at once', () => {
  it('one that cannot be decided is told, and the others are done', async () => {
    const { many, get } = await open(async name => {
      if (name === 'db') throw new Error('something is wrong')
      return accepted(name)
    })
    const { body, status } = await many({ project: 'shop' })
    expect([
      status,
      body.items.map((each: Record<string, unknown>) => [each['application'], each['status'], each['code']]),
    ]).toEqual([
      202,
      [
        ['api', 'accepted', null],
        ['db', 'failed', 'INTERNAL'],
        ['web', 'accepted', null],
      ],
    ])
    const followed = await get(`/api/v1/operations/${body.id}`).expect(200)
    expect(followed.body).toMatchObject({ state: 'failed', counts: { failed: 1 }, interrupted: null, total: 3 })
  })

  it('what is refused is in the audit log one by one, and who asked for all of it once', async () => {
    const { many } = await open(async name =>
      name === 'db' ? { kind: 'refused', code: 'BUSY', message: 'it runs' } : accepted(name),
    )
    const { body } = await many({ applications: ['web', 'db', 'none'], reason: 'now' })
    await many({ applications: ['web'] }, undefined, api.readonly)
    const log = await api.store.read(rows => rows.auditAfter({ after: 1, limit: 100 }))
    expect(log.map(({ actor, action, subject, detail }) => [actor, action, subject, detail['code'] ?? ''])).toEqual([
      ['admin', 'bulk.begin', `Operation/${body.id}`, ''],
      ['admin', 'application.sync', 'Application/web', ''],
      ['admin', 'operateOnMany', 'Application/none', 'NOT_FOUND'],
      ['admin', 'operateOnMany', 'Application/db', 'OPERATION_BUSY'],
      ['reader', 'bulk.begin', expect.any(String), ''],
      ['reader', 'operateOnMany', 'Application/web', 'FORBIDDEN'],
    ])
    expect(new Set(log.slice(0, 4).map(({ requestId }) => requestId)).size).toBe(1)
    expect(log[0]).toMatchObject({ detail: { action: 'sync', reason: 'now', count: 3, applications: ['db', 'web'] } })
  })

  it('of a hub that ended in the middle the same key tells the id, and it is seen what was done', async () => {
    let reached = false
    const { many, get } = await open(async name => {
      if (name !== 'web') return accepted(name)
      reached = true
      return await new Promise<never>(() => undefined)
    })
    const lost = many({ project: 'shop' }, 'key-1')
    lost.then(undefined, () => undefined)
    await vi.waitFor(() => expect(reached).toBe(true), { timeout: 30_000 })
    const [begun] = await openOnes(api.store)
    expect((await get(`/api/v1/operations/${begun!.id}`)).body).toMatchObject({
      ...{ state: 'running', finishedAt: null, interrupted: null },
      items: [{ id: 'op-api' }, { id: 'op-db' }, { application: 'web', state: 'waiting' }],
    })
    // Another run over what that one left.
    await endInterruptedBulks({ store: api.store, clock: api.clock, log: silentLog })
    const { store, view, bundles, clock } = api
    const services = { store, view, bundles, clock, random: seededRandom(8), log: silentLog }
    const { createMetrics } = await import('../metrics.ts')
    const next = createApi({
      ...services,
      ...{ metrics: createMetrics({ process: false }), settings: { version: '0.1.0' }, actions: {} as never },
    })
    const again = await request(next)
      .post('/api/v1/operations')
      .set({ Authorization: `Bearer ${api.admin}`, 'Idempotency-Key': 'key-1' })
      .send({ action: 'sync', project: 'shop' })
    expect([again.status, again.headers['idempotency-replayed'], again.body.id]).toEqual([202, 'true', begun!.id])
    const { body } = await get(`/api/v1/operations/${begun!.id}`)
    expect(body).toMatchObject({
      ...{ state: 'failed', finishedAt: expect.any(String), interrupted: expect.stringContaining('the hub stopped') },
      ...{ counts: { interrupted: 1 }, items: [{ id: 'op-api' }, { id: 'op-db' }, { state: 'interrupted', id: null }] },
    })
  })
})
