import { formatDiagnostic } from '@flotilla/core/model/diagnostic'
import type { Trust } from '@flotilla/core/model/fleet'
import { describe, expect, test } from 'vitest'
import { load } from '../load.ts'

const ARGO = 'argoproj.io'
const OURS = 'flotilla.dev'

/** What is said about a set with one generator entry. */
function said(group: string, entry: string): string[] {
  const text = `apiVersion: ${group}/v1alpha1
kind: ApplicationSet
metadata: {name: web}
spec:
  generators:
  - ${entry}
  template: {metadata: {name: x}, spec: {project: shop, source: {repoURL: R, path: web}, destination: {name: eu-1}}}
`
  const { diagnostics } = load({ source: '', trust: { kind: 'all' }, files: [{ path: 'a.yaml', text }] })
  return diagnostics.map(formatDiagnostic)
}

const LIST = '{list: {elements: [{a: b}]}}'

describe("Argo CD's annotations around a set", () => {
  const warned = (metadata: string, template: string, generator = ''): string[] => {
    const text = `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: web, annotations: {${metadata}}}
spec:
  generators: [{list: {elements: [{a: b}], template: {metadata: {annotations: {${generator}}}, spec: {}}}}]
  template: {metadata: {name: x, annotations: {${template}}}, spec: {project: shop, source: {repoURL: R, path: web}, destination: {name: eu-1}}}
`
    const { diagnostics } = load({ source: '', trust: { kind: 'all' }, files: [{ path: 'a.yaml', text }] })
    return diagnostics.map(({ line, code, message }) => `${line} ${code} ${message.split(' ')[0]}`)
  }

  test('on the set, in its template and in those of its generators are told when they have no effect', () => {
    expect(
      warned(
        "argocd.argoproj.io/application-set-refresh: 'true'",
        'notifications.argoproj.io/subscribe.on-sync-failed.slack: x',
        "argocd.argoproj.io/sync-wave: '1'",
      ),
    ).toEqual([
      '3 ANNOTATION_WITHOUT_EFFECT argocd.argoproj.io/application-set-refresh',
      '5 ANNOTATION_WITHOUT_EFFECT argocd.argoproj.io/sync-wave',
      '6 ANNOTATION_WITHOUT_EFFECT notifications.argoproj.io/subscribe.on-sync-failed.slack',
    ])
  })

  test('that are kept, or that a template makes, are not', () => {
    expect(
      warned(
        'team: a, argocd.argoproj.io/tracking-id: x',
        "'argocd.argoproj.io/{{a}}': x, link.argocd.argoproj.io/x: z",
      ),
    ).toEqual([])
  })
})

describe('what a set of ours may hold and one of Argo CD may not', () => {
  const additions: { readonly [sentence: string]: readonly [entry: string, refused: string] } = {
    'a matrix of three': [
      `matrix: {generators: [${LIST}, ${LIST}, ${LIST}]}`,
      'a.yaml:6:14 INVALID_VALUE spec.generators[0].matrix combines exactly two generators, not 3\n  hint: under apiVersion: flotilla.dev/v1alpha1 a matrix takes any number',
    ],
    'a matrix with a left join': [
      `matrix: {join: left, generators: [${LIST}, ${LIST}]}`,
      'a.yaml:6:14 UNKNOWN_FIELD there is no field "join" in spec.generators[0].matrix\n  hint: "join" needs apiVersion: flotilla.dev/v1alpha1',
    ],
    'a named generator in a matrix': [
      `matrix: {generators: [{name: one, list: {}}, ${LIST}]}`,
      'a.yaml:6:28 UNKNOWN_FIELD there is no field "name" in spec.generators[0].matrix.generators[0]\n  hint: "name" needs apiVersion: flotilla.dev/v1alpha1',
    ],
    'a merge whose key has two names': [
      `merge: {mergeKeys: [{left: a, right: b}], generators: [${LIST}, ${LIST}]}`,
      'a.yaml:6:25 WRONG_TYPE spec.generators[0].merge.mergeKeys[0] must be text, not a mapping',
    ],
    'a merge that says what becomes of conflicts': [
      `merge: {onConflict: error, mergeKeys: [a], generators: [${LIST}, ${LIST}]}`,
      'a.yaml:6:13 UNKNOWN_FIELD there is no field "onConflict" in spec.generators[0].merge\n  hint: "onConflict" needs apiVersion: flotilla.dev/v1alpha1',
    ],
    'several repositories': [
      'git: {repositories: [{repoURL: A}], directories: [{path: "*"}]}',
      'a.yaml:6:11 UNKNOWN_FIELD there is no field "repositories" in spec.generators[0].git\n  hint: "repositories" needs apiVersion: flotilla.dev/v1alpha1',
    ],
    'a union': [
      `union: {dedupeKey: a, generators: [${LIST}]}`,
      'a.yaml:6:5 UNKNOWN_FIELD there is no field "union" in spec.generators[0]\n  hint: "union" needs apiVersion: flotilla.dev/v1alpha1',
    ],
  }
  test.each(Object.entries(additions))('%s', (_, [entry, refused]) => {
    expect(said(OURS, entry)).toEqual([])
    expect(said(ARGO, entry)).toContainEqual(refused)
  })
})

