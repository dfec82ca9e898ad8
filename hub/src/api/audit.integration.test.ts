import { ChainVerifier } from '@flotilla/core/audit/verify-chain'
import type { Digest } from '@flotilla/core/json/canonical-json'
import request from 'supertest'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { isPrivileged } from '../access/route-access.ts'
import { freezeDocument, HOUR_MS, type HubWithGates, hubWithGates } from '../gate-desk/testing/hub-with-gates.ts'
import { ROUTE_TABLE } from './route-table.ts'
import { openTestApi } from './test-api.ts'

let opened: HubWithGates | undefined
afterEach(async () => {
  await opened?.stop()
  opened = undefined
})

async function open() {
  opened = await hubWithGates()
  const { app, tokens } = opened
  const ask = (who: keyof HubWithGates['tokens'], method: 'get' | 'post' | 'patch' | 'delete', path: string) =>
    request(app)[method](path).set('Authorization', `Bearer ${tokens[who]}`).set('X-Request-Id', `of-${who}`)
  return { ...opened, ask }
}

describe('the audit log', () => {
  it('has who did what to what, from where, under which request and rules, before and after', async () => {
    const { ask } = await open()
    await ask('ana', 'post', '/api/v1/freezes')
      .send(freezeDocument('stop', HOUR_MS, 2 * HOUR_MS))
      .expect(201)
    await ask('ben', 'patch', '/api/v1/freezes/stop')
      .send({ spec: { reason: 'other' }, reason: 'typo' })
      .expect(200)
    const { body } = await ask('admin', 'get', '/api/v1/audit?action=freeze.').expect(200)
    expect(body.items).toMatchObject([
      {
        ...{ actor: 'ben', action: 'freeze.edit', subject: 'FreezePeriod/stop', requestId: 'of-ben' },
        ...{ from: expect.stringMatching(/127\.0\.0\.1$/), policyVersion: expect.stringMatching(/^rules-\d+$/) },
        ...{
          before: { spec: { reason: 'closing' } },
          after: { spec: { reason: 'other' } },
          detail: { reason: 'typo' },
        },
      },
      { actor: 'ana', action: 'freeze.create', requestId: 'of-ana', after: { kind: 'FreezePeriod' } },
    ])
    expect(body.head).toMatchObject({ sequence: body.items[0].sequence, hash: body.items[0].hash })
  })

  it('has what a route wrote no entry of, and what was denied', async () => {
    const { ask } = await open()
    await ask('reader', 'post', '/api/v1/clusters/eu-1/join-tokens').expect(403)
    await ask('ana', 'post', '/api/v1/clusters/eu-1/join-tokens').expect(201)
    await ask('ana', 'post', '/api/v1/clusters/none/join-tokens').expect(404)
    await ask('reader', 'get', '/api/v1/audit').expect(403)
    const { body } = await ask('admin', 'get', '/api/v1/audit?limit=4').expect(200)
    expect(
      body.items.map(({ actor, action, outcome, subject }: Record<string, string>) => [
        actor,
        action,
        outcome,
        subject,
      ]),
    ).toEqual([
      ['reader', 'listAudit', 'refused', '/api/v1/audit'],
      ['ana', 'createJoinToken', 'refused', '/api/v1/clusters/none/join-tokens'],
      ['ana', 'createJoinToken', undefined, '/api/v1/clusters/eu-1/join-tokens'],
      ['reader', 'createJoinToken', 'refused', '/api/v1/clusters/eu-1/join-tokens'],
    ])
  })

  it('every route that may change anything leaves an entry when it is denied', async () => {
    const { ask, hub } = await open()
    const routes = ROUTE_TABLE.filter(({ method, access }) => method !== 'get' && isPrivileged(access))
    const denied: string[] = []
    for (const route of routes) {
      const { status } = await ask('reader', route.method, route.path.replaceAll(/\{\w+\}/g, 'x')).send({})
      // What cannot be understood was not decided on, nor what was only asked.
      expect([route.id, [200, 400, 403, 404, 503].includes(status)]).toEqual([route.id, true])
      if (status !== 403 && status !== 404) continue
      denied.push(route.id)
      const [last] = await hub.store.read(rows => rows.audit({ limit: 1 }))
      if (route.readsOnly === true && status === 404) continue
      expect(last).toMatchObject({ actor: 'reader', action: route.id, outcome: 'refused', requestId: 'of-reader' })
    }
    expect(denied.length).toBeGreaterThan(10)
  })

  it('keeps requests apart that are served at once, and whose writes share a commit', async () => {
    const api = await openTestApi()
    const tokens = { admin: api.admin, ben: api.person }
    const asked = Array.from({ length: 20 }, (_, index) => ({ who: index % 3 === 0 ? 'ben' : 'admin', index }) as const)
    await Promise.all(
      asked.map(({ who, index }) =>
        request(api.app)
          .post('/api/v1/tokens')
          .set('Authorization', `Bearer ${tokens[who]}`)
          .set('X-Request-Id', `${who}-${index}`)
          .send({ name: `robot-${index}` })
          .expect(201),
      ),
    )
    const log = await api.store.read(rows => rows.auditAfter({ limit: 1_000, after: 0 }))
    await api.close()
    const made = log.filter(({ subject }) => subject.startsWith('robot-'))
    expect(made.map(({ actor, subject, requestId }) => [actor, subject, requestId]).sort()).toEqual(
      asked.map(({ who, index }) => [who, `robot-${index}`, `${who}-${index}`]).sort(),
    )
    expect(log.map(({ sequence }) => sequence)).toEqual(log.map((_, index) => index + 1))
  })

  it('no ordinary read or question waits for an entry, and what nobody could understand is none', async () => {
    const { ask, hub } = await open()
    const head = () => hub.store.read(rows => rows.auditHead())
    const before = await head()
    await ask('ana', 'get', '/api/v1/freezes').expect(200)
    await ask('ana', 'get', '/api/v1/freezes/none').expect(404)
    await ask('ana', 'post', '/api/v1/gates/simulate').send({ put: [], remove: [] }).expect(200)
    await ask('ana', 'post', '/api/v1/freezes').send('{').set('Content-Type', 'application/json').expect(400)
    await request(opened!.app).post('/api/v1/freezes').expect(401)
    expect(await head()).toEqual(before)
  })

  it('is not filled by a token that goes on being denied', async () => {
    const api = await openTestApi({ denialsPerMinute: 3 })
    const ask = (token: string, path: string) => request(api.app).get(path).set('Authorization', `Bearer ${token}`)
    const statuses = []
    for (let index = 0; index < 5; index += 1) statuses.push((await ask(api.readonly, '/api/v1/audit')).status)
    expect(statuses).toEqual([403, 403, 403, 429, 429])
    await ask(api.readonly, '/api/v1/fleet').expect(200)
    await ask(api.admin, '/api/v1/audit').expect(200)
    const log = await api.store.read(rows => rows.audit({ limit: 100 }))
    expect(log.filter(({ outcome }) => outcome === 'refused')).toHaveLength(3)
    api.clock.move(60_000)
    await ask(api.readonly, '/api/v1/audit').expect(403)
    // How many more there were is told once the minute is over.
    api.clock.move(5_000)
    const told = await vi.waitFor(async () => {
      const entries = await api.store.read(rows => rows.audit({ limit: 100 }))
      return entries.find(({ action }) => action === 'denials.left-out') ?? expect.fail('it is not told yet')
    })
    expect(told).toMatchObject({ actor: 'reader', detail: { count: 2, written: 3, routes: { listAudit: 2 } } })
    await api.close()
  })

  it('has reads: what is sensitive at once, of the rest some, and what was not there for who asked', async () => {
    const api = await openTestApi()
    const ask = (token: string, path: string) => request(api.app).get(path).set('Authorization', `Bearer ${token}`)
    await ask(api.readonly, '/api/v1/applications?sort=name&project=shop').expect(200)
    await ask(api.readonly, '/api/v1/applications').expect(200)
    await ask(api.readonly, '/api/v1/applications/none').expect(404)
    await ask(api.admin, '/api/v1/tokens').expect(200)
    const entries = () => api.store.read(rows => rows.auditAfter({ after: 1, limit: 100 }))
    expect((await entries()).map(({ action }) => action)).toContain('read.listTokens')
    api.clock.move(5_000)
    await vi.waitFor(async () => expect(await entries()).toHaveLength(3))
    const { body } = await ask(api.admin, '/api/v1/audit?reads=only&sort=at').expect(200)
    expect(body.items).toMatchObject([
      {
        ...{ actor: 'reader', action: 'read.listApplications', subject: '/api/v1/applications' },
        ...{ detail: { status: 200, oneIn: 1_000, query: 'sort=name&project=shop' } },
        ...{ from: expect.any(String), requestId: expect.any(String), policyVersion: expect.any(String) },
      },
      {
        actor: 'reader',
        action: 'read.getApplication',
        outcome: 'refused',
        detail: { status: 404, code: 'NOT_FOUND' },
      },
      { actor: 'admin', action: 'read.listTokens', detail: { status: 200 } },
    ])
    const without = await ask(api.admin, '/api/v1/audit?reads=without').expect(200)
    expect(without.body.items.map(({ action }: { action: string }) => action)).toEqual(['token.create'])
    await api.close()
  })

  it('has of tokens what they were, and nothing that proves them', async () => {
    const api = await openTestApi()
    const as = { Authorization: `Bearer ${api.admin}` }
    const made = await request(api.app).post('/api/v1/tokens').set(as).send({ name: 'robot' }).expect(201)
    await request(api.app).delete(`/api/v1/tokens/${made.body.id}`).set(as).expect(200)
    const [revoked, created] = await api.store.read(rows => rows.audit({ limit: 2 }))
    expect([created!.action, created!.after]).toMatchObject(['token.create', { id: made.body.id, name: 'robot' }])
    expect([revoked!.action, revoked!.before]).toEqual(['token.revoke', created!.after])
    expect(Object.keys(created!.after!).sort()).toEqual(['id', 'kind', 'madeBy', 'name', 'role'])
    await api.close()
  })

  it('has what was let through and then failed', async () => {
    const api = await openTestApi({}, { admissions: { revoke: () => Promise.reject(new Error('no')) } as never })
    const ask = request(api.app).post('/api/v1/clusters/eu-1/revoke').set('Authorization', `Bearer ${api.admin}`)
    await ask.send({}).expect(500)
    api.clock.move(5_000)
    await vi.waitFor(async () => {
      const [last] = await api.store.read(rows => rows.audit({ limit: 1 }))
      expect(last).toMatchObject({
        actor: 'admin',
        action: 'revokeCluster',
        outcome: 'failed',
        detail: { status: 500 },
      })
    })
    await api.close()
  })

  it('is filtered and paged, newest first', async () => {
    const { ask } = await open()
    for (const name of ['a', 'b', 'c']) {
      await ask('ana', 'post', '/api/v1/freezes')
        .send(freezeDocument(name, HOUR_MS, 2 * HOUR_MS))
        .expect(201)
    }
    const list = async (query: string): Promise<string[]> => {
      const found: string[] = []
      let cursor = ''
      do {
        const { body } = await ask('admin', 'get', `/api/v1/audit?limit=1&${query}${cursor}`).expect(200)
        found.push(...body.items.map(({ subject }: { subject: string }) => subject))
        cursor = body.next === null ? '' : `&cursor=${body.next}`
      } while (cursor !== '')
      return found
    }
    expect(await list('action=freeze.create')).toEqual(['FreezePeriod/c', 'FreezePeriod/b', 'FreezePeriod/a'])
    expect(await list('actor=ana&subject=FreezePeriod/b')).toEqual(['FreezePeriod/b'])
    expect(await list('actor=nobody')).toEqual([])
    expect(await list('since=2027-01-16T00:00:00Z')).toEqual([])
    await ask('admin', 'get', '/api/v1/audit?since=yesterday').expect(400)
    const { body } = await ask('admin', 'get', '/api/v1/audit?limit=1').expect(200)
    expect(body.total).toBe(body.head.sequence)
    const made = await ask('admin', 'get', '/api/v1/audit?limit=1&action=freeze.create').expect(200)
    expect([made.body.total, made.body.items.length]).toEqual([3, 1])
    await ask('admin', 'get', `/api/v1/audit?limit=1&actor=ana&cursor=${body.next}`).expect(400)
  })

  it('an export is a chain, also in parts, and its head is that of the log', async () => {
    const { ask, hub } = await open()
    for (const name of ['a', 'b']) {
      await ask('ana', 'post', '/api/v1/freezes')
        .send(freezeDocument(name, HOUR_MS, 2 * HOUR_MS))
        .expect(201)
    }
    const { text, headers } = await ask('admin', 'get', '/api/v1/audit/export').expect(200)
    expect(headers['content-type']).toBe('application/jsonl')
    const lines = text.trimEnd().split('\n')
    const head = String(headers['flotilla-audit-head'])
    expect(head).toBe(`${lines.length} ${JSON.parse(lines.at(-1)!).hash}`)
    const first = await ask('admin', 'get', '/api/v1/audit/export?limit=2').expect(200)
    const rest = await ask('admin', 'get', `/api/v1/audit/export?after=2&limit=${lines.length - 2}`).expect(200)
    expect(first.text + rest.text).toBe(text)
    const verifier = new ChainVerifier({ head: head.split(' ')[1] as Digest })
    for (const line of lines) verifier.take(line)
    expect(verifier.report()).toMatchObject({ intact: true, entries: lines.length, mistakes: [] })
    // Whoever looked has an entry of his own, after what he has seen.
    const looked = await hub.store.read(rows => rows.auditAfter({ after: lines.length, limit: 10 }))
    expect(looked.map(({ actor, action, detail }) => [actor, action, detail['query'] ?? ''])).toEqual([
      ['admin', 'read.exportAudit', ''],
      ['admin', 'read.exportAudit', 'limit=2'],
      ['admin', 'read.exportAudit', `after=2&limit=${lines.length - 2}`],
    ])
  })
})

it('entries are found by what became of them, and by words that occur in them', async () => {
  const { ask } = await open()
  await ask('ana', 'post', '/api/v1/freezes/none/end').send({ reason: 'too early' })
  const found = async (query: string) =>
    (await ask('admin', 'get', `/api/v1/audit?${query}`).expect(200)).body.items as {
      outcome?: string
      subject: string
    }[]
  const refused = await found('outcome=refused')
  expect(refused.length).toBeGreaterThan(0)
  expect(new Set(refused.map(({ outcome }) => outcome))).toEqual(new Set(['refused']))
  expect((await found('q=FREEZES/none')).map(({ subject }) => subject)).toEqual(['/api/v1/freezes/none/end'])
  expect(await found('q=nothing-has-this')).toEqual([])
})
