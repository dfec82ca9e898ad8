import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cluster, declaredSet, inputsOf } from '../test/declared-set.ts'
import { expand } from './expand.ts'
import { directoryMatcher } from './git-paths.ts'
import { type GeneratorInputs, type InputAnswer, inputKey, isGitRequest } from './inputs.ts'

const entry = fc.oneof(
  fc
    .uniqueArray(fc.constantFrom('a', 'b', 'c', 'D', ''), { maxLength: 4 })
    .map(names => `list: { elements: [${names.map(name => `{ name: '${name}' }`)}] }`),
  fc.constantFrom(
    'clusters: {}',
    'clusters: { selector: { matchLabels: { env: prod } } }',
    'list: { elements: [{ name: 1 }] }',
    'pullRequest: {}',
    'unknown: {}',
    "git: { repoURL: R, revision: main, directories: [{ path: '*' }], values: { x: '{{path}}' } }",
    "matrix: { generators: [{ list: { elements: [{ e: p }, { e: q }] } }, { clusters: { values: { v: '{{e}}' } } }] }",
    "matrix: { generators: [{ git: { repoURL: R, revision: main, directories: [{ path: '*' }] } }, { git: { repoURL: '{{path}}', revision: main, directories: [{ path: '*' }], pathParamPrefix: s } }] }",
    'merge: { mergeKeys: [name], generators: [{ clusters: {} }, { list: { elements: [{ name: a, x: z }] } }] }',
  ),
)
const templates = fc.constantFrom('{{name}}', '{{path.basename}}', '{{name}}-{{e}}', 'x', '{{name}}{{')
const documents = fc.tuple(fc.array(entry, { maxLength: 4 }), templates).map(
  ([entries, name]) => `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: web }
spec:
  generators: [${entries.map(text => `{ ${text} }`).join(', ')}]
  template: { metadata: { name: '${name}' }, spec: { project: default, destination: {} } }
`,
)
const clusters = [cluster('a', { env: 'prod' }), cluster('c', { env: 'dev' }), cluster('d', { env: 'prod' })]

/** Answers like a repository would, in as many rounds as it takes. */
function gather(yaml: string, list = clusters) {
  const answers = new Map<string, InputAnswer>()
  const inputs: GeneratorInputs = inputsOf({ clusters: list, answer: request => answers.get(inputKey(request)) })
  for (let round = 1; ; round++) {
    const expansion = expand(declaredSet(yaml), inputs)
    if (expansion.needs.length === 0) return { expansion, round }
    for (const request of expansion.needs.filter(isGitRequest)) {
      const directories = ['one', 'two', 'two/three'].filter(directoryMatcher(request.rules).matches)
      answers.set(inputKey(request), { kind: 'git-directories', commit: 'c', directories })
    }
  }
}

describe('laws of expand', () => {
  const check = (law: (yaml: string) => void): void =>
    fc.assert(
      fc.property(documents, yaml => {
        law(yaml)
      }),
      { numRuns: 150 },
    )

  test('the same set and inputs give the same expansion', () => {
    check(yaml => expect(gather(yaml)).toEqual(gather(yaml)))
  })
  test('the order of Clusters never matters', () => {
    check(yaml => expect(gather(yaml, clusters.toReversed()).expansion).toEqual(gather(yaml).expansion))
  })
  test('it asks once for what it needs, nested at most twice', () => {
    check(yaml => expect(gather(yaml).round).toBeLessThanOrEqual(3))
  })
  test('every name is there once, and is a name', () => {
    check(yaml => {
      const names = gather(yaml).expansion.applications.map(({ metadata }) => metadata.name)
      expect(new Set(names).size).toBe(names.length)
      for (const name of names) expect(name).toMatch(/^[a-z0-9.-]+$/)
    })
  })
  test('a generator without errors is ok, and one that is not ok gives nothing', () => {
    check(yaml => {
      const { generators, errors } = gather(yaml).expansion
      for (const { generator, status, applications } of generators) {
        const own = errors.filter(error => error.generator.split('.')[0] === generator)
        if (own.length === 0) expect(status).toBe('ok')
        if (status !== 'ok') expect(applications).toEqual([])
      }
    })
  })
  test('every error has a place in the document and every Application knows its parameters', () => {
    check(yaml => {
      const { applications, errors } = gather(yaml).expansion
      for (const { position } of errors) expect(position).toMatchObject({ file: 'set.yaml', line: expect.any(Number) })
      for (const { provenance } of applications) {
        expect(provenance).toMatchObject({ set: 'web', source: 'platform', line: 5, params: expect.any(Object) })
      }
    })
  })
})

