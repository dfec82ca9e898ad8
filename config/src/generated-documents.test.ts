import type { JsonObject } from '@flotilla/core/json/json'
import type { ApplicationSetSpec, Declared, Trust } from '@flotilla/core/model/fleet'
import { describe, expect, test } from 'vitest'
import { generatedSourceName, MAX_GENERATED, readGenerated } from './generated-documents.ts'
import { load } from './load.ts'

const SET = `apiVersion: flotilla.dev/v1alpha1
kind: ApplicationSet
metadata: {name: teams}
spec:
  generators: [{list: {elements: [{a: b}]}}]
  documents:
  - apiVersion: flotilla.dev/v1alpha1
    kind: Project
    metadata: {name: '{{a}}'}
    spec:
      sourceRepos: ['{{b}}']
`
const ALL: Trust = { kind: 'all' }

function declared(text = SET, trust = ALL): Declared<ApplicationSetSpec> {
  const loaded = load({ source: 'platform', trust: ALL, files: [{ path: 'sets/teams.yaml', text }] })
  expect(loaded.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
  return { ...loaded.fleet.applicationSets[0]!, trust }
}

function project(name: string, spec: object = { sourceRepos: ['*'] }, rest: object = {}): JsonObject {
  return { apiVersion: 'flotilla.dev/v1alpha1', kind: 'Project', metadata: { name }, spec, ...rest } as JsonObject
}

function read(documents: readonly JsonObject[], set = declared()) {
  const made = documents.map((document, element) => ({
    index: 0,
    document,
    provenance: { source: 'platform', ...set.position, set: set.name, generator: '0', element },
  }))
  return readGenerated(set, made)
}

const said = (documents: readonly JsonObject[], set = declared()): readonly string[] =>
  read(documents, set).mistakes.map(
    ({ code, message, position, provenance }) =>
      `${position.line}:${position.column} ${code} element ${provenance.element}: ${message}`,
  )

describe('documents that a set makes', () => {
  test('load as a config source of their own', () => {
    const set = declared()
    const { files } = read([project('shop'), project('bank')], set)
    const loaded = load({ source: generatedSourceName(set), trust: ALL, files })
    expect(loaded.diagnostics).toEqual([])
    expect(loaded.fleet.projects.map(({ name, source }) => [name, source])).toEqual([
      ['bank', 'set:platform:teams'],
      ['shop', 'set:platform:teams'],
    ])
  })
  test('that are equal are one', () => {
    expect(read([project('shop'), project('shop')])).toMatchObject({ files: [{}], documents: [{}], mistakes: [] })
  })

  const mistakes: { readonly [sentence: string]: readonly [documents: readonly JsonObject[], said: string] } = {
    'that have one name and differ are a mistake': [
      [project('shop'), project('shop', { sourceRepos: [] })],
      '9:22 GENERATED_DOCUMENT_CONFLICT element 1: Project "shop" is made twice, and differs: by generator 0 element 0 and by generator 0 element 1',
    ],
    'have the checks of their kind, at the place of the template': [
      [project('shop', { sourceRepos: 'x' })],
      '11:20 WRONG_TYPE element 0: Project "shop": spec.sourceRepos must be a list, not text',
    ],
    'have names': [[project('')], '9:22 INVALID_NAME element 0: Project "": metadata.name is empty'],
    'know no field that there is not': [
      [project('shop', { sourceRepo: [] })],
      '11:7 UNKNOWN_FIELD element 0: Project "shop": there is no field "sourceRepo" in spec',
    ],
    'are of a kind that a set can make': [
      [project('shop', {}, { kind: 'ApplicationSet' })],
      '8:11 UNSUPPORTED_SET_KIND element 0: a set cannot make a ApplicationSet',
    ],
  }
  test.each(Object.entries(mistakes))('%s', (_, [documents, expected]) => {
    expect(said(documents)).toEqual([expected])
    expect(read(documents).files).toEqual([])
  })
  test('are all refused for one mistake: half a policy is a hole', () => {
    expect(read([project('shop'), project('Bank')]).files).toEqual([])
  })
  test('need a config source that may declare their kind', () => {
    const set = declared(SET, { kind: 'projects', projects: ['shop'] })
    expect(said([project('shop')], set)).toEqual([expect.stringMatching(/NOT_TRUSTED .* may not declare a Project/)])
  })
  test('are no more than a hub can take', () => {
    const many = Array.from({ length: MAX_GENERATED + 1 }, (_, index) => project(`p${index}`))
    expect(said(many)).toEqual([expect.stringMatching(/TOO_MANY_APPLICATIONS .* makes 10001 documents/)])
  })
})

describe('a set that makes documents', () => {
  const problems = (change: (text: string) => string, group = 'flotilla.dev') => {
    const text = change(SET).replace('flotilla.dev', group)
    const { diagnostics } = load({ source: '', trust: ALL, files: [{ path: 'a.yaml', text }] })
    return diagnostics.map(({ line, code, message }) => `${line} ${code} ${message}`)
  }
  const table: { readonly [sentence: string]: readonly [change: (text: string) => string, said: readonly string[]] } = {
    'needs no template': [text => text, []],
    'without either is told so': [
      text => text.slice(0, text.indexOf('  documents')),
      ['4 MISSING_FIELD spec.template is missing'],
    ],
    'writes kinds out': [
      text => text.replace('kind: Project', "kind: '{{a}}'"),
      ['8 UNSUPPORTED_SET_KIND a set cannot make a {{a}}'],
    ],
    'is told which kinds it cannot make': [
      text => text.replace('kind: Project', 'kind: ApplicationSet'),
      ['8 UNSUPPORTED_SET_KIND a set cannot make a ApplicationSet'],
    ],
    'makes Applications from its template alone': [
      text => text.replace('kind: Project', 'kind: Application'),
      ['8 UNSUPPORTED_SET_KIND Applications are made from spec.template'],
    ],
    'does not read the Clusters that it makes': [
      text =>
        text.replace('kind: Project', 'kind: Cluster').replace('[{list: {elements: [{a: b}]}}]', '[{clusters: {}}]'),
      ['8 INVALID_VALUE the set reads Clusters and makes them: it would never come to rest'],
    ],
    'does not make the Projects that decide what it sees': [
      text => text.replace('  documents:', '  project: shop\n  documents:'),
      [
        '9 INVALID_VALUE the set carries a Project, which decides what it sees, and makes Projects: it would never come to rest',
      ],
    ],
  }
  test.each(Object.entries(table))('%s', (_, [change, expected]) => expect(problems(change)).toEqual(expected))
  test('is ours alone', () => {
    expect(problems(text => text, 'argoproj.io')).toContain('6 UNKNOWN_FIELD there is no field "documents" in spec')
  })
})
