import type { Application } from '@flotilla/core/model/application'
import { describe, expect, test } from 'vitest'
import { declaredSet, inputsOf } from '../test/declared-set.ts'
import { expand } from './expand.ts'
import type { InputAnswer, InputRequest } from './inputs.ts'

const DEFAULT = ['resources-finalizer.argocd.argoproj.io']

interface Parts {
  readonly group?: string
  readonly namespace?: string
  readonly annotations?: string
  readonly generator?: string
  readonly metadata?: string
  readonly spec?: string
  /** Further lines of the set's spec. */
  readonly more?: string
}

function setOf(parts: Parts = {}): string {
  const { group = 'argoproj.io', namespace, annotations = '{}', more = '' } = parts
  const { generator = 'list: { elements: [{ name: web, own: one }] }', metadata = "name: '{{name}}'" } = parts
  return `apiVersion: ${group}/v1alpha1
kind: ApplicationSet
metadata: { name: set, ${namespace === undefined ? '' : `namespace: ${namespace}, `}annotations: ${annotations} }
spec:
  generators:
  - ${generator}
  template:
    metadata: { ${metadata} }
    spec: { project: default, destination: { name: eu }${parts.spec === undefined ? '' : `, ${parts.spec}`} }
${more}`
}

const all = (parts: Parts, inputs = inputsOf()) => expand(declaredSet(setOf(parts)), inputs)
const first = (parts: Parts = {}): Application => {
  const { applications, errors } = all(parts)
  expect(errors).toEqual([])
  return applications[0]!
}

describe('the finalizer', () => {
  const table: { [sentence: string]: [Parts, unknown] } = {
    'is there by default': [{}, DEFAULT],
    'is that of the template where it has one': [{ metadata: "name: '{{name}}', finalizers: ['{{own}}']" }, ['one']],
    'is there when the template has an empty list': [{ metadata: "name: '{{name}}', finalizers: []" }, DEFAULT],
    'is not there when resources are preserved': [
      { more: '  syncPolicy: { preserveResourcesOnDeletion: true }' },
      undefined,
    ],
    'is not there when no parameter was given': [
      { generator: 'list: { elements: [{}] }', metadata: 'name: plain' },
      undefined,
    ],
    'is not there for our own kind': [{ group: 'flotilla.dev' }, undefined],
  }
  for (const [sentence, [parts, expected]] of Object.entries(table)) {
    test(sentence, () => expect(first(parts).metadata.finalizers).toEqual(expected))
  }
  test('a patch sees it and adds to it', () => {
    const more = '  templatePatch: "metadata: { finalizers: [mine] }"'
    expect(first({ more }).metadata.finalizers).toEqual([...DEFAULT, 'mine'])
  })
  test('our own kind detaches what it is told to preserve, unless the template says otherwise', () => {
    const more = '  syncPolicy: { preserveResourcesOnDeletion: true }'
    expect(first({ group: 'flotilla.dev', more }).spec.deletion).toBe('detach')
    expect(first({ group: 'flotilla.dev', more, spec: 'deletion: prune' }).spec.deletion).toBe('prune')
    expect(first({ group: 'flotilla.dev' }).spec.deletion).toBeUndefined()
    expect(first({ more }).spec.deletion).toBeUndefined()
  })
})

describe('the namespace', () => {
  test("is the set's, whatever template and patch say", () => {
    const parts = {
      metadata: "name: '{{name}}', namespace: other",
      more: '  templatePatch: "metadata: { namespace: third }"',
    }
    expect(first({ ...parts, namespace: 'argocd' }).metadata.namespace).toBe('argocd')
    expect(first(parts).metadata.namespace).toBeUndefined()
  })
})

test('an empty parameter set leaves the template as it is', () => {
  const parts = { generator: 'list: { elements: [{}] }', metadata: "name: plain, labels: { a: '{{b}}' }" }
  expect(first(parts).metadata.labels).toEqual({ a: '{{b}}' })
})

test('a spec that a patch wipes keeps its project and has no destination', () => {
  expect(first({ more: "  templatePatch: 'spec:'" }).spec).toEqual({ project: 'default', destination: {} })
})

describe('places of errors', () => {
  const places = (parts: Parts): readonly string[] =>
    all(parts).errors.map(({ code, stage, position }) => `${position.line}:${position.column} ${code} ${stage}`)
  const table: { [sentence: string]: [Parts, readonly string[]] } = {
    'in the template': [{ spec: "info: [{ name: a, value: '{{a}}{{' }]" }, ['9:83 TEMPLATE_INVALID render']],
    "in the generator's own template": [
      {
        generator:
          "list: { elements: [{ name: web }], template: { metadata: { name: 'X' }, spec: { project: '', destination: {} } } }",
      },
      ['6:70 APPLICATION_NAME_INVALID validate'],
    ],
    'in the patch': [{ more: '  templatePatch: "a: ["' }, ['10:18 PATCH_INVALID patch']],
    'in the patch, before it is read': [{ more: "  templatePatch: '{{a}}{{'" }, ['10:18 TEMPLATE_INVALID patch']],
    'of a type that the template got wrong': [
      { spec: 'syncPolicy: { automated: { prune: maybe } }' },
      ['9:92 APPLICATION_INVALID validate'],
    ],
  }
  for (const [sentence, [parts, expected]] of Object.entries(table)) {
    test(sentence, () => expect(places(parts)).toEqual(expected))
  }
})

describe('the API group decides', () => {
  const FILES = "git: { repoURL: R, revision: main, files: [{ path: 'a/*' }] }"
  const asked = (parts: Parts): InputRequest[] => [...all({ generator: FILES, ...parts }).needs]
  const dialects = (parts: Parts) => asked(parts).map(request => (request.kind === 'git-files' ? request.dialect : ''))
  test('how file patterns are read', () => {
    expect(dialects({})).toEqual(['pathspec'])
    expect(dialects({ group: 'flotilla.dev' })).toEqual(['doublestar'])
  })
  test('unless the set says how', () => {
    const doublestar = '{ flotilla.dev/git-file-globs: doublestar }'
    const pathspec = '{ flotilla.dev/git-file-globs: pathspec }'
    expect(dialects({ annotations: doublestar })).toEqual(['doublestar'])
    expect(dialects({ annotations: pathspec, group: 'flotilla.dev' })).toEqual(['pathspec'])
    expect(dialects({ annotations: '{ flotilla.dev/git-file-globs: whatever }' })).toEqual(['pathspec'])
  })
  test('how a large number prints', () => {
    const answer = (): InputAnswer => ({
      kind: 'git-files',
      commit: 'c',
      files: [{ path: 'a/b', text: '{"id": 1000000}' }],
    })
    const label = (parts: Parts) =>
      all({ generator: FILES, metadata: "name: x, labels: { id: '{{id}}' }", ...parts }, inputsOf({ answer }))
        .applications[0]?.metadata.labels
    expect(label({})).toEqual({ id: '1e+06' })
    expect(label({ group: 'flotilla.dev' })).toEqual({ id: '1000000' })
  })
})
