import { describe, expect, test } from 'vitest'
import { cluster } from '../../test/declared-set.ts'
import { generate, ourContext } from '../../test/generator-context.ts'
import { goTemplateLike } from '../../test/go-template-like.ts'

const inputs = {
  clusters: [cluster('eu-1', { region: 'eu' }), cluster('eu-2', { region: 'eu' }), cluster('us-1', { region: 'us' })],
  projects: ['default'],
}
const merge = (how: string, ...lists: string[]) =>
  `merge: { ${how}, generators: [${lists.map(list => `{ list: { elements: [${list}] } }`).join(', ')}] }`
const flat = (yaml: string) => generate(yaml, ourContext({ inputs }))
const nested = (yaml: string) => generate(yaml, ourContext({ inputs, engine: goTemplateLike }))

describe('merge under flotilla.dev', () => {
  const table: { [sentence: string]: [string, unknown] } = {
    'mergeKeys pair sets as they do in Argo CD': [
      merge('mergeKeys: [k]', '{ k: b, v: p }, { k: a }', '{ k: a, v: r }, { k: c }'),
      [
        { k: 'b', v: 'p' },
        { k: 'a', v: 'r' },
      ],
    ],
    'a key has its own name on each side': [
      merge('mergeKeys: [{ left: region, right: name }]', '{ region: eu, x: p }, { region: us }', '{ name: eu, z: q }'),
      [{ region: 'eu', x: 'p', name: 'eu', z: 'q' }, { region: 'us' }],
    ],
    'many sets of the first may have one partner': [
      merge('mergeKeys: [r]', '{ r: eu, c: a }, { r: eu, c: b }', '{ r: eu, z: q }'),
      [
        { r: 'eu', c: 'a', z: 'q' },
        { r: 'eu', c: 'b', z: 'q' },
      ],
    ],
    'several keys must all be equal': [
      merge('mergeKeys: [a, { left: b, right: c }]', '{ a: x, b: w }, { a: x, b: z }', '{ a: x, c: z, v: w }'),
      [
        { a: 'x', b: 'w' },
        { a: 'x', b: 'z', c: 'z', v: 'w' },
      ],
    ],
    'sets that lack a key are no partners of one another': [
      merge('mergeKeys: [k]', '{ v: p }', '{ w: q }'),
      [{ v: 'p' }],
    ],
    'an inner join leaves out what has no partner': [
      merge('mergeKeys: [k], join: inner', '{ k: a }, { k: b }', '{ k: b }, { k: c }'),
      [{ k: 'b' }],
    ],
    'an inner join of three needs a partner in each': [
      merge('mergeKeys: [k], join: inner', '{ k: a }, { k: b }, { k: c }', '{ k: b }, { k: c }', '{ k: c, v: p }'),
      [{ k: 'c', v: 'p' }],
    ],
    'a full join brings what only others have, last, in their order': [
      merge('mergeKeys: [k], join: full', '{ k: a }', '{ k: z }, { k: a, v: p }, { k: b }', '{ k: b, w: q }, { k: c }'),
      [{ k: 'a', v: 'p' }, { k: 'z' }, { k: 'b', w: 'q' }, { k: 'c' }],
    ],
    'the last generator wins a conflict': [
      merge('mergeKeys: [k]', '{ k: a, v: p }', '{ k: a, v: q }'),
      [{ k: 'a', v: 'q' }],
    ],
    'or the first': [
      merge('mergeKeys: [k], onConflict: first', '{ k: a, v: p }', '{ k: a, v: q, w: r }'),
      [{ k: 'a', v: 'p', w: 'r' }],
    ],
    'or neither': [
      merge('mergeKeys: [k], onConflict: error', '{ k: a, v: p }, { k: b }', '{ k: a, v: q }, { k: b, v: p }'),
      'merge.onConflict: parameter v is "p" before and "q" in generator 2',
    ],
    'equal values are no conflict': [
      merge('mergeKeys: [k], onConflict: error', '{ k: a, v: p }', '{ k: a, v: p }'),
      [{ k: 'a', v: 'p' }],
    ],
    'two partners for one key are an error that shows the key': [
      merge('mergeKeys: [k]', '{ k: a }', '{ k: a }, { k: a }, { k: b }'),
      'merge.mergeKeys: 2 sets of generator 2 have the key ["a"]: which of them is meant?',
    ],
    'an expression may make the key': [
      merge('mergeKeys: [{ left: "name.split(\'-\')[0]", right: region }]', '{ name: eu-1 }', '{ region: eu, v: p }'),
      [{ name: 'eu-1', region: 'eu', v: 'p' }],
    ],
    'an expression that fails says for which set': [
      merge('mergeKeys: [{ left: "nmae + \'x\'", right: k }]', '{ name: a }', '{ k: ax }'),
      expect.stringMatching(/^merge\.mergeKeys: set 0 of generator 1: .*nmae/),
    ],
    'an expression that cannot be read says where': [
      merge('mergeKeys: [{ left: "a +", right: k }]', '{ a: a }', '{ k: a }'),
      expect.stringMatching(/^merge\.mergeKeys\.0\.left: .*expression "a \+"/),
    ],
    'no key is an error': [
      merge('mergeKeys: []', '{ a: a }', '{ a: a }'),
      'merge.mergeKeys: no merge keys were specified, Merge requires at least one',
    ],
    'all mistakes are said together': [
      merge('mergeKeys: [1], join: outer, onConflict: lst', '{ a: a }', '{ a: a }'),
      [
        'merge.mergeKeys.0: mergeKeys holds texts and objects { left: text, right: text }',
        'merge.join: join is one of left, inner, full',
        'merge.onConflict: onConflict is one of last, first, error',
      ].join('\n'),
    ],
  }
  for (const [sentence, [yaml, expected]] of Object.entries(table)) {
    test(sentence, () => expect(flat(yaml)).toEqual(expected))
  }

  const perRegion = (names: readonly [string, string]) =>
    `merge: { mergeKeys: [{ left: metadata.labels.region, right: region }], generators: [{ ${names[0]} clusters: {} }, { ${names[1]} list: { elements: [{ region: eu, size: large }] } }] }`
  test('a label of Clusters is a key in the flat shape', () => {
    expect(flat(perRegion(['', '']))).toMatchObject([
      { name: 'eu-1', size: 'large' },
      { name: 'eu-2', size: 'large' },
      { name: 'us-1', 'metadata.labels.region': 'us' },
    ])
  })
  test('and in the nested one', () => {
    expect(nested(perRegion(['', '']))).toMatchObject([
      { name: 'eu-1', metadata: { labels: { region: 'eu' } }, size: 'large' },
      { name: 'eu-2', size: 'large' },
      { name: 'us-1' },
    ])
  })
  test('generators with a name stand under it, and keys are written without it', () => {
    expect(nested(perRegion(['name: cluster,', 'name: region,']))).toMatchObject([
      { cluster: { name: 'eu-1' }, region: { region: 'eu', size: 'large' } },
      { cluster: { name: 'eu-2' }, region: { region: 'eu', size: 'large' } },
      { cluster: { name: 'us-1' } },
    ])
  })
  test('a label key may hold dots and a slash', () => {
    const labelled = { ...inputs, clusters: [cluster('a', { 'app.example.com/tier': 'gold' })] }
    const yaml =
      'merge: { mergeKeys: [{ left: metadata.labels.app.example.com/tier, right: t }], generators: [{ clusters: {} }, { list: { elements: [{ t: gold, v: p }] } }] }'
    expect(generate(yaml, ourContext({ inputs: labelled, engine: goTemplateLike }))).toMatchObject([{ v: 'p' }])
    expect(generate(yaml, ourContext({ inputs: labelled }))).toMatchObject([{ v: 'p' }])
  })
  test('nested parameters merge deeply, and a conflict names its path', () => {
    const deep = (how: string) =>
      nested(merge(`mergeKeys: [k], ${how}`, '{ k: a, o: { p: 1, q: [1] } }', '{ k: a, o: { p: 2, r: 3 } }'))
    expect(deep('onConflict: last')).toEqual([{ k: 'a', o: { p: 2, q: [1], r: 3 } }])
    expect(deep('onConflict: first')).toEqual([{ k: 'a', o: { p: 1, q: [1], r: 3 } }])
    expect(deep('onConflict: error')).toBe('merge.onConflict: parameter o.p is 1 before and 2 in generator 2')
  })
  test('with nested parameters 1 and "1" are two keys', () => {
    expect(nested(merge('mergeKeys: [k], join: inner', '{ k: 1 }', "{ k: '1' }"))).toEqual([])
  })
})
