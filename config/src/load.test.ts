import { formatDiagnostic } from '@flotilla/core/model/diagnostic'
import type { Trust } from '@flotilla/core/model/fleet'
import { describe, expect, test } from 'vitest'
import { type ConfigLoad, type LoadInput, load } from './load.ts'
import { LoadCache } from './load-cache.ts'

const ALL: Trust = { kind: 'all' }
const SHOP: Trust = { kind: 'projects', projects: ['shop', 'shop-*'] }

export function loadTexts(files: Record<string, string>, rest: Partial<LoadInput> = {}): ConfigLoad {
  const list = Object.entries(files).map(([path, text]) => ({ path, text }))
  return load({ source: 'platform', trust: ALL, files: list, ...rest })
}

function application(name: string, extra = '', project = 'shop'): string {
  return `apiVersion: flotilla.dev/v1alpha1
kind: Application
metadata: {name: ${name}}
spec:
  project: ${project}
  source: {repoURL: https://git.example.com/a.git, path: apps/${name}}
  destination: {name: eu-1, namespace: shop}
${extra}`
}

const PROJECT = 'apiVersion: flotilla.dev/v1alpha1\nkind: Project\nmetadata: {name: shop}\nspec: {sourceRepos: ["*"]}\n'
const SET = `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: web}
spec:
  generators:
  - list: {elements: [{cluster: eu-1}]}
  template:
    metadata: {name: 'web-{{cluster}}'}
    spec:
      project: shop
      source: {repoURL: https://git.example.com/a.git, path: web}
      destination: {name: '{{cluster}}', namespace: web}
`

function lines(result: ConfigLoad): string[] {
  return result.diagnostics.map(formatDiagnostic)
}

function states(result: ConfigLoad): string[] {
  return result.documents.map(one => `${one.file}#${one.index} ${one.kind ?? '?'}/${one.name ?? '?'} ${one.state}`)
}

function names(result: ConfigLoad): string[] {
  const { fleet } = result
  return [...fleet.applicationSets, ...fleet.applications, ...fleet.projects, ...fleet.clusters, ...fleet.repositories]
    .map(one => `${one.kind}/${one.name}`)
    .sort()
}

