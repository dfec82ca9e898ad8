import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
    ['POLICY_ROW_WIDE', 'warning', 2],
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

test('diff tells who gains and who loses what, and by which row', async () => {
  writeFileSync(
    join(folder, 'wider.csv'),
    `${POLICY}g, eve, role:admin\n`.replace('shop/ledger, deny', 'shop/books, deny'),
  )
  const shown = await run('diff', 'policy.csv', 'wider.csv')
  expect(shown.code).toBe(0)
  expect(shown.stdout).toMatch(
    /^role:dev\n {2}\+ applications shop\/ledger: sync\n {6}wider\.csv:3:1 p, .*\n {2}- applications shop\/books: sync\n {6}wider\.csv:4:1 p, .*deny\n/m,
  )
  expect(shown.stdout).toContain('  + accounts any-other/any-other: update (admin)\n')
  expect(shown.stderr).toContain('let a second person look')
  const admin = await run('diff', 'policy.csv', 'wider.csv', '--only', 'admin', '--exit-code', '-o', 'json')
  expect(admin.code).toBe(1)
  const { changes } = JSON.parse(admin.stdout) as { readonly changes: readonly { readonly subject: string }[] }
  expect(new Set(changes.map(({ subject }) => subject))).toEqual(new Set(['eve']))
  writeFileSync(join(folder, 'users.txt'), 'ana, sso:shop-devs # of the shop\n\nbob\n')
  const people = await run('diff', 'policy.csv', 'wider.csv', '--users', 'users.txt', '--exit-code')
  expect([people.code, people.stdout.split('\n')[0], people.stdout.includes('eve')]).toEqual([1, 'ana', false])
  expect(await run('diff', 'policy.csv', 'policy.csv', '--exit-code', '--quiet')).toEqual({
    code: 0,
    stdout: '',
    stderr: '',
  })
})

test.each([
  ['a policy with mistakes', ['diff', 'policy.csv', 'broken.csv'], 1, /has mistakes/],
  ['a list of nobody', ['diff', 'policy.csv', 'policy.csv', '--users', 'broken-users.txt'], 2, /names nobody/],
  [
    'a list that is not there',
    ['who-can', 'get', 'app', '--policy', 'policy.csv', '--users', 'none'],
    2,
    /cannot be read/,
  ],
  ['an action that does not exist', ['who-can', 'synch', 'app', '--policy', 'policy.csv'], 2, /did you mean "sync"/],
  ['another kind', ['diff', 'policy.csv', 'policy.csv', '--only', 'mine'], 2, /--only knows/],
])('%s is told', async (_, words, code, message) => {
  writeFileSync(join(folder, 'broken-users.txt'), '# nobody\n')
  expect(await run(...words)).toMatchObject({ code, stderr: expect.stringMatching(message) })
})

test('validate names rows that give more than they look', async () => {
  writeFileSync(join(folder, 'wide.csv'), 'p, ana, applications, get, */*, allow\np, ana, clusters, get, *, allow\n')
  const wide = await run('validate', 'wide.csv')
  expect([wide.code, wide.stdout.match(/POLICY_ROW_WIDE/g)]).toEqual([0, ['POLICY_ROW_WIDE']])
  const policy = (text: string): string =>
    JSON.stringify({
      ...{ apiVersion: 'flotilla.dev/v1alpha1', kind: 'AccessPolicy', metadata: { name: 'a' } },
      spec: { matchMode: 'regex', policy: text },
    })
  mkdirSync(join(folder, 'regex'), { recursive: true })
  writeFileSync(
    join(folder, 'regex/a.json'),
    policy('p, ana, ^clusters$, get, .*, allow\np, ana, ^x$, ^y$, ^z$, allow\n'),
  )
  const regex = await run('validate', 'regex')
  expect(regex.stdout.match(/POLICY_ROW_UNANCHORED action /g)).toHaveLength(1)
})

test('who-can names everybody whom the policy names, with the row', async () => {
  const { code, stdout } = await run('who-can', 'sync', 'app', 'shop/web', '--policy', 'policy.csv')
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(
      /^SUBJECT +BECAUSE\nrole:dev +policy\.csv:3:1 p, .*\nsso:shop-devs +policy\.csv:3:1 p, .*\n$/,
    ),
  ])
  expect(await run('who-can', 'sync', 'app', 'bank/web', '--policy', 'policy.csv')).toMatchObject({ code: 1 })
})

test("the page's commands run on the page's examples", async () => {
  const docs = readFileSync(new URL('../../../docs/access.md', import.meta.url), 'utf8')
  const all = [...docs.matchAll(/^flotilla rbac (.*)$/gm)].map(([, line]) => line!.split('#')[0]!.trim().split(/\s+/))
  // Those that ask a hub run in its own test.
  const offline = ['validate', 'diff']
  const lines = all.filter(words => words.includes('--policy') || offline.includes(words[0]!))
  expect(lines).toHaveLength(6)
  for (const side of ['main', 'branch']) cpSync(join(folder, 'fleet'), join(folder, side, 'fleet'), { recursive: true })
  const codes = []
  for (const words of lines) codes.push((await run(...words)).code)
  expect(codes).toEqual([0, 0, 1, 0, 0, 0])
})
