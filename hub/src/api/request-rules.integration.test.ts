import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import request, { type Test } from 'supertest'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sampleApplication, sampleCluster, sampleKeptAnswer } from '../store/sample-rows.ts'
import { ROUTE_TABLE } from './route-table.ts'
import { openTestApi, type TestApi } from './test-api.ts'

let api: TestApi
beforeEach(async () => {
  api = await openTestApi({ allowedOrigins: ['https://ui.example.com'] })
  await api.write(
    async rows => {
      await rows.putCluster(sampleCluster({ agentKey: 'key', joinedAt: 1000 }))
      await rows.putApplication(sampleApplication({ id: 'a', name: 'web', clusterId: 'cluster-1', document: DOCUMENT }))
    },
    { applications: ['a'], clusters: ['eu-1'] },
  )
})
afterEach(() => api.close())

const as = (test: Test, token = api.person): Test => test.set('Authorization', `Bearer ${token}`)
const get = (path: string, token = api.readonly) => as(request(api.app).get(path), token)
const post = (path: string, body: object, token = api.person) => as(request(api.app).post(path), token).send(body)

const DOCUMENT = {
  metadata: { name: 'web' },
  spec: { project: 'shop', destination: { name: 'eu-1', namespace: 'shop' } },
}

const PENDING = { labels: { site: 'store' }, max: 5 }
const freeze = (name: string) => ({
  apiVersion: 'flotilla.dev/v1alpha1',
  kind: 'FreezePeriod',
  metadata: { name, owner: 'platform' },
  spec: {
    level: 'hard',
    reason: 'closing',
    scope: { all: true },
    when: [{ from: '2030-12-18', through: '2030-12-31' }],
  },
})

describe('an Idempotency-Key', () => {
  it('makes a write happen once; who sends it again gets the same answer, and is told so', async () => {
    const once = () => post('/api/v1/freezes', freeze('year-end')).set('Idempotency-Key', 'k-1')
    const first = await once().expect(201)
    const second = await once().expect(201)
    expect(second.body).toEqual(first.body)
    expect([first.headers['idempotency-replayed'], second.headers['idempotency-replayed']]).toEqual([undefined, 'true'])
    const entries = await api.store.read(rows => rows.audit({ limit: 100 }))
    expect(entries.filter(({ action }) => action === 'freeze.create').length).toBe(1)
  })

  it('used for another body, path or query is a mistake', async () => {
    await post('/api/v1/freezes', freeze('one')).set('Idempotency-Key', 'k').expect(201)
    const { body } = await post('/api/v1/freezes', freeze('two')).set('Idempotency-Key', 'k').expect(422)
    expect(body.code).toBe('IDEMPOTENCY_KEY_REUSED')
    await post('/api/v1/freezes/now', { reason: 'x', until: '+1h' }).set('Idempotency-Key', 'k').expect(422)
  })

  it('is of one principal alone, and good for a day', async () => {
    await post('/api/v1/freezes', freeze('one')).set('Idempotency-Key', 'k').expect(201)
    await post('/api/v1/freezes', freeze('one'), api.admin).set('Idempotency-Key', 'k').expect(409)
    api.clock.move(24 * 60 * 60_000 + 1)
    const again = await post('/api/v1/freezes', freeze('one')).set('Idempotency-Key', 'k').expect(409)
    expect(again.body.code).toBe('GATE_EXISTS')
  })

  it('sent twice at once happens once', async () => {
    const once = () => post('/api/v1/freezes', freeze('year-end')).set('Idempotency-Key', 'k')
    const answers = await Promise.all([once(), once(), once()])
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
    expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true').length).toBe(2)
  })

  it('of a write that was refused may come again', async () => {
    const asked = () => post('/api/v1/applications/web/terminate', { reason: 'x' }).set('Idempotency-Key', 'k')
    expect((await asked().expect(409)).body.code).toBe('OPERATION_NONE')
    expect((await asked().expect(409)).body.code).toBe('OPERATION_NONE')
  })

  it('of a write that an earlier run of the hub began says that nobody knows', async () => {
    const asked = () => post('/api/v1/freezes', freeze('year-end')).set('Idempotency-Key', 'k')
    await asked().expect(201)
    const kept = (await api.store.read(rows => rows.audit({ limit: 1 })))[0]!
    const row = await api.store.read(rows => rows.keptAnswer(JSON.stringify(PRINCIPAL), 'k'))
    expect([row?.answer?.status, kept.action]).toEqual([201, 'freeze.create'])
    const { answer: _, ...begun } = row!
    await api.store.write(rows => rows.putKeptAnswer(sampleKeptAnswer({ ...begun, answer: undefined as never })))
    expect((await asked().expect(409)).body.code).toBe('IDEMPOTENCY_UNFINISHED')
  })

  it('never gives a secret a second time, and keeps none', async () => {
    const asked = () => post('/api/v1/join-tokens', PENDING).set('Idempotency-Key', 'k')
    const made = await asked().expect(201)
    expect(made.body.token).toBe('flj1.x.y')
    expect((await asked().expect(409)).body.code).toBe('IDEMPOTENCY_SECRET')
    const row = await api.store.read(rows => rows.keptAnswer(JSON.stringify(PRINCIPAL), 'k'))
    expect(JSON.stringify(row)).not.toContain('flj1')
  })

  it('that is none is a mistake', async () => {
    for (const key of ['', ' ', 'a b', 'x'.repeat(129)]) {
      const answer = await post('/api/v1/freezes', freeze('one')).set('Idempotency-Key', key)
      expect([key, answer.status, answer.body.code]).toEqual([key, 400, 'IDEMPOTENCY_KEY_INVALID'])
    }
  })
})

