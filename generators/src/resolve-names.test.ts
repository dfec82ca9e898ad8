import type { Application } from '@flotilla/core/model/application'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Incumbent, resolveNames } from './resolve-names.ts'

interface Origin {
  readonly source?: string
  readonly file?: string
  readonly line?: number
  readonly set?: string
  readonly element?: number
  readonly cluster?: string
}

function application(name: string, origin: Origin): Application {
  const { source = 'platform', file = 'a.yaml', line = 1, set, element, cluster = 'eu-1' } = origin
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name },
    spec: { project: 'default', destination: { name: cluster } },
    provenance: {
      ...{ source, file, line, column: 1 },
      ...(set !== undefined && { set, generator: '0' }),
      ...(element !== undefined && { element }),
    },
  }
}

const incumbent = (parts: Partial<Incumbent>): ReadonlyMap<string, Incumbent> =>
  new Map([['x', { source: 'platform', file: 'a.yaml', destination: { name: 'eu-1' }, ...parts }]])

describe('resolveNames', () => {
  const table: { [sentence: string]: [readonly Origin[], ReadonlyMap<string, Incumbent>, number] } = {
    'without an incumbent the lowest source wins': [[{ source: 'b' }, { source: 'a', file: 'z' }], new Map(), 1],
    'then the lowest file': [[{ file: 'b.yaml' }, { file: 'a.yaml', line: 99 }], new Map(), 1],
    'then the earlier place in the file': [[{ line: 10 }, { line: 9 }], new Map(), 1],
    'then the earlier element': [
      [
        { set: 's', element: 10 },
        { set: 's', element: 9 },
      ],
      new Map(),
      1,
    ],
    'the set that has the name keeps it against a lower newcomer': [
      [
        { set: 'new', file: 'a.yaml' },
        { set: 'old', file: 'z.yaml' },
      ],
      incumbent({ set: 'old', file: 'z.yaml' }),
      1,
    ],
    'it keeps it when its file is renamed': [
      [
        { set: 'new', file: 'a.yaml' },
        { set: 'old', file: 'y.yaml' },
      ],
      incumbent({ set: 'old', file: 'z.yaml' }),
      1,
    ],
    'it keeps it even with another destination': [
      [{ set: 'new' }, { set: 'old', line: 9, cluster: 'us-1' }],
      incumbent({ set: 'old' }),
      1,
    ],
    'a set of the same name in another source is somebody else': [
      [{ set: 'old', source: 'a-team', cluster: 'us-1' }, { set: 'old' }],
      incumbent({ set: 'old' }),
      1,
    ],
    'after a set is renamed, the claimant with its destination goes on': [
      [
        { set: 'new', cluster: 'us-1' },
        { set: 'renamed', line: 9 },
      ],
      incumbent({ set: 'old' }),
      1,
    ],
    'an Application written by hand is told by its file': [
      [{ file: 'a.yaml', cluster: 'us-1' }, { file: 'b.yaml' }],
      incumbent({ file: 'b.yaml' }),
      1,
    ],
    'a name whose incumbent is gone goes to the lowest': [
      [
        { line: 2, cluster: 'us-1' },
        { line: 1, cluster: 'us-2' },
      ],
      incumbent({ set: 'gone', source: 'elsewhere' }),
      1,
    ],
  }
  for (const [sentence, [origins, incumbents, winner]] of Object.entries(table)) {
    test(sentence, () => {
      const candidates = origins.map(origin => application('x', origin))
      expect(resolveNames(candidates, incumbents).winners).toEqual([candidates[winner]])
    })
  }

  test('a refusal stands at the refused origin and names both', () => {
    const candidates = [
      application('x', { set: 's', element: 2, line: 4 }),
      application('x', { file: 'b.yaml', line: 7 }),
    ]
    const [refusal] = resolveNames(candidates).refusals
    expect(refusal?.diagnostic).toEqual({
      severity: 'error',
      code: 'NAME_TAKEN',
      file: 'b.yaml',
      line: 7,
      column: 1,
      message:
        'Application name "x" is taken: set "s" generator 0 element 2 (a.yaml:4:1) has it, b.yaml:7:1 is refused',
      hint: 'give one of the two another name',
    })
  })

  test('laws: the order of candidates never matters, each name has one winner, nobody is lost', () => {
    const origin = fc.record({
      source: fc.constantFrom('a', 'b'),
      file: fc.constantFrom('a.yaml', 'b.yaml'),
      line: fc.integer({ min: 1, max: 3 }),
      set: fc.constantFrom('s', 't'),
      element: fc.nat(3),
      cluster: fc.constantFrom('eu-1', 'us-1'),
    })
    const claim = fc.tuple(fc.constantFrom('x', 'y'), origin)
    const distinct = fc.uniqueArray(claim, {
      selector: ([name, { cluster: _, ...rest }]) => JSON.stringify([name, rest]),
    })
    const holders = fc.option(fc.record({ source: fc.constantFrom('a', 'b'), set: fc.constantFrom('s', 't') }))
    fc.assert(
      fc.property(distinct, holders, fc.infiniteStream(fc.nat()), (claims, holder, shuffle) => {
        const incumbents = holder === null ? new Map() : incumbent(holder)
        const candidates = claims.map(([name, parts]) => application(name, parts))
        const keys = new Map(candidates.map(candidate => [candidate, shuffle.next().value as number]))
        const shuffled = candidates.toSorted((a, b) => keys.get(a)! - keys.get(b)!)
        const { winners, refusals } = resolveNames(candidates, incumbents)
        expect(new Set(resolveNames(shuffled, incumbents).winners)).toEqual(new Set(winners))
        expect(new Set(winners.map(({ metadata }) => metadata.name)).size).toBe(winners.length)
        expect(winners.length + refusals.length).toBe(candidates.length)
      }),
    )
  })
})
