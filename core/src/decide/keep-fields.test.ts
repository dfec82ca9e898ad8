import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../json/json.ts'
import { parseJqPath, parsePointerPath } from './jq-path.ts'
import { keepFields, readKeepRules } from './keep-fields.ts'

function application(spec: JsonObject, metadata: JsonObject = {}): JsonObject {
  return { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name: 'web', ...metadata }, spec }
}

function kept(stored: JsonObject, generated: JsonObject, rules: JsonObject): JsonObject {
  const read = readKeepRules(rules)
  expect(read.mistakes).toEqual([])
  return keepFields(stored, generated, read.rules)
}

const ignoring = (...jqPathExpressions: readonly string[]) => ({
  ignoreApplicationDifferences: [{ jqPathExpressions }],
})
const pointing = (...jsonPointers: readonly string[]) => ({ ignoreApplicationDifferences: [{ jsonPointers }] })

describe('preservedFields', () => {
  const stored = application({}, { annotations: { a: 'old', b: 'old' }, labels: { a: 'old', b: 'old' } })
  const generated = application({}, { annotations: { a: 'new', c: 'new' }, labels: { a: 'new' } })

  it('keep the value that a key has, and bring nothing else along', () => {
    const rules = { preservedFields: { annotations: ['a', 'b', 'd'], labels: ['b'] } }
    expect(kept(stored, generated, rules)).toEqual(
      application({}, { annotations: { a: 'old', b: 'old', c: 'new' }, labels: { a: 'new', b: 'old' } }),
    )
  })

  it('without them everything is replaced', () => {
    expect(kept(stored, generated, {})).toBe(generated)
  })

  it('keep what Argo CD writes by itself, and the finalizers of hooks', () => {
    const running = application(
      {},
      {
        annotations: { 'argocd.argoproj.io/refresh': 'hard' },
        finalizers: ['post-delete-finalizer.argocd.argoproj.io/cleanup', 'old'],
      },
    )
    expect(kept(running, application({}, { finalizers: ['new'] }), {})).toEqual(
      application(
        {},
        {
          annotations: { 'argocd.argoproj.io/refresh': 'hard' },
          finalizers: ['new', 'post-delete-finalizer.argocd.argoproj.io/cleanup'],
        },
      ),
    )
  })
})