describe('kinds', () => {
  const cases: Record<string, [string, string[]]> = {
    'an Application': [application('web'), ['Application/web']],
    'an ApplicationSet of Argo CD': [SET, ['ApplicationSet/web']],
    'a Project': [PROJECT, ['Project/shop']],
    'an AppProject is a Project': [
      PROJECT.replace('flotilla.dev', 'argoproj.io').replace('kind: Project', 'kind: AppProject'),
      ['Project/shop'],
    ],
    'a Cluster without a spec': [
      'apiVersion: flotilla.dev/v1alpha1\nkind: Cluster\nmetadata: {name: eu-1}\n',
      ['Cluster/eu-1'],
    ],
    'a Repository': [
      'apiVersion: flotilla.dev/v1alpha1\nkind: Repository\nmetadata: {name: a}\nspec: {url: https://g/a.git, pollInterval: 3m}',
      ['Repository/a'],
    ],
    'a List is its items': [
      `apiVersion: v1\nkind: List\nitems:\n- {apiVersion: flotilla.dev/v1alpha1, kind: Cluster, metadata: {name: a}}\n- {apiVersion: flotilla.dev/v1alpha1, kind: Cluster, metadata: {name: b}}\n`,
      ['Cluster/a', 'Cluster/b'],
    ],
    'several documents, empty ones between': [
      `---\n${PROJECT}---\n# nothing\n---\n${SET}`,
      ['ApplicationSet/web', 'Project/shop'],
    ],
    'a kustomization is not ours to read': ['apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n', []],
  }
  test.each(Object.entries(cases))('%s', (_, [text, expected]) => {
    const result = loadTexts({ 'fleet/a.yaml': text })
    expect(lines(result)).toEqual([])
    expect(names(result)).toEqual(expected)
  })

  test('only YAML and JSON files outside of dot folders are read', () => {
    const result = loadTexts({
      'README.md': 'x',
      'kustomization.yaml': 'resources: [a.yaml]',
      '.github/workflows/ci.yml': 'on: push',
      'a/.hidden.yaml': 'x: 1',
      'p.yml': PROJECT,
      'c.json': '{"apiVersion":"flotilla.dev/v1alpha1","kind":"Cluster","metadata":{"name":"eu"}}',
    })
    expect([lines(result), names(result)]).toEqual([[], ['Cluster/eu', 'Project/shop']])
  })

  test('the clusters of Argo CD are Secrets, whose credentials are nowhere afterwards', () => {
    const text = `apiVersion: v1
kind: Secret
metadata:
  name: cluster-eu
  labels: {argocd.argoproj.io/secret-type: cluster, env: prod}
stringData:
  name: Prod EU
  server: https://eu.example.com
  config: '{"bearerToken": "topsecret"}'
`
    const result = loadTexts({ 'c.yaml': text })
    expect(lines(result)).toEqual([expect.stringContaining('c.yaml:9:3 CREDENTIALS_IGNORED')])
    expect(result.fleet.clusters[0]).toMatchObject({
      name: 'Prod EU',
      labels: { env: 'prod' },
      spec: { servers: ['https://eu.example.com'], timeZone: 'UTC', local: false },
    })
    expect(JSON.stringify(result)).not.toContain('topsecret')
    expect(names(loadTexts({ 'c.yaml': 'kind: [' }, { lastGood: result.lastGood }))).toEqual(['Cluster/Prod EU'])
  })

  test('base64 data is read as well', () => {
    const data = Buffer.from('https://kubernetes.default.svc').toString('base64')
    const text = `apiVersion: v1\nkind: Secret\nmetadata: {name: c, labels: {argocd.argoproj.io/secret-type: cluster}}\ndata: {server: ${data}}\n`
    const [cluster] = loadTexts({ 'c.yaml': text }).fleet.clusters
    expect(cluster).toMatchObject({ name: 'https://kubernetes.default.svc', spec: { local: true } })
  })
})

