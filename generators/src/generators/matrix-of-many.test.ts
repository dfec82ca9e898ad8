import { describe, expect, test } from 'vitest'
import { cluster } from '../../test/declared-set.ts'
import { contextOf, generate, ourContext } from '../../test/generator-context.ts'
import { goTemplateLike } from '../../test/go-template-like.ts'
import { type InputRequest, isGitRequest } from '../inputs.ts'
import { LIMITS } from '../limits.ts'

const LIST = (name: string, ...values: string[]) =>
  `list: { elements: [${values.map(value => `{ ${name}: ${value} }`)}] }`
const matrix = (rest: string, ...children: string[]) =>
  `matrix: { ${rest} generators: [${children.map(child => `{ ${child} }`).join(', ')}] }`
const inputs = { clusters: [cluster('eu-1', { env: 'prod' }), cluster('us-1', { env: 'dev' })], projects: ['default'] }

describe('matrix under flotilla.dev', () => {
  const table: { [sentence: string]: [string, unknown] } = {
    'takes three generators, the first in front': [
      matrix('', LIST('a', 'p', 'q'), LIST('b', 'r'), LIST('c', 's', 't')),
      [
        { a: 'p', b: 'r', c: 's' },
        { a: 'p', b: 'r', c: 't' },
        { a: 'q', b: 'r', c: 's' },
        { a: 'q', b: 'r', c: 't' },
      ],
    ],
    'each may refer to all before it': [
      matrix('', LIST('a', 'p'), LIST('b', '"{{a}}1"'), LIST('c', '"{{a}}-{{b}}"')),
      [{ a: 'p', b: 'p1', c: 'p-p1' }],
    ],
    'a name keeps equal parameters apart': [
      matrix('', `name: one, ${LIST('a', 'p')}`, `name: two, ${LIST('a', 'q')}`),
      [{ 'one.a': 'p', 'two.a': 'q' }],
    ],
    'later generators refer to it by that name': [
      matrix('', `name: one, ${LIST('a', 'p')}`, LIST('b', '"{{one.a}}{{a}}"')),
      [{ 'one.a': 'p', b: 'p{{a}}' }],
    ],
    'the selector of a named generator sees its own parameters without the name': [
      matrix('', `name: one, ${LIST('a', 'p', 'q')}, selector: { matchLabels: { a: q } }`, LIST('b', 'r')),
      [{ 'one.a': 'q', b: 'r' }],
    ],
    'inner joins lose what has no partner': [matrix('join: inner,', LIST('a', 'p'), LIST('b'), LIST('c', 'r')), []],
    'a left join keeps it': [matrix('join: left,', LIST('a', 'p'), LIST('b'), LIST('c', 'r')), [{ a: 'p', c: 'r' }]],
    'a left join of nothing is nothing': [matrix('join: left,', LIST('a'), LIST('b', 'p')), []],
    'a left join keeps only the rows without a partner as they are': [
      matrix(
        'join: left,',
        LIST('env', 'prod', 'test'),
        "clusters: { selector: { matchLabels: { env: '{{env}}' } } }, selector: { matchLabels: { name: eu-1 } }, name: at",
      ),
      [expect.objectContaining({ env: 'prod', 'at.name': 'eu-1' }), { env: 'test' }],
    ],
    'a misspelt join is told the right word': [
      matrix('join: lefd,', LIST('a', 'p'), LIST('b', 'q')),
      'matrix.join: join is one of inner, left',
    ],
    'a name is one word': [
      matrix('', `name: a-b, ${LIST('a', 'p')}`, LIST('b', 'q')),
      'matrix.generators.0.name: the name of a generator is one word',
    ],
    'and nobody else has it': [
      matrix('', `name: x, ${LIST('a', 'p')}`, `name: x, ${LIST('b', 'q')}`),
      'matrix.generators.1.name: two generators here have the name "x"',
    ],
    'a failing third generator says which it was': [
      matrix('', LIST('a', 'p'), LIST('b', 'q'), 'list: { elements: [1] }'),
      'matrix.generators.2.list.elements.0: failed to get params for generator 3 in the matrix generator: ' +
        'child generator returned an error on parameter generation: error unmarshling list element: an element is an object',
    ],
    'one generator is still too few': [
      matrix('', LIST('a', 'p')),
      'matrix.generators: found less than two generators, Matrix support only two',
    ],
  }
  for (const [sentence, [yaml, expected]] of Object.entries(table)) {
    test(sentence, () => expect(generate(yaml, ourContext({ inputs }))).toEqual(expected))
  }

  describe('with nested parameters', () => {
    const nested = (yaml: string) => generate(yaml, ourContext({ inputs, engine: goTemplateLike }))
    test('a name is an object around the parameters', () => {
      const yaml = matrix(
        '',
        'name: cluster, clusters: {}',
        `name: app, ${LIST('at', "'{{ .cluster.name }}/{{ .cluster.metadata.labels.env }}'")}`,
      )
      expect(nested(yaml)).toMatchObject([
        { cluster: { name: 'eu-1' }, app: { at: 'eu-1/prod' } },
        { cluster: { name: 'us-1' }, app: { at: 'us-1/dev' } },
      ])
    })
    test('a named generator that gave nothing is null', () => {
      expect(nested(matrix('join: left,', LIST('a', 'p'), `name: app, ${LIST('b')}`))).toEqual([{ a: 'p', app: null }])
    })
    test('values may refer to the generators before and to their own at once', () => {
      const yaml = matrix(
        '',
        LIST('a', 'p'),
        "clusters: { selector: { matchLabels: { env: prod } }, values: { both: '{{ .a }}-{{ .name }}', own: '{{ .name }}', first: '{{ .a }}' } }",
      )
      expect(nested(yaml)).toMatchObject([{ values: { both: 'p-eu-1', own: 'eu-1', first: 'p' } }])
    })
  })

  test('what has no answer yet is asked for, for all rows at once, one generator after the other', () => {
    const asked: InputRequest[] = []
    const context = ourContext({
      ask: request => {
        asked.push(request)
        return undefined
      },
    })
    const yaml = matrix(
      '',
      LIST('a', 'p', 'q'),
      LIST('b', 'r'),
      "git: { repoURL: '{{a}}', revision: main, directories: [{ path: '*' }] }",
    )
    expect(generate(yaml, context)).toBe('waiting')
    expect(asked.map(request => isGitRequest(request) && request.repoURL)).toEqual(['p', 'q'])
  })

  test('a product too large is refused before it is made, at the generator that makes it so', () => {
    const hundred = (name: string) => LIST(name, ...Array.from({ length: 100 }, (_, index) => `x${index}`))
    const yaml = matrix('', hundred('a'), hundred('b'), hundred('c'), hundred('d'))
    const started = LIMITS.parameterSets
    expect(generate(yaml, ourContext())).toBe(`matrix: matrix gives more than ${started} parameter sets`)
  })
})