describe('mistakes in what is ours', () => {
  const table: { readonly [sentence: string]: readonly [entry: string, message: string] } = {
    'a misspelt join': [
      `matrix: {join: lefd, generators: [${LIST}, ${LIST}]}`,
      'a.yaml:6:20 INVALID_VALUE spec.generators[0].matrix.join is "lefd"; it must be one of "inner", "left"\n  hint: did you mean "left"?',
    ],
    'a misspelt field': [
      `union: {dedupeKeys: a, generators: [${LIST}]}`,
      'a.yaml:6:13 UNKNOWN_FIELD there is no field "dedupeKeys" in spec.generators[0].union\n  hint: did you mean "dedupeKey"?',
    ],
    'an empty union': [
      'union: {generators: []}',
      'a.yaml:6:13 INVALID_VALUE spec.generators[0].union combines at least one generator, not 0',
    ],
    'a matrix of one': [
      `matrix: {generators: [${LIST}]}`,
      'a.yaml:6:14 INVALID_VALUE spec.generators[0].matrix combines at least two generators, not 1',
    ],
    'no repository': [
      'git: {directories: [{path: "*"}]}',
      'a.yaml:6:5 MISSING_FIELD spec.generators[0].git.repoURL is missing\n  hint: add repoURL, or repositories for several',
    ],
    'one repository beside several': [
      'git: {repoURL: A, repositories: [{repoURL: B}], directories: [{path: "*"}]}',
      'a.yaml:6:11 INVALID_VALUE spec.generators[0].git has both repoURL and repositories\n  hint: write repoURL beside each of the repositories',
    ],
    'several that are none': [
      'git: {repositories: [], directories: [{path: "*"}]}',
      'a.yaml:6:11 INVALID_VALUE spec.generators[0].git.repositories is empty',
    ],
    'an entry without a generator is told the union too': [
      'selector: {matchLabels: {a: b}}',
      'a.yaml:6:5 GENERATOR_MISSING spec.generators[0] has no generator\n  hint: add one of list, clusters, git, scmProvider, clusterDecisionResource, pullRequest, matrix, merge, plugin, union',
    ],
    'a name at the top, where nothing is to be told apart': [
      'name: one\n    list: {}',
      'a.yaml:6:5 UNKNOWN_FIELD there is no field "name" in spec.generators[0]\n  hint: known here: list, clusters, git, scmProvider, clusterDecisionResource, pullRequest, matrix, merge, union, plugin, selector, when',
    ],
  }
  test.each(Object.entries(table))('%s', (_, [entry, message]) => expect(said(OURS, entry)).toEqual([message]))
})

