import { describe, expect, test } from 'vitest'
import { cluster, declaredSet, inputsOf } from '../test/declared-set.ts'
import { expandedNames } from '../test/expanded-names.ts'
import { contextOf, generate } from '../test/generator-context.ts'
import { goTemplateLike } from '../test/go-template-like.ts'
import { expand } from './expand.ts'
import { formatValue } from './go-text.ts'
import type { InputAnswer, InputRequest } from './inputs.ts'
import { requeueAfterMs } from './requeue.ts'

/*
 * What surprises people in Argo CD, by the numbers of docs/applicationsets.md "Traps": each row says what happens here
 * under argoproj.io, which is the same unless it says "here".
 */

const set = (generators: string, rest = '', template = TEMPLATE) =>
  declaredSet(`apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: web, namespace: argocd }
spec:
  generators: [${generators}]
  ${rest}
  template: ${template}
`)
const TEMPLATE = "{ metadata: { name: 'x-{{name}}' }, spec: { project: default, destination: { name: d } } }"
const LIST = (...elements: string[]) => `{ list: { elements: [${elements}] } }`
const first = (document: ReturnType<typeof set>) => expand(document, inputsOf()).applications[0]!
const git = (answer: InputAnswer) => contextOf({ ask: () => answer })
const nestedGit = (answer: InputAnswer) => contextOf({ ask: () => answer, engine: goTemplateLike })
const files = (entries: { readonly [path: string]: string }): InputAnswer => ({
  kind: 'git-files',
  commit: 'c',
  files: Object.entries(entries).map(([path, text]) => ({ path, text })),
})
const FILES = "git: { repoURL: R, revision: main, files: [{ path: '*' }] }"