describe('ignoreApplicationDifferences', () => {
  const stored = application({ source: { repoURL: 'r', targetRevision: 'pinned', helm: { values: 'old' } } })
  const generated = application({ source: { repoURL: 'r', targetRevision: 'main', path: 'new' } })

  it.each<readonly [string, JsonObject, JsonObject]>([
    [
      'a pointer keeps one value',
      pointing('/spec/source/targetRevision'),
      { repoURL: 'r', targetRevision: 'pinned', path: 'new' },
    ],
    [
      'a path of jq the same',
      ignoring('.spec.source.targetRevision'),
      { repoURL: 'r', targetRevision: 'pinned', path: 'new' },
    ],
    [
      'what is generated and was not there stays away',
      pointing('/spec/source/path'),
      { repoURL: 'r', targetRevision: 'main' },
    ],
    [
      'what was there and is not generated stays',
      ignoring('.spec.source.helm.values'),
      { repoURL: 'r', targetRevision: 'main', path: 'new', helm: { values: 'old' } },
    ],
    [
      'a rule for another Application is for that one',
      { ignoreApplicationDifferences: [{ name: 'other', jsonPointers: ['/spec/source'] }] },
      { repoURL: 'r', targetRevision: 'main', path: 'new' },
    ],
    [
      'and one for this one for this one',
      { ignoreApplicationDifferences: [{ name: 'web', jsonPointers: ['/spec/source'] }] },
      { repoURL: 'r', targetRevision: 'pinned', helm: { values: 'old' } },
    ],
    [
      'a place that neither has',
      pointing('/spec/nowhere/at/all', '/spec/source/helm/parameters/0/value'),
      { repoURL: 'r', targetRevision: 'main', path: 'new' },
    ],
  ])('%s', (_sentence, rules, source) => {
    expect(kept(stored, generated, rules)).toEqual(application({ source }))
  })

  it('elements of a list belong together by what they are: the rest of the list follows the set', () => {
    const before = application({
      sources: [
        { repoURL: 'charts', chart: 'web', targetRevision: '1.0' },
        { repoURL: 'values', ref: 'values', targetRevision: 'pinned' },
      ],
    })
    const after = application({
      sources: [
        { repoURL: 'values', ref: 'values', targetRevision: 'main' },
        { repoURL: 'charts', chart: 'web', targetRevision: '2.0', helm: {} },
        { repoURL: 'more', path: 'x', targetRevision: 'main' },
      ],
    })
    const revisions = (rules: JsonObject) =>
      ((kept(before, after, rules)['spec'] as JsonObject)['sources'] as JsonObject[]).map(
        each => each['targetRevision'],
      )
    expect(revisions(ignoring('.spec.sources[].targetRevision'))).toEqual(['pinned', '1.0', 'main'])
    expect(revisions(ignoring('.spec.sources[] | select(.ref == "values").targetRevision'))).toEqual([
      'pinned',
      '2.0',
      'main',
    ])
    expect(revisions(ignoring('.spec.sources[] | select(.ref == "values") | .targetRevision'))).toEqual([
      'pinned',
      '2.0',
      'main',
    ])
    for (const test of ['contains("alue")', 'startswith("val")', 'endswith("ues")']) {
      expect(revisions(ignoring(`.spec.sources[] | select(.repoURL | ${test}).targetRevision`))).toEqual([
        'pinned',
        '2.0',
        'main',
      ])
    }
    expect(revisions(pointing('/spec/sources/0/targetRevision'))).toEqual(['1.0', '2.0', 'main'])
  })

  it('never keeps who it is or what it may', () => {
    const before = { ...application({ project: 'old' }), apiVersion: 'old', kind: 'Other' }
    const after = application({ project: 'new' }, { namespace: 'new' })
    const rules = pointing(
      '/metadata',
      '/metadata/name',
      '/metadata/namespace',
      '/spec',
      '/spec/project',
      '/kind',
      '/apiVersion',
    )
    expect(kept(before, after, rules)).toEqual(after)
  })

  it('is not harmed by odd keys', () => {
    const rules = pointing('/spec/__proto__/x', '/spec/constructor/prototype')
    expect(kept(application({ a: 1 }), application({ a: 2 }), rules)).toEqual(application({ a: 2 }))
    expect(({} as { x?: unknown }).x).toBeUndefined()
  })

  it('names every rule that cannot be read', () => {
    const rules = {
      ignoreApplicationDifferences: [
        {
          jsonPointers: ['/fine', 'spec/source'],
          jqPathExpressions: ['.fine', '.a | length', 'del(.spec)', '.. | .x'],
        },
      ],
    }
    const at = (field: string, place: number) => ['spec', 'ignoreApplicationDifferences', 0, field, place]
    expect(readKeepRules(rules).mistakes).toEqual([
      { kind: 'pointer', path: at('jsonPointers', 1) },
      { kind: 'jq', path: at('jqPathExpressions', 1) },
      { kind: 'jq', path: at('jqPathExpressions', 2) },
      { kind: 'jq', path: at('jqPathExpressions', 3) },
    ])
  })
})

describe('paths', () => {
  it.each([
    ['.spec.source', ['spec', 'source']],
    ['.metadata.annotations["a/b"]', ['metadata', 'annotations', 'a/b']],
    ['."odd key".x', ['odd key', 'x']],
    ['.a["say \\"hi\\""]', ['a', 'say "hi"']],
  ])('%s', (text, names) => {
    expect(parseJqPath(text)).toEqual(names.map(name => ({ kind: 'field', name })))
  })

  it.each([
    '',
    '.',
    'spec',
    '.a..b',
    '.a[',
    '.a[-1]',
    '.a | keys',
    '.a, .b',
    '.a?',
    '.[0',
    '.a | select(.b == "c")',
    '.a[] | select(.b == "c"))',
    '.a[] | select(.b | contains("c")',
    '.a[] | select(.b | test("c"))',
    `.a${'.b'.repeat(100)}`,
  ])('%s is no path', text => {
    expect(parseJqPath(text)).toBeUndefined()
  })

  it('a pointer unescapes its steps', () => {
    expect(parsePointerPath('/metadata/annotations/a~1b~0c')?.at(-1)).toEqual({ kind: 'field', name: 'a/b~c' })
    expect(parsePointerPath('')).toBeUndefined()
    expect(parsePointerPath('/a~2')).toBeUndefined()
  })
})