describe('mistakes, each with its place', () => {
  const cases: Record<string, [string, string[]]> = {
    'a misspelt field': [
      application('web').replace('  destination', '  destnation'),
      [
        'a.yaml:4:1 MISSING_FIELD spec.destination is missing',
        'a.yaml:7:3 UNKNOWN_FIELD there is no field "destnation" in spec\n  hint: did you mean "destination"?',
      ],
    ],
    'a number where text belongs': [
      application('web').replace('namespace: shop', 'namespace: 42'),
      ['a.yaml:7:40 WRONG_TYPE spec.destination.namespace must be text, not a number\n  hint: put it in quotes: "42"'],
    ],
    'text where a boolean belongs': [
      application('web', '  syncPolicy: {automated: {prune: "true"}}\n'),
      ['WRONG_TYPE spec.syncPolicy.automated.prune must be true or false, not text\n  hint: remove the quotes'],
    ],
    'an enum value': [
      application('web', '  deletion: detatch\n'),
      ['INVALID_VALUE spec.deletion is "detatch"; it must be one of "prune", "detach"\n  hint: did you mean "detach"?'],
    ],
    'a field of ours under argoproj.io': [
      application('web', '  deletion: detach\n').replace('flotilla.dev', 'argoproj.io'),
      [
        'a.yaml:8:3 UNKNOWN_FIELD there is no field "deletion" in spec\n  hint: "deletion" needs apiVersion: flotilla.dev/v1alpha1',
      ],
    ],
    'an empty value is a missing one': [
      application('web').replace(/project: shop/, 'project:'),
      ['a.yaml:5:3 MISSING_FIELD spec.project is missing'],
    ],
    'a name that Kubernetes refuses': [
      application('Web_1'),
      ['a.yaml:3:18 INVALID_NAME "Web_1" is not a Kubernetes name'],
    ],
    'a label value that Kubernetes refuses': [
      application('web').replace('{name: web}', '{name: web, labels: {a: "b c"}}'),
      ['a.yaml:3:35 INVALID_VALUE metadata.labels.a is not a label value'],
    ],
    'both name and server': [
      application('web').replace('{name: eu-1,', '{name: eu-1, server: https://x,'),
      ['a.yaml:7:3 DESTINATION_AMBIGUOUS'],
    ],
    'no source at all': [
      application('web').replace(/\n {2}source:.*/, ''),
      ['a.yaml:4:1 MISSING_FIELD spec.source is missing\n  hint: add source or sources'],
    ],
    'a misspelt kind': [
      PROJECT.replace('kind: Project', 'kind: Projct'),
      ['a.yaml:2:7 UNKNOWN_KIND flotilla.dev has no kind Projct\n  hint: did you mean "Project"?'],
    ],
    "the other group's kind name": [
      PROJECT.replace('kind: Project', 'kind: AppProject'),
      ['hint: did you mean "Project"?'],
    ],
    'a misspelt group': [
      PROJECT.replace('flotilla.dev', 'flotila.dev'),
      [
        'a.yaml:1:13 UNKNOWN_KIND there is no apiVersion flotila.dev/v1alpha1\n  hint: did you mean "flotilla.dev/v1alpha1"?',
      ],
    ],
    'a version to come': [PROJECT.replace('v1alpha1', 'v1'), ['a.yaml:1:13 UNSUPPORTED_VERSION']],
    'a workload': [
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n',
      ['a.yaml:2:7 UNKNOWN_KIND a config repo holds no apps/v1 Deployment'],
    ],
    "a Secret that is nobody's": [
      'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n',
      ['UNKNOWN_KIND a config repo holds no v1 Secret'],
    ],
    'a text without a type': ['a: 1\n', ['a.yaml:1:1 NOT_A_DOCUMENT the document has no apiVersion and no kind']],
    'a list': ['- a\n', ['a.yaml:1:1 NOT_A_DOCUMENT the document is not a mapping']],
    'a generator that is none': [
      SET.replace('- list:', '- lists:'),
      [
        'a.yaml:6:5 GENERATOR_MISSING',
        'a.yaml:6:5 UNKNOWN_FIELD there is no field "lists" in spec.generators[0]\n  hint: did you mean "list"?',
      ],
    ],
    'a matrix of three': [
      SET.replace(
        '- list: {elements: [{cluster: eu-1}]}',
        '- matrix: {generators: [{clusters: {}}, {clusters: {}}, {clusters: {}}]}',
      ),
      ['a.yaml:6:14 INVALID_VALUE spec.generators[0].matrix combines exactly two generators, not 3'],
    ],
    'a field deep inside a nested generator': [
      SET.replace(
        '- list: {elements: [{cluster: eu-1}]}',
        '- matrix: {generators: [{clusters: {}}, {git: {repoURL: a, revison: b, files: [{path: x}]}}]}',
      ),
      [
        'MISSING_FIELD spec.generators[0].matrix.generators[1].git.revision is missing',
        'a.yaml:6:62 UNKNOWN_FIELD there is no field "revison" in spec.generators[0].matrix.generators[1].git\n  hint: did you mean "revision"?',
      ],
    ],
    'a time zone that does not exist': [
      'apiVersion: flotilla.dev/v1alpha1\nkind: Cluster\nmetadata: {name: a}\nspec: {timeZone: Europe/Berlim}\n',
      ['a.yaml:4:18 INVALID_VALUE spec.timeZone is not an IANA time zone'],
    ],
    'a time zone that is an offset, which gates would not know': [
      'apiVersion: flotilla.dev/v1alpha1\nkind: Cluster\nmetadata: {name: a}\nspec: {timeZone: "+01:00"}\n',
      ['a.yaml:4:18 INVALID_VALUE spec.timeZone is not an IANA time zone'],
    ],
    'all at once, over broken syntax': [
      `a: [\n---\n${application('x', '  deletion: no\n')}---\nb: *c\n`,
      ['a.yaml:1:4 YAML_SYNTAX', 'a.yaml:10:13 INVALID_VALUE', 'a.yaml:12:1 NOT_A_DOCUMENT', 'a.yaml:12:4 YAML_ALIAS'],
    ],
  }
  test.each(Object.entries(cases))('%s', (_, [text, expected]) => {
    const found = lines(loadTexts({ 'a.yaml': text }))
    expect(found.length, found.join('\n')).toBe(expected.length)
    for (const [index, line] of found.entries()) expect(line).toContain(expected[index])
  })

  test('quotes are blamed only where they are what is wrong', () => {
    const text = application('web', '  syncPolicy: {automated: {prune: maybe}}\n')
    expect(lines(loadTexts({ 'a.yaml': text }))).toEqual([expect.stringMatching(/must be true or false, not text$/)])
  })
})

