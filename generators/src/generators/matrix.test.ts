import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cluster } from '../../test/declared-set.ts'
import { contextOf, generate } from '../../test/generator-context.ts'
import { type InputRequest, isGitRequest } from '../inputs.ts'
import { LIMITS } from '../limits.ts'

const LIST = (name: string, ...values: string[]) =>
  `list: { elements: [${values.map(value => `{ ${name}: ${value} }`)}] }`
const matrix = (...children: string[]) =>
  `matrix: { generators: [${children.map(child => `{ ${child} }`).join(', ')}] }`
const inputs = { clusters: [cluster('eu-1', { env: 'prod' }), cluster('us-1', { env: 'dev' })], projects: ['default'] }

describe('matrix', () => {
  test('integers beyond 2^53 stand in its children as elsewhere', () => {
    const wide = 'list: { elements: [{ account: 12345678901234567890 }] }'
    expect(generate(matrix(wide, LIST('b', 'r')), contextOf({ nested: true }))).toEqual([
      { account: 12345678901234567890n, b: 'r' },
    ])
  })

  const table: { [sentence: string]: [string, unknown] } = {
    'every set of the first with every set of the second, the first in front': [
      matrix(LIST('a', 'p', 'q'), LIST('b', 'r', 's')),
      [
        { a: 'p', b: 'r' },
        { a: 'p', b: 's' },
        { a: 'q', b: 'r' },
        { a: 'q', b: 's' },
      ],
    ],
    'an empty side makes it empty': [matrix(LIST('a'), LIST('b', 'r')), []],
    'an empty second side too': [matrix(LIST('a', 'p'), LIST('b')), []],
    'the second may refer to the first': [matrix(LIST('a', 'p'), LIST('b', '"x-{{a}}"')), [{ a: 'p', b: 'x-p' }]],
    'in names of parameters as well': [matrix(LIST('a', 'p'), LIST("'{{a}}'", 'r')), [{ a: 'p', p: 'r' }]],
    'the first may not refer to the second': [
      matrix(LIST('b', '"x-{{a}}"'), LIST('a', 'p')),
      [{ a: 'p', b: 'x-{{a}}' }],
    ],
    'one name with one value is no conflict': [matrix(LIST('a', 'p'), LIST('a', 'p')), [{ a: 'p' }]],
    'one name with two values is': [
      matrix(LIST('a', 'p'), LIST('a', 'q')),
      'matrix: failed to combine string maps with merging params for the matrix generator: found duplicate key a with different value, a: p ,b: q',
    ],
    'values become texts': [
      matrix("list: { elementsYaml: '[{a: 1000000, b: {c: [true, null]}}]' }", LIST('d', 'e')),
      [{ a: '1e+06', b: 'map[c:[true <nil>]]', d: 'e' }],
    ],
    'a child has a selector of its own': [
      matrix(`${LIST('a', 'p', 'q')}, selector: { matchLabels: { a: q } }`, LIST('b', 'r')),
      [{ a: 'q', b: 'r' }],
    ],
    'the selector of a child is not filled in': [
      matrix(LIST('a', 'p'), `${LIST('b', '"{{a}}"')}, selector: { matchLabels: { b: '{{a}}' } }`),
      [],
    ],
    'a matrix may stand in a matrix': [
      matrix(LIST('a', 'p'), matrix(LIST('b', '"{{a}}1"'), LIST('c', '"{{a}}{{b}}"'))),
      [{ a: 'p', b: 'p1', c: 'pp1' }],
    ],
    'the templates of children do not count': [
      matrix(LIST('a', 'p'), 'list: { elements: [{ b: r }], template: { metadata: { name: x } } }'),
      [{ a: 'p', b: 'r' }],
    ],
    'one generator is too few': [
      matrix(LIST('a', 'p')),
      'matrix.generators: found less than two generators, Matrix support only two',
    ],
    'three are too many': [
      matrix(LIST('a', 'p'), LIST('b', 'p'), LIST('c', 'p')),
      'matrix.generators: found more than two generators, Matrix support only two',
    ],
    'a child without a generator is an error': [
      'matrix: { generators: [{}, { list: {} }] }',
      'matrix.generators.0: error failed to get params for first generator in matrix generator: child generator generated no parameters',
    ],
    'a child with two is as well': [
      matrix(LIST('a', 'p'), 'list: {}, clusters: {}'),
      'matrix.generators.1: failed to get params for second generator in the matrix generator: found more than one generator in matrix.Generators',
    ],
    'a failing child says where and through what': [
      matrix(LIST('a', 'p', 'q'), matrix('list: { elements: [x] }', LIST('b', 'r'))),
      'matrix.generators.1.matrix.generators.0.list.elements.0: failed to get params for second generator in the matrix generator: ' +
        'child generator returned an error on parameter generation: error failed to get params for first generator in matrix generator: ' +
        'child generator returned an error on parameter generation: error unmarshling list element: an element is an object',
    ],
  }
  for (const [sentence, [yaml, expected]] of Object.entries(table)) {
    test(sentence, () => expect(generate(yaml)).toEqual(expected))
  }

  test('the selector of a clusters generator is filled in', () => {
    const yaml = matrix(
      LIST('stage', 'prod', 'dev'),
      "clusters: { selector: { matchLabels: { env: '{{stage}}' } }, values: { s: '{{stage}}-{{name}}' } }",
    )
    const sets = generate(yaml, contextOf({ inputs })) as readonly { name: string; 'values.s': string }[]
    expect(sets.map(set => [set.name, set['values.s']])).toEqual([
      ['eu-1', 'prod-eu-1'],
      ['us-1', 'dev-us-1'],
    ])
  })
  test('all inputs of the second are asked for at once', () => {
    const asked: InputRequest[] = []
    const context = contextOf({
      ask: request => {
        asked.push(request)
        return undefined
      },
    })
    const yaml = matrix(
      LIST('repo', 'R1', 'R2'),
      "git: { repoURL: '{{repo}}', revision: main, directories: [{ path: '*' }] }",
    )
    expect(generate(yaml, context)).toBe('waiting')
    expect(asked.map(request => isGitRequest(request) && request.repoURL)).toEqual(['R1', 'R2'])
  })

  describe('with nested parameters', () => {
    const nested = (yaml: string) => generate(yaml, contextOf({ nested: true }))
    test('the first wins, even with an empty value', () => {
      expect(
        nested(
          matrix(
            "list: { elements: [{ a: '', o: { b: 1, c: [1] } }] }",
            'list: { elements: [{ a: x, o: { b: 2, c: [2, 3], d: 4 } }] }',
          ),
        ),
      ).toEqual([{ a: '', o: { b: 1, c: [1], d: 4 } }])
    })
    test('sets share nothing', () => {
      const sets = nested(matrix('list: { elements: [{ o: { a: 1 } }] }', 'list: { elements: [{ b: 1 }, { b: 2 }] }'))
      const [first, second] = sets as readonly { o: object }[]
      expect(first!.o).not.toBe(second!.o)
    })
  })

  test('law: the size is the product, in any nesting', () => {
    const elements = (name: string) =>
      fc
        .uniqueArray(
          fc.stringMatching(/^[a-z]{1,3}$/).filter(text => !/^(y|n|no|on|yes|off|nan)$/.test(text)),
          { maxLength: 5 },
        )
        .map(values => [LIST(name, ...values), values.length] as const)
    fc.assert(
      fc.property(elements('a'), elements('b'), elements('c'), ([a, m], [b, n], [c, o]) => {
        expect(generate(matrix(a, b))).toHaveLength(m * n)
        expect(generate(matrix(a, matrix(b, c)))).toHaveLength(m * n * o)
        expect(generate(matrix(matrix(a, b), c))).toEqual(generate(matrix(a, matrix(b, c))))
      }),
    )
  })

  test('a product too large is refused before it is made', () => {
    const many = {
      nested: false,
      inputs: { clusters: Array.from({ length: 1000 }, (_, index) => cluster(`c${index}`)), projects: [] },
    }
    const yaml = matrix(LIST('a', ...Array.from({ length: 1000 }, (_, index) => `x${index}`)), 'clusters: {}')
    expect(generate(yaml, contextOf(many))).toBe(
      `matrix: matrix gives more than ${LIMITS.parameterSets} parameter sets`,
    )
  })
  test('combinators nested without end are refused', () => {
    let yaml = LIST('a', 'p')
    for (let level = 0; level < 12; level++) yaml = matrix(LIST(`x${level}`, 'p'), yaml)
    expect(generate(yaml)).toMatch(/more than 8 combinators \(matrix, merge, union\) inside one another$/)
  })
})
