import { expect, test } from 'vitest'
import { authorise } from './authorise.ts'
import { parsePolicy } from './parse-policy.ts'
import { type AccessSettings, compilePolicy } from './policy.ts'
import type { Principal } from './principal.ts'
import { givenRightText, rightBeyond } from './rights-beyond.ts'

const ROLE = 'p, proj:shop:ci, applications, sync, shop/*, allow'
const place = { file: 'a', line: 1, column: 1 }

function beyond(rows: string, policies: readonly string[] = [ROLE]): string | undefined {
  const settings: AccessSettings = {
    rows: parsePolicy(rows, () => place).rows,
    projects: [{ project: 'shop', roles: [{ name: 'ci', policies }], placeOf: () => place }],
  }
  const policy = compilePolicy(settings)
  const ana: Principal = { kind: 'person', subject: 'ana', groups: [] }
  const found = rightBeyond({ policy, settings }, { project: 'shop', role: 'ci' }, (action, object) => {
    return authorise(policy, ana, action, object).kind === 'allow'
  })
  return found && givenRightText(found)
}

const GET = 'p, ana, applications, get, shop/*, allow\np, ana, projects, get, shop, allow\n'
const READ = 'p, proj:shop:ci, applications, get, shop/*, allow'

test('whoever has all of it may hand it out', () => {
  expect(beyond(`${GET}p, ana, applications, sync, shop/*, allow\n`, [READ, ROLE])).toBeUndefined()
  expect(beyond('g, ana, role:admin\n', [READ, ROLE])).toBeUndefined()
})

test('whoever lacks a right of it may not', () => {
  expect(beyond(GET, [READ, ROLE])).toBe('sync of applications shop/x')
  expect(beyond(`${GET}p, ana, applications, sync, shop/web, allow\n`, [READ, ROLE])).toBe(
    'sync of applications shop/x',
  )
  expect(beyond(GET, [READ])).toBeUndefined()
})

test('rows outside the Project count, and what the role is given elsewhere', () => {
  const row = 'p, proj:shop:ci, applications, delete, shop/*, allow\n'
  expect(beyond(`${GET}${row}`, [READ])).toBe('delete of applications shop/x')
  expect(beyond(`${GET}g, proj:shop:ci, role:admin\n`, [READ])).toBeDefined()
})

test('a right on one part of an Application is one, too', () => {
  const part = 'p, proj:shop:ci, applications, action/apps/Deployment/scale, shop/web, allow'
  expect(beyond(GET, [READ, part])).toBe('action/apps/Deployment/scale of applications shop/web')
})

const READING = 'p, ana, applications, get, shop/*, allow\np, ana, projects, get, shop, allow\n'
const SYNC = `${READING}p, ana, applications, sync, shop/*, allow\n`

test('what whoever hands it out is denied is beyond, too', () => {
  expect(beyond(`${SYNC}p, ana, applications, sync, shop/prod-*, deny\n`, [READ, ROLE])).toBe(
    'sync of applications shop/prod-x',
  )
  expect(beyond(`${SYNC}p, ana, applications, sync, */prod-*, deny\n`, [READ, ROLE])).toBe(
    'sync of applications shop/prod-x',
  )
  expect(beyond(`${SYNC}p, ana, applications, sync, web/prod-*, deny\n`, [READ, ROLE])).toBeUndefined()
})

test('a right on what has the name of an example is no right on everything', () => {
  expect(beyond(`${READING}p, ana, applications, sync, shop/x*, allow\n`, [READ, ROLE])).toBe(
    'sync of applications shop/any-other',
  )
})

test('what is given in every Project is given in this one', () => {
  const row = 'p, proj:shop:ci, applications, sync, */prod-*, allow\n'
  expect(beyond(`${READING}${row}`, [READ])).toBe('sync of applications shop/prod-x')
})

test('no row is left out, however many there are', () => {
  const many = Array.from({ length: 700 }, (_, at) => `p, proj:shop:ci, applications, get, shop/app-${at}, allow`)
  const last = 'p, proj:shop:ci, applications, sync, shop/last, allow'
  expect(beyond(READING, [...many, 'p, proj:shop:ci, applications, get, shop/last, allow', last])).toBe(
    'sync of applications shop/last',
  )
})