describe('what is known and not built', () => {
  test('a gate with mistakes is known: what it would have closed is not', () => {
    const text =
      'apiVersion: flotilla.dev/v1alpha1\nkind: FreezePeriod\nmetadata: {name: december}\nspec: {anything: 1}\n'
    const result = loadTexts({ 'f.yaml': text })
    expect(result.diagnostics[0]?.severity).toBe('error')
    expect(result.declaredGates).toMatchObject([{ what: 'FreezePeriod "december"', scope: { kind: 'all' } }])
    expect(loadTexts({ 'f.yaml': text }, { trust: SHOP }).declaredGates).toMatchObject([{ scope: SHOP }])
  })

  test('a gate stays one when its text breaks', () => {
    const result = loadTexts({ 'f.yaml': 'apiVersion: flotilla.dev/v1alpha1\nkind: SyncWindow\nmetadata: {name: [\n' })
    expect(result.declaredGates).toMatchObject([{ what: 'an unreadable SyncWindow', scope: { kind: 'all' } }])
  })

  test('a restriction of a project holds that project, which is in force', () => {
    const text = PROJECT.replace('sourceRepos: ["*"]', 'sourceRepos: ["*"], sourceIntegrity: {helm: {policies: []}}')
    const result = loadTexts({ 'p.yaml': text })
    expect(lines(result)).toEqual([expect.stringContaining('FIELD_NOT_SUPPORTED_YET sourceIntegrity.helm')])
    expect(result.diagnostics[0]?.severity).toBe('error')
    expect(names(result)).toEqual(['Project/shop'])
    expect(result.unsupportedGates).toMatchObject([{ scope: { kind: 'projects', projects: ['shop'] } }])
  })

  test('what a project wants to know of orphans is read, and a glob that is none is a mistake', () => {
    const asked = (ignore: string): string =>
      PROJECT.replace('sourceRepos: ["*"]', `sourceRepos: ["*"], orphanedResources: {warn: false, ignore: [${ignore}]}`)
    expect(lines(loadTexts({ 'p.yaml': asked('{group: apps, kind: "*", name: "a-*"}') }))).toEqual([])
    expect(lines(loadTexts({ 'p.yaml': asked('{kind: "["}') }))).toEqual([
      expect.stringContaining('INVALID_VALUE kind:'),
    ])
    expect(lines(loadTexts({ 'p.yaml': asked('{namespace: a}') }))).toEqual([expect.stringContaining('UNKNOWN_FIELD')])
  })

  test('what only grants is a warning', () => {
    const text = PROJECT.replace('sourceRepos: ["*"]', 'sourceNamespaces: [a]')
    const result = loadTexts({ 'p.yaml': text })
    expect(result.diagnostics.map(one => `${one.severity} ${one.code}`)).toEqual(['warning FIELD_NOT_SUPPORTED_YET'])
    expect(result.unsupportedGates).toEqual([])
  })
})

