import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'flotilla-schema-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (...words: string[]) => runInProcess(['schema', ...words], { cwd: folder })

test('the kinds are listed', async () => {
  const { stdout } = await run('-o', 'name')
  expect(stdout.split('\n')).toContain('argoproj.io/v1alpha1/AppProject')
  expect(JSON.parse((await run('-o', 'json')).stdout).items).toContainEqual({
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'Cluster',
  })
  expect((await run()).stdout).toMatch(/^APIVERSION +KIND\n/)
})

test('a kind alone is ours where there is one', async () => {
  expect(JSON.parse((await run('ApplicationSet')).stdout)).toMatchObject({
    title: 'flotilla.dev/v1alpha1/ApplicationSet',
    type: 'object',
  })
  expect(JSON.parse((await run('argoproj.io/v1alpha1/ApplicationSet')).stdout).title).toBe(
    'argoproj.io/v1alpha1/ApplicationSet',
  )
  expect((await run('Cluster', '-o', 'yaml')).stdout).toContain('title: flotilla.dev/v1alpha1/Cluster')
})

test('a kind that there is not is wrong usage', async () => {
  const { code, stderr } = await run('Aplication')
  expect([code, stderr]).toEqual([2, expect.stringContaining('did you mean "Application"?')])
})

test('all are written into a folder, with one for every document', async () => {
  expect((await run('--out', 'deep/schemas')).code).toBe(0)
  const files = readdirSync(join(folder, 'deep/schemas'))
  expect(files).toContain('flotilla.json')
  expect(files).toContain('flotilla.dev_v1alpha1_applicationset.json')
  for (const file of files) JSON.parse(readFileSync(join(folder, 'deep/schemas', file), 'utf8'))
  expect((await run('Cluster', '--out', 'x')).code).toBe(2)
})
