import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { offlineDifferences } from './offline-differences.ts'
import { equalQuantities } from './quantity.ts'

interface Row {
  readonly target: JsonObject
  readonly live: JsonObject
  readonly ours: JsonObject
  readonly differ: readonly string[]
}

const CPU: JsonObject = {
  'f:spec': { 'f:containers': { 'k:{"name":"web"}': { 'f:resources': { 'f:limits': { 'f:cpu': {} } }, 'f:env': {} } } },
}
const web = (cpu: string, env: JsonObject = {}): JsonObject => ({
  spec: { containers: [{ name: 'web', resources: { limits: { cpu } }, ...env }] },
})

const ROWS: { readonly [sentence: string]: Row } = {
  'equal fields': { target: web('1'), live: web('1'), ours: CPU, differ: [] },
  'the same quantity written otherwise': { target: web('0.5'), live: web('500m'), ours: CPU, differ: [] },
  'another quantity': {
    target: web('1'),
    live: web('2'),
    ours: CPU,
    differ: ['.spec.containers[name="web"].resources.limits.cpu'],
  },
  'a text that only looks like a quantity': {
    target: { data: { value: '1000m' } },
    live: { data: { value: '1' } },
    ours: { 'f:data': { 'f:value': {} } },
    differ: ['.data.value'],
  },
  'defaults of the server': {
    target: { spec: { ports: { a: 1 } } },
    live: { spec: { ports: { a: 1, protocol: 'TCP' }, type: 'ClusterIP' } },
    ours: { 'f:spec': { 'f:ports': {} } },
    differ: [],
  },
  'a field that left the manifest': {
    target: { spec: {} },
    live: { spec: { replicas: 2 } },
    ours: { 'f:spec': { 'f:replicas': {} } },
    differ: ['.spec.replicas'],
  },
  'a field that is new in the manifest': {
    target: { spec: { replicas: 2, paused: true } },
    live: { spec: { replicas: 2 } },
    ours: { 'f:spec': { 'f:replicas': {} } },
    differ: ['.spec.paused'],
  },
  'a new field that is so already': {
    target: { spec: { replicas: 2, paused: true } },
    live: { spec: { replicas: 2, paused: true } },
    ours: { 'f:spec': { 'f:replicas': {} } },
    differ: [],
  },
  'what the server keeps is not compared': {
    target: { metadata: { name: 'a', generation: 1 }, spec: { replicas: 1 } },
    live: { metadata: { name: 'a', generation: 9, uid: 'x' }, spec: { replicas: 1 }, status: { replicas: 1 } },
    ours: { 'f:spec': { 'f:replicas': {} } },
    differ: [],
  },
}

describe('offlineDifferences', () => {
  it.each(Object.entries(ROWS))('%s', (_sentence, { target, live, ours, differ }) => {
    const found = offlineDifferences(thing(target), thing(live, ours), 'flotilla')
    expect(found?.map(({ path }) => path)).toEqual(differ)
  })

  it('says nothing of what we never applied', () => {
    expect(offlineDifferences(thing(web('1')), thing(web('2')), 'flotilla')).toBeUndefined()
  })
})

describe('equalQuantities', () => {
  it.each([
    ['1000m', '1', true],
    ['0.5', '500m', true],
    ['1024Mi', '1Gi', true],
    ['0.1Gi', '107374182400m', true],
    ['1e3', '1k', true],
    [1, '1', true],
    ['-1', '-1000m', true],
    ['0.0000000001', '1n', true],
    ['1Gi', '1G', false],
    ['1', '2', false],
    ['x', 'x', false],
    ['1.5.2', '1', false],
  ])('%s and %s: %s', (a, b, expected) => {
    expect(equalQuantities(a, b)).toBe(expected)
  })
})

function thing(content: JsonObject, fieldsV1?: JsonObject): KubernetesObject {
  const metadata = (content['metadata'] ?? {}) as JsonObject
  const managedFields = fieldsV1 ? { managedFields: [{ manager: 'flotilla', operation: 'Apply', fieldsV1 }] } : {}
  return { ...content, apiVersion: 'v1', kind: 'Thing', metadata: { name: 'a', ...metadata, ...managedFields } }
}
