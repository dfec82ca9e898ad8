import { describe, expect, test } from 'vitest'
import { declaredSet, inputsOf } from '../test/declared-set.ts'
import { expand } from './expand.ts'

const set = (parts: { readonly more?: string; readonly group?: string; readonly spec?: string } = {}) =>
  declaredSet(`apiVersion: ${parts.group ?? 'flotilla.dev'}/v1alpha1
kind: ApplicationSet
metadata: { name: teams }
spec:
  generators:
  - list: { elements: [{ team: shop, size: '3' }, { team: bank, size: x }] }
  documents:
  - apiVersion: flotilla.dev/v1alpha1
    kind: Project
    metadata: { name: 'team-{{team}}', labels: { '{{team}}': owns } }
    spec: { ${parts.spec ?? "description: '{{team}}'"} }
  - { apiVersion: flotilla.dev/v1alpha1, kind: Repository, metadata: { name: '{{team}}' }, spec: { url: 'https://g/{{team}}.git' } }
  ${parts.more ?? ''}
`)
const TEMPLATE =
  "template: { metadata: { name: '{{team}}' }, spec: { project: 'team-{{team}}', destination: { name: x } } }"

function made(document: ReturnType<typeof set>) {
  const { generators, applications, errors } = expand(document, inputsOf())
  return {
    documents: generators.flatMap(outcome => outcome.documents ?? []),
    names: applications.map(({ metadata }) => metadata.name),
    errors: errors.map(({ code, element, stale, position }) => [code, element, stale, position.line]),
  }
}

describe('documents of a set', () => {
  test('are one of each template for each parameter set, with where they come from', () => {
    const { documents, names, errors } = made(set())
    expect({ names, errors }).toEqual({ names: [], errors: [] })
    expect(documents.map(({ index, document }) => [index, document['kind'], document['metadata']])).toEqual([
      [0, 'Project', { name: 'team-shop', labels: { shop: 'owns' } }],
      [1, 'Repository', { name: 'shop' }],
      [0, 'Project', { name: 'team-bank', labels: { bank: 'owns' } }],
      [1, 'Repository', { name: 'bank' }],
    ])
    expect(documents[2]?.provenance).toMatchObject({
      ...{ set: 'teams', file: 'set.yaml', line: 6, generator: '0', element: 1 },
      params: { team: 'bank', size: 'x' },
    })
  })
  test('stand beside Applications where there is a template', () => {
    const { documents, names } = made(set({ more: TEMPLATE }))
    expect([documents.length, names]).toEqual([4, ['shop', 'bank']])
  })
  test('are made of what `when` lets through', () => {
    const { documents, names } = made(set({ more: `when: team == 'shop'\n  ${TEMPLATE}` }))
    expect([documents.length, names]).toEqual([2, ['shop']])
  })
  test('keep the type of expressions', () => {
    const [first] = made(set({ spec: `limit: "\${{ int(size == 'x' ? '0' : size) }}"` })).documents
    expect(first?.document['spec']).toEqual({ limit: 3 })
  })
  test('that cannot be rendered are an error at their template, and hide something', () => {
    const { documents, errors } = made(set({ spec: `limit: "\${{ int(size) }}"`, more: TEMPLATE }))
    expect(documents).toHaveLength(3)
    expect(errors).toEqual([['EXPRESSION_FAILED', 1, true, 11]])
  })
  test('are ours alone', () => {
    expect(made(set({ group: 'argoproj.io', more: TEMPLATE }))).toMatchObject({
      documents: [],
      names: ['shop', 'bank'],
    })
  })
})
