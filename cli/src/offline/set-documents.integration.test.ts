import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

const TEAMS = `apiVersion: flotilla.dev/v1alpha1
kind: ApplicationSet
metadata: {name: teams}
spec:
  generators:
  - list: {elements: [{team: shop, at: eu-1}, {team: bank, at: edge-1}]}
  documents:
  - apiVersion: flotilla.dev/v1alpha1
    kind: Project
    metadata: {name: '{{team}}'}
    spec: {sourceRepos: ['*'], destinations: [{name: '{{at}}', namespace: '*'}]}
`
const MACHINES = `apiVersion: flotilla.dev/v1alpha1
kind: ApplicationSet
metadata: {name: a-machines}
spec:
  generators:
  - list: {elements: [{name: edge-1}, {name: edge-1}]}
  documents:
  - {apiVersion: flotilla.dev/v1alpha1, kind: Cluster, metadata: {name: '{{name}}', labels: {of: edge}}}
---
apiVersion: flotilla.dev/v1alpha1
kind: ApplicationSet
metadata: {name: agents}
spec:
  project: bank
  generators:
  - clusters: {}
  template:
    metadata: {name: 'agent-{{name}}'}
    spec:
      source: {repoURL: https://git.example.com/agent.git, path: deploy}
      destination: {name: '{{name}}', namespace: agent}
`

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'flotilla-documents-'))
  writeFileSync(join(folder, 'teams.yaml'), TEAMS)
  writeFileSync(join(folder, 'machines.yaml'), MACHINES)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const flotilla = (...words: readonly string[]) => runInProcess(words, { cwd: folder })

describe('what sets make beside Applications', () => {
  test('is shown by expand, and the other sets see it', async () => {
    const { code, stdout, stderr } = await flotilla('expand', '.', '-o', 'name')
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(stdout.split('\n')).toEqual(['agent-edge-1', 'Cluster/edge-1', 'Project/shop', 'Project/bank', ''])
  })
  test('has its provenance, as documents have that a person reads', async () => {
    const { stdout } = await flotilla('expand', '.', '--set', 'teams', '-o', 'json')
    const { items } = JSON.parse(stdout) as { readonly items: readonly object[] }
    expect(items).toHaveLength(2)
    expect(items[1]).toEqual({
      apiVersion: 'flotilla.dev/v1alpha1',
      kind: 'Project',
      metadata: { name: 'bank' },
      spec: { sourceRepos: ['*'], destinations: [{ name: 'edge-1', namespace: '*' }] },
      provenance: {
        ...{ set: 'teams', file: 'teams.yaml', line: 6, column: 5, generator: '0', element: 1 },
        params: { team: 'bank', at: 'edge-1' },
      },
    })
  })
  test('stands in the table', async () => {
    const { stdout } = await flotilla('expand', '.', '-o', 'wide')
    expect(stdout).toMatch(/Project\/bank +teams +teams.yaml:6 0\[1\]/)
  })
  test('has its mistakes at the set', async () => {
    writeFileSync(
      join(folder, 'broken.yaml'),
      TEAMS.replace('name: teams', 'name: other').replace('team: bank', 'team: Bank'),
    )
    const { code, stdout, stderr } = await flotilla('expand', '.', '-o', 'name')
    expect(code).toBe(1)
    expect(stdout + stderr).toMatch(/broken.yaml:10:22 INVALID_NAME Project "Bank"/)
    rmSync(join(folder, 'broken.yaml'))
  })
})
