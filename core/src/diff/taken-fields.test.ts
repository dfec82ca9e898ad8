import { expect, it } from 'vitest'
import type { JsonObject } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { takenFields } from './taken-fields.ts'

const fields = (...names: readonly string[]): JsonObject => ({
  'f:spec': Object.fromEntries(names.map(name => [`f:${name}`, {}])),
})

function owned(...entries: readonly (readonly [manager: string, fieldsV1: JsonObject, subresource?: string])[]) {
  const managedFields = entries.map(([manager, fieldsV1, subresource]) => ({ manager, fieldsV1, subresource }))
  return { apiVersion: 'v1', kind: 'Thing', metadata: { managedFields } } as unknown as KubernetesObject
}

it.each([
  ['nobody loses anything', owned(['kubectl', fields('a')]), owned(['kubectl', fields('a')], ['us', fields('b')]), []],
  [
    'a field that becomes ours is named with its owner',
    owned(['kubectl', fields('a', 'b')], ['us', fields('c')]),
    owned(['kubectl', fields('b')], ['us', fields('a', 'c')]),
    ['kubectl (.spec.a)'],
  ],
  ['a field that goes away was taken from nobody', owned(['kubectl', fields('a')]), owned(['us', fields('c')]), []],
  [
    'three are named, the rest counted, statuses left out',
    owned(['hpa', fields('a', 'b', 'c', 'd', 'e')], ['kubelet', fields('a'), 'status']),
    owned(['us', fields('a', 'b', 'c', 'd', 'e')]),
    ['hpa (.spec.a, .spec.b, .spec.c and 2 more)'],
  ],
])('%s', (_sentence, live, predicted, expected) => {
  expect(takenFields(live, predicted, 'us')).toEqual(expected)
})
