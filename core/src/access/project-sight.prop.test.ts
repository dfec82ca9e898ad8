import fc from 'fast-check'
import { expect, it } from 'vitest'
import { authorise } from './authorise.ts'
import type { Binding } from './bindings.ts'
import { parsePolicy } from './parse-policy.ts'
import { compilePolicy } from './policy.ts'
import type { Principal } from './principal.ts'
import { projectSight, seesEverything } from './project-sight.ts'

const PROJECTS = ['shop', 'shop-eu', 'bank', 'x']
const NAMES = ['web', 'ledger', 'shop', 'a.b']
const place = { file: 'policy.csv', line: 1, column: 1 }

const subject = fc.constantFrom('ana', 'dev', 'role:a', 'role:b', 'proj:shop:dev')
const object = fc.constantFrom(
  ...[
    '*',
    '**',
    '*/*',
    'shop/*',
    'shop/**',
    'shop*',
    'shop-*/*',
    'sh*/web',
    'shop/web',
    'bank/l*',
    '*/web',
    '[',
    'x/?',
  ],
)
const row = fc
  .tuple(
    subject,
    fc.constantFrom('applications', 'appl*', '*', 'projects'),
    fc.constantFrom('get', '*', 'g*', 'sync'),
    object,
    fc.constantFrom('allow', 'allow', 'allow', 'deny'),
  )
  .map(parts => `p, ${parts.join(', ')}`)
const grant = fc
  .tuple(fc.constantFrom('ana', 'dev', 'role:a'), fc.constantFrom('role:a', 'role:b', 'role:admin', 'proj:shop:dev'))
  .map(parts => `g, ${parts.join(', ')}`)
const principal: fc.Arbitrary<Principal> = fc.constantFrom<Principal>(
  { kind: 'person', subject: 'ana', groups: ['dev'] },
  { kind: 'person', subject: 'bo', groups: [] },
  { kind: 'subject', subject: 'role:admin' },
  { kind: 'subject', subject: 'role:readonly' },
  { kind: 'project-token', project: 'shop', role: 'dev' },
  { kind: 'team', team: 'shop' },
  { kind: 'agent', cluster: 'eu-1' },
)

it('what is said of a project at once is what is answered about each of its Applications', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(row, grant), { maxLength: 8 }),
      fc.array(row, { maxLength: 3 }),
      principal,
      fc.constantFrom('', 'role:a', 'role:readonly'),
      fc.constantFrom([], ['shop'], ['*']),
      fc.boolean(),
      (rows, ofProject, who, defaultRole, owns, bound) => {
        const binding: Binding = {
          ...{ users: ['ana'], groups: [], teams: [], role: 'viewer', effect: 'deny', scope: { projects: ['bank'] } },
          ...{ conditions: [], text: 'deny', place },
        }
        const policy = compilePolicy({
          rows: parsePolicy(rows.join('\n'), () => place).rows,
          defaultRole,
          projects: [
            { project: 'shop', roles: [{ name: 'dev', policies: ofProject, groups: ['dev'] }], placeOf: () => place },
          ],
          teams: [{ name: 'shop', users: ['ana'], groups: ['dev'], owns, watches: ['x*'], place }],
          bindings: bound ? [binding] : [],
        })
        const all = seesEverything(policy, who)
        for (const project of PROJECTS) {
          const sight = projectSight(policy, who, project)
          for (const name of NAMES) {
            const answer = authorise(policy, who, 'get', { resource: 'applications', project, name }).kind
            if (sight !== 'some')
              expect([rows, project, name, answer]).toEqual([rows, project, name, sight === 'all' ? 'allow' : 'hidden'])
            if (all) expect([rows, project, name, answer]).toEqual([rows, project, name, 'allow'])
          }
        }
      },
    ),
    { numRuns: 1000 },
  )
})

it('whoever reads everything is known to, and one deny or one binding takes that away', () => {
  const sees = (text: string, who: Principal) =>
    seesEverything(compilePolicy({ rows: parsePolicy(text, () => place).rows }), who)
  const reader: Principal = { kind: 'subject', subject: 'role:readonly' }
  const ana: Principal = { kind: 'person', subject: 'ana', groups: ['sso:all'] }
  expect(sees('', reader)).toBe(true)
  expect(sees('', ana)).toBe(false)
  expect(sees('g, sso:all, role:readonly', ana)).toBe(true)
  expect(sees('g, sso:all, role:readonly\np, ana, applications, get, bank/*, deny', ana)).toBe(false)
  expect(sees('p, sso:all, applications, get, *, allow', ana)).toBe(true)
})
