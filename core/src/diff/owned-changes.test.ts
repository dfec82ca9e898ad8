import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../json/json.ts'
import { parseJson } from '../json/parse-json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { ownedChanges } from './owned-changes.ts'

interface Row {
  readonly live: JsonObject
  readonly predicted: JsonObject
  /** fieldsV1 of our manager in the prediction. */
  readonly fields: JsonObject
  /** The same in the live object; as in the prediction when left out. */
  readonly liveFields?: JsonObject
  readonly changes: readonly string[]
}

const CONTAINER = 'k:{"name":"web"}'
const PORT = 'k:{"port":80,"protocol":"TCP"}'

const ROWS: { readonly [sentence: string]: Row } = {
  'equal values are no drift': {
    live: { spec: { replicas: 2 } },
    predicted: { spec: { replicas: 2 } },
    fields: { 'f:spec': { 'f:replicas': {} } },
    changes: [],
  },
  'a field of ours that somebody changed is drift': {
    live: { spec: { replicas: 5, paused: false } },
    predicted: { spec: { replicas: 2, paused: false } },
    fields: { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } },
    changes: ['.spec.replicas'],
  },
  'a field that is not ours may differ: an autoscaler sets it': {
    live: { spec: { replicas: 5, paused: false } },
    predicted: { spec: { replicas: 2, paused: false } },
    fields: { 'f:spec': { 'f:paused': {} } },
    changes: [],
  },
  'what a webhook adds to the prediction is not ours': {
    live: { metadata: { labels: { a: '1' } } },
    predicted: { metadata: { labels: { a: '1', injected: 'yes' } } },
    fields: { 'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } } },
    changes: [],
  },
  'a field that left Git and is still live is drift': {
    live: { data: { kept: '1', gone: '2' } },
    predicted: { data: { kept: '1' } },
    fields: { 'f:data': { '.': {}, 'f:kept': {} } },
    liveFields: { 'f:data': { '.': {}, 'f:kept': {}, 'f:gone': {} } },
    changes: ['.data.gone'],
  },
  'a field that left Git and another manager keeps is no drift': {
    live: { data: { kept: '1', shared: '2' } },
    predicted: { data: { kept: '1', shared: '2' } },
    fields: { 'f:data': { 'f:kept': {} } },
    liveFields: { 'f:data': { 'f:kept': {}, 'f:shared': {} } },
    changes: [],
  },
  'items of a list are found by their keys, wherever they stand': {
    live: { spec: { containers: [{ name: 'sidecar' }, { name: 'web', image: 'web:1' }] } },
    predicted: { spec: { containers: [{ name: 'web', image: 'web:2' }, { name: 'sidecar' }] } },
    fields: { 'f:spec': { 'f:containers': { [CONTAINER]: { '.': {}, 'f:name': {}, 'f:image': {} } } } },
    changes: ['.spec.containers[name="web"].image'],
  },
  'an item of ours that was removed is drift, said once': {
    live: { spec: { ports: [] } },
    predicted: { spec: { ports: [{ port: 80, protocol: 'TCP' }] } },
    fields: { 'f:spec': { 'f:ports': { [PORT]: { '.': {}, 'f:port': {} } } } },
    changes: ['.spec.ports[port=80,protocol="TCP"]'],
  },
  'members of a set are compared by value': {
    live: { metadata: { finalizers: ['theirs'] } },
    predicted: { metadata: { finalizers: ['theirs', 'ours'] } },
    fields: { 'f:metadata': { 'f:finalizers': { 'v:"ours"': {} } } },
    changes: ['.metadata.finalizers[="ours"]'],
  },
  'an atomic field is compared whole': {
    live: { spec: { selector: { app: 'a', more: 'b' } } },
    predicted: { spec: { selector: { app: 'a' } } },
    fields: { 'f:spec': { 'f:selector': {} } },
    changes: ['.spec.selector'],
  },
  'integers beyond 2^53 are told apart': {
    live: { spec: parseJson('{"id": 9007199254740993}') as JsonObject },
    predicted: { spec: parseJson('{"id": 9007199254740992}') as JsonObject },
    fields: { 'f:spec': { 'f:id': {} } },
    changes: ['.spec.id'],
  },
  'odd keys are printed so that they can be told apart': {
    live: { data: { 'a.b/c': '1' } },
    predicted: { data: { 'a.b/c': '2' } },
    fields: { 'f:data': { 'f:a.b/c': {} } },
    changes: ['.data["a.b/c"]'],
  },
  'fieldsV1 that nobody defined are no one’s': {
    live: { a: 1 },
    predicted: { a: 2 },
    fields: { 'x:a': {}, 'k:{not json': {}, 'i:x': {} },
    changes: [],
  },
}

describe('ownedChanges', () => {
  it.each(Object.entries(ROWS))('%s', (_sentence, { live, predicted, fields, liveFields, changes }) => {
    const left = object(live, liveFields ?? fields)
    expect(ownedChanges(left, object(predicted, fields), 'flotilla')).toEqual(changes)
  })

  it('reads a hostile key as an ordinary one', () => {
    const hostile = parseJson('{"data": {"__proto__": "1"}}') as JsonObject
    const other = parseJson('{"data": {"__proto__": "2"}}') as JsonObject
    const fields = parseJson('{"f:data": {"f:__proto__": {}}}') as JsonObject
    expect(ownedChanges(object(hostile, fields), object(other, fields), 'flotilla')).toEqual(['.data.__proto__'])
  })

  it('leaves the status’ owner out', () => {
    const entry = (subresource?: string): JsonObject => ({
      manager: 'flotilla',
      operation: 'Apply',
      ...(subresource ? { subresource } : {}),
      fieldsV1: { 'f:status': { 'f:ready': {} } },
    })
    const make = (ready: boolean): KubernetesObject => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { managedFields: [entry('status')] },
      status: { ready },
    })
    expect(ownedChanges(make(true), make(false), 'flotilla')).toEqual([])
  })
})

function object(content: JsonObject, fieldsV1: Json): KubernetesObject {
  const metadata = (content['metadata'] ?? {}) as JsonObject
  const managedFields = [{ manager: 'flotilla', operation: 'Apply', fieldsV1 }]
  return { ...content, apiVersion: 'v1', kind: 'Thing', metadata: { ...metadata, managedFields } }
}
