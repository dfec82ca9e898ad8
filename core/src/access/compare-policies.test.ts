import { expect, test } from 'vitest'
import { comparePolicies, whoMay } from './compare-policies.ts'
import { parsePolicy } from './parse-policy.ts'
import type { AccessSettings } from './policy.ts'
import { exampleOf, subjectsOfPolicy } from './policy-examples.ts'

const settings = (text: string, more: Partial<AccessSettings> = {}): AccessSettings => ({
  rows: parsePolicy(text, (line, column) => ({ file: 'policy.csv', line, column })).rows,
  ...more,
})

const lines = (before: AccessSettings, after: AccessSettings): readonly string[] =>
  comparePolicies(before, after, subjectsOfPolicy(before, after), 0).changes.map(
    ({ subject, change, resource, action, object, admin }) =>
      `${subject} ${change} ${resource} ${action} ${object}${admin ? ' admin' : ''}`,
  )

const DEV = `
p, role:dev, applications, get, shop/*, allow
g, sso:shop, role:dev
`

test('the same policy changes nothing, however it is written', () => {
  const other = `${DEV}p, role:dev, applications, get, shop/web, allow\n# the same again\n`
  expect(lines(settings(DEV), settings(DEV))).toEqual([])
  expect(lines(settings(DEV), settings(other))).toEqual([])
})

test('a row is gained by everybody who has its role, with the row that gives it', () => {
  const after = settings(`${DEV}p, role:dev, applications, sync, shop/*, allow\n`)
  expect(lines(settings(DEV), after)).toEqual([
    'role:dev gained applications sync shop/x',
    'sso:shop gained applications sync shop/x',
  ])
  const [first] = comparePolicies(settings(DEV), after, subjectsOfPolicy(after), 0).changes
  expect(first?.because).toMatchObject([{ place: { line: 4 } }])
})

test('a deny takes what it names away, and not the rest', () => {
  const after = `${DEV}p, role:dev, applications, get, shop/ledger, deny\n`
  expect(lines(settings(DEV), settings(after))).toEqual([
    'role:dev lost applications get shop/ledger',
    'sso:shop lost applications get shop/ledger',
  ])
})

test('what decides about others is told as such', () => {
  const after = settings(`${DEV}g, sso:shop, role:admin\n`)
  const found = lines(settings(DEV), after)
  expect(found).toContain('sso:shop gained accounts update any-other/any-other admin')
  expect(found).toContain('sso:shop gained applications sync any-other/any-other admin')
  expect(found).toContain('sso:shop gained applications sync shop/x')
  expect(found.filter(line => !line.startsWith('sso:shop gained'))).toEqual([])
})

test('a default role is everybody’s, those too whom nothing names', () => {
  expect(lines(settings(DEV), settings(DEV, { defaultRole: 'role:readonly' }))).toContain(
    'somebody else gained applications get any-other/any-other',
  )
})

test('bindings and Teams are asked about within their scope', () => {
  const place = { file: 'a.yaml', line: 1, column: 1 }
  const binding = {
    ...{ users: ['ana'], groups: [], teams: [], role: 'operator', effect: 'allow' as const },
    ...{ scope: { projects: ['shop-*'], environments: ['test'] }, conditions: [], text: 'allow', place },
  }
  const found = lines(settings(''), settings('', { bindings: [binding] }))
  expect(found).toContain('ana gained applications sync shop-x/x (environment test)')
  expect(found.some(line => line.includes('any-other'))).toBe(false)
  const team = { name: 'shop', users: ['ben'], groups: [], owns: ['shop'], watches: [], place }
  expect(lines(settings(''), settings('', { teams: [team] }))).toContain('ben gained applications get shop/x')
})

test('too much to ask about is told', () => {
  const wide = Array.from({ length: 400 }, (_, at) => `p, ana, applications, get, p${at}/a, allow`).join('\n')
  expect(comparePolicies(settings(''), settings(wide), subjectsOfPolicy(settings(wide)), 0).leftOut).toBeGreaterThan(0)
})

test('who may is everybody whom something names and lets', () => {
  const object = { resource: 'applications', project: 'shop', name: 'web' }
  expect(
    whoMay(settings(DEV), subjectsOfPolicy(settings(DEV)), 'get', object, 0).map(({ subject }) => subject),
  ).toEqual(['role:dev', 'sso:shop'])
})

test('an example is matched by its pattern', () => {
  expect(['shop/*', 'a?c', '{a,b}/*', '[x-z]1', '[^a]', 'plain', '\\*'].map(one => exampleOf(one))).toEqual([
    'shop/x',
    'axc',
    'a/x',
    'x1',
    'x',
    'plain',
    '*',
  ])
  expect(exampleOf('^shop/.*$', 'regex')).toBe('shop/x')
})
