import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

const URL = 'https://git.example.com/fleet.git'
const SET = `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: shop}
spec:
  generators:
  - matrix:
      generators:
      - merge:
          mergeKeys: [cluster]
          generators:
          - list: {elements: [{cluster: eu-1, size: small}, {cluster: us-1, size: small}]}
          - git: {repoURL: ${URL}, revision: main, pathParamPrefix: sizes, files: [{path: sizes/*.yaml}]}
      - git: {repoURL: ${URL}, revision: main, directories: [{path: 'apps/{{size}}-*'}]}
  - list:
      elements: [{cluster: eu-1}]
      template:
        metadata: {name: 'own-{{cluster}}'}
        spec: {project: '', destination: {namespace: 'own-{{cluster}}'}, source: {repoURL: '', path: extra}}
  template:
    metadata:
      name: '{{path.basename}}-{{cluster}}'
      labels: {tier: gold}
    spec:
      project: shop
      source: {repoURL: ${URL}, targetRevision: main, path: '{{path}}'}
      destination: {name: '{{cluster}}', namespace: shop}
  templatePatch: |
    metadata:
      labels: {patched: 'yes'}
    spec:
      destination: {namespace: patched}
`
const PULLS = `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: pulls}
spec:
  generators:
  - pullRequest: {github: {owner: shop, repo: web}}
  template:
    metadata: {name: 'web-{{number}}'}
    spec:
      project: shop
      source: {repoURL: ${URL}, targetRevision: '{{head_sha}}', path: apps/small-web}
      destination: {name: eu-1, namespace: 'pr-{{number}}'}
`
const UNION = `apiVersion: flotilla.dev/v1alpha1
kind: ApplicationSet
metadata: {name: either}
spec:
  generators:
  - union:
      dedupeKey: cluster
      generators:
      - list: {elements: [{cluster: eu-1}]}
      - list: {elements: [{cluster: eu-1}, {cluster: us-1}]}
  template:
    metadata: {name: 'either-{{cluster}}'}
    spec:
      project: shop
      source: {repoURL: ${URL}, targetRevision: main, path: apps/small-web}
      destination: {name: '{{cluster}}', namespace: shop}
`
const ALONE = `apiVersion: flotilla.dev/v1alpha1
kind: Application
metadata: {name: alone}
spec:
  project: shpo
  source: {repoURL: ${URL}, path: apps/small-web}
  destination: {name: eu-9, namespace: shop}
`
const cluster = (name: string): string =>
  `apiVersion: flotilla.dev/v1alpha1\nkind: Cluster\nmetadata: {name: ${name}}\nspec: {}\n`
