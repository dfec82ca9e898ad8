import { ROUTE_TABLE } from '@flotilla/hub/api/route-table'
import request from 'supertest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askBoth } from './helpers/answer-alike.ts'
import { canariesIn } from './helpers/canary.ts'
import { mismatched } from './helpers/mismatched.ts'
import { POLICY_MODES } from './helpers/mode-matrix.ts'
import { ADMIN, ANA, HIDDEN, type TwoTeams, twoTeams } from './helpers/two-teams.ts'

let fleet: TwoTeams
beforeAll(async () => {
  fleet = await twoTeams()
})
afterAll(() => fleet.close())

type StoredRow = object

/** Everything stored that a write could change, row by row. */
async function stored(): Promise<StoredRow[]> {
  const rows = await fleet.api.store.read(async store => [
    ...(await store.applications()),
    ...(await store.clusters()),
    ...(await store.sources()),
    ...(await store.freezes()),
    ...(await store.overrides()),
  ])
  return structuredClone(rows)
}

describe('Argo CD CVE-2022-41354: forbidden and missing Applications were told apart', () => {
  const routes = ROUTE_TABLE.filter(({ path, method }) => /\/applications\/\{name\}/.test(path) && method === 'get')
  test.each(routes.map(({ path }) => path))('GET %s says the same of both', async path => {
    const ask = (name: string) => fleet.ask(ANA, 'get', path.replace('{name}', name).replace(/\{\w+\}/g, 'x'))
    const [hidden, absent] = await askBoth(ask, `${HIDDEN}-ledger`, 'absent')
    expect(hidden).toEqual(absent)
    expect(hidden.status).toBe(404)
    expect(hidden.text).not.toContain(HIDDEN)
  })
})

describe('Argo CD CVE-2024-36106: clusters could be found by the words of an error', () => {
  test.each([
    ['clusters', `${HIDDEN}-1`],
    ['projects', HIDDEN],
    ['sources', `${HIDDEN}-source`],
    ['applicationsets', `${HIDDEN}-set`],
    ['teams', HIDDEN],
  ])('GET /api/v1/%s/{name} says the same of both', async (kind, name) => {
    const [hidden, absent] = await askBoth(each => fleet.ask(ANA, 'get', `/api/v1/${kind}/${each}`), name, 'absent')
    expect(hidden).toEqual(absent)
    expect(hidden.text).not.toContain(HIDDEN)
  })
})

describe('Argo CD CVE-2023-23947: the thing in the request was authorised, another one was changed', () => {
  const writes = [
    ['post', '/api/v1/applications/web/sync', {}],
    ['post', '/api/v1/applications/web/refresh', {}],
    ['post', '/api/v1/applications/web/terminate', {}],
    [
      'post',
      '/api/v1/applications/web/actions/restart',
      { group: 'apps', kind: 'Deployment', namespace: 'n', name: 'a' },
    ],
    ['post', '/api/v1/operations', { action: 'sync', applications: ['web'] }],
    ['post', '/api/v1/operations', { action: 'pause', applications: ['web'] }],
  ] as const
  for (const [method, path, good] of writes) {
    const cases = mismatched(good, `${HIDDEN}-ledger`).filter(([, body]) => {
      // An object of one's own Application may have any name.
      return !(path.includes('/actions/') && Object.hasOwn(body, 'name') && !Object.hasOwn(body, 'id'))
    })
    test.each(cases)(`${method} ${path} with %s changes nothing of it`, async (_, body) => {
      const before = await stored()
      const { status, text } = await fleet.ask(ANA, method, path).send(body)
      expect([200, 202, 400, 403, 404, 409]).toContain(status)
      if (status < 300) expect(text).not.toContain(HIDDEN)
      const ofTheOther = (rows: StoredRow[]) => rows.filter(row => JSON.stringify(row).includes(HIDDEN))
      expect(ofTheOther(before).length).toBeGreaterThan(3)
      expect(ofTheOther(await stored())).toEqual(ofTheOther(before))
      expect(fleet.api.done.join()).not.toContain(HIDDEN)
    })
  }

  test('a selector that reaches further than one’s rights takes only what one sees', async () => {
    const { body, text } = await fleet
      .ask(ANA, 'post', '/api/v1/operations')
      .send({ action: 'sync', cluster: 'eu-1', dryRun: true })
      .expect(200)
    expect(text).not.toContain(HIDDEN)
    expect(body.items.map(({ application }: { application: string }) => application)).toEqual(['web'])
  })
})

describe('Argo CD CVE-2023-50726: a field in a request carried more than the right to send it', () => {
  const PRIVILEGED = [
    ...['operation', 'status', 'spec', 'manifests', 'localManifests', 'source', 'sources', 'destination', 'project'],
    ...['force', 'replace', 'syncOptions', 'strategy', 'by', 'trigger', 'grant', 'passes', 'override', 'approvedBy'],
  ]
  test.each(PRIVILEGED)('%s in a sync is refused by name', async field => {
    const { body } = await fleet
      .ask(ANA, 'post', '/api/v1/applications/web/sync')
      .send({ [field]: {} })
      .expect(400)
    expect(JSON.stringify(body.errors)).toContain(field)
  })

  test('another revision needs the right to override, besides the one to sync', async () => {
    const ask = () => fleet.ask(ANA, 'post', '/api/v1/applications/web/sync').send({ revision: 'other', reason: 'x' })
    const { body } = await ask().expect(403)
    expect(body.code).toBe('FORBIDDEN')
  })
})