describe('traps', () => {
  test('1: an error in one generator stops that generator, and here nothing else', () => {
    const { applications, generators, errors } = expand(
      set(`${LIST('{ name: 1 }')}, ${LIST('{ name: a }')}`),
      inputsOf(),
    )
    expect(applications.map(({ metadata }) => metadata.name)).toEqual(['x-a'])
    expect(generators.map(({ status }) => status)).toEqual(['failed', 'ok'])
    expect(errors).toMatchObject([{ stale: true }])
  })
  test('2: several generators in one entry are a union, in the order of the documentation', () => {
    const entry = '{ clusters: {}, list: { elements: [{ name: a }] } }'
    expect(expandedNames(set(entry), { clusters: [cluster('c')] })).toEqual(['x-a', 'x-c'])
  })
  test('3: the selector beside a generator is taken as written, and its keys are label keys', () => {
    const second = "{ list: { elements: [{ b: q }] }, selector: { matchLabels: { b: '{{a}}' } } }"
    expect(generate(`matrix: { generators: [${LIST('{ a: q }')}, ${second}] }`)).toEqual([])
    expect(generate("{ list: { elements: [{ a: b }] }, selector: { matchLabels: { 'path[0]': b } } }")).toMatch(
      /error parsing label selector: key: Invalid value/,
    )
  })
  test('4: an empty parameter set leaves the template unrendered, without a default finalizer', () => {
    const template =
      "{ metadata: { name: plain, labels: { a: '{{a}}' } }, spec: { project: default, destination: {} } }"
    const { metadata } = first(set(LIST('{}'), '', template))
    expect([metadata.labels, metadata.finalizers]).toEqual([{ a: '{{a}}' }, undefined])
    expect(first(set(LIST('{ b: c }'), '', template)).metadata.finalizers).toHaveLength(1)
  })
  test('5: keys of maps are templates, keys of values are not', () => {
    const template = "{ metadata: { name: x, labels: { '{{a}}': z } }, spec: { project: default, destination: {} } }"
    expect(first(set(LIST('{ a: b }'), '', template)).metadata.labels).toEqual({ b: 'z' })
    const values = "{ clusters: { values: { '{{a}}': '{{a}}' } } }"
    const context = contextOf({ inputs: { clusters: [cluster('c')], projects: [] } })
    expect(generate(`matrix: { generators: [${LIST('{ a: b }')}, ${values}] }`, context)).toMatchObject([
      { 'values.{{a}}': 'b' },
    ])
  })
  test('6: values wait for their own generator when a key is missing, and here keep what is known already', () => {
    const values =
      "{ clusters: { values: { own: '{{ .name }}', mixed: '{{ .a }}-{{ .name }}', none: '{{ .nope }}' } } }"
    const context = contextOf({ inputs: { clusters: [cluster('c')], projects: [] }, engine: goTemplateLike })
    expect(generate(`matrix: { generators: [${LIST('{ a: b }')}, ${values}] }`, context)).toMatchObject([
      { values: { own: 'c', mixed: 'b-c', none: '<no value>' } },
    ])
  })
  test('7: a matrix in second place keeps its own references here', () => {
    const inner = `{ matrix: { generators: [${LIST('{ b: q }')}, ${LIST("{ c: '{{ .b }}{{ .a }}' }")}] } }`
    expect(
      generate(`matrix: { generators: [${LIST('{ a: p }')}, ${inner}] }`, contextOf({ engine: goTemplateLike })),
    ).toEqual([{ a: 'p', b: 'q', c: 'qp' }])
  })
  const OWN = (own: string, base: string) =>
    set(
      `{ list: { elements: [{ name: a }], template: { metadata: {}, spec: { project: '', destination: {}, ${own} } } } }`,
      '',
      `{ metadata: { name: x }, spec: { project: default, destination: {}, ${base} } }`,
    )
  test("8: a generator's template cannot set false over true", () => {
    const { spec } = first(
      OWN('syncPolicy: { automated: { prune: false } }', 'syncPolicy: { automated: { prune: true } }'),
    )
    expect(spec.syncPolicy?.automated?.prune).toBe(true)
  })
  test('9: lists are taken whole, from the template of the generator and from a patch', () => {
    const options = (list: string) => `syncPolicy: { syncOptions: [${list}] }`
    expect(first(OWN(options('A=true'), options('B=true, C=true'))).spec.syncPolicy?.syncOptions).toEqual(['A=true'])
    const patched = set(LIST('{ name: a }'), `templatePatch: 'spec: { ${options('A=true')} }'`)
    expect(first(patched).spec.syncPolicy?.syncOptions).toEqual(['A=true'])
  })
  test('10: a patch works with plain tags; an empty spec wipes all but the project', () => {
    const patch = (text: string) => first(set(LIST('{ name: a }'), `templatePatch: '${text}'`))
    expect(patch('metadata: { labels: { of: {{name}} } }').metadata.labels).toEqual({ of: 'a' })
    expect(patch('spec:').spec).toEqual({ project: 'default', destination: {} })
    expect(patch('spec: { project: other }').spec.project).toBe('default')
  })
  test('11: tags that name no text stay as they are', () => {
    const elements = "{ list: { elementsYaml: '[{name: a, n: 1, l: [x]}]' } }"
    const template =
      "{ metadata: { name: '{{name}}', labels: { a: '{{n}} {{l}} {{nme}}' } }, spec: { project: default, destination: {} } }"
    expect(first(set(elements, '', template)).metadata.labels).toEqual({ a: '{{n}} {{l}} {{nme}}' })
  })
  test('12: a number above 999999 becomes a text with an exponent', () => {
    expect(generate(FILES, git(files({ 'a.json': '{"n":1000000,"m":999999,"s":0.00001}' })))).toMatchObject([
      { n: '1e+06', m: '999999', s: '1e-05' },
    ])
    expect(formatValue(1234567, 'go')).toBe('1.234567e+06')
  })
  test('14: a value of a list that is no text is an error, one of elementsYaml is not', () => {
    expect(generate('list: { elements: [{ a: 1 }] }')).toMatch(/error parsing value as string/)
    expect(generate("list: { elementsYaml: '[{a: 1, b: {c: d}}]' }")).toEqual([{ a: 1, b: { c: 'd' } }])
    expect(generate('list: { elements: [{ values: [x] }] }')).toMatch(/error parsing values map/)
    expect(generate('list: { elements: [{ values: { x: p } }] }')).toEqual([{ 'values.x': 'p' }])
  })
  const argoInputs = { clusters: [cluster('a', { env: 'prod' })], projects: [], implicitLocalCluster: true }
  test('15: the local cluster is there only without a selector, last, without metadata', () => {
    const sets = generate('clusters: {}', contextOf({ inputs: argoInputs, engine: goTemplateLike }))
    expect(sets).toMatchObject([{ name: 'a', metadata: {} }, { name: 'in-cluster' }])
    expect((sets as readonly object[])[1]).not.toHaveProperty('metadata')
    expect(
      generate('clusters: { selector: { matchLabels: { env: prod } } }', contextOf({ inputs: argoInputs })),
    ).toHaveLength(1)
  })
  test('16: a flat list of no Cluster is still one parameter set', () => {
    const none = 'clusters: { flatList: true, selector: { matchLabels: { env: none } } }'
    expect(generate(none, contextOf({ inputs: argoInputs }))).toEqual([{ clusters: null }])
    const template = '{ metadata: { name: one }, spec: { project: default, destination: {} } }'
    expect(expandedNames(set(`{ ${none} }`, '', template), { clusters: [cluster('a')] })).toEqual(['one'])
  })
  test('17: patterns of directories stay in their segment, two stars too, and hidden directories are left out', () => {
    const found: InputAnswer = {
      kind: 'git-directories',
      commit: 'c',
      directories: ['apps', 'apps/a', 'apps/a/b', 'apps/.git', '.hidden', '.hidden/x'],
    }
    const paths = (pattern: string) =>
      (
        generate(`git: { repoURL: R, revision: main, directories: [{ path: '${pattern}' }] }`, git(found)) as readonly {
          path: string
        }[]
      ).map(({ path }) => path)
    expect([paths('apps/*'), paths('apps/**'), paths('*'), paths('*/*')]).toEqual([
      ['apps/a'],
      ['apps/a'],
      ['apps'],
      ['apps/a'],
    ])
  })
  test('18: patterns of files are pathspecs, whose star crosses a slash', () => {
    const asked: InputRequest[] = []
    generate(FILES, contextOf({ ask: request => void asked.push(request) }))
    expect(asked).toMatchObject([{ kind: 'git-files', dialect: 'pathspec' }])
  })
  test('19: an empty file is one parameter set, an empty list is none', () => {
    const texts = {
      'a.yaml': '',
      'b.yaml': '# nothing',
      'c.yaml': 'null',
      'd.yaml': '[]',
      'e.yaml': '[{x: "1"}, {x: "2"}]',
    }
    expect((generate(FILES, git(files(texts))) as readonly object[]).length).toBe(5)
  })
  test('20: what a file says under "path" is lost to where the file is', () => {
    const text = '{"path":"own","deep":{"path":"kept"}}'
    expect(generate(FILES, git(files({ 'a/b.json': text })))).toMatchObject([{ path: 'a', 'deep.path': 'kept' }])
    expect(generate(FILES, nestedGit(files({ 'a/b.json': text })))).toMatchObject([
      { path: { path: 'a', filename: 'b.json' }, deep: { path: 'kept' } },
    ])
    expect(generate(FILES, git(files({ 'a.json': '{"path":{"foo":"bar"}}' })))).toMatchObject([
      { path: '.', 'path.foo': 'bar', 'path[0]': '.', 'path.basenameNormalized': '' },
    ])
  })
  test('21: git needs a project that exists, unless its name is a template', () => {
    const context = (project: string) => contextOf({ set: { ...contextOf().set, project }, ask: () => files({}) })
    expect(generate(FILES, context('gone'))).toMatch(/error getting project gone/)
    expect(generate(FILES, context('{{team}}'))).toEqual([])
  })
  test('22: two values for one parameter are an error with plain tags; nested, the first generator wins', () => {
    const pair = `matrix: { generators: [${LIST("{ a: '' }")}, ${LIST('{ a: q }')}] }`
    expect(generate(pair)).toMatch(/found duplicate key a with different value, a: {2},b: q$/)
    expect(generate(pair, contextOf({ engine: goTemplateLike }))).toEqual([{ a: '' }])
  })
  test('23: merge takes a missing key for null, finds no nested one, and refuses doubles', () => {
    const merge = (keys: string, a: string, b: string) =>
      `merge: { mergeKeys: [${keys}], generators: [${LIST(a)}, ${LIST(b)}] }`
    expect(generate(merge('k', '{ v: p }', '{ v: q }'))).toEqual([{ v: 'q' }])
    const deep = merge('o.k', '{ o: { k: a }, v: p }', '{ o: { k: b }, v: q }')
    expect(generate(deep, contextOf({ engine: goTemplateLike }))).toEqual([{ o: { k: 'b' }, v: 'q' }])
    expect(generate(merge('k', '{ v: p }, { v: q }', '{ k: a }'))).toMatch(/Duplicate key was \{"k":null\}$/)
  })
  test('28: what a plugin was asked comes back as plain values, which only nested templates can use', () => {
    const answer: InputAnswer = { kind: 'plugin', parameters: [{ a: { b: 1 } }] }
    const entry = 'plugin: { configMapRef: { name: p }, input: { parameters: { x: [1, { k: z }] } } }'
    const generator = { input: { parameters: { x: [1, { k: 'z' }] } } }
    expect(generate(entry, git(answer))).toEqual([{ 'a.b': '1', generator }])
    expect(generate(entry, nestedGit(answer))).toEqual([{ a: { b: 1 }, generator }])
  })
  test('29: a decision means a Cluster by its name, never by its server, and values are not templates', () => {
    const decisions = [{ c: 'eu' }, { c: 'https://eu.clusters.flotilla.invalid' }, { c: 'https://eu' }]
    const answer: InputAnswer = {
      kind: 'decision-resources',
      matchKey: 'c',
      statusListKey: 'd',
      resources: [{ status: { d: decisions } }],
    }
    const inputs = { clusters: [{ ...cluster('eu'), server: 'https://eu' }], projects: [] }
    const entry = "clusterDecisionResource: { configMapRef: p, name: q, values: { a: '{{name}}' } }"
    expect(generate(entry, contextOf({ inputs, ask: () => answer }))).toEqual([
      { name: 'eu', server: 'https://eu', c: 'eu', 'values.a': '{{name}}' },
    ])
  })
  test('30: of two Applications with one name the first stays here, and the error names both', () => {
    const { applications, errors } = expand(set(LIST('{ name: a }', '{ name: a }')), inputsOf())
    expect(applications).toHaveLength(1)
    expect(errors).toMatchObject([
      { code: 'APPLICATION_NAME_DUPLICATE', hint: expect.stringMatching(/element 0.*element 1/) },
    ])
  })
  test('37: Clusters come by name, and a merge in the order of its first generator', () => {
    const clusters = [cluster('c'), cluster('a'), cluster('b')]
    expect(expandedNames(set('{ clusters: {} }'), { clusters })).toEqual(['x-a', 'x-b', 'x-c'])
    const merge = `merge: { mergeKeys: [name], generators: [${LIST('{ name: z }', '{ name: a }')}, ${LIST('{ name: a }')}] }`
    expect(generate(merge)).toEqual([{ name: 'z' }, { name: 'a' }])
  })
  test('38: combinators may nest deeper than two here', () => {
    const two = (a: string, b: string) => `matrix: { generators: [${a}, { ${b} }] }`
    const deep = two(LIST('{ a: p }'), two(LIST('{ b: q }'), two(LIST('{ c: r }'), 'list: { elements: [{ d: s }] }')))
    expect(generate(deep)).toEqual([{ a: 'p', b: 'q', c: 'r', d: 's' }])
    expect(generate(deep, contextOf({ engine: goTemplateLike }))).toHaveLength(1)
  })
})

describe('when a set is looked at again', () => {
  test('after the shortest time that any generator at any depth asks for', () => {
    const entry = (generator: object) => ({
      matrix: { generators: [{ list: {} }, { union: { generators: [generator] } }] },
    })
    expect(requeueAfterMs({ generators: [entry({ git: { requeueAfterSeconds: 5 } })] as never })).toBe(5_000)
    expect(requeueAfterMs({ generators: [entry({ git: { requeueAfterSeconds: 0 } })] as never })).toBe(0)
    expect(requeueAfterMs({ generators: [entry({ clusters: {} })] as never })).toBe(0)
  })
})
