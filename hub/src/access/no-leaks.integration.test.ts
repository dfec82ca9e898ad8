import { authorise } from '@flotilla/core/access/authorise'
import type { Principal } from '@flotilla/core/access/principal'
import type { Team } from '@flotilla/core/access/teams'
import request from 'supertest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROUTE_TABLE } from '../api/route-table.ts'
import { openTestApi, type TestApi } from '../api/test-api.ts'
import { putScheduledSync } from '../scheduled-sync/scheduled-sync.ts'
import {
  sampleApplication,
  sampleCluster,
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
} from '../store/sample-rows.ts'
import { AccessKeeper } from './access-keeper.ts'
import { applicationObject } from './objects.ts'
import { putRows } from './testing/policy-of.ts'
import { tokenOf } from './testing/principals.ts'

/** In everything that belongs to the other Project: none of it may be found in any answer to who does not see it. */
const CANARY = 'vault'

const place = { source: 'platform', file: 'teams.yaml', line: 4, column: 1 }
const TEAMS: readonly Team[] = [
  { name: 'shop', users: [], groups: ['sso:shop'], owns: ['shop'], watches: ['plat*'], place },
  { name: CANARY, users: ['eve'], groups: [], owns: [CANARY], watches: [], place },
]
const ROWS = `
p, role:dev, applications, get, shop/*, allow
p, role:dev, applications, sync, shop/web, allow
p, role:dev, applications, get, shop/hidden, deny
p, role:dev, logs, get, shop/*, allow
p, role:dev, clusters, get, eu-1, allow
p, role:dev, freezes, *, shop/*, allow
p, role:dev, windows, *, shop/*, allow
p, role:dev, overrides, *, shop/*, allow
p, role:dev, confirmations, *, shop/*, allow
p, role:dev, projects, get, shop, allow
g, sso:shop, role:dev
p, auditor, applications, get, *, allow
`
const dev: Principal = { kind: 'person', subject: 'ana', groups: ['sso:shop'] }
const nobody: Principal = { kind: 'person', subject: 'mallory', groups: [] }
const watcher: Principal = { kind: 'team', team: 'shop' }
const auditor: Principal = { kind: 'person', subject: 'auditor', groups: [] }
const admin: Principal = { kind: 'subject', subject: 'role:admin' }

let api: TestApi
const access = new AccessKeeper()
const tokens = new Map<Principal, string>()

const SPEC = {
  ...{ sourceRepos: [], destinations: [], clusterResourceWhitelist: [], clusterResourceBlacklist: [] },
  namespaceResourceBlacklist: [],
}

function freeze(name: string, project: string) {
  return {
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'FreezePeriod',
    metadata: { name },
    spec: {
      ...{ level: 'hard', reason: `closing of ${project}`, scope: { projects: [project] } },
      when: [{ from: '2030-12-18', through: '2030-12-31' }],
    },
  }
}

function windowOf(name: string, project: string) {
  return {
    ...{ apiVersion: 'flotilla.dev/v1alpha1', kind: 'SyncWindow', metadata: { name } },
    spec: { kind: 'deny', schedule: '0 3 29 2 *', duration: '1h', scope: { projects: [project] } },
  }
}

