// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions of sets look like that
import type { JsonObject } from '@flotilla/core/json/json'
import { describe, expect, test } from 'vitest'
import { cluster, declaredSet, inputsOf } from '../test/declared-set.ts'
import { expand } from './expand.ts'
import type { Expansion } from './expansion.ts'

const clusters = [cluster('eu', { env: 'prod', replicas: '3' }), cluster('us', { env: 'dev', replicas: '1' })]

function expandYaml(spec: string, group = 'flotilla.dev'): Expansion {
  const set = declaredSet(`apiVersion: ${group}/v1alpha1\nkind: ApplicationSet\nmetadata: {name: web}\nspec:\n${spec}`)
  return expand(set, inputsOf({ clusters }))
}

const problems = ({ errors }: Expansion): string[] =>
  errors.map(({ position, code, stale, message }) => {
    return `${position.line}:${position.column} ${code}${stale ? ' stale' : ''} ${message}`
  })
const names = ({ applications }: Expansion): string[] => applications.map(({ metadata }) => metadata.name)

const TEMPLATE = `  template:
    engine: handlebars
    metadata: {name: "{{name}}-web"}
    spec:
      project: default
      destination: {name: "{{name}}"}
      source: {repoURL: R, path: web}
`

describe('expressions in templates', () => {
  test('keep their type, in every engine', () => {
    for (const engine of ['fasttemplate', 'goTemplate', 'handlebars']) {
      const spec = `  generators: [{list: {elements: [{name: eu, count: "3", wanted: "yes"}]}}]
  template:
    engine: ${engine}
    metadata: {name: "\${{ name + '-' + 'web' }}"}
    spec:
      project: default
      destination: {name: "\${{ name }}"}
      revisionHistoryLimit: \${{ int(count) * 2 }}
      sources: "\${{ ['a', 'b'].map(p, {'repoURL': 'R', 'path': p}) }}"
      syncPolicy: {automated: {prune: "\${{ wanted == 'yes' }}"}}
`
      const [application] = expandYaml(spec).applications
      expect(application?.metadata.name).toBe('eu-web')
      expect(application?.spec).toEqual({
        project: 'default',
        destination: { name: 'eu' },
        revisionHistoryLimit: 6,
        sources: [
          { repoURL: 'R', path: 'a' },
          { repoURL: 'R', path: 'b' },
        ],
        syncPolicy: { automated: { prune: true } },
      })
    }
  })
  test('leave out what there is not', () => {
    const spec = TEMPLATE.replace('path: web', 'path: web, targetRevision: "${{ params.?rev }}"')
    const [application] = expandYaml(`  generators: [{clusters: {}}]\n${spec}`).applications
    expect(application?.spec['source']).toEqual({ repoURL: 'R', path: 'web' })
  })
  test('what fails says where in the document and where in the expression', () => {
    const spec = `  generators: [{clusters: {}}]\n${TEMPLATE.replace('path: web', 'path: "${{ nope }}"')}`
    expect(problems(expandYaml(spec))).toEqual([
      '12:34 EXPRESSION_FAILED stale Unknown variable: nope, at 1:1 of the expression "nope"',
    ])
  })
  test('an expression is the whole text or none', () => {
    const spec = `  generators: [{clusters: {}}]\n${TEMPLATE.replace('path: web', 'path: "a/${{ name }}"')}`
    expect(problems(expandYaml(spec))).toEqual([
      '12:34 EXPRESSION_INVALID stale an expression ${{ … }} must be the whole text',
    ])
  })
  test('under argoproj.io they are what Argo CD takes them for', () => {
    const spec = TEMPLATE.replace('    engine: handlebars\n', '').replace('path: web', 'path: "${{name}}"')
    const [application] = expandYaml(`  generators: [{clusters: {}}]\n${spec}`, 'argoproj.io').applications
    expect(application?.spec['source']).toEqual({ repoURL: 'R', path: '$eu' })
  })
  test('values of a generator keep their type, and may read what stands before it in a matrix', () => {
    const spec = `  generators:
  - matrix:
      generators:
      - list: {elements: [{factor: 2}]}
      - clusters: {values: {count: "$\{{ int(metadata.labels.replicas) * factor }}"}}
${TEMPLATE.replace('project: default', 'project: default\n      revisionHistoryLimit: "${{ values.count }}"')}`
    expect(expandYaml(spec).applications.map(({ spec: made }) => made['revisionHistoryLimit'])).toEqual([6, 2])
  })
  test('a child of a matrix may be filled in by one', () => {
    const spec = `  generators:
  - matrix:
      generators:
      - clusters: {}
      - list: {elementsYaml: "$\{{ '[{many: ' + metadata.labels.replicas + '}]' }}", template: {spec: {project: "$\{{ nope }}"}}}
${TEMPLATE.replace('project: default', 'project: default\n      revisionHistoryLimit: "${{ many }}"')}`
    const expansion = expandYaml(spec)
    expect(problems(expansion)).toEqual([])
    expect(expansion.applications.map(({ spec: made }) => made['revisionHistoryLimit'])).toEqual([3, 1])
  })
})

