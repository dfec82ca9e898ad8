import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'flotilla-health-'))
  writeFileSync(join(folder, 'live.yaml'), LIVE)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const LIVE = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, generation: 2}
status: {observedGeneration: 1}
---
# as kubectl prints several
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: settings, namespace: shop}
  - apiVersion: cert-manager.io/v1
    kind: Certificate
    metadata: {name: tls, namespace: shop}
    status: {conditions: [{type: Ready, status: 'False', message: no such issuer}]}
`

const run = (...words: string[]) => runInProcess(['health', 'assess', ...words], { cwd: folder })

test('each object has a row, and one without health has none', async () => {
  const { code, stdout } = await run('-f', 'live.yaml', '-o', 'json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toEqual([
    {
      group: 'apps',
      version: 'v1',
      kind: 'Deployment',
      namespace: 'shop',
      name: 'web',
      status: 'Progressing',
      message: 'generation is 2, but latest observed generation is 1',
    },
    { group: '', version: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'settings', status: null, message: '' },
    {
      group: 'cert-manager.io',
      version: 'v1',
      kind: 'Certificate',
      namespace: 'shop',
      name: 'tls',
      status: 'Degraded',
      message: 'no such issuer',
    },
  ])
})

test('the strict reading is Argo CD’s', async () => {
  const { stdout } = await run('-f', 'live.yaml', '-o', 'json', '--strict-argo')
  expect(JSON.parse(stdout)[0].message).toContain('observed deployment generation less than desired generation')
})

const RULES = `apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
data:
  resource.customizations.health.cert-manager.io_Certificate: |
    return { status = "Suspended", message = "by a script" }
  flotilla.health.ConfigMap: |
    lines: [{ when: { kind: equals, at: metadata.name, oneOf: settings }, status: Healthy, message: "{name} is there" }]
    otherwise: { status: Unknown }
  flotilla.health.apps_Deployment: |
    failed: metadata.name == "other"
    current: metadata.name == "web"
`

test('rules of one’s own come first: scripts, rules as data and expressions', async () => {
  writeFileSync(join(folder, 'argocd-cm.yaml'), RULES)
  const { code, stdout } = await run('-f', 'live.yaml', '--rules', 'argocd-cm.yaml', '-o', 'json')
  expect(code).toBe(0)
  const rows = JSON.parse(stdout) as { readonly status: string; readonly message: string }[]
  expect(rows.map(({ status, message }) => [status, message])).toEqual([
    // A status of an earlier generation says nothing, to nobody.
    ['Progressing', 'generation is 2, but latest observed generation is 1'],
    ['Healthy', 'settings is there'],
    ['Suspended', 'by a script'],
  ])
  writeFileSync(join(folder, 'seen.yaml'), LIVE.replace('observedGeneration: 1', 'observedGeneration: 2'))
  const seen = await run('-f', 'seen.yaml', '--rules', 'argocd-cm.yaml', '-o', 'json')
  expect(JSON.parse(seen.stdout)[0].status).toBe('Healthy')
})

test('a mistake in a rule is told at its key, and its kind keeps the rule that it has', async () => {
  writeFileSync(join(folder, 'broken.yaml'), RULES.replace('return {', 'return ='))
  const { code, stdout, stderr } = await run('-f', 'live.yaml', '--rules', 'broken.yaml', '-o', 'json')
  expect(code).toBe(1)
  expect(stderr).toMatch(/broken\.yaml:6:\d+ INVALID_VALUE the health script for cert-manager\.io\/Certificate/)
  expect(JSON.parse(stdout)[2]).toMatchObject({ status: 'Degraded', message: 'no such issuer' })
  writeFileSync(join(folder, 'none.yaml'), '{}\n')
  expect((await run('-f', 'live.yaml', '--rules', 'none.yaml')).code).not.toBe(0)
  expect((await run('-f', 'live.yaml', '--rules', 'nowhere.yaml')).stderr).toContain('--rules')
})

test('people get a table', async () => {
  const { stdout } = await run('-f', 'live.yaml')
  expect(stdout).toMatch(/^KIND +NAMESPACE +NAME +HEALTH +MESSAGE\n/)
  expect(stdout).toMatch(/cert-manager\.io\/Certificate +shop +tls +Degraded +no such issuer\n/)
})

test('what is no object is told with its place, and hides nothing', async () => {
  writeFileSync(
    join(folder, 'odd.yaml'),
    `${LIVE}---\n- 1\n---\na: [\n---\nkind: List\napiVersion: v1\nitems:\n  - {}\n`,
  )
  const { code, stdout, stderr } = await run('-f', 'odd.yaml', '-o', 'json')
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toHaveLength(3)
  expect(stderr).toContain('odd.yaml:18:1 NOT_AN_OBJECT')
  expect(stderr).toContain('odd.yaml:25:5 NOT_AN_OBJECT')
  expect(stderr).toMatch(/odd\.yaml:2[01]:\d+ /)
})

test('no file, and a file that is not there, are wrong usage', async () => {
  expect((await run()).code).toBe(2)
  expect((await run('-f', 'nowhere.yaml')).code).toBe(2)
})