test('whatever stands in a set, it ends in an expansion', () => {
  const keys = [
    'list',
    'elements',
    'elementsYaml',
    'clusters',
    'git',
    'files',
    'directories',
    'matrix',
    'merge',
    'generators',
  ]
  const more = [
    'mergeKeys',
    'values',
    'selector',
    'matchLabels',
    'matchExpressions',
    'template',
    'metadata',
    'name',
    'spec',
  ]
  const rest = ['goTemplate', 'templatePatch', 'flatList', 'path', 'syncPolicy', '__proto__', 'constructor', '{{name}}']
  const { document } = fc.letrec<{ document: unknown }>(tie => ({
    document: fc.oneof(
      { maxDepth: 7, depthSize: 'medium' },
      fc.constantFrom<unknown>(null, true, 0, 1e6, '', 'x', '{{name}}', '{{', '[{a: b}]', '*', '{a'),
      fc.array(tie('document'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys, ...more, ...rest), tie('document'), { maxKeys: 5 }),
    ),
  }))
  const base = declaredSet(
    '{ apiVersion: argoproj.io/v1alpha1, kind: ApplicationSet, metadata: { name: web }, spec: {} }',
  )
  const entries = fc.array(
    fc.dictionary(fc.constantFrom('list', 'clusters', 'git', 'matrix', 'merge', 'selector'), document),
  )
  fc.assert(
    fc.property(entries, document, document, document, (generators, template, templatePatch, syncPolicy) => {
      const spec = { generators, template, templatePatch, syncPolicy } as unknown as typeof base.spec
      const { errors, generators: outcomes } = expand({ ...base, spec }, inputsOf({ clusters }))
      expect(outcomes).toHaveLength(generators.length)
      for (const { code } of errors) expect(code).toMatch(/^[A-Z_]+$/)
    }),
    { numRuns: 500 },
  )
})

test('a failing generator changes nothing for the others', () => {
  const set = (first: string) => `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: web }
spec:
  generators: [{ ${first} }, { clusters: {} }]
  template: { metadata: { name: '{{name}}' }, spec: { project: default, destination: {} } }
`
  const of = (first: string) => gather(set(first)).expansion.generators[1]?.applications.map(({ metadata }) => metadata)
  expect(of('list: { elements: [1] }')).toEqual(of('list: {}'))
})

test('hostile sets end in errors, not in crashes', () => {
  const bomb = (spec: string) =>
    expand(
      declaredSet(`apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: { name: web }\nspec:\n${spec}`),
      inputsOf({ clusters: Array.from({ length: 400 }, (_, index) => cluster(`c${index}`)) }),
    )
  const template = "  template: { metadata: { name: '{{name}}' }, spec: { project: default, destination: {} } }\n"
  const product = bomb(`  generators: [{ matrix: { generators: [{ clusters: {} }, { clusters: {} }] } }]\n${template}`)
  expect(product.errors.map(({ code, message }) => [code, /duplicate key (\S+)/.exec(message)?.[1]])).toEqual([
    ['PARAMETER_CONFLICT', 'name'],
  ])
  const elements = (name: string) =>
    `list: { elements: [${Array.from({ length: 400 }, (_, index) => `{ ${name}: v${index} }`)}] }`
  const squared = bomb(
    `  generators: [{ matrix: { generators: [{ ${elements('a')} }, { ${elements('b')} }] } }]\n${template}`,
  )
  expect(squared.errors.map(({ code }) => code)).toEqual(['TOO_MANY_PARAMETERS'])
  const many = `matrix: { generators: [{ ${elements('a')} }, { list: { elements: [${Array.from({ length: 150 }, (_, index) => `{ b: v${index} }`)}] } }] }`
  const named = template.replace('{{name}}', '{{a}}-{{b}}')
  const limit = bomb(`  generators: [{ ${many} }]\n${named}`)
  expect(limit.errors.map(({ code, stale }) => [code, stale])).toEqual([['TOO_MANY_APPLICATIONS', true]])
  expect(limit.applications).toEqual([])
})
