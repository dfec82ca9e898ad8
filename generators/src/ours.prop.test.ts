import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cluster, declaredSet, inputsOf } from '../test/declared-set.ts'
import { expand } from './expand.ts'
import type { InputAnswer, InputRequest } from './inputs.ts'

const PROJECT = {
  sourceRepos: ['*'],
  destinations: [{ name: 'e*', namespace: '*' }],
  clusterResourceWhitelist: [],
  clusterResourceBlacklist: [],
  namespaceResourceBlacklist: [],
}
const clusters = ['eu-1', 'us-1'].map(name => cluster(name, { region: name.slice(0, 2) }))

const answer = (request: InputRequest): InputAnswer | undefined => {
  if (request.kind === 'git-directories') return { kind: 'git-directories', commit: 'c', directories: ['a', 'b/c'] }
  if (request.kind === 'git-files') return { kind: 'git-files', commit: 'c', files: [{ path: 'a.json', text: '[1]' }] }
  return undefined
}

/** Values as somebody may write them anywhere: the right kind by chance alone. */
const keys = fc.constantFrom(
  ...[
    'list',
    'elements',
    'elementsYaml',
    'clusters',
    'git',
    'repositories',
    'repoURL',
    'revision',
    'directories',
    'files',
  ],
  ...['path', 'matrix', 'merge', 'union', 'generators', 'name', 'join', 'mergeKeys', 'left', 'right', 'onConflict'],
  ...[
    'dedupeKey',
    'values',
    'selector',
    'matchLabels',
    'when',
    'pathParamPrefix',
    '__proto__',
    'constructor',
    'region',
  ],
)
const texts = fc.constantFrom(
  ...['', 'x', 'a.b', '{{name}}', '{{', 'name + 1', 'left', 'inner', 'full', 'first', 'error', 'region'],
  ...[`\${{ name }}`, 'metadata.labels.region', 'path[0]', '*', '[{a: b}]', 'a'.repeat(300), '.', '__proto__', '(('],
)
const { value } = fc.letrec<{ value: unknown }>(tie => ({
  value: fc.oneof(
    { maxDepth: 7, depthSize: 'medium' },
    fc.constantFrom<unknown>(null, true, 0, 1e6, -1),
    texts,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
  ),
}))
/** Combinations that are well made on the whole, so that their insides are reached. */
const { entry } = fc.letrec<{ entry: unknown }>(tie => {
  const generators = fc.array(tie('entry'), { minLength: 1, maxLength: 3 })
  const named = (record: fc.Arbitrary<unknown>) =>
    fc
      .tuple(record, fc.option(fc.oneof(texts, fc.constantFrom('x', 'y'))), fc.option(value))
      .map(([one, name, junk]) => ({
        ...(one as object),
        ...(name !== null && { name }),
        ...(junk !== null && typeof junk === 'object' && { selector: junk }),
      }))
  return {
    entry: fc.oneof(
      { maxDepth: 4 },
      fc
        .array(fc.dictionary(fc.constantFrom('name', 'a', 'region'), texts), { maxLength: 3 })
        .map(elements => ({ list: { elements } })),
      fc.constantFrom(
        { clusters: {} },
        { git: { repositories: [{ repoURL: 'A' }, { repoURL: '{{a}}' }], directories: [{ path: '*' }] } },
      ),
      fc.dictionary(fc.constantFrom('list', 'clusters', 'git', 'matrix', 'merge', 'union'), value, { maxKeys: 2 }),
      named(fc.record({ matrix: fc.record({ generators, join: texts }, { requiredKeys: ['generators'] }) })),
      named(
        fc.record({
          merge: fc.record(
            {
              generators,
              mergeKeys: fc.array(fc.oneof(texts, fc.record({ left: texts, right: texts })), { maxLength: 2 }),
              join: texts,
              onConflict: texts,
            },
            { requiredKeys: ['generators'] },
          ),
        }),
      ),
      named(
        fc.record({
          union: fc.record({ generators, dedupeKey: fc.oneof(texts, value) }, { requiredKeys: ['generators'] }),
        }),
      ),
    ),
  }
})

const TEMPLATE = { metadata: { name: 'x-{{name}}' }, spec: { destination: { name: '{{name}}' } } }
const DOCUMENTS = [{ apiVersion: 'flotilla.dev/v1alpha1', kind: 'Project', metadata: { name: '{{a}}' } }]
const base = declaredSet(
  '{ apiVersion: flotilla.dev/v1alpha1, kind: ApplicationSet, metadata: { name: web }, spec: {} }',
)
const inputs = inputsOf({ clusters, projects: ['default', 'shop'], projectSpecs: new Map([['shop', PROJECT]]), answer })

test('whatever stands in a set of ours, it ends in an expansion, and twice in the same', () => {
  fc.assert(
    fc.property(
      fc.array(entry, { maxLength: 3 }),
      fc.record(
        {
          template: fc.oneof(value, fc.constant(TEMPLATE)),
          documents: fc.oneof(value, fc.constant(DOCUMENTS)),
          project: fc.oneof(value, fc.constant('shop')),
          when: value,
        },
        { requiredKeys: [] },
      ),
      (generators, rest) => {
        const set = { ...base, spec: { ...rest, generators } as unknown as typeof base.spec }
        const expansion = expand(set, inputs)
        expect(expansion.generators).toHaveLength(generators.length)
        for (const { code } of expansion.errors) expect(code).toMatch(/^[A-Z_]+$/)
        for (const { spec } of expansion.applications) if (rest.project === 'shop') expect(spec.project).toBe('shop')
        expect(expand(set, inputs)).toEqual(expansion)
      },
    ),
    { numRuns: 400 },
  )
})
