import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

let cwd: string
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'flotilla-odd-'))
  mkdirSync(join(cwd, 'fleet'))
  mkdirSync(join(cwd, 'hollow'))
  mkdirSync(join(cwd, 'named.yaml'))
  writeFileSync(join(cwd, 'README.md'), 'hello\n')
  writeFileSync(
    join(cwd, 'fleet/web.yaml'),
    `apiVersion: flotilla.dev/v1alpha1
kind: Application
metadata: {name: web}
spec:
  project: default
  source:
    repoURL: https://git.example.com/web.git
    path: gone
  destination: {name: eu-1, namespace: web}
`,
  )
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

const SURE = 'no mistakes in 0 files\n'

describe.each([['validate'], ['expand'], ['render', 'web'], ['explain', 'web']])('%s', (verb, ...more) => {
  const cases: Record<string, [string, string]> = {
    'a path that is not there': ['nowhere', 'error: there is no nowhere\n'],
    'no path at all': ['', 'error: the path is empty\n'],
    'below a file': ['fleet/web.yaml/x', 'error: there is no fleet/web.yaml/x\n'],
    'a device': ['/dev/null', 'error: /dev/null is neither a folder nor a file\n'],
    'a file that no hub would read': [
      'README.md',
      'error: README.md is no file of documents\n  hint: they end in .yaml, .yml or .json, and a hub reads no others\n',
    ],
  }
  test.each(Object.entries(cases))('%s is wrong usage', async (_, [path, stderr]) => {
    expect(await runInProcess([verb, path, ...more], { cwd })).toEqual({ code: 2, stdout: '', stderr })
  })

  test.each(['x', 'wide,json'])('an output format that nobody has: -o %s', async format => {
    const ran = await runInProcess([verb, 'fleet', ...more, '-o', format], { cwd })
    expect(ran).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(`output format "${format}" is not`),
    })
  })
})

test('a folder that holds no document is said: a folder too deep is no "no mistakes"', async () => {
  for (const folder of ['hollow', 'named.yaml']) {
    expect(await runInProcess(['validate', folder], { cwd })).toEqual({
      code: 0,
      stdout: '',
      stderr: `${SURE}there is no .yaml, .yml or .json file in ${folder}\n`,
    })
  }
})

const REPO = ['--repo', 'https://git.example.com/web.git=.']

test('what cannot be rendered is told at the field that is to be mended', async () => {
  expect(await runInProcess(['render', 'fleet', 'web', ...REPO], { cwd })).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining(
      'fleet/web.yaml:8:11 PATH_MISSING "gone" is not in the repository\n  hint: correct',
    ),
  })
  expect(await runInProcess(['render', 'fleet', 'web'], { cwd })).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('fleet/web.yaml:7:14 INPUT_UNAVAILABLE no folder is named for the repository'),
  })
})

const wrong: Record<string, [string[], string]> = {
  'a repository that is no mapping': [['--repo', 'x'], '--repo "x" is not URL=DIR\n  hint: --repo https://'],
  'a repository twice': [[...REPO, ...REPO], '--repo names https://git.example.com/web.git twice'],
  'a repository in no folder': [['--repo', 'https://a=nowhere'], 'there is no folder'],
  'a repository in a file': [['--repo', 'https://a=README.md'], 'there is no folder'],
}
test.each(Object.entries(wrong))('%s is wrong usage', async (_, [words, stderr]) => {
  expect(await runInProcess(['expand', 'fleet', ...words], { cwd })).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining(stderr),
  })
})
