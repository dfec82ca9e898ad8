import { describe, expect, test } from 'vitest'
import { contextOf, generate } from '../../test/generator-context.ts'

const merge = (keys: string, ...lists: string[]) =>
  `merge: { mergeKeys: [${keys}], generators: [${lists.map(list => `{ list: { elements: [${list}] } }`).join(', ')}] }`

describe('merge', () => {
  const table: { [sentence: string]: [string, unknown] } = {
    'later sets override the set with their key': [
      merge('k', '{ k: a, v: p, w: q }', '{ k: a, v: r }'),
      [{ k: 'a', v: 'r', w: 'q' }],
    ],
    'the last wins': [merge('k', '{ k: a, v: p }', '{ k: a, v: q }', '{ k: a, v: r }'), [{ k: 'a', v: 'r' }]],
    'sets without a partner in the first are dropped': [merge('k', '{ k: a }', '{ k: b }'), [{ k: 'a' }]],
    'sets of the first without a partner stay': [
      merge('k', '{ k: a }, { k: b }', '{ k: b, v: p }'),
      [{ k: 'a' }, { k: 'b', v: 'p' }],
    ],
    'the order is that of the first': [
      merge('k', '{ k: z }, { k: a }, { k: m }', '{ k: a, v: p }, { k: z, v: q }'),
      [{ k: 'z', v: 'q' }, { k: 'a', v: 'p' }, { k: 'm' }],
    ],
    'several keys must all be equal': [
      merge('k, l', '{ k: a, l: b }, { k: a, l: c }', '{ k: a, l: c, v: p }'),
      [
        { k: 'a', l: 'b' },
        { k: 'a', l: 'c', v: 'p' },
      ],
    ],
    'a missing key equals a missing key': [merge('k', '{ v: p }', '{ v: q }'), [{ v: 'q' }]],
    'a key twice in one generator is an error': [
      merge('k', '{ k: a }, { k: a }', '{ k: b }'),
      'merge.mergeKeys: error getting param sets by merge key: the parameters from a generator were not unique by the given mergeKeys, Merge requires all param sets to be unique. Duplicate key was {"k":"a"}',
    ],
    'no keys are an error': [
      merge('', '{ k: a }', '{ k: a }'),
      'merge.mergeKeys: error getting param sets by merge key: no merge keys were specified, Merge requires at least one',
    ],
    'one generator is too few': [
      merge('k', '{ k: a }'),
      'merge.generators: found less than two generators, Merge requires two or more',
    ],
    'a failing child says which': [
      merge('k', '{ k: a }', '{ k: 1 }'),
      expect.stringMatching(
        /^merge.generators.1.list.elements.0.k: error getting param sets from generators: error getting params from generator 2 of 2: child generator returned an error/,
      ),
    ],
    'keys that are no texts are an error': [
      merge('1', '{ k: a }', '{ k: a }'),
      'merge.mergeKeys: mergeKeys is a list of texts',
    ],
  }
  for (const [sentence, [yaml, expected]] of Object.entries(table)) {
    test(sentence, () => expect(generate(yaml)).toEqual(expected))
  }
  test('nested parameters merge deeply, and empty values override', () => {
    const yaml = merge('k', '{ k: a, o: { p: 1, q: [1, 2] }, s: x }', "{ k: a, o: { q: [3], r: null }, s: '' }")
    expect(generate(yaml, contextOf({ nested: true }))).toEqual([{ k: 'a', o: { p: 1, q: [3], r: null }, s: '' }])
  })
  test('with nested parameters 1 and "1" are two keys', () => {
    const yaml = merge('k', '{ k: 1 }', "{ k: '1', v: p }")
    expect(generate(yaml, contextOf({ nested: true }))).toEqual([{ k: 1 }])
  })
  test('keys of the prototype are missing', () => {
    expect(generate(merge('constructor', '{ v: p }', '{ v: q }'))).toEqual([{ v: 'q' }])
  })
})
