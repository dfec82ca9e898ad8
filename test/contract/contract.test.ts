import { controlPlaneAvailability } from '@flotilla/controlplane'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { Api } from './api.ts'
import { widgetDefinition, widgetGroup } from './documents.ts'
import { establish } from './establish.ts'
import { eventually, ok } from './expectations.ts'
import type { Cluster, Identity, RowContext, Side } from './row.ts'
import { topics } from './topics.ts'

const availability = await controlPlaneAvailability()

// Each side is loaded when it is started: one that does not load must not take the other with it.
describe('simulated', () => {
  declareRows('simulated', async () => (await import('./sides/simulated-cluster.ts')).startSimulatedCluster())
})
describe.skipIf(availability.kind === 'unavailable')('real', () => {
  declareRows('real', async () => (await import('./sides/real-cluster.ts')).startRealCluster())
})

/** One cluster for all rows of a side; each row has a namespace of its own, so they run at the same time. */
function declareRows(side: Side, start: () => Promise<Cluster>): void {
  let cluster: Cluster
  let admin: Api
  let widgets: Promise<string> | undefined
  const others = new Map<Identity, Api>()

  beforeAll(async () => {
    cluster = await start()
    admin = new Api(cluster.transport('admin'), undefined)
  })
  afterAll(async () => cluster?.stop())

  const context = async (number: number): Promise<RowContext> => {
    const namespace = `row-${number}`
    ok(await admin.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }), 201)
    const api = admin.inNamespace(namespace)
    // Without it Pods are refused; a controller makes it a moment after the namespace.
    if (side === 'real') await eventually(async () => ok(await api.get('serviceaccounts', 'default')))
    return {
      api,
      namespace,
      widgets: () => {
        widgets ??= establish(admin, widgetDefinition).then(() => `${widgetGroup}/v1/widgets`)
        return widgets
      },
      as: identity => {
        const other = others.get(identity) ?? new Api(cluster.transport(identity), undefined)
        others.set(identity, other)
        return other.inNamespace(namespace)
      },
      unique: prefix => `${prefix}-${number}`,
    }
  }

  let rowNumber = 0
  for (const [topic, rows] of Object.entries(topics)) {
    describe.concurrent(topic, () => {
      for (const row of rows) {
        rowNumber += 1
        const number = rowNumber
        it(row.sentence, async test => {
          if (row.skipOn?.side === side) test.skip(row.skipOn.reason)
          await row.run(await context(number))
        })
      }
    })
  }
}
