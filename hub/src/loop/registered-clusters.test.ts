import { load } from '@flotilla/config/load'
import type { ClusterRow } from '@flotilla/core/ports/store'
import { describe, expect, test } from 'vitest'
import { registeredClusters } from './registered-clusters.ts'

const row = (name: string, over: Partial<ClusterRow> = {}): ClusterRow => ({
  id: `id-${name}`,
  name,
  admission: 1,
  incarnation: 0,
  epoch: 1,
  lastNumber: 0,
  versions: {},
  ...over,
})
const registered = { labels: { site: 'store', 'example.com/region': 'eu' }, at: 1, by: 'ana' }

describe('a Cluster that was approved and is not declared', () => {
  test('is one of the fleet, with the labels that it got', () => {
    const loaded = registeredClusters([row('store-1', { registered }), row('eu-1')], [])
    expect(loaded?.diagnostics).toEqual([])
    expect(loaded?.fleet.clusters).toMatchObject([
      { name: 'store-1', labels: registered.labels, spec: { servers: [], local: false, timeZone: 'UTC' } },
    ])
  })

  test('is what its document says as soon as there is one', () => {
    const text = '{"apiVersion":"flotilla.dev/v1alpha1","kind":"Cluster","metadata":{"name":"store-1"}}'
    const declared = load({ source: 'platform', trust: { kind: 'all' }, files: [{ path: 'a.yaml', text }] })
    expect(registeredClusters([row('store-1', { registered })], [declared])).toBeUndefined()
  })
})