beforeAll(async () => {
  putRows(access, ROWS, { teams: TEAMS })
  const projects = ['shop', 'platform', CANARY].map(name => ({
    name,
    spec: SPEC,
    declared: { source: 'platform', file: 'p.yaml', line: 1 },
  }))
  api = await openTestApi({}, { access, projects: () => projects })
  for (const who of [dev, nobody, watcher, auditor, admin]) tokens.set(who, await tokenOf(api, who))
  const now = api.clock.now()
  await api.write(
    async rows => {
      for (const name of ['eu-1', `${CANARY}-1`]) {
        await rows.putCluster(sampleCluster({ id: `id-of-${name}`, name, agentKey: 'key', joinedAt: 1000 }))
      }
      for (const name of ['platform', `${CANARY}-source`]) await rows.putSource(sampleSource({ name }))
      for (const name of ['shop', `${CANARY}-set`]) {
        await rows.putSet(sampleSet({ key: `platform/${name}`, source: 'platform', name }))
      }
      for (const [name, project, cluster] of [
        ['web', 'shop', 'eu-1'],
        ['hidden', 'shop', 'eu-1'],
        ['dns', 'platform', 'eu-1'],
        [`${CANARY}-ledger`, CANARY, `${CANARY}-1`],
        [`${CANARY}-books`, CANARY, 'eu-1'],
      ] as const) {
        const destination = { name: cluster, namespace: 'n' }
        const source = { repoURL: `https://git.example.com/${project}.git`, path: 'p' }
        await rows.putApplication(
          sampleApplication({
            ...{ id: `id-of-${name}`, name, project, clusterName: cluster, clusterId: `id-of-${cluster}` },
            document: { metadata: { name }, spec: { project, destination, source } },
            set: project === CANARY ? `${CANARY}-set` : 'shop',
            source: 'platform',
          }),
        )
        await rows.putReport(
          sampleReport({ applicationId: `id-of-${name}`, clusterId: `id-of-${cluster}`, receivedAt: now }),
        )
        const grant = { id: `grant-of-${name}`, applicationId: `id-of-${name}`, clusterId: `id-of-${cluster}` }
        await rows.putGrant(sampleGrant(grant))
        await rows.putOperation(sampleOperation({ id: `operation-of-${name}`, applicationId: `id-of-${name}` }))
        const times = { notBefore: now + 1, expires: now + 9, madeAt: 1, state: 'waiting', message: 'waits' } as const
        const asked = { prune: false, reason: '', by: 'x', tokenId: 'x' }
        await putScheduledSync(rows, { id: `scheduled-${name}`, application: name, ...asked, ...times })
      }
      const removed = { id: 'x', name: `${CANARY}-ledger`, project: CANARY, cluster: `${CANARY}-1`, namespace: 'n' }
      await rows.putDeletionPlan(
        samplePlan({ id: `plan-${CANARY}`, set: `${CANARY}-set`, applications: [{ ...removed, policy: 'prune' }] }),
      )
      for (const project of ['shop', CANARY]) {
        const name = `year-end-${project}`
        await rows.putMadeGate(sampleMadeGate({ id: name, name, document: freeze(name, project) }))
        const window = { id: `window-${project}`, kind: 'SyncWindow' as const, name: `nights-${project}` }
        await rows.putMadeGate(sampleMadeGate({ ...window, document: windowOf(window.name, project) }))
        const scope = { projects: [project] }
        await rows.putOverride(
          sampleOverride({ id: `override-${project}`, scope, reason: project, from: now, until: now + 9 }),
        )
      }
      await rows.putJoinToken(sampleJoinToken({ id: `join-${CANARY}`, clusterName: `${CANARY}-1` }))
      await rows.putEnrolment(sampleEnrolment({ id: `asks-${CANARY}`, key: 'k', proposedName: `${CANARY}-2` }))
      await rows.appendAudit({ at: now, actor: 'x', action: 'sync', subject: `${CANARY}-ledger`, detail: {} })
    },
    {
      applications: ['web', 'hidden', 'dns', `${CANARY}-ledger`, `${CANARY}-books`].map(name => `id-of-${name}`),
      sets: ['platform/shop', `platform/${CANARY}-set`],
      sources: ['platform', `${CANARY}-source`],
      clusters: ['eu-1', `${CANARY}-1`],
    },
  )
})
afterAll(() => api.close())

function ask(who: Principal, method: 'get' | 'post' | 'patch' | 'delete', path: string) {
  return request(api.app)
    [method](path)
    .set('Authorization', `Bearer ${tokens.get(who)!}`)
}

