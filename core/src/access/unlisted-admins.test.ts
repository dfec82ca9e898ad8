import { expect, test } from 'vitest'
import { authorise } from './authorise.ts'
import { parsePolicy } from './parse-policy.ts'
import { type AccessSettings, compilePolicy } from './policy.ts'
import { withoutUnlistedAdmins } from './unlisted-admins.ts'

const place = { file: 'policy.csv', line: 1, column: 1 }
const rowsOf = (text: string) => parsePolicy(text, (line, column) => ({ ...place, line, column })).rows
const held = (text: string, listed: readonly string[] = [], more: Partial<AccessSettings> = {}, own = '') =>
  withoutUnlistedAdmins({ rows: rowsOf(text), ...more }, rowsOf(own), listed).held.map(one => one.subject)

test('whoever would become an administrator by documents alone does not', () => {
  expect(held('g, eve, role:admin')).toEqual(['eve'])
  expect(held('p, eve, accounts, update, *, allow')).toEqual(['eve'])
  expect(held('p, eve, *, *, *, allow')).toEqual(['eve'])
  expect(held('p, eve, clusters, "{create,delete}", *, allow')).toEqual(['eve'])
  expect(held('p, role:boss, hub, update, *, allow\ng, sso:dev, role:boss')).toEqual(['sso:dev'])
  expect(held('g, role:dev, role:admin\ng, sso:dev, role:dev')).toEqual(['sso:dev'])
  expect(held('g, dev, role:admin\ng, eve, dev')).toEqual(['dev', 'eve'])
  expect(held('g, proj:shop:ci, role:admin')).toEqual(['proj:shop:ci'])
  expect(held('', [], { defaultRole: 'role:admin' })).toEqual(['everybody'])
  expect(held('p, eve, ^acc, ^upd, .*, allow', [], { matchMode: 'regex' })).toEqual(['eve'])
})

test('other rights, and roles of whom nobody has them, stay as they are', () => {
  const text =
    'p, ana, applications, *, shop/*, allow\np, ana, accounts, get, *, allow\np, ana, accounts, update, *, deny'
  expect(held(text)).toEqual([])
  expect(
    held('p, role:boss, hub, update, *, allow\ng, role:x, role:boss', [], { defaultRole: 'role:readonly' }),
  ).toEqual([])
})

test('whoever is listed is one, and so are those of the list’s own rows', () => {
  expect(held('g, sso:platform, role:admin', ['sso:platform'])).toEqual([])
  expect(held('g, eve, role:mine', [], {}, 'g, role:mine, role:admin')).toEqual(['eve'])
})

test('a binding keeps the people who are listed, and no Team', () => {
  const binding = {
    ...{ users: ['ana', 'eve'], groups: ['sso:x'], teams: ['shop'], role: 'cluster-admin', effect: 'allow' as const },
    ...{ scope: {}, conditions: [], text: 'allow cluster-admin', place },
  }
  const declared = { rows: [], bindings: [binding] }
  const { settings, held: gone } = withoutUnlistedAdmins(declared, [], ['ana', 'shop'])
  expect(gone.map(({ subject }) => subject)).toEqual(['eve', 'sso:x', 'shop'])
  expect(settings.bindings).toMatchObject([{ users: ['ana'], groups: [], teams: [] }])
  const may = (subject: string): string =>
    authorise(compilePolicy(settings), { kind: 'person', subject, groups: ['sso:x'] }, 'get', {
      resource: 'clusters',
      name: 'eu-1',
    }).kind
  expect([may('ana'), may('eve')]).toEqual(['allow', 'hidden'])
  expect(withoutUnlistedAdmins({ rows: [], bindings: [{ ...binding, role: 'operator' }] }, [], []).held).toEqual([])
})

test('what two people agreed on is in force, for that subject, row and what it gives', () => {
  const text = 'p, role:boss, hub, update, *, allow\ng, ana, role:boss\ng, eve, role:boss'
  const [ana] = withoutUnlistedAdmins({ rows: rowsOf(text) }, [], []).held
  expect(ana).toMatchObject({ subject: 'ana', gives: ['p, role:boss, hub, update, *, allow'] })
  const agreed = new Set([ana!.id])
  const after = withoutUnlistedAdmins({ rows: rowsOf(text) }, [], [], agreed)
  expect([after.held.map(({ subject }) => subject), after.agreed.map(({ subject }) => subject)]).toEqual([
    ['eve'],
    ['ana'],
  ])
  expect(after.settings.rows.map(each => each.text)).toContain('g, ana, role:boss')
  const wider = `${text}\np, role:boss, accounts, update, *, allow`
  expect(withoutUnlistedAdmins({ rows: rowsOf(wider) }, [], [], agreed).held.map(({ subject }) => subject)).toEqual([
    'ana',
    'eve',
  ])
})

test('nobody agrees on a Team, on everybody, or on a user where a group was meant', () => {
  const binding = {
    ...{ users: ['x'], groups: ['x'], teams: ['shop'], role: 'cluster-admin', effect: 'allow' as const },
    ...{ scope: {}, conditions: [], text: 'allow cluster-admin', place },
  }
  const declared = { rows: [], bindings: [binding], defaultRole: 'role:admin' }
  const { held: all } = withoutUnlistedAdmins(declared, [], [])
  expect(all.map(({ subject, listOnly }) => [subject, listOnly ?? false])).toEqual([
    ['x', false],
    ['x', false],
    ['shop', true],
    ['everybody', true],
  ])
  const user = withoutUnlistedAdmins(declared, [], [], new Set([all[0]!.id, all[2]!.id, all[3]!.id]))
  expect(user.settings.bindings).toMatchObject([{ users: ['x'], groups: [], teams: [] }])
  expect(user.settings.defaultRole).toBe('')
})