describe('trust', () => {
  const cases: Record<string, [string, string[]]> = {
    'an Application of its project': [application('web', '', 'shop-eu'), []],
    'an Application of another project': [application('web', '', 'web'), ['a.yaml:5:12 NOT_TRUSTED']],
    'an Application without project means default': [application('web', '', '""'), ['a.yaml:5:12 NOT_TRUSTED']],
    'a set of its project': [SET, []],
    'a set of another': [SET.replace('project: shop', 'project: web'), ['a.yaml:10:16 NOT_TRUSTED']],
    'a templated project is judged when it is known': [SET.replace('project: shop', "project: '{{cluster}}'"), []],
    'a generator may not smuggle a project in': [
      SET.replace('[{cluster: eu-1}]}', '[{cluster: eu-1}], template: {spec: {project: web}}}'),
      ['a.yaml:6:68 NOT_TRUSTED'],
    ],
    'a Project': [PROJECT, ['a.yaml:2:7 NOT_TRUSTED']],
  }
  test.each(Object.entries(cases))('%s', (_, [text, expected]) => {
    const result = loadTexts({ 'a.yaml': text }, { trust: SHOP })
    expect(lines(result)).toEqual(expected.map(line => expect.stringContaining(line)))
    expect(names(result).length).toBe(expected.length === 0 ? 1 : 0)
  })
})

test('a prefix is put before the names of Applications and sets, and of nothing else', () => {
  const result = loadTexts({ 'a.yaml': `${PROJECT}---\n${SET}---\n${application('web')}` }, { namePrefix: 'b-' })
  expect(names(result)).toEqual(['Application/b-web', 'ApplicationSet/b-web', 'Project/shop'])
  expect(result.fleet.applications[0]?.document['metadata']).toEqual({ name: 'b-web' })
})