/** Of `ben`: his name, and whom the policy is asked about. */
const PRINCIPAL = ['ben', { kind: 'subject', subject: 'role:admin' }]

describe('If-Match', () => {
  it('lets a write pass for what was looked at, and names what has changed where it is another', async () => {
    const { headers } = await get('/api/v1/applications/web', api.person).expect(200)
    const terminate = () =>
      post('/api/v1/applications/web/terminate', { reason: 'x' }).set('If-Match', headers['etag'] ?? '')
    expect((await terminate().expect(409)).body.code).toBe('OPERATION_NONE')
    await api.write(
      rows =>
        rows.putApplication(sampleApplication({ id: 'a', name: 'web', clusterId: 'cluster-1', namespace: 'moved' })),
      { applications: ['a'] },
    )
    const { body } = await terminate().expect(412)
    expect(body.code).toBe('PRECONDITION_FAILED')
    expect(body.errors).toContainEqual({ pointer: '/namespace', message: 'was "shop", is "moved"' })
  })

  it('of what is not there is as without it; any tag that nobody has given is refused', async () => {
    await post('/api/v1/applications/none/terminate', { reason: 'x' }).set('If-Match', '"x"').expect(404)
    const { body } = await post('/api/v1/applications/web/terminate', { reason: 'x' })
      .set('If-Match', '"x"')
      .expect(412)
    expect(body.errors).toBeUndefined()
    await post('/api/v1/applications/web/terminate', { reason: 'x' }).set('If-Match', '*').expect(409)
  })

  it('is refused where nothing would compare it, and never left out', async () => {
    await post('/api/v1/applications/web/refresh', {}).set('If-Match', '"x"').expect(412)
    const { body } = await post('/api/v1/tokens', { name: 'robot' }).set('If-Match', '"x"').expect(400)
    expect([body.code, body.errors[0].pointer]).toEqual(['REQUEST_INVALID', '/header/If-Match'])
    const compared = ROUTE_TABLE.filter(({ ifMatch, ownIfMatch }) => ifMatch !== undefined || ownIfMatch === true)
    expect(compared.length).toBeGreaterThan(20)
    for (const { ifMatch } of compared)
      expect(ROUTE_TABLE.some(({ id }) => ifMatch === undefined || id === ifMatch)).toBe(true)
  })
})