describe('under argoproj.io', () => {
  const refused: { [sentence: string]: [string, string] } = {
    'a third generator is refused': [
      matrix('', LIST('a', 'p'), LIST('b', 'p'), LIST('c', 'p')),
      'matrix.generators: found more than two generators, Matrix support only two',
    ],
    'so is a join': [matrix('join: left,', LIST('a', 'p'), LIST('b', 'q')), 'matrix: there is no field "join"'],
    'so is a name': [
      matrix('', `name: x, ${LIST('a', 'p')}`, LIST('b', 'q')),
      'matrix.generators.0.name: there is no field "name"',
    ],
    'so is what a merge can do here': [
      'merge: { mergeKeys: [a], onConflict: first, generators: [{ list: {} }, { list: {} }] }',
      'merge: there is no field "onConflict"',
    ],
    'so is a union inside a matrix': [
      matrix('', LIST('a', 'p'), 'union: { generators: [] }'),
      'matrix.generators.1: failed to get params for second generator in the matrix generator: child generator generated no parameters',
    ],
  }
  for (const [sentence, [yaml, expected]] of Object.entries(refused)) {
    test(sentence, () => expect(generate(yaml, contextOf())).toBe(expected))
  }
})

describe('a reference that is not known yet', () => {
  test('is kept for the generator inside that knows it, where Argo CD loses it', () => {
    const yaml = matrix('', LIST('a', 'p'), matrix('', LIST('b', "'{{ .a }}1'"), LIST('c', "'{{ .a }}-{{ .b }}'")))
    expect(generate(yaml, contextOf({ engine: goTemplateLike }))).toEqual([{ a: 'p', b: 'p1', c: 'p-p1' }])
  })
  test('the same through a merge and a union', () => {
    const inner = matrix('', LIST('b', 'q'), LIST('c', "'{{ .a }}{{ .b }}'"))
    const merged = matrix('', LIST('a', 'p'), `merge: { mergeKeys: [c], generators: [{ ${inner} }, { list: {} }] }`)
    expect(generate(merged, contextOf({ engine: goTemplateLike }))).toEqual([{ a: 'p', b: 'q', c: 'pq' }])
    const united = matrix('', LIST('a', 'p'), `union: { generators: [{ ${inner} }] }`)
    expect(generate(united, ourContext({ engine: goTemplateLike }))).toEqual([{ a: 'p', b: 'q', c: 'pq' }])
  })
  test('what stands outside counts before what has its name inside', () => {
    const yaml = matrix('', LIST('a', 'p'), matrix('', LIST('a', 'q'), LIST('c', "'{{ .a }}'")))
    expect(generate(yaml, contextOf({ engine: goTemplateLike }))).toEqual([{ a: 'p', c: 'p' }])
  })
})