describe('last good', () => {
  const before = loadTexts({
    'a.yaml': `${application('one')}---\n${application('two')}`,
    'p.yaml': PROJECT,
    'b.yaml': application('three'),
  })
  const lastGood = JSON.parse(JSON.stringify(before.lastGood))
  const again = (files: Record<string, string>, rest: Partial<LoadInput> = {}) => {
    const result = loadTexts(
      {
        'a.yaml': `${application('one')}---\n${application('two')}`,
        'p.yaml': PROJECT,
        'b.yaml': application('three'),
        ...files,
      },
      { lastGood, ...rest },
    )
    return { result, names: names(result), states: states(result) }
  }
  const EVERYTHING = ['Application/one', 'Application/three', 'Application/two', 'Project/shop']

  test('a broken file keeps its own documents and holds up no other', () => {
    const { result, names, states } = again({
      'a.yaml': 'broken: [',
      'b.yaml': application('three', '  deletion: detach\n'),
    })
    expect(names).toEqual(EVERYTHING)
    expect(states).toEqual([
      'a.yaml#0 Application/one last-good',
      'a.yaml#1 Application/two last-good',
      'b.yaml#0 Application/three current',
      'p.yaml#0 Project/shop current',
    ])
    expect(result.fleet.applications.find(one => one.name === 'three')?.spec.deletion).toBe('detach')
    expect(result.lastGood.documents.map(one => one.name)).toEqual(['one', 'two', 'three', 'shop'])
  })

  test('one broken document of a file keeps its version, its neighbour moves on', () => {
    const { result, states } = again({
      'a.yaml': `${application('one', '  nonsense: 1\n')}---\n${application('two', '  deletion: detach\n')}`,
    })
    expect(states.slice(0, 2)).toEqual(['a.yaml#0 Application/one last-good', 'a.yaml#1 Application/two current'])
    expect(result.fleet.applications.map(one => [one.name, one.spec.deletion])).toEqual([
      ['one', undefined],
      ['two', 'detach'],
      ['three', undefined],
    ])
  })

  test('positions of a kept version point where it stood', () => {
    const { result } = again({ 'a.yaml': 'broken: [' })
    const two = result.fleet.applications.find(one => one.name === 'two')!
    expect(two.position).toMatchObject({ file: 'a.yaml', line: 9 })
    expect(two.positionOf(['spec', 'project'])).toMatchObject({ line: 13, column: 12 })
  })

  test('a document that is gone from a readable file is gone', () => {
    expect(again({ 'a.yaml': application('two') }).names).toEqual([
      'Application/three',
      'Application/two',
      'Project/shop',
    ])
    expect(again({ 'a.yaml': '' }).names).toEqual(['Application/three', 'Project/shop'])
  })

  test('renamed and broken at once: the old one stays', () => {
    expect(again({ 'b.yaml': application('four', '  nonsense: 1\n') }).names).toEqual(EVERYTHING)
  })

  test('a document that moved to another file is not kept twice', () => {
    const { result, names } = again({ 'a.yaml': 'broken: [', 'c.yaml': application('one', '  deletion: detach\n') })
    expect(names).toEqual(EVERYTHING)
    expect(result.fleet.applications.find(one => one.name === 'one')?.position.file).toBe('c.yaml')
  })

  test('without a last good version a broken document is refused', () => {
    const result = loadTexts({ 'a.yaml': application('one', '  nonsense: 1\n') })
    expect([names(result), states(result)]).toEqual([[], ['a.yaml#0 Application/one refused']])
    expect(result.documents[0]?.why).toContain('UNKNOWN_FIELD')
  })

  test('Projects are taken all or none', () => {
    const other = PROJECT.replace('shop', 'web')
    const { result, names } = again({
      'p.yaml': `${PROJECT.replace('"*"', '"https://new"')}---\n${other.replace('sourceRepos', 'sourceRepo')}`,
    })
    expect(names).toEqual(EVERYTHING)
    expect(result.fleet.projects[0]?.spec.sourceRepos).toEqual(['*'])
    expect(lines(result)).toEqual([expect.stringContaining('POLICY_KEPT'), expect.stringContaining('UNKNOWN_FIELD')])
    expect(states(result).slice(3)).toEqual(['p.yaml#0 Project/shop last-good', 'p.yaml#1 Project/web refused'])
  })

  test('a text that cannot be read but looks like a Project holds the Projects back', () => {
    const { result } = again({
      'p.yaml': PROJECT.replace('"*"', '"https://new"'),
      'q.yaml': 'kind: AppProject\nmetadata: [\n',
    })
    expect(result.fleet.projects[0]?.spec.sourceRepos).toEqual(['*'])
    const cold = loadTexts({ 'p.yaml': PROJECT, 'q.yaml': 'kind: AppProject\nmetadata: [\n' })
    expect(names(cold)).toEqual([])
    // There is no "as they last were" at the first start, and none offline.
    expect(lines(result)).toContainEqual(expect.stringContaining('POLICY_KEPT because of this, all Projects'))
    expect(lines(cold)).toContainEqual(
      expect.stringContaining(
        'q.yaml:2:11 POLICY_KEPT because of this, no Project, AccessPolicy or Team of the config source is in force',
      ),
    )
  })

  test('a Project whose kind is misspelt holds the Projects back', () => {
    const web = PROJECT.replace('shop', 'web')
    const { result } = again({ 'p.yaml': PROJECT.replace('kind: Project', 'kind: Projct'), 'q.yaml': web })
    expect(result.fleet.projects.map(one => one.name)).toEqual(['shop'])
    expect(lines(result)).toContainEqual(expect.stringContaining('POLICY_KEPT'))
  })

  test('a file that held a Project and cannot be read holds the Projects back', () => {
    expect(again({ 'p.yaml': 'x: [' }).names).toEqual(EVERYTHING)
  })

  test('a file without text keeps what it held, and says once why', () => {
    const unreadable = { code: 'FILE_UNREADABLE', message: 'the file is not UTF-8 text' } as const
    const files = [
      { path: 'a.yaml', text: '', unreadable },
      { path: 'b.yaml', text: application('three') },
      { path: 'p.yaml', text: PROJECT },
    ]
    const result = load({ source: 'platform', trust: ALL, files, lastGood })
    expect(names(result)).toEqual(EVERYTHING)
    expect(lines(result)).toEqual([
      'a.yaml:1:1 FILE_UNREADABLE the file is not UTF-8 text',
      expect.stringContaining('a.yaml:1:1 POLICY_KEPT'),
    ])
  })

  test('trust that has been taken away ends what was kept', () => {
    const { result, names } = again({ 'a.yaml': 'broken: [' }, { trust: { kind: 'projects', projects: ['web'] } })
    expect(names).toEqual([])
    expect(lines(result).filter(line => line.includes('LAST_GOOD_LOST')).length).toBeGreaterThanOrEqual(2)
  })

  test('a source that grew over its limits keeps everything', () => {
    const files = Object.fromEntries(Array.from({ length: 50_001 }, (_, index) => [`x/${index}.yaml`, '']))
    const { result, names } = again(files)
    expect(names).toEqual(EVERYTHING)
    expect(lines(result)).toEqual([expect.stringContaining('TOO_MANY_FILES')])
  })
})

