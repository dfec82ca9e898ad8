import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Express } from 'express'
import request from 'supertest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { accessText, isPrivileged } from '../access/route-access.ts'
import { putScheduledSync } from '../scheduled-sync/scheduled-sync.ts'
import {
  sampleApplication,
  sampleCalendar,
  sampleCluster,
  sampleDocument,
  sampleEnrolment,
  sampleGrant,
  sampleJoinToken,
  sampleMadeGate,
  sampleOperation,
  sampleOverride,
  samplePlan,
  sampleReport,
  sampleSet,
  sampleSource,
  sampleSourceDocument,
} from '../store/sample-rows.ts'
import { expressPath } from './create-api.ts'
import { openApiDocument } from './openapi.ts'
import { ROUTE_TABLE } from './route-table.ts'
import { problemSchema } from './schemas.ts'
import { openTestApi, type TestApi } from './test-api.ts'
import { makeToken } from './tokens.ts'

const OLD_TOKEN = makeToken(seededRandom(8), { name: 'old', role: 'readonly', now: 1 })

let api: TestApi
let recoveryDigest = ''
beforeAll(async () => {
  api = await openTestApi()
  const digest = await api.putBundle([
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web' }, data: { a: '1' }, big: 12345678901234567890n },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'one' }, data: { password: 'aHVudGVyMg==' } },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'two' }, stringData: { same: 'hunter2', other: 'x' } },
  ])
  await api.write(
    async rows => {
      await rows.putCluster(sampleCluster({ agentKey: 'key', joinedAt: 1000 }))
      await rows.putSource(
        sampleSource({
          commit: 'c2',
          repository: 'https://bot:secret@git.example.com/fleet.git',
          documentCount: 2,
          documents: [BROKEN],
        }),
      )
      await rows.putSourceDocuments('platform', [sampleSourceDocument({ commit: 'c2' })])
      await rows.putSet(sampleSet())
      await rows.putDeletionPlan(samplePlan())
      await rows.putMadeGate(sampleMadeGate({ document: freezeDocument('year-end') }))
      await rows.putMadeGate(
        sampleMadeGate({ id: 'gate-2', kind: 'SyncWindow', name: 'leap', document: windowDocument('leap') }),
      )
      await rows.putOverride(sampleOverride({ from: api.clock.now(), until: api.clock.now() + 3_600_000 }))
      await rows.putOverride(
        sampleOverride({ id: 'override-2', approvals: [{ by: 'ben', at: 2_000 }], from: 1_000, until: 9_000 }),
      )
      await rows.putCalendar(sampleCalendar())
      await putScheduledSync(rows, {
        ...{ id: 'scheduled-1', application: 'name-a', notBefore: api.clock.now() + 1, expires: api.clock.now() + 9 },
        ...{ prune: false, reason: '', by: 'ana', tokenId: 'x', madeAt: 1, state: 'waiting', message: 'waits' },
      })
      await rows.putToken(OLD_TOKEN.row)
      for (const [id, project, env] of [
        ['a', 'shop', 'prod'],
        ['b', 'shop', 'test'],
        ['c', 'web', 'prod'],
      ] as const) {
        await rows.putApplication(
          sampleApplication({
            id,
            name: `name-${id}`,
            project,
            clusterId: 'cluster-1',
            labels: { env },
            document: applicationDocument(`name-${id}`, project),
            digest,
            holdsSecrets: true,
            set: 'shop',
            ...(id === 'c' && { hold: { code: 'RENDER_FAILED', reason: 'the path is not there' } }),
          }),
        )
      }
      await rows.putCluster(sampleCluster({ id: 'cluster-9', name: 'gone' }))
      await rows.putJoinToken(sampleJoinToken({ id: 'join-9', clusterName: 'gone' }))
      await rows.putEnrolment(sampleEnrolment({ id: 'asks-1', key: 'key-a', proposedName: 'store-1' }))
      await rows.putEnrolment(sampleEnrolment({ id: 'asks-2', key: 'key-b' }))
      await rows.putDocument(sampleDocument({ key: 'application/b', applicationId: 'b', digest }))
      await rows.putGrant(sampleGrant({ id: 'grant-9', applicationId: 'c', state: 'refused', reason: 'not so' }))
      await rows.putReport(sampleReport({ applicationId: 'a', receivedAt: api.clock.now() }, { held: digest }))
      for (const id of ['1', '2', '3']) {
        await rows.putOperation(sampleOperation({ id, applicationId: 'a' }, { digest }))
      }
    },
    {
      applications: ['a', 'b', 'c'],
      sets: ['platform/shop'],
      sources: ['platform'],
      clusters: ['eu-1'],
    },
  )
  await api.recovery.found('restored')
  recoveryDigest = (await api.recovery.list()).digest
})
afterAll(() => api.close())