describe('a set that carries its project', () => {
  const set = (group: string, project: string, ofTemplate: string, trust: Trust = { kind: 'all' }) => {
    const text = `apiVersion: ${group}/v1alpha1
kind: ApplicationSet
metadata: {name: web}
spec:
  ${project}
  generators: [${LIST}]
  template: {metadata: {name: x}, spec: {${ofTemplate} source: {repoURL: R, path: web}, destination: {name: eu-1}}}
`
    const { diagnostics } = load({ source: '', trust, files: [{ path: 'a.yaml', text }] })
    return diagnostics.map(formatDiagnostic)
  }
  test('need not name it in the template', () => expect(set(OURS, 'project: shop', '')).toEqual([]))
  test('may name it there as well', () => expect(set(OURS, 'project: shop', 'project: shop,')).toEqual([]))
  test('may not name another', () => {
    expect(set(OURS, 'project: shop', 'project: bank,')).toEqual([
      'a.yaml:7:51 INVALID_VALUE the set carries project "shop", and its template names "bank"\n  hint: leave it out of the template',
    ])
  })
  test('one of the two is needed', () => {
    expect(set(OURS, 'goTemplate: false', '')).toEqual([
      expect.stringMatching(
        /^a.yaml:7:\d+ MISSING_FIELD spec.template.spec.project is missing\n {2}hint: add it, or spec.project$/,
      ),
    ])
  })
  test('it is one project, not one for each element', () => {
    expect(set(OURS, "project: '{{a}}'", '')).toEqual([
      expect.stringContaining('INVALID_VALUE spec.project must be the name'),
    ])
  })
  test('is ours alone', () => {
    expect(set(ARGO, 'project: shop', 'project: shop,')).toEqual([
      'a.yaml:5:3 UNKNOWN_FIELD there is no field "project" in spec\n  hint: "project" needs apiVersion: flotilla.dev/v1alpha1',
    ])
  })
  test('needs a config source that may declare for it', () => {
    const trust: Trust = { kind: 'projects', projects: ['bank'] }
    expect(set(OURS, 'project: shop', '', trust)).toEqual([
      expect.stringContaining(
        'a.yaml:5:12 NOT_TRUSTED this config source may not declare for project "shop" (spec.project)',
      ),
    ])
    expect(set(OURS, 'project: bank', '', trust)).toEqual([])
  })
})

test('what Argo CD would drop for being nested too deep is a warning there, and none here', () => {
  const deep = (inner: string) => `matrix: {generators: [${LIST}, ${inner}]}`
  const entry = deep(`{${deep(`{${deep(LIST)}}`)}}`)
  expect(said(ARGO, entry)).toEqual([expect.stringMatching(/GENERATORS_NESTED matrix stands inside two other/)])
  expect(said(OURS, entry)).toEqual([])
})

test('keys of a nested generator in another case, which Go would read, are refused with the right one', () => {
  const entry = `matrix: {generators: [${LIST}, {merge: {MergeKeys: [a], mergeKeys: [a], generators: [{List: {}, list: {}}, ${LIST}]}}]}`
  expect(said(ARGO, entry)).toEqual([
    expect.stringMatching(/no field "MergeKeys" .*\n {2}hint: did you mean "mergeKeys"\?/),
    expect.stringMatching(/no field "List" .*\n {2}hint: did you mean "list"\?/),
  ])
})

describe('how much of a set may go at once', () => {
  /** What is said about a set with these annotations and this beside its generators. */
  function budgeted(group: string, annotations: string, own = ''): string[] {
    const text = `apiVersion: ${group}/v1alpha1
kind: ApplicationSet
metadata: {name: web, annotations: {${annotations}}}
spec:
  ${own}
  generators: [${LIST}]
  template: {metadata: {name: x}, spec: {project: shop, source: {repoURL: R, path: web}, destination: {name: eu-1}}}
`
    const { diagnostics } = load({ source: '', trust: { kind: 'all' }, files: [{ path: 'a.yaml', text }] })
    return diagnostics.map(formatDiagnostic)
  }
  const spec = 'deletionBudget: {count: 5, percent: 10, grace: 30m}'

  test.each<readonly [string, readonly string[], readonly string[]]>([
    ['ours says it in its spec', budgeted(OURS, '', spec), []],
    ['and whether its Applications go with it', budgeted(OURS, '', 'deletion: prune'), []],
    ['Argo CD’s in an annotation', budgeted(ARGO, 'flotilla.dev/deletion-budget: "5, 10%"'), []],
    [
      'and not in its spec',
      budgeted(ARGO, '', spec),
      [
        'a.yaml:5:3 UNKNOWN_FIELD there is no field "deletionBudget" in spec\n  hint: "deletionBudget" needs apiVersion: flotilla.dev/v1alpha1',
      ],
    ],
    [
      'a grace without a unit is none',
      budgeted(OURS, '', 'deletionBudget: {grace: "30"}'),
      [
        'a.yaml:5:27 INVALID_VALUE spec.deletionBudget.grace is not a duration of at most 30d, such as "30m" or "1h30m"',
      ],
    ],
    [
      'an annotation that cannot be read leaves the default',
      budgeted(ARGO, 'flotilla.dev/deletion-budget: many'),
      [
        'a.yaml:3:67 INVALID_VALUE metadata.annotations.flotilla.dev/deletion-budget must be a number, a share, or both: "10", "20%", "10, 20%"\n  hint: until then the default budget is in force: 10 Applications, 20 %',
      ],
    ],
  ])('%s', (_sentence, found, expected) => {
    expect(found).toEqual(expected)
  })
})
