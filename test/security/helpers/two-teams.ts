import type { Principal } from '@flotilla/core/access/principal'
import type { Team } from '@flotilla/core/access/teams'
import { AccessKeeper } from '@flotilla/hub/access/access-keeper'
import { putRows } from '@flotilla/hub/access/testing/policy-of'
import { tokenOf } from '@flotilla/hub/access/testing/principals'
import { openTestApi, type TestApi } from '@flotilla/hub/api/test-api'
import {
  sampleApplication,
  sampleCluster,
  sampleReport,
  sampleSet,
  sampleSource,
} from '@flotilla/hub/store/sample-rows'
import request from 'supertest'
import { CANARY_PASSWORD, CANARY_URL } from './canary.ts'

/** In every name that belongs to the other team. */
export const HIDDEN = 'vault'

export const POLICY = `
p, role:dev, applications, get, shop/*, allow
p, role:dev, applications, sync, shop/*, allow
p, role:dev, logs, get, shop/*, allow
p, role:dev, clusters, get, eu-1, allow
p, role:dev, projects, get, shop, allow
g, sso:shop, role:dev
`

/** A person of the team `shop`, who sees nothing of the other one. */
export const ANA: Principal = { kind: 'person', subject: 'ana', groups: ['sso:shop'] }
export const ADMIN: Principal = { kind: 'subject', subject: 'role:admin' }

export interface TwoTeams {
  readonly api: TestApi
  readonly access: AccessKeeper
  ask(who: Principal, method: 'get' | 'post' | 'patch' | 'delete', path: string): request.Test
  close(): Promise<void>
}

const place = { source: 'platform', file: 'teams.yaml', line: 4, column: 1 }
const TEAMS: readonly Team[] = [
  { name: 'shop', users: [], groups: ['sso:shop'], owns: ['shop'], watches: [], place },
  { name: HIDDEN, users: ['eve'], groups: [], owns: [HIDDEN], watches: [], place },
]

/** The people's API over a fleet of two teams that share nothing but a cluster. */
export async function twoTeams(rows = POLICY, settings: Parameters<typeof putRows>[2] = {}): Promise<TwoTeams> {
  const access = new AccessKeeper()
  putRows(access, rows, { teams: TEAMS, ...settings })
  const lists = { sourceRepos: [CANARY_URL], destinations: [{ name: '*', namespace: '*' }] }
  const kinds = { clusterResourceWhitelist: [], clusterResourceBlacklist: [], namespaceResourceBlacklist: [] }
  const projects = ['shop', HIDDEN].map(name => ({
    ...{ name, spec: { ...lists, ...kinds } },
    declared: { source: 'platform', file: 'p.yaml', line: 1 },
  }))
  const api = await openTestApi({}, { access, projects: () => projects })
  const digest = await api.putBundle([
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys' }, stringData: { password: CANARY_PASSWORD } },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'applied',
        annotations: {
          'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({
            ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'applied' } },
            stringData: { password: CANARY_PASSWORD },
          }),
        },
      },
      data: { password: Buffer.from(CANARY_PASSWORD).toString('base64') },
    },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web' }, data: { a: '1' } },
  ])
  const now = api.clock.now()
  const applications = [
    ['web', 'shop', 'eu-1'],
    [`${HIDDEN}-ledger`, HIDDEN, `${HIDDEN}-1`],
    [`${HIDDEN}-books`, HIDDEN, 'eu-1'],
  ] as const
  await api.write(
    async store => {
      for (const name of ['eu-1', `${HIDDEN}-1`]) {
        await store.putCluster(sampleCluster({ id: `id-of-${name}`, name, agentKey: 'key', joinedAt: 1000 }))
      }
      for (const name of ['platform', `${HIDDEN}-source`]) {
        await store.putSource(sampleSource({ name, repository: CANARY_URL }))
      }
      for (const name of ['shop', `${HIDDEN}-set`]) {
        await store.putSet(sampleSet({ key: `platform/${name}`, source: 'platform', name }))
      }
      for (const [name, project, cluster] of applications) {
        const destination = { name: cluster, namespace: 'n' }
        await store.putApplication(
          sampleApplication({
            ...{ id: `id-of-${name}`, name, project, clusterName: cluster, clusterId: `id-of-${cluster}`, digest },
            document: {
              metadata: { name },
              spec: { project, destination, source: { repoURL: CANARY_URL, path: 'p' } },
            },
            set: project === HIDDEN ? `${HIDDEN}-set` : 'shop',
            source: 'platform',
          }),
        )
        const ids = { applicationId: `id-of-${name}`, clusterId: `id-of-${cluster}` }
        await store.putReport(sampleReport({ ...ids, receivedAt: now }))
      }
    },
    {
      applications: applications.map(([name]) => `id-of-${name}`),
      sets: ['platform/shop', `platform/${HIDDEN}-set`],
      sources: ['platform', `${HIDDEN}-source`],
      clusters: ['eu-1', `${HIDDEN}-1`],
    },
  )
  const tokens = new Map<Principal, string>()
  for (const who of [ANA, ADMIN]) tokens.set(who, await tokenOf(api, who))
  return {
    api,
    access,
    ask: (who, method, path) =>
      request(api.app)
        [method](path)
        .set('Authorization', `Bearer ${tokens.get(who)!}`),
    close: () => api.close(),
  }
}