function applicationDocument(name: string, project: string) {
  const destination = { name: 'eu-1', namespace: 'shop' }
  return { metadata: { name }, spec: { project, destination } }
}

/** It closes for an hour in four years. */
function windowDocument(name: string) {
  return {
    ...{ apiVersion: 'flotilla.dev/v1alpha1', kind: 'SyncWindow', metadata: { name } },
    spec: { kind: 'deny', schedule: '0 3 29 2 *', duration: '1h', scope: { all: true } },
  }
}

function freezeDocument(name: string, from = '2030-12-18') {
  return {
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'FreezePeriod',
    metadata: { name, owner: 'platform' },
    spec: { level: 'hard', reason: 'closing', scope: { all: true }, when: [{ from, through: '2030-12-31' }] },
  }
}

/** A document whose earlier version is in force. */
const BROKEN = {
  file: 'fleet/shop.yaml',
  index: 1,
  line: 9,
  kind: 'ApplicationSet',
  name: 'broken',
  state: 'last-good',
  why: 'UNKNOWN_FIELD',
}

const get = (path: string, token = api.readonly) => request(api.app).get(path).set('Authorization', `Bearer ${token}`)
const post = (path: string, token = api.admin) => request(api.app).post(path).set('Authorization', `Bearer ${token}`)
const ask = (method: 'get' | 'post' | 'patch' | 'delete', path: string, token: string) =>
  request(api.app)[method](path).set('Authorization', `Bearer ${token}`)

/** A path of each route that finds something. */
const EXAMPLES: { readonly [id: string]: string } = {
  getApplication: '/api/v1/applications/name-a',
  getProject: '/api/v1/projects/shop',
  getTeam: '/api/v1/teams/shop',
  getTeamOverview: '/api/v1/teams/shop/overview',
  shareTeamView: '/api/v1/teams/shop/share',
  retryNotificationMessage: '/api/v1/notifications/messages/message-1/retry',
  testNotificationRoute: '/api/v1/notifications/oncall/test',
  getApplicationManifests: '/api/v1/applications/name-a/manifests',
  getApplicationHistory: '/api/v1/applications/name-a/history',
  getApplicationTree: '/api/v1/applications/name-a/tree',
  getApplicationOrphans: '/api/v1/applications/name-a/orphans',
  getApplicationDiff: '/api/v1/applications/name-a/diff',
  refreshApplication: '/api/v1/applications/name-a/refresh',
  getApplicationSet: '/api/v1/applicationsets/shop',
  listApplicationsOfSet: '/api/v1/applicationsets/shop/applications',
  listDeletionsOfSet: '/api/v1/applicationsets/shop/deletions?state=all',
  approveDeletionOfSet: '/api/v1/applicationsets/shop/deletions/plan-1/approve',
  rejectDeletionOfSet: '/api/v1/applicationsets/shop/deletions/plan-1/reject',
  listConfirmations: '/api/v1/confirmations?state=all',
  getConfirmation: '/api/v1/confirmations/plan-1',
  approveConfirmation: '/api/v1/confirmations/plan-1/approve',
  rejectConfirmation: '/api/v1/confirmations/plan-1/reject',
  getCluster: '/api/v1/clusters/eu-1',
  approveCluster: '/api/v1/clusters/store-1/approve',
  revokeCluster: '/api/v1/clusters/gone/revoke',
  releaseCluster: '/api/v1/clusters/eu-1/release',
  getEnrolment: '/api/v1/enrolments/asks-1',
  rejectEnrolment: '/api/v1/enrolments/asks-2/reject',
  revokeJoinToken: '/api/v1/join-tokens/join-9/revoke',
  getSource: '/api/v1/sources/platform',
  createJoinToken: '/api/v1/clusters/eu-1/join-tokens',
  refreshSource: '/api/v1/sources/platform/refresh',
  getFreeze: '/api/v1/freezes/year-end',
  exportFreeze: '/api/v1/freezes/year-end/yaml',
  editFreeze: '/api/v1/freezes/year-end',
  endFreeze: '/api/v1/freezes/year-end/end',
  getWindow: '/api/v1/windows/leap',
  exportWindow: '/api/v1/windows/leap/yaml',
  editWindow: '/api/v1/windows/leap',
  deleteWindow: '/api/v1/windows/leap?reason=over',
  getOverride: '/api/v1/overrides/override-1',
  approveOverride: '/api/v1/overrides/override-1/approve',
  revokeOverride: '/api/v1/overrides/override-1/revoke',
  reviewOverride: '/api/v1/overrides/override-2/review',
  revokeToken: `/api/v1/tokens/${OLD_TOKEN.row.id}`,
  decide: '/api/v1/decisions?application=name-a',
  getApplicationDecision: '/api/v1/applications/name-a/decision',
  timeline: '/api/v1/timeline?from=now&to=%2B48h',
  scheduleSync: '/api/v1/applications/name-a/scheduled-syncs',
  cancelScheduledSync: '/api/v1/scheduled-syncs/scheduled-1/cancel',
  refreshCalendar: '/api/v1/calendars/bank-holidays-de/refresh',
  syncApplication: '/api/v1/applications/name-b/sync',
  terminateApplication: '/api/v1/applications/name-b/terminate',
  rollbackApplication: '/api/v1/applications/name-b/rollback',
  pinApplication: '/api/v1/applications/name-b/pin',
  unpinApplication: '/api/v1/applications/name-b/unpin',
  pauseApplication: '/api/v1/applications/name-b/pause',
  resumeApplication: '/api/v1/applications/name-b/resume',
  actOnObject: '/api/v1/applications/name-b/actions/restart',
  deleteResource: '/api/v1/applications/name-b/resources?kind=ConfigMap&namespace=shop&name=a&uid=uid-1',
  getOperation: '/api/v1/operations/grant-9',
}

