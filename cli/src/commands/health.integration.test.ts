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
