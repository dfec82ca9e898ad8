import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openTestApi } from '@flotilla/hub/api/test-api'
import { digestOf, sampleApplication, sampleCluster, sampleReport } from '@flotilla/hub/store/sample-rows'
import express from 'express'

/**
 * A process that serves people's API over a real store and 10,000 Applications, and beside it, on another port, express
 * alone with the very bytes of one page. Its parent asks for its processor time and for changes.
 */
const APPLICATIONS = 10_000
const CLUSTERS = 100
const PROJECTS = 20

const api = await openTestApi({
  requestLimits: { perPrincipal: 10_000_000, perAddress: 10_000_000, deniedPerAddress: 1 },
  maxWatchers: 5_000,
})
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
const path = '/api/v1/applications?project=project-1,project-2,project-3'
const page = await fetch(url + path, { headers: { Authorization: `Bearer ${api.readonly}` } })
if (page.status !== 200) throw new Error(`${page.status} ${await page.text()}`)
const bytes = Buffer.from(await page.arrayBuffer())
const bare = express()
bare.get('/api/v1/applications', (_request, response) => {
  response.type('application/json').end(bytes)
})
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
  path,
  bare: `http://127.0.0.1:${(plain.address() as AddressInfo).port}`,
  token: api.readonly,
  bytes: bytes.length,
})