/** A body of each route that wants one. */
const BODIES: { readonly [id: string]: object } = {
  get acknowledgeRecovery() {
    return { digest: recoveryDigest }
  },
  approveCluster: { enrolment: 'asks-1' },
  can: { action: 'sync', resource: 'app', object: 'shop/web' },
  shareTeamView: {},
  revokeCluster: { reason: 'stolen' },
  releaseCluster: { dryRun: true },
  rejectEnrolment: {},
  createPendingJoinToken: { labels: { site: 'store' }, max: 500 },
  rotateHubKey: { force: true },
  previewChange: { source: 'platform', revision: 'main' },
  approveDeletionOfSet: { reason: 'meant' },
  rejectDeletionOfSet: { reason: '' },
  approveConfirmation: { digest: 'sha256:0' },
  rejectConfirmation: { reason: 'not meant' },
  createFreeze: freezeDocument('another'),
  freezeNow: { reason: 'it burns', until: '+1h' },
  editFreeze: { spec: { reason: 'closing of the year' } },
  endFreeze: { reason: 'not needed' },
  createWindow: windowDocument('another-day'),
  approveAdminRight: {},
  revokeAdminRight: {},
  editWindow: { spec: { description: 'once in four years' } },
  requestOverride: {
    scope: { applications: { names: ['name-a'] } },
    until: '+1h',
    reason: 'INC-1 it burns',
  },
  approveOverride: { comment: 'go' },
  revokeOverride: { reason: 'no' },
  reviewOverride: { comment: 'mended' },
  syncApplication: { dryRun: true },
  terminateApplication: { reason: 'by mistake' },
  rollbackApplication: { reason: 'it hangs' },
  pinApplication: { reason: 'sale tonight' },
  unpinApplication: { reason: 'mended' },
  pauseApplication: { reason: 'by hand', until: '2100-01-01T00:00:00Z' },
  resumeApplication: { reason: 'found it' },
  actOnObject: { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' },
  operateOnMany: { action: 'sync', project: 'shop', dryRun: true },
  scheduleSync: { notBefore: '+2h', reason: 'at night' },
  cancelScheduledSync: { reason: 'not needed' },
  simulateGates: { put: [freezeDocument('simulated', '2030-01-02')] },
  createToken: { name: 'ana@example.com', kind: 'person', role: 'admin', expires: '+24h' },
}

describe('the table of routes', () => {
  it('is what express serves: no route is missing, none is anywhere else', () => {
    const served: string[] = []
    for (const layer of (api.app as Express & { router: { stack: RouterLayer[] } }).router.stack) {
      if (layer.route === undefined) continue
      const methods = new Set(layer.route.stack.map(({ method }) => method))
      for (const method of methods) if (method !== undefined) served.push(`${method} ${layer.route.path}`)
    }
    expect(served.sort()).toEqual(ROUTE_TABLE.map(({ method, path }) => `${method} ${expressPath(path)}`).sort())
  })

  it('is what OpenAPI describes, with the same parameters', async () => {
    const { body } = await request(api.app).get('/api/v1/openapi.json').expect(200)
    expect(body).toEqual(JSON.parse(JSON.stringify(openApiDocument(ROUTE_TABLE, '0.1.0'))))
    expect(body.openapi).toBe('3.1.0')
    const described = Object.entries(body.paths as Paths).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => `${method} ${path}`),
    )
    expect(described.sort()).toEqual(ROUTE_TABLE.map(({ method, path }) => `${method} ${path}`).sort())
    for (const route of ROUTE_TABLE) {
      const operation = (body.paths as Paths)[route.path]![route.method]!
      const given = (operation.parameters ?? []).filter(each => each.in !== 'header')
      const names = given.map(({ name, in: place }) => `${place} ${name}`)
      const wanted = [
        ...Object.keys(route.parameters?.shape ?? {}).map(name => `path ${name}`),
        ...Object.keys(route.query?.shape ?? {}).map(name => `query ${name}`),
      ]
      expect(names.sort()).toEqual(wanted.sort())
      expect(operation.security !== undefined).toBe(route.access !== 'public' && route.access !== 'webhook')
    }
  })

  it('leaves OpenAPI without a loose end, and answers open to further fields', async () => {
    const { body, text } = await request(api.app).get('/api/v1/openapi.json').expect(200)
    for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
      expect(Object.keys(body.components.schemas)).toContain(name)
    }
    expect(JSON.stringify(body.components)).not.toContain('"additionalProperties":false')
    const ids = ROUTE_TABLE.map(route => route.id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('answers HEAD as GET, without the body', async () => {
    const head = await request(api.app).head('/api/v1/fleet').set('Authorization', `Bearer ${api.readonly}`).expect(200)
    const whole = await get('/api/v1/fleet').expect(200)
    expect(head.headers['etag']).toBe(whole.headers['etag'])
    expect(head.text ?? '').toBe('')
    await request(api.app).head('/api/v1/watch').set('Authorization', `Bearer ${api.readonly}`)
  })

  /** Held where something streams: watch.integration.test.ts, and with an agent stream.integration.test.ts of the command. */
  const STREAMS: ReadonlySet<string> = new Set(['watch', 'getApplicationLogs', 'getApplicationEvents'])
  /** Held where there is an identity provider and accounts: sign-in/sign-in.integration.test.ts. */
  const SIGN_IN: ReadonlySet<string> = new Set(['beginSignIn', 'finishSignIn', 'signInByPassword', 'signOut'])
  /** Held where people have signed in: api/admin-rights.integration.test.ts. */
  const TWO_PEOPLE: ReadonlySet<string> = new Set(['approveAdminRight', 'revokeAdminRight'])
  for (const route of ROUTE_TABLE) {
    if (TWO_PEOPLE.has(route.id)) continue
    if (STREAMS.has(route.id) || SIGN_IN.has(route.id) || route.access === 'webhook') continue
    const path = EXAMPLES[route.id] ?? route.path
    it(`${route.method} ${path} answers as its schema says`, async () => {
      const asked = ask(
        route.method,
        path,
        isPrivileged(route.access) || route.method !== 'get' ? api.person : api.readonly,
      )
      const body = BODIES[route.id]
      const response = await (body ? asked.send(body) : asked).set('X-Request-Id', 'my-id')
      const answer = route.answers[String(response.status)]
      expect(answer, `status ${response.status}: ${response.text.slice(0, 300)}`).toBeDefined()
      expect(response.headers['content-type']).toContain(answer!.contentType ?? 'application/json')
      expect(response.headers['x-request-id']).toBe('my-id')
      if (answer!.schema !== undefined) expectShape(answer!.schema, JSON.parse(response.text))
    })
  }

  for (const route of ROUTE_TABLE) {
    const path = EXAMPLES[route.id] ?? route.path
    it(`${route.method} ${path} is for ${accessText(route.access)}`, async () => {
      const bare = () => request(api.app)[route.method](path)
      if (route.access === 'public' && SIGN_IN.has(route.id)) expect((await bare()).status).not.toBe(401)
      else if (route.access === 'public') await bare().expect(200)
      // Whoever sends: what its host does not send is a mistake, and never a matter of tokens.
      else if (route.access === 'webhook')
        await bare()
          .send({ repository: 'x' })
          .expect(route.admit ? 400 : 202)
      else {
        const refused = await bare().expect(401)
        expect(refused.headers['www-authenticate']).toBe('Bearer realm="flotilla"')
        // Of the hub as a whole it is said at once; of one thing, once it has been found.
        if (typeof route.access === 'object' && route.access.of === 'all' && route.access.action !== 'get') {
          const body403 = BODIES[route.id]
          const asked = ask(route.method, path, api.readonly)
          const { body } = await (body403 ? asked.send(body403) : asked).expect(403)
          expect(body.code).toBe('FORBIDDEN')
        }
      }
    })
  }
})

interface RouterLayer {
  readonly route?: { readonly path: string; readonly stack: readonly { readonly method?: string }[] }
}
type Paths = Record<
  string,
  Record<string, { readonly parameters?: readonly { name: string; in: string }[]; readonly security?: unknown }>
>

function expectShape(schema: z.ZodType, value: unknown): void {
  const result = schema.safeParse(value)
  expect(result.success ? [] : result.error.issues).toEqual([])
}

describe('who may call', () => {
  it('every kind of bad token gets the same bytes', async () => {
    const [id] = api.readonly.slice('flt_'.length).split('.')
    const bodies = []
    for (const header of [
      undefined,
      'Bearer',
      'Basic dXNlcjpwYXNz',
      'Bearer nonsense',
      `Bearer flt_${'A'.repeat(16)}.${'A'.repeat(43)}`,
      `Bearer flt_${id}.${'A'.repeat(43)}`,
      `Bearer ${api.readonly}x`,
      `Bearer ${'x'.repeat(5000)}`,
    ]) {
      const asked = request(api.app).get('/api/v1/applications')
      if (header !== undefined) asked.set('Authorization', header)
      const { text } = await asked.expect(401).expect('Content-Type', /problem\+json/)
      bodies.push(text)
    }
    expect(new Set(bodies).size).toBe(1)
  })

  it('a token that has expired or was deleted is as one that never was', async () => {
    const { makeToken } = await import('./tokens.ts')
    const { seededRandom } = await import('@flotilla/core/ports/create-random')
    const made = makeToken(seededRandom(9), {
      name: 'short',
      role: 'readonly',
      now: api.clock.now(),
      expiresAt: api.clock.now() + 10,
    })
    await api.store.write(rows => rows.putToken(made.row))
    await get('/api/v1/whoami', made.text).expect(200)
    api.clock.move(10)
    await get('/api/v1/whoami', made.text).expect(401)
    await api.store.write(rows => rows.deleteToken(made.row.id))
    await get('/api/v1/whoami', made.text).expect(401)
  })

  it('only the hash of the secret is stored', async () => {
    const rows = await api.store.read(reader => reader.tokens())
    const secret = api.admin.split('.')[1]!
    expect(JSON.stringify(rows)).not.toContain(secret)
    expect(rows.length).toBeGreaterThan(2)
  })

  it('what does not exist and what no route has answer the same, after the token was seen', async () => {
    const missing = await get('/api/v1/applications/no-such').expect(404)
    const strange = await get('/api/v1/nothing/here').expect(404)
    expect(strange.text).toBe(missing.text)
    expectShape(problemSchema, missing.body)
    await request(api.app).get('/api/v1/nothing/here').expect(401)
    await request(api.app).get('/nothing').expect(404)
  })
})

describe('lists of Applications', () => {
  const names = async (query: string): Promise<string[]> => {
    const { body } = await get(`/api/v1/applications?${query}`).expect(200)
    return (body.items as { name: string }[]).map(item => item.name)
  }
  const LISTS: { readonly [query: string]: readonly string[] } = {
    '': ['name-a', 'name-b', 'name-c'],
    'project=shop': ['name-a', 'name-b'],
    'project=shop,web&cluster=eu-1': ['name-a', 'name-b', 'name-c'],
    'cluster=eu-2': [],
    'set=shop&namespace=shop': ['name-a', 'name-b', 'name-c'],
    'sync=Synced': ['name-a'],
    'health=Healthy,Missing': ['name-a', 'name-b', 'name-c'],
    'state=withdrawn': [],
    'q=NAME-B': ['name-b'],
    'q=env%3Dprod+web': ['name-c'],
    'labels=env%3Dprod': ['name-a', 'name-c'],
    'labels=env%20notin%20(prod)': ['name-b'],
    'sort=-name': ['name-c', 'name-b', 'name-a'],
    'sort=health': ['name-a', 'name-b', 'name-c'],
    'sort=-project': ['name-c', 'name-a', 'name-b'],
  }
  for (const [query, expected] of Object.entries(LISTS)) {
    it(`?${query} gives ${expected.join(', ') || 'nothing'}`, async () => expect(await names(query)).toEqual(expected))
  }

  it('pages laid end to end are the list, with its total on each', async () => {
    const seen: string[] = []
    let next: string | null = ''
    while (next !== null) {
      const cursor: string = next === '' ? '' : `&cursor=${next}`
      const { body } = await get(`/api/v1/applications?limit=1&sort=-project${cursor}`).expect(200)
      expect(body.total).toBe(3)
      seen.push(...(body.items as { name: string }[]).map(item => item.name))
      next = body.next
    }
    expect(seen).toEqual(['name-c', 'name-a', 'name-b'])
  })

  it('fields are only those asked for, nested ones too', async () => {
    const { body } = await get('/api/v1/applications?fields=name,sync.status,labels.env&limit=1').expect(200)
    expect(body.items).toEqual([{ name: 'name-a', sync: { status: 'Synced' }, labels: { env: 'prod' } }])
  })
})

describe('bad input', () => {
  const BAD: { readonly [path: string]: readonly [pointer: string, hint?: string] } = {
    '/api/v1/applications?limit=0': ['/query/limit'],
    '/api/v1/applications?limit=1001': ['/query/limit'],
    '/api/v1/applications?limit=ten': ['/query/limit'],
    '/api/v1/applications?limit=': ['/query/limit'],
    '/api/v1/applications?limit=1&limit=2': ['/query/limit'],
    '/api/v1/applications?helth=Healthy': ['/query/helth', 'did you mean "health"?'],
    '/api/v1/applications?__proto__=1': ['/query/__proto__'],
    '/api/v1/applications?a%2Fb~=1': ['/query/a~1b~0'],
    '/api/v1/applications?health=Fine': ['/query/health/0'],
    '/api/v1/applications?project=a,,b': ['/query/project'],
    '/api/v1/applications?labels=env%3D%3D%3D': ['/query/labels'],
    '/api/v1/applications?sort=colour': ['/query/sort'],
    '/api/v1/applications?fields=nmae': ['/query/fields'],
    '/api/v1/applications?cursor=%00': ['/query/cursor'],
    '/api/v1/applications?cursor=bm9uc2Vuc2U': ['/query/cursor'],
    [`/api/v1/applications?q=${'x'.repeat(201)}`]: ['/query/q'],
    [`/api/v1/applications/${'x'.repeat(254)}`]: ['/path/name'],
    '/api/v1/applications/%zz': ['/path'],
    '/api/v1/fleet?x=1': ['/query/x'],
    '/api/v1/watch?kinds=secrets': ['/query/kinds/0'],
  }
  for (const [path, [pointer, hint]] of Object.entries(BAD)) {
    it(`${path.slice(0, 80)} is refused at ${pointer}`, async () => {
      const { body } = await get(path)
        .expect(400)
        .expect('Content-Type', /problem\+json/)
      expectShape(problemSchema, body)
      expect(body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer)
      if (hint !== undefined) expect(body.errors[0].hint).toBe(hint)
    })
  }

  it('all mistakes are told at once', async () => {
    const { body } = await get('/api/v1/applications?limit=x&sort=y&zzz=1').expect(400)
    expect(body.errors.map((error: { pointer: string }) => error.pointer).sort()).toEqual([
      '/query/limit',
      '/query/sort',
      '/query/zzz',
    ])
  })

  it('a cursor of another list or of other filters is refused', async () => {
    const { body } = await get('/api/v1/applications?limit=1').expect(200)
    for (const path of [
      `/api/v1/applications?limit=1&project=shop&cursor=${body.next}`,
      `/api/v1/applications?limit=1&sort=-name&cursor=${body.next}`,
      `/api/v1/clusters?cursor=${body.next}`,
      `/api/v1/applications/name-a/history?cursor=${body.next}`,
    ]) {
      const refused = await get(path).expect(400)
      expect(refused.body.code).toBe('CURSOR_INVALID')
    }
  })

  it('a body that is huge, compressed, of another type, no JSON or not wanted is refused', async () => {
    const hook = () => request(api.app).post('/api/v1/webhooks/generic')
    const huge = JSON.stringify({ repository: 'x'.repeat(300 * 1024) })
    await hook().set('Content-Type', 'application/json').send(huge).expect(413)
    await hook().set('Content-Type', 'application/json').set('Content-Encoding', 'gzip').send('{}').expect(415)
    await hook().set('Content-Type', 'text/plain').send('{}').expect(415)
    await hook().set('Content-Type', 'application/json; charset=latin1').send('{}').expect(415)
    await hook().set('Content-Type', 'application/json').send('{"repository":').expect(400)
    await hook().set('Content-Type', 'application/json').send('[1]').expect(400)
    const { body } = await hook().send({ repository: 7 }).expect(400)
    expect(body.errors[0].pointer).toBe('/body/repository')
    await hook().expect(400)
    const unwanted = await post('/api/v1/sources/platform/refresh').send({ force: true }).expect(400)
    expect(unwanted.body.errors[0].pointer).toBe('/body')
    await post('/api/v1/sources/platform/refresh').send({}).expect(202)
  })

  it('a body is not read before the token is seen', async () => {
    await request(api.app)
      .post('/api/v1/sources/platform/refresh')
      .send({ big: 'x'.repeat(300_000) })
      .expect(401)
  })

  it('a method that a path does not take is refused with those that it does', async () => {
    const asked = request(api.app).delete('/api/v1/applications/x').set('Authorization', `Bearer ${api.readonly}`)
    const { headers } = await asked.expect(405)
    expect(headers['allow']).toBe('GET, HEAD, OPTIONS')
    expect((await request(api.app).post('/healthz').expect(405)).headers['allow']).toBe('GET, HEAD, OPTIONS')
    await request(api.app).delete('/api/v1/applications').expect(401)
    await request(api.app).get('/api/v1/Applications').expect(401)
    await get('/api/v1/Applications').expect(404)
    await get('/api/v1/applications/').expect(404)
  })

  it('a request id of the caller is kept only when it is harmless', async () => {
    const { headers } = await get('/version').set('X-Request-Id', 'a b\tc')
    expect(headers['x-request-id']).toMatch(/^[A-Za-z0-9_-]{16}$/)
  })
})

describe('what is read', () => {
  it('an unchanged read is 304, a changed one is not', async () => {
    const first = await get('/api/v1/applications/name-b').expect(200)
    const tag = first.headers['etag']!
    await get('/api/v1/applications/name-b').set('If-None-Match', `W/"x", ${tag}`).expect(304)
    await api.write(
      async rows => {
        const row = await rows.application('b')
        await rows.putApplication({ ...row!, namespace: 'moved' })
      },
      { applications: ['b'] },
    )
    const { body } = await get('/api/v1/applications/name-b').set('If-None-Match', tag).expect(200)
    expect(body.namespace).toBe('moved')
  })

  it('manifests keep large integers and mask the values of Secrets, equal ones alike', async () => {
    const { text } = await get('/api/v1/applications/name-a/manifests').expect(200)
    expect(text).toContain('12345678901234567890')
    expect(text).not.toContain('hunter2')
    expect(text).not.toContain('aHVudGVyMg==')
    const { items } = JSON.parse(text) as { items: { kind: string; data?: object; stringData?: { same: string } }[] }
    const [one, two] = items.filter(item => item.kind === 'Secret')
    expect(Object.values(one!.data!)).toEqual([two!.stringData!.same])
  })

  it('the digest of a Bundle with Secrets is not shown', async () => {
    const { body } = await get('/api/v1/applications/name-a').expect(200)
    expect(body.digest).toBe('hmac:hidden')
    const history = await get('/api/v1/applications/name-a/history').expect(200)
    expect(history.body.items[0].digest).toBe('hmac:hidden')
  })

  it('manifests that were never rendered say why', async () => {
    const row = sampleApplication({ id: 'd', name: 'name-d', hold: { code: 'PATH_MISSING', reason: 'no such path' } })
    await api.write(rows => rows.putApplication(row), { applications: ['d'] })
    const { body } = await get('/api/v1/applications/name-d/manifests').expect(409)
    expect([body.code, body.detail]).toEqual(['NOT_RENDERED', 'no such path'])
    await api.write(rows => rows.deleteApplication('d'), { applications: ['d'] })
    await get('/api/v1/applications/name-d').expect(404)
  })

  it('history is paged from the newest', async () => {
    const first = await get('/api/v1/applications/name-a/history?limit=2').expect(200)
    expect(first.body.items.map((item: { id: string }) => item.id)).toEqual(['3', '2'])
    const rest = await get(`/api/v1/applications/name-a/history?limit=2&cursor=${first.body.next}`).expect(200)
    expect(rest.body.items.map((item: { id: string }) => item.id)).toEqual(['1'])
    expect(rest.body.next).toBeNull()
    expect([first.body.total, rest.body.total]).toEqual([3, 3])
    const oldest = await get('/api/v1/applications/name-a/history?sort=at').expect(200)
    expect(oldest.body.items.map((item: { id: string }) => item.id)).toEqual(['1', '2', '3'])
    const [{ revision, phase }] = oldest.body.items
    const found = await get(
      `/api/v1/applications/name-a/history?limit=1&q=${revision.slice(0, 6)}%20${phase.toLowerCase()}`,
    )
    expect([found.status, found.body.total, found.body.items.length]).toEqual([200, 3, 1])
    const none = await get('/api/v1/applications/name-a/history?q=nothing-has-this').expect(200)
    expect(none.body).toEqual({ items: [], total: 0, next: null })
  })

  it('a source tells what is not in force as written, and never its password', async () => {
    const { body, text } = await get('/api/v1/sources/platform').expect(200)
    expect(body).toMatchObject({ documentCount: 2, documents: [BROKEN] })
    expect(body.repository).toBe('https://git.example.com/fleet.git')
    expect(text).not.toContain('secret')
    expect((await get('/api/v1/repositories').expect(200)).text).not.toContain('secret')
  })

  it('the fleet counts', async () => {
    const { body } = await get('/api/v1/fleet').expect(200)
    expect(body.applications).toMatchObject({ total: 3, held: 1, sync: { Synced: 1, OutOfSync: 2 } })
    expect(body.projects.shop.total).toBe(2)
    expect(body.agents).toEqual({ total: 1, connected: 0, silent: [] })
  })

  it('figures are there for Prometheus', async () => {
    const { text } = await get('/metrics').expect(200)
    expect(text).toContain('flotilla_applications_sync{status="Synced"} 1')
    expect(text).toMatch(
      /flotilla_http_request_duration_seconds_count\{method="GET",route="\/api\/v1\/fleet",status="200"\} \d/,
    )
  })

  it('the page for readers has every route and needs nothing from elsewhere', async () => {
    const { text, headers } = await request(api.app).get('/api/docs').expect(200)
    for (const route of ROUTE_TABLE) expect(text).toContain(`${route.method.toUpperCase()} ${route.path}`)
    expect(text).not.toMatch(/<script|src=|https?:\/\//)
    expect(headers['content-security-policy']).toContain("default-src 'none'")
  })

  it('answers carry headers that keep browsers from guessing', async () => {
    const { headers } = await get('/api/v1/fleet')
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, no-cache',
      vary: 'Authorization, Cookie, Accept, Origin',
      'content-security-policy': "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
    })
    expect(headers['x-powered-by']).toBeUndefined()
  })
})