describe('how often', () => {
  it('one principal may ask is bounded, with when to come back; others are not held up', async () => {
    await api.close()
    api = await openTestApi({ requestLimits: { perPrincipal: 3 } })
    for (let asked = 0; asked < 3; asked += 1) await get('/api/v1/whoami').expect(200)
    const { headers, body } = await get('/api/v1/whoami').expect(429)
    expect(body.code).toBe('TOO_MANY_REQUESTS')
    expect([headers['retry-after'], headers['ratelimit'], headers['ratelimit-policy']]).toEqual([
      ...['20', '"principal";r=0;t=20', '"principal";q=3;w=60'],
    ])
    await get('/api/v1/whoami', api.person).expect(200)
    api.clock.move(20_000)
    await get('/api/v1/whoami').expect(200)
    await get('/api/v1/whoami').expect(429)
  })

  it('one address may ask, and may guess, is bounded', async () => {
    await api.close()
    api = await openTestApi({ requestLimits: { perAddress: 2 } })
    await get('/api/v1/whoami').expect(200)
    await get('/api/v1/whoami', api.person).expect(200)
    expect((await get('/api/v1/whoami', api.admin).expect(429)).headers['ratelimit-policy']).toBe('"address";q=2;w=60')
    await request(api.app).get('/healthz').expect(200)
    await api.close()
    api = await openTestApi({ requestLimits: { deniedPerAddress: 2 } })
    await get('/api/v1/whoami', 'wrong').expect(401)
    await get('/api/v1/whoami', 'wrong').expect(401)
    expect((await get('/api/v1/whoami', 'wrong').expect(429)).headers['ratelimit-policy']).toBe('"denied";q=2;w=60')
  })
})

describe('what is asked for', () => {
  it('in a form that the route has not is refused, with those that it has', async () => {
    const { body } = await get('/api/v1/fleet').set('Accept', 'text/html, application/xml;q=0.9').expect(406)
    expect([body.code, body.detail]).toEqual(['NOT_ACCEPTABLE', 'this route answers with application/json'])
    for (const accept of ['*/*', 'application/*', 'text/html, */*;q=0.1', 'APPLICATION/JSON']) {
      await get('/api/v1/fleet').set('Accept', accept).expect(200)
    }
    await get('/api/v1/fleet').set('Accept', 'application/json;q=0').expect(406)
  })

  it('OPTIONS names the methods of a path, to whoever may know of it', async () => {
    const { headers } = await as(request(api.app).options('/api/v1/freezes')).expect(204)
    expect(headers['allow']).toBe('GET, HEAD, OPTIONS, POST')
    await request(api.app).options('/api/v1/freezes').expect(401)
    await as(request(api.app).options('/api/v1/nothing')).expect(404)
  })
})

describe('pages of other origins', () => {
  it('may ask where they are named, with a token and never with a cookie', async () => {
    const origin = 'https://ui.example.com'
    const { headers } = await get('/api/v1/whoami').set('Origin', origin).expect(200)
    expect(headers['access-control-allow-origin']).toBe(origin)
    expect(headers['access-control-allow-credentials']).toBeUndefined()
    const preflight = await request(api.app)
      .options('/api/v1/freezes')
      .set({ Origin: origin, 'Access-Control-Request-Method': 'POST' })
      .expect(204)
    expect(preflight.headers['access-control-allow-headers']).toContain('Idempotency-Key')
  })

  it('may not where they are not', async () => {
    for (const origin of ['https://evil.example.com', 'https://ui.example.com.evil.example', 'null']) {
      const { headers } = await get('/api/v1/whoami').set('Origin', origin)
      expect([origin, headers['access-control-allow-origin']]).toEqual([origin, undefined])
    }
  })
})

describe('over a socket', () => {
  let server: Server
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })

  it('the same list is the same bytes, tag and length for HEAD and GET, and 304 for who has it', async () => {
    server = createServer(api.app)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/applications`
    const headers = { Authorization: `Bearer ${api.readonly}` }
    const whole = await fetch(url, { headers })
    const text = await whole.text()
    expect(JSON.parse(text)).toMatchObject({ total: 1, next: null })
    const tag = whole.headers.get('etag') ?? ''
    const head = await fetch(url, { headers, method: 'HEAD' })
    expect([head.headers.get('etag'), head.headers.get('content-length')]).toEqual([
      tag,
      String(Buffer.byteLength(text)),
    ])
    expect((await fetch(url, { headers: { ...headers, 'If-None-Match': `W/"x", ${tag}` } })).status).toBe(304)
    await api.write(rows => rows.putApplication(sampleApplication({ id: 'b', name: 'other' })), { applications: ['b'] })
    const changed = await fetch(url, { headers: { ...headers, 'If-None-Match': tag } })
    expect([changed.status, JSON.parse(await changed.text()).total]).toEqual([200, 2])
  })
})
