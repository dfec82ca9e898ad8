import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { policyOf } from '@flotilla/hub/access/testing/policy-of'
import { openTestApi } from '@flotilla/hub/api/test-api'
import { makeToken } from '@flotilla/hub/api/tokens'
import { digestOf, sampleApplication, sampleCluster, sampleReport } from '@flotilla/hub/store/sample-rows'
import express from 'express'

/**
 * A process that serves people's API over a real store and 10,000 Applications, and beside it, on another port, express
 * alone with the very bytes of one page. Its parent asks for its processor time and for changes.
 */
const APPLICATIONS = 10_000
const CLUSTERS = 100
const PROJECTS = 20

/** Owns two Projects, watches a third, and has rows of its own that give most of a fourth. */
const TEAM = {
  ...{ name: 'shop', users: ['ana'], groups: ['sso:shop'] },
  ...{ owns: ['project-1', 'project-2'], watches: ['project-3'] },
  place: { source: 'platform', file: 'teams/shop.yaml', line: 4, column: 7 },
}
const ROWS = [
  'p, role:shop, applications, *, project-4/*, allow',
  'p, role:shop, applications, get, project-4/shop-7-*, deny',
  'g, sso:shop, role:shop',
]
/** Of other teams: a policy is as long as an organisation is large. */
const OTHERS = Array.from({ length: 500 }, (_, at) => `p, role:other-${at}, applications, get, project-${at}/*, allow`)

const api = await openTestApi(
  {
    requestLimits: { perPrincipal: 10_000_000, perAddress: 10_000_000, deniedPerAddress: 1 },
    maxWatchers: 5_000,
  },
  { access: policyOf([...ROWS, ...OTHERS].join('\n'), { teams: [TEAM] }) },
)
const now = api.clock.now()
const applications = Array.from({ length: APPLICATIONS }, (_, index) =>
  sampleApplication({
    id: `id-${index}`,
    name: `shop-${index % 977}-${index}`,
    clusterId: `cluster-${index % CLUSTERS}`,
    clusterName: `eu-${index % CLUSTERS}`,
    project: `project-${index % PROJECTS}`,
    labels: { env: index % 3 === 0 ? 'test' : 'prod', tier: 'gold' },
    digest: digestOf('bundle'),
    holdsSecrets: false,
  }),
)
const clusters = Array.from({ length: CLUSTERS }, (_, index) =>
  sampleCluster({ id: `cluster-${index}`, name: `eu-${index}` }),
)
const reports = applications.map(({ id, clusterId }) =>
  sampleReport({ applicationId: id, clusterId: clusterId!, receivedAt: now }, { held: digestOf('bundle') }),
)
api.view.apply({ applications, reports, clusters }, now, { tell: false })

const hub = createServer(api.unchecked)
await new Promise<void>(resolve => hub.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve))
const url = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`
const made = {
  member: makeToken(api.random, {
    ...{ name: 'ana', role: 'policy', kind: 'person', now },
    principal: { kind: 'person', subject: 'ana', groups: ['sso:shop', 'sso:everybody'] },
  }),
  view: makeToken(api.random, {
    ...{ name: 'view of shop', role: 'policy', kind: 'robot', now, principal: { kind: 'team', team: 'shop' } },
  }),
}
await api.store.write(async rows => {
  for (const { row } of Object.values(made)) await rows.putToken(row)
})
/** Who asks for what: a team's own people, its shared view, and somebody who sees all and asks for some of it. */
const LISTS = [
  { who: 'for a person of a team', token: made.member.text, path: '/api/v1/applications' },
  { who: 'for a person of a team, ?team=shop', token: made.member.text, path: '/api/v1/applications?team=shop' },
  { who: 'for the shared view of a team', token: made.view.text, path: '/api/v1/applications' },
  {
    who: 'for who sees all, by project',
    token: api.readonly,
    path: '/api/v1/applications?project=project-1,project-2,project-3',
  },
]
const bare = express()
const lists = []
for (const [at, list] of LISTS.entries()) {
  const page = await fetch(url + list.path, { headers: { Authorization: `Bearer ${list.token}` } })
  if (page.status !== 200) throw new Error(`${page.status} ${await page.text()}`)
  const bytes = Buffer.from(await page.arrayBuffer())
  const { total } = JSON.parse(bytes.toString()) as { readonly total: number }
  if (total < 1_000 || total > APPLICATIONS / 2) throw new Error(`${list.who}: ${total} Applications`)
  bare.get(`/api/v1/applications/${at}`, (_request, response) => {
    response.type('application/json').end(bytes)
  })
  lists.push({ ...list, url, total, bytes: bytes.length, barePath: `/api/v1/applications/${at}` })
}
const plain = createServer(bare)
await new Promise<void>(resolve => plain.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve))

let changes = 0
process.on('message', (message: { readonly kind: string }) => {
  if (message.kind === 'cpu') {
    const { user, system } = process.cpuUsage()
    process.send!({ kind: 'cpu', ms: (user + system) / 1000 })
  } else if (message.kind === 'change') {
    changes += 1
    const row = { ...applications[0]!, namespace: `moved-${changes}` }
    api.view.apply({ applications: [row] }, api.clock.now())
    process.send!({ kind: 'changed' })
  }
})
process.on('disconnect', () => process.exit(0))
process.send!({
  kind: 'ready',
  url,
  bare: `http://127.0.0.1:${(plain.address() as AddressInfo).port}`,
  token: api.readonly,
  lists,
})
