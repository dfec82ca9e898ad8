import type { Json, JsonObject } from '@flotilla/core/json/json'
import { describe, expect, test } from 'vitest'
import { declaredSet, inputsOf } from '../../test/declared-set.ts'
import { expand } from '../expand.ts'
import { withListOperators } from './list-operators.ts'

describe('operators for lists', () => {
  const table: { readonly [sentence: string]: readonly [JsonObject, JsonObject] } = {
    'append adds at the end': [{ a: ['x'], '$append/a': ['z'] }, { a: ['x', 'z'] }],
    'append repeats nothing that is there': [
      { a: ['x', { b: 1 }], '$append/a': [{ b: 1 }, 'x', 'z'] },
      { a: ['x', { b: 1 }, 'z'] },
    ],
    'append makes a list where there is none': [{ '$append/a': ['z'] }, { a: ['z'] }],
    'they work at any depth': [{ o: { p: { a: [1], '$append/a': [2] } } }, { o: { p: { a: [1, 2] } } }],
    'mergeBy merges items of one name and adds the others': [
      {
        a: [{ name: 'x', v: 1, w: 2 }, { name: 'z' }],
        '$mergeBy.name/a': [{ name: 'x', v: 3 }, { name: 'new' }],
      },
      { a: [{ name: 'x', v: 3, w: 2 }, { name: 'z' }, { name: 'new' }] },
    ],
    'mergeBy takes an item out': [
      { a: [{ ref: 'x' }, { ref: 'z' }], '$mergeBy.ref/a': [{ ref: 'x', $patch: 'delete' }] },
      { a: [{ ref: 'z' }] },
    ],
    'what names no operator stays': [
      { a: ['x'], $b: 1 },
      { a: ['x'], $b: 1 },
    ],
  }
  test.each(Object.entries(table))('%s', (_, [before, after]) => expect(withListOperators(before)).toEqual(after))

  const refused: { readonly [sentence: string]: readonly [JsonObject, string] } = {
    'an operator without a list': [{ '$append/a': 'x' }, '$append/a must be a list'],
    'an operator on what is no list': [{ a: 'x', '$append/a': ['z'] }, '$append/a: what is there is no list'],
    'an item without the key': [{ '$mergeBy.name/a': [{ v: 1 }] }, 'does not contain declared merge key: name'],
  }
  test.each(Object.entries(refused))('refused: %s', (_, [value, message]) =>
    expect(() => withListOperators(value)).toThrow(message),
  )
})

describe('in a patch', () => {
  const made = (group: string) => {
    const { applications, errors } = expand(
      declaredSet(`apiVersion: ${group}/v1alpha1
kind: ApplicationSet
metadata: { name: web }
spec:
  generators:
  - list: { elements: [{ name: a, region: eu }] }
  templatePatch: |
    spec:
      syncPolicy:
        $append/syncOptions: [ServerSideApply=true]
      source:
        helm:
          $mergeBy.name/parameters: [{ name: region, value: '{{region}}' }]
  template:
    metadata: { name: '{{name}}' }
    spec:
      project: default
      destination: { name: x }
      source: { repoURL: R, helm: { parameters: [{ name: region, value: none }, { name: size, value: s }] } }
      syncPolicy: { syncOptions: [CreateNamespace=true] }
`),
      inputsOf(),
    )
    expect(errors).toEqual([])
    return applications[0]!.spec
  }
  test('of ours, the template keeps what it says', () => {
    const { syncPolicy, source } = made('flotilla.dev')
    expect(syncPolicy).toEqual({ syncOptions: ['CreateNamespace=true', 'ServerSideApply=true'] })
    expect(source?.helm?.['parameters']).toEqual([
      { name: 'region', value: 'eu' },
      { name: 'size', value: 's' },
    ] satisfies Json)
  })
  test('of Argo CD they mean nothing', () => {
    expect(made('argoproj.io').syncPolicy?.syncOptions).toEqual(['CreateNamespace=true'])
  })
})

test('false and 0 beside a generator of ours override the template', () => {
  const set = (group: string, project: string) =>
    declaredSet(`apiVersion: ${group}/v1alpha1
kind: ApplicationSet
metadata: { name: web }
spec:
  generators:
  - list:
      elements: [{ name: a }]
      template: { metadata: {}, spec: { project: '', destination: {}, revisionHistoryLimit: 0, syncPolicy: { automated: { prune: false } } } }
  template:
    metadata: { name: '{{name}}' }
    spec: { ${project} destination: { name: x }, revisionHistoryLimit: 5, syncPolicy: { automated: { prune: true } } }
`)
  const spec = (group: string) => expand(set(group, 'project: default,'), inputsOf()).applications[0]?.spec
  expect(spec('flotilla.dev')).toMatchObject({
    project: 'default',
    destination: { name: 'x' },
    revisionHistoryLimit: 0,
    syncPolicy: { automated: { prune: false } },
  })
  expect(spec('argoproj.io')).toMatchObject({ revisionHistoryLimit: 5, syncPolicy: { automated: { prune: true } } })
})
