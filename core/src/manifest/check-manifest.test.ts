import { describe, expect, it } from 'vitest'
import type { Json } from '../json/json.ts'
import { checkManifest } from './check-manifest.ts'

const problemsOf = (value: Json) => {
  const check = checkManifest(value)
  return check.kind === 'invalid'
    ? check.problems.map(problem => [problem.path.join('.'), problem.message])
    : check.kind
}

describe('checkManifest', () => {
  const cases: Record<string, { value: Json; is: unknown }> = {
    'an object with a name is one': { value: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } }, is: 'object' },
    'an object with generateName is one': {
      value: { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'a-' } },
      is: 'object',
    },
    'a v1 List is a list': { value: { apiVersion: 'v1', kind: 'List', items: [] }, is: 'list' },
    'a v1 List without items is an empty list': { value: { apiVersion: 'v1', kind: 'List' }, is: 'list' },
    'a typed list is a list': { value: { apiVersion: 'v1', kind: 'ConfigMapList', items: [] }, is: 'list' },
    'a kind that merely ends in List is an object': {
      value: { apiVersion: 'example.com/v1', kind: 'AllowList', metadata: { name: 'a' } },
      is: 'object',
    },
    'a List whose items are a map is refused': {
      value: { apiVersion: 'v1', kind: 'List', items: {} },
      is: [['items', 'items of a List must be a list, this is a map']],
    },
    'a scalar is refused': { value: 'hello', is: [['', 'a manifest must be a map, this is the string hello']] },
    'what lacks apiVersion and kind is told both': {
      value: { foo: 1 },
      is: [
        ['', 'apiVersion is missing'],
        ['', 'kind is missing'],
      ],
    },
    'a kind that is a number is refused': {
      value: { apiVersion: 'v1', kind: 3 },
      is: [['kind', 'kind must be a string, this is the number 3']],
    },
    'missing metadata is refused': { value: { apiVersion: 'v1', kind: 'Pod' }, is: [['', 'metadata is missing']] },
    'a missing name is refused': {
      value: { apiVersion: 'v1', kind: 'Pod', metadata: {} },
      is: [['metadata', 'metadata.name is missing']],
    },
    'an unquoted number as name is refused': {
      value: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 123 } },
      is: [['metadata.name', 'metadata.name must be a string, this is the number 123']],
    },
    'labels and annotations that are not strings are all named': {
      value: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', labels: { on: true }, annotations: { n: 1 } } },
      is: [
        ['metadata.labels.on', 'the value of label "on" must be a string, this is the boolean true'],
        ['metadata.annotations.n', 'the value of annotation "n" must be a string, this is the number 1'],
      ],
    },
  }
  for (const [name, { value, is }] of Object.entries(cases)) {
    it(name, () => expect(problemsOf(value)).toEqual(is))
  }
})