describe('what is done', () => {
  it('a join token is made for a known cluster, under the name of the caller, and never kept', async () => {
    const { body, headers } = await post('/api/v1/clusters/eu-1/join-tokens').expect(201)
    expect(body).toMatchObject({ cluster: 'eu-1', token: 'flj1.x.y' })
    expect(headers['cache-control']).toBe('no-store')
    expect(api.done).toContain('join-token eu-1 by admin')
    await post('/api/v1/clusters/eu-9/join-tokens').expect(404)
  })

  it('a refresh is passed on for a known source alone', async () => {
    await post('/api/v1/sources/platform/refresh').expect(202)
    expect(api.done).toContain('source platform')
    await post('/api/v1/sources/other/refresh').expect(404)
  })
})

describe('failures behind the API', () => {
  it('a store that is away makes the hub not ready, and reads of it 503 or 500 without a word of why', async () => {
    const broken = await openTestApi()
    await broken.store.close()
    const ready = await request(broken.app).get('/readyz').expect(503)
    expect(ready.body).toEqual({
      ready: false,
      checks: [{ name: 'store', ready: false, message: 'the store cannot be read' }],
    })
    const { body, text } = await request(broken.app)
      .get('/api/v1/fleet')
      .set('Authorization', `Bearer ${broken.admin}`)
      .expect(500)
    expect(body.code).toBe('INTERNAL')
    expect(text).not.toContain('hub.db')
    await request(broken.app).get('/healthz').expect(200)
    await broken.close()
  })
})
