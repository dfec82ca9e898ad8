import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runInProcess } from '../testing/run-in-process.ts'

const POLICY = `# people
p, role:dev, applications, get, shop/*, allow
p, role:dev, applications, sync, shop/*, allow
p, role:dev, applications, sync, shop/ledger, deny
p, bo, applications, sync, shop/*, allow
g, sso:shop-devs, role:dev
`
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'flotilla-rbac-'))
  writeFileSync(join(folder, 'policy.csv'), POLICY)
  writeFileSync(join(folder, 'broken.csv'), 'p, ana, applications\np, role:x, applications, get, *, allow\n')
  const docs = readFileSync(new URL('../../../docs/access.md', import.meta.url), 'utf8')
  mkdirSync(join(folder, 'fleet'))
  for (const [index, [, text]] of [...docs.matchAll(/```yaml\n([\s\S]*?)```/g)].entries()) {
    writeFileSync(join(folder, 'fleet', `example-${index}.yaml`), text!)
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (...words: string[]) => runInProcess(['rbac', ...words], { cwd: folder })

test.each([
  ['a group by itself', ['sso:shop-devs', 'sync', 'app', 'shop/web'], 'Yes\n', 0],
  ['a user in a group', ['ana', 'sync', 'applications', 'shop/web', '--groups', 'other,sso:shop-devs'], 'Yes\n', 0],
  ['a deny', ['role:dev', 'sync', 'app', 'shop/ledger'], 'No\n', 1],
  ['a stranger', ['eve', 'get', 'app', 'shop/web'], 'No\n', 1],
  ['a default role', ['eve', 'get', 'app', 'bank/web', '--default-role', 'role:readonly'], 'Yes\n', 0],
  ['a namespace, which one star does not reach', ['role:dev', 'get', 'app', 'shop/ns/web'], 'No\n', 1],
  ["a namespace by Argo CD's rules", ['role:dev', 'get', 'app', 'shop/ns/web', '--strict'], 'Yes\n', 0],
  ['everything', ['admin', 'get', 'app'], 'Yes\n', 0],
])('can: %s', async (_, words, stdout, code) => {
  expect(await run('can', ...words, '--policy', 'policy.csv')).toEqual({ code, stdout, stderr: '' })
})

test('can as JSON names the deciding row', async () => {
  const { code, stdout } = await run(
    'can',
    'role:dev',
    'sync',
    'app',
    'shop/ledger',
    '--policy',
    'policy.csv',
    '-o',
    'json',
  )
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toEqual({
    allowed: false,
    because: [{ row: 'p, role:dev, applications, sync, shop/ledger, deny', file: 'policy.csv', line: 4 }],
  })
})

test('a word that does not exist is a mistake of the question', async () => {
  const { code, stderr } = await run('can', 'ana', 'synch', 'app', 'shop/web', '--policy', 'policy.csv')
  expect([code, stderr]).toEqual([2, expect.stringContaining('did you mean "sync"?')])
})

test.each([
  ['no policy', ['can', 'a', 'get', 'app'], /FLOTILLA_HUB/],
  ['a path that is not there', ['can', 'a', 'get', 'app', '--policy', 'nowhere.csv'], /nowhere/],
  ['a folder that says nothing', ['validate', '.'], /says nothing about access|access/],
])('%s is wrong usage', async (_, words, message) => {
  if (words[0] === 'validate') mkdirSync(join(folder, 'empty'), { recursive: true })
  const { code, stderr } = await run(...words.map(word => (word === '.' ? 'empty' : word)))
  expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
})

test('a policy with mistakes gives no answer', async () => {
  const { code, stdout, stderr } = await run('can', 'role:x', 'get', 'app', 'a/b', '--policy', 'broken.csv')
  expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining('broken.csv:1:1 POLICY_ROW_INVALID')])
})

test('validate lists mistakes and rows that do nothing', async () => {
  const { code, stdout } = await run('validate', 'broken.csv', '-o', 'json')
  expect(code).toBe(1)
  const found = (JSON.parse(stdout) as { diagnostics: { code: string; severity: string; line: number }[] }).diagnostics
  expect(found.map(one => [one.code, one.severity, one.line])).toEqual([
    ['POLICY_ROW_INVALID', 'error', 1],
    ['POLICY_ROW_UNREACHABLE', 'warning', 2],
  ])
  expect((await run('validate', 'policy.csv')).code).toBe(0)
})

test('explain says what a hub would answer, and why', async () => {
  const forbidden = await run('explain', 'role:dev', 'sync', 'app', 'shop/ledger', '--policy', 'policy.csv')
  expect(forbidden).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^forbidden.*\n {2}policy\.csv:4:1 p, role:dev/),
  })
  const hidden = await run('explain', 'bo', 'sync', 'app', 'shop/web', '--policy', 'policy.csv')
  expect(hidden).toMatchObject({ code: 1, stdout: expect.stringMatching(/^hidden[\s\S]*no row gives "get"/) })
  const allowed = await run('explain', 'role:dev', 'get', 'app', 'shop/web', '--policy', 'policy.csv', '-o', 'json')
  expect(JSON.parse(allowed.stdout)).toMatchObject({ answer: 'allow', allowed: true })
})

test("the page's commands run on the page's examples", async () => {
  const docs = readFileSync(new URL('../../../docs/access.md', import.meta.url), 'utf8')
  const all = [...docs.matchAll(/^flotilla rbac (.*)$/gm)].map(([, line]) => line!.split('#')[0]!.trim().split(/\s+/))
  // Those that ask a hub run in its own test.
  const lines = all.filter(words => words.includes('--policy') || words[0] === 'validate')
  expect(lines).toHaveLength(4)
  const codes = []
  for (const words of lines) codes.push((await run(...words)).code)
  expect(codes).toEqual([0, 0, 1, 0])
})