const PROJECT = `apiVersion: flotilla.dev/v1alpha1
kind: Project
metadata: {name: shop}
spec: {sourceRepos: ['*'], destinations: [{name: eu-1, namespace: '*'}]}
`

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'flotilla-explain-'))
  const files: { readonly [path: string]: string } = {
    'fleet/shop.yaml': SET,
    'fleet/pulls.yaml': PULLS,
    'fleet/union.yaml': UNION,
    'fleet/clusters.yaml': [cluster('eu-1'), cluster('us-1')].join('---\n'),
    'fleet/project.yaml': PROJECT,
    'fleet/alone.yaml': ALONE,
    'sizes/us.yaml': 'cluster: us-1\nsize: large\n',
    'apps/small-web/map.yaml': '',
    'apps/large-web/map.yaml': '',
    'inputs.yaml': `- request: {kind: pull-requests, provider: github}
  answer:
    kind: pull-requests
    pullRequests: [{number: '7', title: t, branch: b, targetBranch: main, headSha: abcdef1234, author: ana, labels: []}]
`,
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const run = (...words: string[]) => runInProcess(['explain', 'fleet', ...words, '--repo', `${URL}=.`], { cwd: root })
const json = async (...words: string[]) => JSON.parse((await run(...words, '-o', 'json')).stdout)

describe('an Application is explained', () => {
  test('by the line that gave each field: template, templatePatch, or nobody', async () => {
    const { template, generator, provenance } = await json('small-web-eu-1')
    const origin = Object.fromEntries(
      template.map((one: { field: string; from: string; line: number; template?: string }) => [
        one.field,
        [one.from, one.line, one.template],
      ]),
    )
    expect(origin).toMatchObject({
      'metadata.name': ['template', 21, '{{path.basename}}-{{cluster}}'],
      'metadata.labels.tier': ['template', 22, 'gold'],
      'metadata.labels.patched': ['patch', 28, undefined],
      'spec.project': ['template', 24, 'shop'],
      'spec.source.path': ['template', 25, '{{path}}'],
      'spec.destination.name': ['template', 26, '{{cluster}}'],
      'spec.destination.namespace': ['patch', 28, undefined],
    })
    expect(provenance).toMatchObject({ set: 'shop', generator: '0', params: { size: 'small', cluster: 'eu-1' } })
    expect(generator).toMatchObject({ path: '0', kind: 'matrix', line: 6 })
    expect(
      generator.children.map((one: { path: string; kind: string; line: number }) => [one.path, one.kind, one.line]),
    ).toEqual([
      ['0.matrix.0', 'merge', 8],
      ['0.matrix.0.merge.0', 'list', 11],
      ['0.matrix.0.merge.1', 'git', 12],
      ['0.matrix.1', 'git', 13],
    ])
  })

  test("by the generator's own template where that goes first", async () => {
    const { template, generator } = await json('own-eu-1')
    expect(generator).toMatchObject({ path: '1', kind: 'list', children: [] })
    expect(template).toContainEqual(
      expect.objectContaining({ field: 'spec.source.path', from: 'generator', template: 'extra', line: 18 }),
    )
  })

  test('by the child of a union that gave the element', async () => {
    const { generator } = await json('either-us-1')
    expect(generator).toMatchObject({ path: '0.union.1', kind: 'list', file: 'fleet/union.yaml', line: 10 })
  })

  test('with what a hub would hold it for', async () => {
    const { holds, project } = await json('large-web-us-1')
    expect(holds).toEqual([expect.objectContaining({ code: 'DESTINATION_FORBIDDEN' })])
    expect(project).toMatchObject({ name: 'shop', file: 'fleet/project.yaml', line: 1 })
    expect((await json('small-web-eu-1')).holds).toEqual([])
    const { stdout } = await run('large-web-us-1')
    expect(stdout).toContain('held DESTINATION_FORBIDDEN')
    expect(stdout).toContain('in Project shop at fleet/project.yaml:1:1')
  })

  test('written by hand: also a Project and a Cluster that nobody declares', async () => {
    const codes = ['PROJECT_UNKNOWN', 'DESTINATION_UNKNOWN']
    expect((await json('alone')).holds).toEqual(codes.map(code => expect.objectContaining({ code })))
    expect((await run('alone')).stdout).not.toContain('nothing in the documents holds it')
  })

  test('also when a service over the network was asked, as it was recorded', async () => {
    const { provenance } = await json('web-7', '--inputs', 'inputs.yaml')
    expect(provenance).toMatchObject({ set: 'pulls', params: { number: '7', branch: 'b' } })
  })
})

describe('files are followed forward', () => {
  const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name)

  test('through patterns that were filled in, at any depth', async () => {
    const { applications, sets } = await json('--affected', 'apps/large-web/map.yaml')
    expect(names(applications)).toEqual(['large-web-us-1'])
    expect(sets).toEqual([])
  })

  test('to what renders them, and not to what only lies beside them', async () => {
    expect(names((await json('--affected', 'apps/large-web/README.md')).applications)).toEqual([])
    expect((await run('--affected', 'apps/large-web/README.md')).stderr).toContain('no Application is affected')
    expect(names((await json('--affected', 'apps/large-web/deep/map.yaml')).applications)).toEqual([])
    const { applications } = await json('--affected', 'apps/large-web/map.yaml')
    expect(applications[0].because).toEqual([
      {
        file: 'apps/large-web/map.yaml',
        reason: 'makes the folder apps/large-web, which ApplicationSet "shop" generates from',
      },
      { file: 'apps/large-web/map.yaml', reason: 'is in its source apps/large-web' },
    ])
  })

  test('to sets, where a path matches that is new or gone', async () => {
    const { applications, sets } = await json(
      '--affected',
      'apps/large-new/map.yaml',
      'sizes/new.yaml',
      'apps/other/map.yaml',
    )
    expect(sets).toEqual([
      {
        name: 'shop',
        because: [
          { file: 'apps/large-new/map.yaml', reason: 'is in apps/large-new, which matches and is not there' },
          { file: 'sizes/new.yaml', reason: 'matches, and is not there' },
        ],
      },
    ])
    // Whatever a file says that a generator reads, any Application of the set may say otherwise.
    expect(names(applications)).toContain('small-web-eu-1')
  })

  test('to every set that is declared in one', async () => {
    const { sets, applications } = await json('--affected', 'fleet/shop.yaml')
    expect(sets).toEqual([{ name: 'shop', because: [{ file: 'fleet/shop.yaml', reason: 'declares it' }] }])
    expect(names(applications)).toContain('large-web-us-1')
  })

  test('and what cannot be known without a network is said to be unknown', async () => {
    const { unknown } = await json('--affected', 'fleet/project.yaml')
    expect(unknown).toEqual([{ name: 'pulls', reason: expect.stringContaining('not known offline') }])
    expect((await run('--affected', 'fleet/project.yaml')).stderr).toContain('not known of ApplicationSet "pulls"')
    expect((await json('--affected', 'fleet/project.yaml', '--inputs', 'inputs.yaml')).unknown).toEqual([])
  })
})
