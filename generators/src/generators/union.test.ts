import { describe, expect, test } from 'vitest'
import { declaredSet, inputsOf } from '../../test/declared-set.ts'
import { contextOf, generate, ourContext } from '../../test/generator-context.ts'
import { expand } from '../expand.ts'

const union = (how: string, ...lists: string[]) =>
  `union: { ${how} generators: [${lists.map(list => `{ list: { elements: [${list}] } }`).join(', ')}] }`

describe('union', () => {
  const table: { [sentence: string]: [string, unknown] } = {
    'is one list after the other': [union('', '{ a: p }', '{ a: q }, { b: r }'), [{ a: 'p' }, { a: 'q' }, { b: 'r' }]],
    'without a dedupeKey equal sets stay': [union('', '{ a: p }', '{ a: p }'), [{ a: 'p' }, { a: 'p' }]],
    'of sets with one key the first stays': [
      union('dedupeKey: a,', '{ a: p, v: x }', '{ a: q }, { a: p, v: z }'),
      [{ a: 'p', v: 'x' }, { a: 'q' }],
    ],
    'within one generator as well': [union('dedupeKey: a,', '{ a: p }, { a: p }'), [{ a: 'p' }]],
    'several keys count together': [
      union('dedupeKey: [a, b],', '{ a: p, b: q }', '{ a: p, b: r }, { a: p, b: q }'),
      [
        { a: 'p', b: 'q' },
        { a: 'p', b: 'r' },
      ],
    ],
    'a set without the key always stays': [union('dedupeKey: a,', '{ b: p }', '{ b: p }'), [{ b: 'p' }, { b: 'p' }]],
    'the key may be an expression': [
      union('dedupeKey: "url.lowerAscii()",', '{ url: A }', '{ url: a }, { url: b }'),
      [{ url: 'A' }, { url: 'b' }],
    ],
    'an expression that fails is an error': [
      union('dedupeKey: "a + b",', '{ a: p }'),
      expect.stringMatching(/^union\.dedupeKey: /),
    ],
    'a key that is no text is an error': [
      union('dedupeKey: 1,', '{ a: p }'),
      'union.dedupeKey: dedupeKey is a path, an expression or a list of them',
    ],
    'one generator that fails fails it': [
      union('', '{ a: p }', '1'),
      'union.generators.1.list.elements.0: generator 2 of the union: child generator returned an error on parameter generation: error unmarshling list element: an element is an object',
    ],
    'it may stand in a matrix': [
      `matrix: { generators: [{ ${union('', '{ a: p }', '{ a: q }')} }, { list: { elements: [{ b: '{{a}}' }] } }] }`,
      [
        { a: 'p', b: 'p' },
        { a: 'q', b: 'q' },
      ],
    ],
    'a name counts for one generator of it': [
      "union: { dedupeKey: 'x.a', generators: [{ name: x, list: { elements: [{ a: p }] } }, { list: { elements: [{ a: p }] } }] }",
      [{ 'x.a': 'p' }, { a: 'p' }],
    ],
    'without generators there is nothing to unite': [union(''), 'union.generators: union needs a generator'],
  }
  for (const [sentence, [yaml, expected]] of Object.entries(table)) {
    test(sentence, () => expect(generate(yaml, ourContext())).toEqual(expected))
  }

  test('waits until all have answers, and asks all', () => {
    const asked: string[] = []
    const git = (repo: string) => `{ git: { repoURL: ${repo}, revision: main, directories: [{ path: '*' }] } }`
    const context = ourContext({
      ask: request => {
        if (request.kind === 'git-directories') asked.push(request.repoURL)
        return undefined
      },
    })
    expect(generate(`union: { generators: [${git('A')}, ${git('B')}] }`, context)).toBe('waiting')
    expect(asked).toEqual(['A', 'B'])
  })

  const SET = (group: string) => `apiVersion: ${group}/v1alpha1
kind: ApplicationSet
metadata: { name: web }
spec:
  generators:
  - union:
      dedupeKey: a
      generators:
      - list: { elements: [{ a: p }] }
      - union:
          generators:
          - list: { elements: [{ a: p }, { a: q }] }
          - list: { elements: [{ a: X }] }
  template: { metadata: { name: '{{a}}' }, spec: { project: default, destination: { name: x } } }
`
  test('each Application knows which generator gave it, and where that stands', () => {
    const { applications, errors } = expand(declaredSet(SET('flotilla.dev')), inputsOf())
    expect(
      applications.map(({ metadata, provenance: { generator, element, line } }) => [
        metadata.name,
        generator,
        element,
        line,
      ]),
    ).toEqual([
      ['p', '0.union.0', 0, 9],
      ['q', '0.union.1.union.0', 1, 12],
    ])
    expect(errors.map(({ code, generator, element }) => [code, generator, element])).toEqual([
      ['APPLICATION_NAME_INVALID', '0.union.1.union.1', 0],
    ])
  })
  test('is unknown to Argo CD', () => {
    const { errors } = expand(declaredSet(SET('argoproj.io')), inputsOf())
    expect(errors.map(({ code, message }) => [code, message])).toEqual([
      ['GENERATOR_UNKNOWN', 'ApplicationSet web contains unrecognized generators: union'],
    ])
    expect(generate('union: { generators: [{ list: {} }] }', contextOf())).toEqual([])
  })
})
