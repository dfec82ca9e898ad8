import type { JsonObject } from '@flotilla/core/json/json'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { comesFromOwn, mergeTemplate } from './merge-template.ts'

describe('mergeTemplate', () => {
  const table: { [sentence: string]: [JsonObject | undefined, JsonObject, JsonObject] } = {
    'without an own template it is the base': [undefined, { a: 'x' }, { a: 'x' }],
    'an own value wins': [{ a: 'y' }, { a: 'x' }, { a: 'y' }],
    'an empty own value is filled': [
      { a: '', b: 0, c: null, d: false },
      { a: 'x', b: 1, c: 'z', d: true },
      { a: 'x', b: 1, c: 'z', d: true },
    ],
    'so false cannot override true': [{ s: { prune: false } }, { s: { prune: true } }, { s: { prune: true } }],
    'objects are merged member by member': [{ s: { a: 'y' } }, { s: { a: 'x', b: 'z' } }, { s: { a: 'y', b: 'z' } }],
    'a list is taken whole': [{ l: ['y'] }, { l: ['x', 'z'] }, { l: ['y'] }],
    'an empty list is filled': [{ l: [] }, { l: ['x'] }, { l: ['x'] }],
    'valuesObject is taken whole': [
      { helm: { valuesObject: { a: 1 } } },
      { helm: { valuesObject: { b: 2 } } },
      { helm: { valuesObject: { a: 1 } } },
    ],
    'source and sources both stay': [
      { sources: [{ path: 'y' }] },
      { source: { path: 'x' } },
      { source: { path: 'x' }, sources: [{ path: 'y' }] },
    ],
    'inherited names are no members': [
      { constructor: 'x' } as unknown as JsonObject,
      {},
      { constructor: 'x' } as unknown as JsonObject,
    ],
  }
  for (const [sentence, [own, base, expected]] of Object.entries(table)) {
    test(sentence, () => expect(mergeTemplate(own, base)).toEqual(expected))
  }
  test('laws: an empty own template changes nothing, nor does the base itself', () => {
    const template = fc.dictionary(fc.constantFrom('a', 'b', 'valuesObject'), fc.jsonValue() as fc.Arbitrary<never>)
    fc.assert(
      fc.property(template, base => {
        expect(mergeTemplate({}, base)).toEqual(base)
        expect(mergeTemplate(base, base)).toEqual(base)
      }),
    )
  })
  test('a part of the merged template is traced to the template that wrote it', () => {
    const own = { metadata: { name: 'x', labels: {} }, spec: { sources: [{ path: 'y' }] } }
    const from = (...path: (string | number)[]) => comesFromOwn(own, path)
    expect(from('metadata', 'name')).toBe(true)
    expect(from('spec', 'sources', 0, 'path')).toBe(true)
    expect(from('metadata', 'labels')).toBe(false)
    expect(from('spec', 'project')).toBe(false)
    expect(from('constructor')).toBe(false)
    expect(comesFromOwn(undefined, ['metadata'])).toBe(false)
  })
})
