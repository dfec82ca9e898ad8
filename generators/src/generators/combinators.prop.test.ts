import type { JsonObject } from '@flotilla/core/json/json'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cluster } from '../../test/declared-set.ts'
import { contextOf, generateEntry, ourContext } from '../../test/generator-context.ts'
import { goTemplateLike } from '../../test/go-template-like.ts'
import type { InputAnswer } from '../inputs.ts'
import { LIMITS } from '../limits.ts'

type Sets = readonly JsonObject[]

const run = (entry: JsonObject, context = ourContext()) => generateEntry(entry, context)
const list = (elements: Sets): JsonObject => ({ list: { elements } })
const matrix = (...generators: readonly JsonObject[]): JsonObject => ({ matrix: { generators } })
const merge = (how: JsonObject, ...generators: readonly JsonObject[]): JsonObject => ({ merge: { ...how, generators } })
const union = (how: JsonObject, ...generators: readonly JsonObject[]): JsonObject => ({ union: { ...how, generators } })

const word = fc.stringMatching(/^[a-z]{1,2}$/)
/** Sets with one parameter of this name, no two alike. */
const column = (name: string): fc.Arbitrary<Sets> =>
  fc.uniqueArray(word, { maxLength: 4 }).map(values => values.map(value => ({ [name]: value })))
/** Sets by key, no key twice, with some of the parameters. */
const rows: fc.Arbitrary<Sets> = fc
  .uniqueArray(fc.record({ k: word, v: fc.option(word), w: fc.option(word) }), { selector: ({ k }) => k, maxLength: 6 })
  .map(found => found.map(({ k, v, w }) => ({ k, ...(v !== null && { v }), ...(w !== null && { w }) })))
const engines = fc.constantFrom({}, { engine: goTemplateLike })

const keys = (sets: unknown): readonly unknown[] => (sets as Sets).map(({ k }) => k)

describe('laws of matrix', () => {
  const columns = fc.tuple(column('a'), column('b'), column('c'), column('d'))

  test('of many, it is the same as matrices of two in one another, however they nest', () => {
    fc.assert(
      fc.property(columns, engines, ([a, b, c, d], parts) => {
        const context = ourContext(parts)
        const flat = run(matrix(list(a), list(b), list(c), list(d)), context)
        expect(flat).toHaveLength(a.length * b.length * c.length * d.length)
        const [A, B, C, D] = [list(a), list(b), list(c), list(d)]
        expect(run(matrix(A, matrix(B, matrix(C, D))), context)).toEqual(flat)
        expect(run(matrix(matrix(matrix(A, B), C), D), context)).toEqual(flat)
        expect(run(matrix(matrix(A, B), matrix(C, D)), context)).toEqual(flat)
      }),
    )
  })
  test('references mean the same in both', () => {
    fc.assert(
      fc.property(column('a'), column('b'), (a, b) => {
        const flat = matrix(list(a), list(b), list([{ c: '{{a}}-{{b}}' }]))
        const nested = matrix(list(a), matrix(list(b), list([{ c: '{{a}}-{{b}}' }])))
        expect(run(nested)).toEqual(run(flat))
        const go = JSON.parse(JSON.stringify(flat).replaceAll('{{', '{{ .').replaceAll('}}', ' }}')) as JsonObject
        expect(run(go, ourContext({ engine: goTemplateLike }))).toEqual(run(flat))
      }),
    )
  })
  test('a left join has every row of the first, and what an inner join has', () => {
    fc.assert(
      fc.property(column('a'), column('b'), engines, (a, b, parts) => {
        const joined = (join: string) =>
          run({ matrix: { join, generators: [list(a), list(b)] } }, ourContext(parts)) as Sets
        expect(joined('left')).toHaveLength(a.length * Math.max(b.length, 1))
        expect(joined('left')).toEqual(b.length === 0 ? a : joined('inner'))
      }),
    )
  })
  test('names change no value, only where it stands', () => {
    fc.assert(
      fc.property(column('a'), column('b'), (a, b) => {
        const named = run(matrix({ name: 'x', ...list(a) }, list(b))) as Sets
        const plain = run(matrix(list(a), list(b))) as Sets
        expect(named.map(({ 'x.a': value, ...rest }) => ({ a: value, ...rest }))).toEqual(plain)
      }),
    )
  })
})