describe('Argo CD CVE-2024-37152: settings could be read without signing in', () => {
  const OPEN = [
    ...['GET /healthz', 'GET /readyz', 'GET /version', 'GET /api/v1/openapi.json', 'GET /api/docs'],
    ...['GET /auth/settings', 'GET /auth/login', 'GET /auth/callback', 'POST /auth/login'],
  ]
  const named = ({ method, path }: (typeof ROUTE_TABLE)[number]) => `${method.toUpperCase()} ${path}`
  test('what is open to everybody is exactly this', () => {
    expect(
      ROUTE_TABLE.filter(({ access }) => access === 'public')
        .map(named)
        .sort(),
    ).toEqual([...OPEN].sort())
  })

  const closed = ROUTE_TABLE.filter(({ access }) => access !== 'public' && access !== 'webhook')
  test.each(closed.map(route => [named(route), route] as const))('%s wants to know who asks', async (_, route) => {
    const path = route.path.replace(/\{\w+\}/g, 'web')
    for (const headers of [{}, { authorization: 'Bearer x' }, { cookie: 'flotilla-session=x' }]) {
      const { status, body } = await request(fleet.api.app)[route.method](path).set(headers)
      expect([status, body.code]).toEqual([401, 'UNAUTHENTICATED'])
    }
  })
})

describe('Argo CD CVE-2023-22736: a ceiling held in one mode and not in another', () => {
  test.each(POLICY_MODES)('policies that are read as %s hide the other team', async (_, mode) => {
    const other = await twoTeams(undefined, { ...mode, teams: [] })
    try {
      const { body, text } = await other.ask(ANA, 'get', '/api/v1/applications').expect(200)
      expect(body.items.map(({ name }: { name: string }) => name)).toEqual(['web'])
      expect(text).not.toContain(HIDDEN)
      await other.ask(ANA, 'get', `/api/v1/applications/${HIDDEN}-ledger`).expect(404)
      await other.ask(ANA, 'post', `/api/v1/applications/${HIDDEN}-ledger/sync`).send({}).expect(404)
    } finally {
      await other.close()
    }
  })
})

describe('Argo CD CVE-2023-40029, CVE-2025-55190 (GHSA-786q-9hcg-v9ff): an answer held what was kept secret', () => {
  const reads = ROUTE_TABLE.filter(({ method, id }) => method === 'get' && id !== 'watch' && !/stream/i.test(id))
  const names: readonly (readonly [RegExp, string])[] = [
    [/\/applications\//, 'web'],
    [/\/applicationsets\//, 'shop'],
    [/\/clusters\//, 'eu-1'],
    [/\/projects\//, 'shop'],
    [/\/sources\//, 'platform'],
    [/\/teams\//, 'shop'],
  ]
  test.each(reads.map(({ path }) => path))('GET %s holds no canary, whoever asks', async path => {
    const name = names.find(([pattern]) => pattern.test(path))?.[1] ?? 'web'
    for (const who of [ANA, ADMIN]) {
      const { text, headers } = await fleet.ask(who, 'get', path.replace(/\{\w+\}/g, name))
      expect(canariesIn(text ?? '')).toEqual([])
      expect(canariesIn(JSON.stringify(headers))).toEqual([])
    }
  })

  test('the canaries are there to be found', async () => {
    const rows = await fleet.api.store.read(async store => [await store.sources(), await store.applications()])
    expect(canariesIn(JSON.stringify(rows))).not.toEqual([])
  })
})

describe('Argo CD CVE-2026-42880 (GHSA-3v3m-wc6v-x4x3, GHSA-rg3g-4rw9-gqrp): a difference against what was sent', () => {
  test('what is compared is never the caller’s', async () => {
    const diff = ROUTE_TABLE.filter(({ path }) => path.endsWith('/diff'))
    expect(diff.map(({ method, body }) => [method, body])).toEqual([['get', undefined]])
    const { status, text } = await fleet.ask(ANA, 'get', '/api/v1/applications/web/diff')
    expect([200, 404, 409]).toContain(status)
    expect(canariesIn(text)).toEqual([])
  })
})

describe('Argo CD CVE-2025-55191: requests beside each other broke the server', () => {
  test('reads and writes of many at once are each answered as alone', async () => {
    const asks = Array.from({ length: 200 }, (_, index) => {
      const [who, path] = [index % 2 === 0 ? ANA : ADMIN, ['applications', 'projects', 'sources', 'fleet'][index % 4]]
      if (index % 10 === 9) return fleet.ask(who, 'post', '/api/v1/applications/web/refresh').send({})
      return fleet.ask(who, 'get', `/api/v1/${path}`)
    })
    const answers = await Promise.all(asks)
    expect(answers.filter(({ status }) => status >= 500)).toEqual([])
    for (const [index, { text }] of answers.entries()) if (index % 2 === 0) expect(text).not.toContain(HIDDEN)
    await fleet.ask(ANA, 'get', '/api/v1/applications').expect(200)
  })
})

describe('Fleet GHSA-jmf4-m7j9-g72r: a webhook moved a repository back', () => {
  const old = '1'.repeat(40)
  const repository = { name: 'fleet', owner: { login: 'acme' }, html_url: 'https://github.com/acme/fleet' }
  const push = { ref: 'refs/heads/main', before: '2'.repeat(40), after: old, repository, commits: [] }

  test('whatever commit it names, the hub is told to look, and keeps nothing of it', async () => {
    const before = await stored()
    const { status } = await request(fleet.api.app)
      .post('/api/v1/webhooks/github')
      .set({ 'content-type': 'application/json', 'x-github-event': 'push' })
      .send(push)
    expect(status).toBe(202)
    expect(fleet.api.done.filter(line => line.includes('github.com/acme/fleet'))).not.toEqual([])
    expect(await stored()).toEqual(before)
    expect(JSON.stringify(await stored())).not.toContain(old)
  })
})
