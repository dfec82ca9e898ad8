import type { JsonObject } from '@flotilla/core/json/json'
import { describe, expect, test } from 'vitest'
import { applyTemplatePatch } from './template-patch.ts'

const APPLICATION: JsonObject = {
  metadata: { name: 'web', labels: { a: '1', b: '2' }, finalizers: ['one', 'two'] },
  spec: {
    project: 'default',
    source: {
      path: 'x',
      helm: { valueFiles: ['a.yaml', 'b.yaml'], valuesObject: { replicas: 1, image: { tag: 'x' } } },
    },
    syncPolicy: { automated: { prune: true }, syncOptions: ['A=true'] },
  },
}

function patched(patch: string): JsonObject {
  return applyTemplatePatch(APPLICATION, patch)
}

describe('applyTemplatePatch', () => {
  const table: {
    [sentence: string]: [string, (result: { metadata: JsonObject; spec: JsonObject }) => unknown, unknown]
  } = {
    'objects merge': ['metadata: { labels: { c: "3" } }', r => r.metadata['labels'], { a: '1', b: '2', c: '3' }],
    'null deletes': ['metadata: { labels: { a: null } }', r => r.metadata['labels'], { b: '2' }],
    'lists replace': [
      'spec: { syncPolicy: { syncOptions: [B=true] } }',
      r => r.spec['syncPolicy'],
      { automated: { prune: true }, syncOptions: ['B=true'] },
    ],
    'finalizers are a set': [
      'metadata: { finalizers: [two, three] }',
      r => r.metadata['finalizers'],
      ['one', 'two', 'three'],
    ],
    'a JSON patch': ['  {"metadata": {"name": "api"}}', r => r.metadata['name'], 'api'],
    'the project stays': ['spec: { project: other }', r => r.spec['project'], 'default'],
    'a null spec wipes all but the project': ['spec:', r => r.spec, { project: 'default' }],
    'a comment changes nothing': ['# nothing', r => r, APPLICATION],
    'an empty text changes nothing': ['', r => r, APPLICATION],
    'an empty object changes nothing': ['{}', r => r, APPLICATION],
    'nulls in a new object are left out': [
      'spec: { info: null, destination: { name: x, server: null } }',
      r => r.spec['destination'],
      { name: 'x' },
    ],
    '$patch: replace': ['metadata: { labels: { $patch: replace, z: "9" } }', r => r.metadata['labels'], { z: '9' }],
    '$patch: delete': ['metadata: { labels: { $patch: delete } }', r => r.metadata['labels'], {}],
    '$patch: merge': [
      'metadata: { labels: { $patch: merge, z: "9" } }',
      r => r.metadata['labels'],
      { a: '1', b: '2', z: '9' },
    ],
    $retainKeys: ['spec: { source: { $retainKeys: [path], path: z } }', r => r.spec['source'], { path: 'z' }],
    $deleteFromPrimitiveList: [
      'metadata: { $deleteFromPrimitiveList/finalizers: [one] }',
      r => r.metadata['finalizers'],
      ['two'],
    ],
    $setElementOrder: [
      'metadata: { $setElementOrder/finalizers: [two, one] }',
      r => r.metadata['finalizers'],
      ['two', 'one'],
    ],
    'owners merge by uid': [
      'metadata: { ownerReferences: [{ uid: u, name: x }] }',
      r => r.metadata['ownerReferences'],
      [{ uid: 'u', name: 'x' }],
    ],
  }
  for (const [sentence, [patch, select, expected]] of Object.entries(table)) {
    test(sentence, () => expect(select(patched(patch) as never)).toEqual(expected))
  }

  const mistakes: { [sentence: string]: [string, string] } = {
    'a text where a boolean belongs': ['spec: { syncPolicy: { automated: { prune: "yes" } } }', 'of type bool'],
    'its message begins as in Argo CD': [
      'spec: { project: [] }',
      'invalid templatePatch "spec: { project: [] }": json: cannot unmarshal array into',
    ],
    'a list for an Application': ['[a]', 'json: cannot unmarshal array into Go value of type v1alpha1.Application'],
    'broken YAML': [
      'a: [',
      'error while converting template to json "a: [": error converting YAML to JSON: yaml: line 1',
    ],
    'broken JSON': ['{"a": }', 'invalid templatePatch'],
    'a directive nobody knows': ['spec: { $patch: whatever }', 'unknown patch type: whatever'],
    '$retainKeys that forget a key': [
      'metadata: { $retainKeys: [name], labels: {} }',
      '$retainKeys must name every key',
    ],
  }
  for (const [sentence, [patch, message]] of Object.entries(mistakes)) {
    test(`refused: ${sentence}`, () => expect(() => patched(patch)).toThrow(message))
  }

  test('a patch cannot reach the prototype', () => {
    const result = patched(
      '{"metadata": {"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}}',
    )
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    expect(Object.hasOwn(result['metadata'] as object, '__proto__')).toBe(true)
  })
  test('a patch nested without end is an error, not a crash', () => {
    expect(() => patched(`{"spec": ${'{"a":'.repeat(5000)}1${'}'.repeat(5001)}`)).toThrow('more than 100 levels')
  })
  test('the Application that is patched is not changed', () => {
    const before = JSON.stringify(APPLICATION)
    patched('metadata: { labels: { a: null }, finalizers: [x] }\nspec: { source: { helm: null } }')
    expect(JSON.stringify(APPLICATION)).toBe(before)
  })
})