/** What there is of the other Project, and what there is not, by the beginning of a route's path. */
const THINGS: readonly (readonly [path: RegExp, hidden: string, absent: string])[] = [
  [/^\/api\/v1\/applications\//, `${CANARY}-ledger`, 'absent'],
  [/^\/api\/v1\/applicationsets\//, `${CANARY}-set`, 'absent'],
  [/^\/api\/v1\/clusters\//, `${CANARY}-1`, 'absent'],
  [/^\/api\/v1\/sources\//, `${CANARY}-source`, 'absent'],
  [/^\/api\/v1\/projects\//, CANARY, 'absent'],
  [/^\/api\/v1\/teams\//, CANARY, 'absent'],
  [/^\/api\/v1\/operations\//, `grant-of-${CANARY}-ledger`, 'absent'],
  [/^\/api\/v1\/overrides\//, `override-${CANARY}`, 'absent'],
  [/^\/api\/v1\/freezes\//, `year-end-${CANARY}`, 'absent'],
  [/^\/api\/v1\/windows\//, `nights-${CANARY}`, 'absent'],
  [/^\/api\/v1\/confirmations\//, `plan-${CANARY}`, 'absent'],
  [/^\/api\/v1\/enrolments\//, `asks-${CANARY}`, 'absent'],
  [/^\/api\/v1\/join-tokens\//, `join-${CANARY}`, 'absent'],
  [/^\/api\/v1\/scheduled-syncs\//, `scheduled-${CANARY}-ledger`, 'absent'],
]

/** Bodies and queries without which the question would be a mistake; it is about the thing all the same. */
const BODIES: { readonly [id: string]: object } = {
  actOnObject: { group: 'apps', kind: 'Deployment', namespace: 'n', name: 'web' },
  scheduleSync: { notBefore: '+1h' },
  reviewOverride: { comment: 'looked at' },
  editFreeze: { reason: 'because', spec: { reason: 'other' } },
  editWindow: { reason: 'because', spec: { description: 'other' } },
  rollbackApplication: { operation: 'operation-1', reason: 'because' },
  pinApplication: { revision: 'main', reason: 'because' },
}
const QUERIES: { readonly [id: string]: string } = {
  deleteResource: '?kind=Deployment&name=web&group=apps&namespace=n&uid=u-1',
}
/** Told to everybody who knows the id, and of whoever made it. */
const OTHERS: ReadonlySet<string> = new Set(['revokeToken', 'refreshCalendar'])

describe('what may not be seen and what is not there', () => {
  const routes = ROUTE_TABLE.filter(({ path, access: right, id }) => {
    return path.includes('{') && typeof right !== 'string' && right.of !== 'all' && !OTHERS.has(id)
  })
  const known = [
    ...routes,
    ...ROUTE_TABLE.filter(({ path, access: right }) => /\/teams\/\{/.test(path) && right === 'known'),
  ]

  for (const route of known) {
    for (const [name, who] of [
      ['somebody of another team', dev],
      ['whoever has no right at all', nobody],
      ['a shared view', watcher],
    ] as const) {
      it(`${route.method} ${route.path} answers alike for ${name}`, async () => {
        const thing = THINGS.find(([pattern]) => pattern.test(route.path))
        expect(thing, `no example of ${route.path}`).toBeDefined()
        const [, hidden, absent] = thing!
        const answers = []
        for (const each of [hidden, absent]) {
          const path = route.path
            .replace(/\{(name|id)\}/, each)
            .replace('{action}', 'restart')
            .replace(/\{\w+\}/g, each)
          const asked = ask(who, route.method, `${path}${QUERIES[route.id] ?? ''}`)
          const answer = await (route.method === 'get' ? asked : asked.send(BODIES[route.id] ?? {}))
          const { date: _, 'x-request-id': __, ...headers } = answer.headers as Record<string, string>
          answers.push({ status: answer.status, text: answer.text, headers })
        }
        expect(answers[0]).toEqual(answers[1])
        expect(answers[0]!.text).not.toContain(CANARY)
        // A mistake of the question would prove nothing.
        expect([404, 200, 403], `${route.id}: ${answers[0]!.text}`).toContain(answers[0]!.status)
        if (answers[0]!.status === 403) expect(route.path).toMatch(/\/clusters\/\{name\}\/approve|\/actions\//)
      })
    }
  }

  it('an Application by its name alone is a denial that may be told only where it may be seen', async () => {
    // Whether there is anything to sync is another matter.
    expect((await ask(dev, 'post', '/api/v1/applications/web/sync').send({})).status).toBe(409)
    const { body } = await ask(watcher, 'post', '/api/v1/applications/web/sync').send({}).expect(403)
    expect(body.code).toBe('FORBIDDEN')
    await ask(dev, 'post', '/api/v1/applications/hidden/sync').send({}).expect(404)
  })
})

describe('no answer has anything of what may not be seen', () => {
  const lists = ROUTE_TABLE.filter(({ method, path, access: right, id }) => {
    return method === 'get' && !path.includes('{') && typeof right === 'object' && right.of === 'each' && id !== 'watch'
  })
  for (const route of lists) {
    it(`${route.path}`, async () => {
      const query = route.id === 'decide' ? '?application=web' : route.id === 'timeline' ? '?from=now&to=%2B1h' : ''
      for (const who of [dev, nobody, watcher]) {
        const { status, text } = await ask(who, 'get', `${route.path}${query}`)
        expect([200, 403, 404], route.id).toContain(status)
        expect(text).not.toContain(CANARY)
        expect(text).not.toContain('"hidden"')
      }
      const { text } = await ask(admin, 'get', `${route.path}${query}`).expect(200)
      if (['listApplications', 'getFleet', 'listClusters', 'listSources', 'listOverrides'].includes(route.id)) {
        expect(text).toContain(CANARY)
      }
    })
  }

  it('an audit log is not for whoever has no right to it, and within a Project only of that', async () => {
    await ask(dev, 'get', '/api/v1/audit').expect(403)
    putRows(access, `${ROWS}\np, role:dev, audit, get, shop/*, allow`, { teams: TEAMS })
    const { text, body } = await ask(dev, 'get', '/api/v1/audit').expect(200)
    expect(text).not.toContain(CANARY)
    expect(body.head).toBe(null)
    expect((await ask(admin, 'get', '/api/v1/audit').expect(200)).body.head.sequence).toBeGreaterThan(0)
    putRows(access, ROWS, { teams: TEAMS })
  })

  it('what one asks many for is answered alike for names that are not there', async () => {
    const names = ['web', `${CANARY}-ledger`, 'absent']
    const asked = { action: 'sync', applications: names, dryRun: true }
    const { body } = await ask(dev, 'post', '/api/v1/operations').send(asked).expect(200)
    const of = (name: string) => body.items.find((item: { application: string }) => item.application === name)
    expect({ ...of(`${CANARY}-ledger`), application: '' }).toEqual({ ...of('absent'), application: '' })
    expect(of('web').code).not.toBe('NOT_FOUND')
    const right = async (action: string) => {
      const asked = { action, applications: ['web'], dryRun: true }
      return (await ask(dev, 'post', '/api/v1/operations').send(asked).expect(200)).body.items[0].code
    }
    // Who may sync may not yet keep others' syncs from starting.
    expect([await right('pause'), await right('resume')]).toEqual(['FORBIDDEN', 'FORBIDDEN'])
    const all = { action: 'sync', cluster: 'eu-1', dryRun: true }
    const { text } = await ask(dev, 'post', '/api/v1/operations').send(all).expect(200)
    expect(text).not.toContain(CANARY)
  })

  it('break-glass for what may not be seen is as for what is not there', async () => {
    const wish = (name: string) => ({ scope: { applications: { names: [name] } }, until: '+1h', reason: 'because' })
    const [hidden, absent] = [
      await ask(dev, 'post', '/api/v1/overrides').send(wish(`${CANARY}-ledger`)),
      await ask(dev, 'post', '/api/v1/overrides').send(wish('absent')),
    ]
    expect([hidden.status, hidden.text]).toEqual([absent.status, absent.text])
  })
})

describe('what a list shows is what the policy says of each', () => {
  it('names, totals, facets and pages', async () => {
    const { body: whole } = await ask(admin, 'get', '/api/v1/applications?limit=1000').expect(200)
    expect(whole.total).toBe(5)
    for (const who of [dev, nobody, watcher, auditor, admin]) {
      const { policy } = access.now
      const wanted = whole.items.filter(
        (view: never) => authorise(policy, who, 'get', applicationObject(view), { now: 0 }).kind === 'allow',
      )
      const { body } = await ask(who, 'get', '/api/v1/applications?limit=1000').expect(200)
      expect(body.items).toEqual(wanted)
      expect(body.total).toBe(wanted.length)
      const { body: fleet } = await ask(who, 'get', '/api/v1/fleet').expect(200)
      expect(fleet.applications.total).toBe(wanted.length)
      const projects = [...new Set(wanted.map(({ project }: { project: string }) => project))].sort()
      expect(Object.keys(fleet.projects)).toEqual(projects)
      const paged: string[] = []
      for (let next: string | null = ''; next !== null; ) {
        const cursor: string = next === '' ? '' : `&cursor=${next}`
        const { body: page } = await ask(who, 'get', `/api/v1/applications?limit=1${cursor}`).expect(200)
        paged.push(...page.items.map(({ name }: { name: string }) => name))
        next = page.next
      }
      expect(paged).toEqual(wanted.map(({ name }: { name: string }) => name))
    }
  })

  it('for a team: of its Projects, and of what the caller sees of them', async () => {
    const names = async (who: Principal, path: string) =>
      (await ask(who, 'get', path).expect(200)).body.items.map(({ name }: { name: string }) => name)
    expect(await names(admin, '/api/v1/applications?team=shop')).toEqual(['dns', 'hidden', 'web'])
    expect(await names(dev, '/api/v1/applications?team=shop')).toEqual(['dns', 'web'])
    expect(await names(admin, '/api/v1/clusters?team=shop')).toEqual(['eu-1'])
    const { body: fleet } = await ask(admin, 'get', '/api/v1/fleet?team=shop').expect(200)
    expect([fleet.applications.total, Object.keys(fleet.projects)]).toEqual([3, ['platform', 'shop']])
    const [hidden, absent] = [
      await ask(dev, 'get', `/api/v1/applications?team=${CANARY}`),
      await ask(dev, 'get', '/api/v1/applications?team=absent'),
    ]
    expect([hidden.status, hidden.text]).toEqual([404, absent.text])
    const { body } = await ask(dev, 'get', '/api/v1/teams/shop/overview').expect(200)
    expect([body.applications.total, body.team.mine, body.attention.total]).toEqual([2, true, expect.any(Number)])
  })

  it('a cluster is counted with the Applications that the caller sees', async () => {
    const { body } = await ask(dev, 'get', '/api/v1/clusters/eu-1').expect(200)
    expect(body.applications.total).toBe(2)
    expect((await ask(admin, 'get', '/api/v1/clusters/eu-1').expect(200)).body.applications.total).toBe(4)
  })
})

describe('a shared view', () => {
  it('shows what the team sees, changes nothing, and goes with whoever has made it', async () => {
    const { body: made } = await ask(dev, 'post', '/api/v1/teams/shop/share').send({ expires: '+2h' }).expect(201)
    const get = (path: string) => request(api.app).get(path).set('Authorization', `Bearer ${made.token}`)
    const { body } = await get('/api/v1/applications').expect(200)
    expect(body.items.map(({ name }: { name: string }) => name)).toEqual(['dns', 'web'])
    const { body: overview } = await get('/api/v1/teams/shop/overview').expect(200)
    expect([overview.team.members, overview.applications.total]).toEqual([null, 2])
    await get('/api/v1/teams/vault').expect(404)
    const sync = request(api.app).post('/api/v1/applications/web/sync').set('Authorization', `Bearer ${made.token}`)
    await sync.send({}).expect(403)
    const share = request(api.app).post('/api/v1/teams/shop/share').set('Authorization', `Bearer ${made.token}`)
    await share.send({}).expect(403)
    // Who has made it is in the team no more.
    putRows(access, '', { teams: [{ ...TEAMS[0]!, groups: ['sso:others'] }] })
    expect((await get('/api/v1/applications').expect(200)).body.total).toBe(0)
    putRows(access, ROWS, { teams: TEAMS })
    api.clock.move(2 * 3_600_000)
    await get('/api/v1/applications').expect(401)
  })

  it('is made by its own people, for no longer than ninety days', async () => {
    await ask(auditor, 'post', '/api/v1/teams/shop/share').send({}).expect(404)
    await ask(dev, 'post', '/api/v1/teams/shop/share').send({ expires: '+8000h' }).expect(400)
    await ask(watcher, 'post', '/api/v1/teams/shop/share').send({}).expect(403)
  })
})

describe('what one may', () => {
  it('is told before it is tried, with the row only to whoever may read the policy', async () => {
    const question = { action: 'sync', resource: 'app', object: 'shop/web' }
    expect((await ask(dev, 'post', '/api/v1/can').send(question).expect(200)).body).toEqual({
      ...{ allowed: true, answer: 'allow', because: null, policyVersion: access.now.version },
    })
    const about = { ...question, subject: 'zoe', groups: ['sso:shop'] }
    await ask(dev, 'post', '/api/v1/can').send(about).expect(403)
    const { body } = await ask(admin, 'post', '/api/v1/can').send(about).expect(200)
    expect(body).toMatchObject({ allowed: true, because: [{ file: 'policy.csv', line: 3 }] })
    const hidden = { ...question, object: `${CANARY}/${CANARY}-ledger` }
    const absent = { ...question, object: `${CANARY}/absent` }
    const answers = [hidden, absent].map(each => ask(dev, 'post', '/api/v1/can').send(each).expect(200))
    expect((await answers[0]!).text).toBe((await answers[1]!).text)
    await ask(dev, 'post', '/api/v1/can')
      .send({ ...question, action: 'synch' })
      .expect(400)
  })

  it('and whoami says it of everything at once', async () => {
    const { body } = await ask(dev, 'get', '/api/v1/whoami').expect(200)
    expect(body.teams).toEqual(['shop'])
    const applications = body.rights.find(({ resource }: { resource: string }) => resource === 'applications')
    expect(applications.actions).toContainEqual({ action: 'sync', on: 'some' })
    const all = await ask(admin, 'get', '/api/v1/whoami').expect(200)
    const of = all.body.rights.find(({ resource }: { resource: string }) => resource === 'applications')
    expect(of.actions).toContainEqual({ action: 'sync', on: 'all' })
  })
})