describe('when', () => {
  const of = (lines: string): Expansion => expandYaml(`${lines}${TEMPLATE}`)
  test('of a set: which parameter sets become Applications', () => {
    expect(names(of(`  when: metadata.labels.env == "prod"\n  generators: [{clusters: {}}]\n`))).toEqual(['eu-web'])
  })
  test('may stand in the braces of an expression, and may be true or false itself', () => {
    expect(names(of(`  when: "$\{{ name != 'eu' }}"\n  generators: [{clusters: {}}]\n`))).toEqual(['us-web'])
    expect(names(of(`  when: false\n  generators: [{clusters: {}}]\n`))).toEqual([])
  })
  test('of an entry: which of its parameter sets count', () => {
    const spec = `  generators:
  - clusters: {}
    when: metadata.labels.env == "dev"
  - list: {elements: [{name: a}, {name: b}]}
    when: name > "a"
`
    expect(names(of(spec))).toEqual(['us-web', 'b-web'])
  })
  test('of a child of a matrix: it reads the generators before it too', () => {
    const spec = `  generators:
  - matrix:
      generators:
      - clusters: {}
      - list: {elements: [{env: prod}, {env: dev}]}
        when: env == metadata.labels.env
`
    const { applications } = of(spec)
    expect(applications.map(({ provenance }) => (provenance.params as JsonObject)['env'])).toEqual(['prod', 'dev'])
  })
  test('what fails is told once, at its place, and hides nothing that was there', () => {
    expect(problems(of(`  when: nope\n  generators: [{clusters: {}}]\n`))).toEqual([
      '5:9 EXPRESSION_FAILED stale Unknown variable: nope, at 1:1 of the expression "nope"',
    ])
    expect(problems(of(`  when: 1 +\n  generators: [{clusters: {}}]\n`))).toEqual([
      '5:9 EXPRESSION_INVALID stale Unexpected token: EOF, at 1:4 of the expression "1 +"',
    ])
    expect(problems(of(`  generators:\n  - clusters: {}\n    when: name\n`))).toEqual([
      '7:11 EXPRESSION_FAILED stale when must be true or false, and "name" is a text',
    ])
  })
})

describe('templatePatch', () => {
  const patched = (patch: string, group: string): Expansion => {
    const template = group === 'flotilla.dev' ? TEMPLATE : TEMPLATE.replace('    engine: handlebars\n', '')
    return expandYaml(
      `  generators: [{list: {elements: [{name: eu}]}}]\n  templatePatch: "${patch}"\n${template}`,
      group,
    )
  }
  test('that leaves the spec empty is refused unless it says so', () => {
    expect(problems(patched('spec:', 'flotilla.dev'))).toEqual([
      '6:18 PATCH_INVALID stale templatePatch has an empty spec, which would empty the Application',
    ])
    expect(patched('spec: {$patch: delete}', 'flotilla.dev').applications[0]?.spec).toEqual({
      project: 'default',
      destination: {},
    })
  })
  test('under argoproj.io it empties the spec, as there', () => {
    expect(patched('spec:', 'argoproj.io').applications[0]?.spec).toEqual({ project: 'default', destination: {} })
  })
})