describe('two documents of one name', () => {
  test('the first has it on a cold start, and the second says where the first is', () => {
    const result = loadTexts({ 'a.yaml': application('one'), 'b.yaml': application('one', '  deletion: detach\n') })
    expect(lines(result)).toEqual([
      expect.stringContaining('b.yaml:3:18 DUPLICATE_NAME Application "one" is declared already at a.yaml:1'),
    ])
    expect(result.fleet.applications.map(one => one.position.file)).toEqual(['a.yaml'])
  })

  test('the incumbent keeps it, wherever the newcomer stands', () => {
    const { lastGood } = loadTexts({ 'b.yaml': application('one') })
    const result = loadTexts({ 'a.yaml': application('one'), 'b.yaml': application('one') }, { lastGood })
    expect(result.fleet.applications.map(one => one.position.file)).toEqual(['b.yaml'])
  })

  test('a broken incumbent keeps its last good version against a sound newcomer', () => {
    const { lastGood } = loadTexts({ 'b.yaml': application('one') })
    const result = loadTexts(
      { 'a.yaml': application('one'), 'b.yaml': application('one', '  nonsense: 1\n') },
      { lastGood },
    )
    expect(result.fleet.applications.map(one => one.position.file)).toEqual(['b.yaml'])
  })

  test('the API group makes no difference, the kind does', () => {
    const argo = application('web').replace('flotilla.dev', 'argoproj.io')
    expect(lines(loadTexts({ 'a.yaml': `${application('web')}---\n${argo}---\n${SET}` }))).toEqual([
      expect.stringContaining('DUPLICATE_NAME'),
    ])
  })
})

describe('the cache', () => {
  const files = Object.fromEntries(
    Array.from({ length: 50 }, (_, index) => [`f${index}.yaml`, application(`app-${index}`)]),
  )

  test('only what changed is read again, and the rest is the very same value', () => {
    const cache = new LoadCache()
    const first = loadTexts(files, { cache })
    expect(cache.reads).toBe(50)
    const second = loadTexts(
      { ...files, 'f7.yaml': application('app-7', '  deletion: detach\n') },
      { cache, lastGood: first.lastGood },
    )
    expect(cache.reads).toBe(51)
    expect(second.fleet.applications.filter((one, index) => one === first.fleet.applications[index]).length).toBe(49)
  })

  test('a broken file costs its kept documents once', () => {
    const cache = new LoadCache()
    let { lastGood } = loadTexts(files, { cache })
    for (let round = 0; round < 3; round++) {
      lastGood = loadTexts({ ...files, 'f7.yaml': 'x: [' }, { cache, lastGood }).lastGood
      expect(cache.reads).toBe(52)
    }
  })

  test('other settings make everything new', () => {
    const cache = new LoadCache()
    loadTexts(files, { cache })
    expect(loadTexts(files, { cache, namePrefix: 'x-' }).fleet.applications[0]?.name).toBe('x-app-0')
  })
})
