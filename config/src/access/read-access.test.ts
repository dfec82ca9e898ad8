import { authorise } from '@flotilla/core/access/authorise'
import { compilePolicy } from '@flotilla/core/access/policy'
import { formatDiagnostic } from '@flotilla/core/model/diagnostic'
import { describe, expect, it } from 'vitest'
import { load } from '../load.ts'
import { accessOfFleet, readAccess } from './read-access.ts'

function read(text: string, path = 'access.yaml') {
  return readAccess([{ path, text }])
}

const CONFIG_MAP = `apiVersion: v1
kind: ConfigMap
metadata: { name: argocd-rbac-cm, namespace: argocd }
data:
  policy.default: role:readonly
  scopes: '[groups, email]'
  policy.csv: |
    # people
    p, role:dev, applications, sync, shop/*, allow
    g, sso:devs, role:dev
  policy.more.csv: |
    p, ana, applications, synch, shop/*, allow
      p, bo
`

describe('documents about access', () => {
  it('a ConfigMap of Argo CD is read as it is, its mistakes at their rows', () => {
    const { settings, scopes, diagnostics } = read(CONFIG_MAP)
    expect(settings).toMatchObject({ defaultRole: 'role:readonly', matchMode: 'glob', strictArgo: false })
    expect(scopes).toEqual(['groups', 'email'])
    expect(diagnostics.map(one => formatDiagnostic(one).split('\n')[0])).toEqual([
      'access.yaml:12:5 POLICY_NAME_UNKNOWN applications have no action "synch"',
      'access.yaml:13:7 POLICY_ROW_INVALID a p row has 6 fields (p, subject, resource, action, object, allow or deny), and this one has 2',
    ])
  })

  it('the row that decided knows its line in the YAML file', () => {
    const policy = compilePolicy(read(CONFIG_MAP).settings)
    const who = { kind: 'person' as const, subject: 'x', groups: ['sso:devs'] }
    const { because } = authorise(policy, who, 'sync', { resource: 'applications', project: 'shop', name: 'web' })
    const { file, line, column } = because[0]!.place!
    expect([because[0]!.row, file, line, column]).toEqual([
      'p, role:dev, applications, sync, shop/*, allow',
      'access.yaml',
      9,
      5,
    ])
  })

  it('several rows with mistakes in one text are all told, in quotes at the value', () => {
    const text = `apiVersion: flotilla.dev/v1alpha1\nkind: AccessPolicy\nmetadata: {name: a}\nspec:\n  policy: "p, a\\np, b\\n"\n`
    expect(read(text).diagnostics.map(({ line, column }) => [line, column])).toEqual([
      [5, 11],
      [5, 11],
    ])
  })

  it.each<[string, string, string]>([
    ['a role that is none', 'bindings: [{subjects: {users: [a]}, role: operater}]', 'POLICY_NAME_UNKNOWN'],
    [
      'a condition that is none',
      'bindings: [{subjects: {users: [a]}, role: viewer, conditions: ["a =="]}]',
      'CONDITION_INVALID',
    ],
    ['a binding for nobody', 'bindings: [{subjects: {}, role: viewer}]', 'POLICY_ROW_UNREACHABLE'],
    [
      'a resource of a role',
      'roles: [{name: r, permissions: [{resources: [apps], actions: [get]}]}]',
      'POLICY_NAME_UNKNOWN',
    ],
    ['a field that is none', 'defaultRoll: x', 'UNKNOWN_FIELD'],
    ['another mode', 'matchMode: exact', 'INVALID_VALUE'],
  ])('%s is told', (_, spec, code) => {
    const text = `apiVersion: flotilla.dev/v1alpha1\nkind: AccessPolicy\nmetadata: {name: a}\nspec: {${spec}}\n`
    expect(read(text).diagnostics.map(one => one.code)).toEqual([code])
  })

  it('a CSV file is a policy by itself', () => {
    const { diagnostics, settings } = read('p, ana, apps, get, *, allow\n', 'policy.csv')
    expect(settings.rows).toHaveLength(1)
    expect(diagnostics.map(formatDiagnostic)).toEqual(
      ['policy.csv:1:1 POLICY_NAME_UNKNOWN there is no resource "apps"\n  hint: did you mean "logs"?'].map(text =>
        expect.stringContaining(text.split('\n')[0]!),
      ),
    )
  })

  it('roles of Projects are read, and told where they are wrong', () => {
    const text = `apiVersion: flotilla.dev/v1alpha1\nkind: Project\nmetadata: {name: shop}\nspec:\n  roles:\n  - name: dev\n    policies:\n    - p, proj:bank:dev, applications, get, shop/*, allow\n`
    const { diagnostics, settings } = read(text)
    expect(settings.projects).toHaveLength(1)
    expect(diagnostics.map(({ code, line, column }) => [code, line, column])).toEqual([['POLICY_ROW_INVALID', 8, 7]])
  })
})

describe('as documents of a config source', () => {
  it('they are declared, and half of them is never in force', () => {
    const team =
      'apiVersion: flotilla.dev/v1alpha1\nkind: Team\nmetadata: {name: shop}\nspec: {owns: {projects: [shop]}}\n'
    const policy =
      'apiVersion: flotilla.dev/v1alpha1\nkind: AccessPolicy\nmetadata: {name: all}\nspec: {defaultRole: "role:admin"}\n'
    const files = [
      { path: 'a.yaml', text: `${team}---\n${policy}` },
      { path: 'b.yaml', text: CONFIG_MAP },
    ]
    const { diagnostics, fleet } = load({ source: '', trust: { kind: 'all' }, files })
    expect(diagnostics.map(one => one.code)).toEqual(expect.arrayContaining(['POLICY_NAME_UNKNOWN', 'POLICY_KEPT']))
    expect(Object.values(fleet).flat()).toEqual([])
    const sound = load({ source: '', trust: { kind: 'all' }, files: files.slice(0, 1) })
    expect(sound.fleet.teams?.map(({ name }) => name)).toEqual(['shop'])
    const { settings } = accessOfFleet(sound.fleet)
    expect([settings.defaultRole, settings.teams?.[0]?.place]).toEqual([
      'role:admin',
      { file: 'a.yaml', line: 4, column: 7 },
    ])
    // What was in force stays as a whole when one of them breaks.
    const next = load({ source: '', trust: { kind: 'all' }, files, lastGood: sound.lastGood })
    expect(accessOfFleet(next.fleet).settings.teams?.map(({ owns }) => owns)).toEqual([['shop']])
  })

  it('a row of a policy knows its line in the file of its source', () => {
    const text = `# first\n${CONFIG_MAP.slice(0, CONFIG_MAP.indexOf('  policy.more.csv'))}`
    const { fleet } = load({ source: 'platform', trust: { kind: 'all' }, files: [{ path: 'a.yaml', text }] })
    const [row] = accessOfFleet(fleet).settings.rows
    const line = text.split('\n').findIndex(each => each.includes(row?.text ?? '-')) + 1
    expect({ ...row?.place }).toEqual({ source: 'platform', file: 'a.yaml', line, column: 5 })
  })

  it('a source that is trusted with projects only may not declare them', () => {
    const text = 'apiVersion: flotilla.dev/v1alpha1\nkind: AccessPolicy\nmetadata: {name: all}\nspec: {}\n'
    const trust = { kind: 'projects' as const, projects: ['shop'] }
    const { diagnostics } = load({ source: 'shop', trust, files: [{ path: 'a.yaml', text }] })
    expect(diagnostics.map(one => one.code)).toContain('NOT_TRUSTED')
  })
})