describe('laws of merge', () => {
  const joined = (join: string, ...lists: readonly Sets[]) =>
    run(merge({ mergeKeys: ['k'], join }, ...lists.map(list))) as Sets

  test('inner is within left, and left begins full', () => {
    fc.assert(
      fc.property(rows, rows, rows, (a, b, c) => {
        const [inner, left, full] = [joined('inner', a, b, c), joined('left', a, b, c), joined('full', a, b, c)]
        expect(keys(left)).toEqual(keys(a))
        expect(left.filter(row => keys(inner).includes(row['k']))).toEqual(inner)
        expect(full.slice(0, left.length)).toEqual(left)
        expect(new Set(keys(full))).toEqual(new Set([...keys(a), ...keys(b), ...keys(c)]))
      }),
    )
  })
  test('with itself it is itself', () => {
    fc.assert(
      fc.property(rows, a => {
        for (const join of ['inner', 'left', 'full']) expect(joined(join, a, a)).toEqual(a)
      }),
    )
  })
  test('first and last are each other turned round', () => {
    fc.assert(
      fc.property(rows, rows, (a, b) => {
        const by = (onConflict: string, left: Sets, right: Sets) => {
          const found = run(merge({ mergeKeys: ['k'], join: 'inner', onConflict }, list(left), list(right))) as Sets
          return new Map(found.map(row => [row['k'], row]))
        }
        expect(by('first', a, b)).toEqual(by('last', b, a))
      }),
    )
  })
  test('error gives either what last gives or a conflict that is there', () => {
    fc.assert(
      fc.property(rows, rows, (a, b) => {
        const found = run(merge({ mergeKeys: ['k'], onConflict: 'error' }, list(a), list(b)))
        const conflict = a.some(left =>
          b.some(
            right => left['k'] === right['k'] && ['v', 'w'].some(p => p in left && p in right && left[p] !== right[p]),
          ),
        )
        if (conflict) expect(found).toMatch(/^merge.onConflict: parameter [vw] is /)
        else expect(found).toEqual(joined('left', a, b))
      }),
    )
  })
  test('without doubles and gaps it does what Argo CD does', () => {
    fc.assert(
      fc.property(rows, rows, engines, (a, b, parts) => {
        const entry = merge({ mergeKeys: ['k'] }, list(a), list(b))
        expect(run(entry, ourContext(parts))).toEqual(run(entry, contextOf(parts)))
      }),
    )
  })
  test('the order of later generators’ sets never matters', () => {
    fc.assert(
      fc.property(rows, rows, (a, b) => {
        expect(joined('left', a, b.toReversed())).toEqual(joined('left', a, b))
      }),
    )
  })
})

describe('laws of union', () => {
  test('it is associative, and a dedupeKey leaves one of each', () => {
    fc.assert(
      fc.property(rows, rows, rows, (a, b, c) => {
        for (const how of [{}, { dedupeKey: 'k' }]) {
          const flat = run(union(how, list(a), list(b), list(c)))
          expect(run(union(how, union(how, list(a), list(b)), list(c)))).toEqual(flat)
          expect(run(union(how, list(a), union(how, list(b), list(c))))).toEqual(flat)
        }
        const united = run(union({ dedupeKey: 'k' }, list(a), list(b), list(c))) as Sets
        expect(new Set(keys(united)).size).toBe(united.length)
        expect(run(union({ dedupeKey: 'k' }, list(united), list(a)))).toEqual(united)
      }),
    )
  })
})

describe('the order in which inputs are handed over never changes the result', () => {
  const shuffled = <Item>(items: readonly Item[]) =>
    fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length })
  const CLUSTERS = ['eu-1', 'eu-2', 'US_1', 'a.b'].map(name => cluster(name, { region: name.slice(0, 2) }))
  const PATHS = ['a', 'a/b', 'a-b', 'b', 'b/a', 'ä']

  test('of Clusters', () => {
    const entry = matrix({ clusters: {} }, { clusters: { selector: { matchLabels: { region: 'eu' } } }, name: 'peer' })
    const of = (clusters: typeof CLUSTERS) => run(entry, ourContext({ inputs: { clusters, projects: [] } }))
    fc.assert(
      fc.property(shuffled(CLUSTERS), clusters => {
        expect(of(clusters)).toEqual(of(CLUSTERS))
      }),
    )
  })
  test('of directories and of files, of one repository and of several', () => {
    const from =
      (answer: (paths: readonly string[]) => InputAnswer, rules: JsonObject) => (paths: readonly string[]) => {
        const context = { ...ourContext(), inputs: { clusters: [], projects: ['default'] }, ask: () => answer(paths) }
        return run({ git: { repositories: [{ repoURL: 'A' }, { repoURL: 'B' }], ...rules } }, context)
      }
    const directories = from(paths => ({ kind: 'git-directories', commit: 'c', directories: paths }), {
      directories: [{ path: '*' }, { path: '*/*' }],
    })
    const files = from(
      paths => ({ kind: 'git-files', commit: 'c', files: paths.map(path => ({ path, text: `{"p": "${path}"}` })) }),
      { files: [{ path: '**' }] },
    )
    fc.assert(
      fc.property(shuffled(PATHS), paths => {
        expect(directories(paths)).toEqual(directories(PATHS))
        expect(files(paths)).toEqual(files(PATHS))
      }),
    )
    expect(directories(PATHS)).toHaveLength(2 * PATHS.length)
    expect(files(PATHS)).toHaveLength(2 * PATHS.length)
  })
})

describe('limits hold before anything is made', () => {
  const many = (count: number, name: string): JsonObject =>
    list(Array.from({ length: count }, (_, index) => ({ [name]: `v${index}` })))

  test('a product of many, of lists that are harmless each', () => {
    const columns = ['a', 'b', 'c', 'd', 'e', 'f'].map(name => many(60, name))
    expect(run(matrix(...columns))).toBe(`matrix: matrix gives more than ${LIMITS.parameterSets} parameter sets`)
  })
  test('a full join', () => {
    const half = LIMITS.parameterSets / 2 + 1
    const entry = merge(
      { mergeKeys: ['a'], join: 'full' },
      many(half, 'a'),
      list(Array.from({ length: half }, (_, index) => ({ a: `w${index}` }))),
    )
    expect(run(entry)).toBe(`merge: merge gives more than ${LIMITS.parameterSets} parameter sets`)
  })
  test('a union', () => {
    const half = many(LIMITS.parameterSets / 2 + 1, 'a')
    expect(run(union({}, half, half))).toBe(`union: union gives more than ${LIMITS.parameterSets} parameter sets`)
  })
  test('unions in unions', () => {
    let entry = many(1, 'a')
    for (let level = 0; level <= LIMITS.combinators; level++) entry = union({}, entry)
    expect(run(entry)).toMatch(/more than 8 combinators \(matrix, merge, union\) inside one another$/)
  })
})
