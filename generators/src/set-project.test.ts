import type { ProjectSpec } from '@flotilla/core/model/fleet'
import { describe, expect, test } from 'vitest'
import { cluster, declaredSet, inputsOf } from '../test/declared-set.ts'
import { expand } from './expand.ts'
import type { InputAnswer, InputRequest } from './inputs.ts'

const PROJECT: ProjectSpec = {
  sourceRepos: ['https://git.example.com/shop/**'],
  destinations: [
    { name: 'eu-*', namespace: 'shop' },
    { server: 'https://us-1.example.com', namespace: '!kube-system' },
  ],
  clusterResourceWhitelist: [],
  clusterResourceBlacklist: [],
  namespaceResourceBlacklist: [],
}
const clusters = [
  cluster('eu-1'),
  { ...cluster('eu-2'), project: 'shop' },
  { ...cluster('eu-3'), project: 'bank' },
  cluster('us-1'),
  cluster('asia-1'),
]
const asked: InputRequest[] = []
const inputs = (spec: Partial<ProjectSpec> = {}, answer?: (request: InputRequest) => InputAnswer | undefined) =>
  inputsOf({
    clusters,
    projects: ['default', 'shop'],
    projectSpecs: new Map([['shop', { ...PROJECT, ...spec }]]),
    answer: request => {
      asked.push(request)
      return answer?.(request)
    },
  })
const set = (generators: string, rest = 'project: shop', project = '', group = 'flotilla.dev') =>
  declaredSet(`apiVersion: ${group}/v1alpha1
kind: ApplicationSet
metadata: { name: web }
spec:
  ${rest}
  generators: [${generators}]
  template: { metadata: { name: 'x-{{nameNormalized}}' }, spec: { ${project} destination: { name: '{{name}}', namespace: shop } } }
`)
const GIT = (repo: string) => `{ git: { repoURL: ${repo}, revision: main, directories: [{ path: '*' }] } }`

describe('a set that carries a project', () => {
  const names = (document: ReturnType<typeof set>, from = inputs()) =>
    expand(document, from).applications.map(({ metadata, spec }) => `${metadata.name} ${spec.project}`)

  test("sees only that project's Clusters, and its Applications are in it", () => {
    expect(names(set('{ clusters: {} }'))).toEqual(['x-eu-1 shop', 'x-eu-2 shop', 'x-us-1 shop'])
  })
  test('without one a set sees them all', () => {
    expect(names(set('{ clusters: {} }', 'goTemplate: false'))).toHaveLength(5)
  })
  test('a project that permits only Clusters of its own is taken at its word', () => {
    const only = inputs({ permitOnlyProjectScopedClusters: true })
    expect(names(set('{ clusters: {} }'), only)).toEqual(['x-eu-2 shop'])
  })
  test('in a matrix and a merge too', () => {
    const list = '{ list: { elements: [{ a: b }] } }'
    expect(names(set(`{ matrix: { generators: [${list}, { clusters: {} }] } }`))).toHaveLength(3)
    expect(
      names(set(`{ merge: { mergeKeys: [a], join: full, generators: [${list}, { clusters: {} }] } }`)),
    ).toHaveLength(3)
  })
  test('the template may name the same project, and no other', () => {
    expect(names(set('{ clusters: {} }', 'project: shop', 'project: shop,'))).toHaveLength(3)
    const { applications, errors } = expand(set('{ clusters: {} }', 'project: shop', 'project: bank,'), inputs())
    expect(applications).toEqual([])
    expect(errors).toMatchObject([
      {
        code: 'APPLICATION_PROJECT_FORBIDDEN',
        stage: 'validate',
        message: 'the Application is in project "bank", and its set carries project "shop"',
        position: { line: 7 },
        stale: true,
      },
    ])
  })
  test('a repository that the project may not use is refused before anybody asks for it', () => {
    asked.length = 0
    const { errors, generators } = expand(set(GIT('https://git.example.com/bank/secrets.git')), inputs())
    expect(generators.map(({ status }) => status)).toEqual(['failed'])
    expect(errors).toMatchObject([
      {
        code: 'GENERATOR_FORBIDDEN',
        message: expect.stringContaining(
          'project "shop" may not use repository https://git.example.com/bank/secrets.git',
        ),
        hint: 'add it to sourceRepos of project "shop"',
      },
    ])
    expect(asked).toEqual([])
  })
  test('one that it may use is asked for', () => {
    const { needs } = expand(set(GIT('https://git.example.com/shop/apps.git')), inputs())
    expect(needs).toMatchObject([{ repoURL: 'https://git.example.com/shop/apps.git' }])
  })
  test('of what a host lists, the others are left out, and the host is asked as this project', () => {
    const repository = (name: string) => ({
      ...{ organization: 'o', repository: name, url: `https://git.example.com/${name}.git`, branch: 'main', sha: 's' },
      ...{ labels: [], repositoryId: 1 },
    })
    const answer = (request: InputRequest): InputAnswer | undefined =>
      request.kind === 'scm-repositories'
        ? { kind: 'scm-repositories', repositories: [repository('shop/web'), repository('bank/vault')] }
        : request.kind === 'scm-branches'
          ? { kind: 'scm-branches', repositories: [request.repository] }
          : undefined
    asked.length = 0
    const document = declaredSet(`apiVersion: flotilla.dev/v1alpha1
kind: ApplicationSet
metadata: { name: web }
spec:
  project: shop
  generators: [{ scmProvider: { cloneProtocol: https, github: { organization: o } } }]
  template: { metadata: { name: '{{sha}}' }, spec: { destination: { name: eu-1 }, source: { repoURL: '{{url}}' } } }
`)
    const { applications, errors } = expand(document, inputs({}, answer))
    expect(errors).toEqual([])
    expect(applications.map(({ spec }) => spec.source?.repoURL)).toEqual(['https://git.example.com/shop/web.git'])
    expect(asked).toMatchObject([
      { kind: 'scm-repositories', project: 'shop' },
      { kind: 'scm-branches', project: 'shop', repository: { repository: 'shop/web' } },
    ])
  })
  test('a project that nobody declared leaves the set as it was', () => {
    const { applications, errors, generators } = expand(set('{ clusters: {} }', 'project: gone'), inputs())
    expect({ applications, statuses: generators.map(({ status }) => status) }).toEqual({
      applications: [],
      statuses: ['failed'],
    })
    expect(errors).toMatchObject([{ code: 'PROJECT_MISSING', stale: true, position: { line: 5, column: 12 } }])
  })
  test('the default project is open unless it is declared', () => {
    expect(names(set('{ clusters: {} }', 'project: default'))).toHaveLength(3)
  })
  test('under argoproj.io there is no such field', () => {
    const document = set('{ clusters: {} }', 'project: shop', 'project: bank,', 'argoproj.io')
    expect(names(document)).toHaveLength(5)
  })
})
