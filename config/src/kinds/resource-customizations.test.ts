import { customizationsFor, type ResourceCustomizations } from '@flotilla/core/model/resource-customizations'
import { describe, expect, it } from 'vitest'
import { load } from '../load.ts'
import { scriptMistakes } from '../script-mistakes.ts'

const ARGO_CM = `apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm, namespace: argocd}
data:
  url: https://argocd.example.com
  resource.customizations.health.example.com_Database: |
    return { status = "Healthy" }
  resource.customizations.health.*.crossplane.io_*: return nil
  flotilla.health.example.com_Pool: |
    lines: [{ when: { kind: present, at: status.ready }, status: Healthy }]
    otherwise: { status: Progressing }
  flotilla.health.example.com_Log: none
  flotilla.health.example.com_Lake: "{ current: status.phase == 'Open' }"
  resource.customizations.ignoreDifferences.apps_Deployment: |
    jsonPointers: [/spec/replicas]
  resource.customizations.ignoreDifferences.all: |
    managedFieldsManagers: [rollouts-controller]
  resource.customizations.useOpenLibs.example.com_Database: "true"
  resource.customizations: |
    example.com/Queue:
      health.lua: return { status = "Progressing" }
      ignoreDifferences: |
        jqPathExpressions: [".spec.size"]
`

function read(text: string) {
  const { fleet, diagnostics } = load({
    files: [{ path: 'argocd-cm.yaml', text }],
    source: '',
    trust: { kind: 'all' },
  })
  return { spec: fleet.resourceCustomizations?.[0]?.spec, diagnostics }
}

describe('ConfigMap argocd-cm', () => {
  const { spec, diagnostics } = read(ARGO_CM)

  it('is read for its health scripts and ignored differences, in both forms', () => {
    expect(spec?.health.map(({ kind }) => kind)).toEqual([
      'example.com/Queue',
      '*.crossplane.io/*',
      'example.com/Database',
      'example.com/Lake',
      'example.com/Log',
      'example.com/Pool',
    ])
    expect(spec?.ignoreDifferences).toEqual([
      { group: '*', kind: '*', managedFieldsManagers: ['rollouts-controller'] },
      { group: 'apps', kind: 'Deployment', jsonPointers: ['/spec/replicas'] },
      { group: 'example.com', kind: 'Queue', jqPathExpressions: ['.spec.size'] },
    ])
  })

  it('says what of it does nothing, and leaves other settings alone', () => {
    expect(diagnostics.map(({ code, line, message }) => [code, line, message])).toEqual([
      ['FIELD_NOT_SUPPORTED_YET', 18, expect.stringContaining('useOpenLibs')],
    ])
  })

  it.each<[string, string, number, string]>([
    ['YAML that is none', 'resource.customizations: "a: [1"', 5, 'line 1 of it'],
    ['a list', 'resource.customizations.ignoreDifferences.all: "[1]"', 5, 'is not a mapping'],
    [
      'a rule that has a mistake',
      'flotilla.health.example.com_Database: "{ lines: [{ when: { kind: present, at: entry.x }, status: Healthy }], otherwise: { status: Healthy } }"',
      5,
      'lines[0].when.at names an entry, and there is no list here',
    ],
    ['expressions that are none', 'flotilla.health.example.com_Lake: "{ current: status. }"', 5, 'Expected'],
    [
      'expressions that never say that all is well',
      'flotilla.health.example.com_Lake: "{ failed: status.bad }"',
      5,
      'current is missing',
    ],
    [
      'expressions beside something else',
      'flotilla.health.example.com_Lake: "{ current: status.ok, stale: status.bad }"',
      5,
      'stale is no expression',
    ],
    [
      'an expression that no agent could run',
      `resource.customizations.ignoreDifferences.all: 'jqPathExpressions: ["del(.a)"]'`,
      5,
      '"del" is not run here',
    ],
  ])('tells a mistake at its key: %s', (_sentence, entry, line, message) => {
    const { diagnostics } = read(`apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\ndata:\n  ${entry}\n`)
    expect(diagnostics).toMatchObject([{ severity: 'error', line, message: expect.stringContaining(message) }])
  })

  it('tells which scripts cannot be read, at their keys, in both forms', async () => {
    const { fleet, diagnostics } = load({
      files: [
        {
          path: 'argocd-cm.yaml',
          text: ARGO_CM.replaceAll('return {', 'return =').replace('Database: |\n', 'Database: |\n    local a = 1\n'),
        },
      ],
      source: 'platform',
      trust: { kind: 'all' },
    })
    // The document is in force all the same.
    expect(diagnostics.map(({ code }) => code)).toEqual(['FIELD_NOT_SUPPORTED_YET'])
    expect(await scriptMistakes(fleet)).toMatchObject([
      {
        line: 8,
        source: 'platform',
        message: expect.stringMatching(/^the health script for example.com\/Database .*:2:/),
      },
      { line: 21, source: 'platform', message: expect.stringContaining('for example.com/Queue') },
    ])
    expect(await scriptMistakes(load({ files: [], source: '', trust: { kind: 'all' } }).fleet)).toEqual([])
  })

  it('gives a Bundle the rules of its kinds', () => {
    const found = customizationsFor(spec as ResourceCustomizations, [
      { group: 'apps', kind: 'Deployment' },
      { group: 'ec2.crossplane.io', kind: 'Instance' },
    ])
    expect(found.health.map(({ kind }) => kind)).toEqual(['*.crossplane.io/*'])
    expect(found.ignoreDifferences.map(({ kind }) => kind)).toEqual(['*', 'Deployment'])
    expect(customizationsFor(spec as ResourceCustomizations, [])).toEqual({ health: [], ignoreDifferences: [] })
  })
})
