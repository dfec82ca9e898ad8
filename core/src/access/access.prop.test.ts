import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decide } from './authorise.ts'
import { compilePattern, matcherOf } from './compile-pattern.ts'
import { decideStrict } from './decide.ts'
import { parsePolicy } from './parse-policy.ts'
import { compilePolicy } from './policy.ts'
import type { PolicyRow } from './policy-row.ts'

const subject = fc.constantFrom('ana', 'bo', 'devs', 'ops', 'role:one', 'role:two')
const field = (...texts: string[]) => fc.constantFrom(...texts, '*')
const permission = fc
  .tuple(
    subject,
    field('applications', 'logs'),
    field('get', 'sync', 'action/*'),
    field('shop/web', 'shop/*', 's*/w?b', 'sh[', '*/*'),
    fc.constantFrom('allow', 'deny'),
  )
  .map(parts => `p, ${parts.join(', ')}`)
const grant = fc.tuple(subject, fc.constantFrom('role:one', 'role:two')).map(parts => `g, ${parts.join(', ')}`)
const lines = fc.array(fc.oneof(permission, permission, grant), { maxLength: 12 })
const question = fc.record({
  who: fc.constantFrom('ana', 'bo', 'eve'),
  groups: fc.subarray(['devs', 'ops']),
  action: fc.constantFrom('get', 'sync', 'action/apps/Deployment/restart'),
  project: fc.constantFrom('shop', 'bank'),
  name: fc.constantFrom('web', 'api'),
})
const modes = fc.record({ matchMode: fc.constantFrom('glob' as const, 'regex' as const), strictArgo: fc.boolean() })

function rowsOf(text: readonly string[]): readonly PolicyRow[] {
  return parsePolicy(text.join('\n'), (line, column) => ({ file: '', line, column })).rows
}

function ask(
  text: readonly string[],
  { who, groups, action, project, name }: typeof question extends fc.Arbitrary<infer Q> ? Q : never,
  mode: object,
) {
  const policy = compilePolicy({ rows: rowsOf(text), ...mode })
  const principal = { kind: 'person' as const, subject: who, groups }
  return decide(policy, principal, action, { resource: 'applications', project, name }).allowed
}

describe('laws of policies', () => {
  it('the order of rows never matters', () => {
    fc.assert(
      fc.property(
        lines.chain(list => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        question,
        modes,
        ([list, shuffled], q, mode) => {
          expect(ask(shuffled, q, mode)).toBe(ask(list, q, mode))
        },
      ),
    )
  })

  it('one more deny never gives anything', () => {
    fc.assert(
      fc.property(lines, permission, question, modes, (list, row, q, mode) => {
        const deny = row.replace(/allow$/, 'deny')
        expect(ask(list, q, mode) || !ask([...list, deny], q, mode)).toBe(true)
      }),
    )
  })

  it('who is in no row has nothing', () => {
    fc.assert(
      fc.property(lines, question, modes, (list, q, mode) => {
        expect(ask(list, { ...q, who: 'eve', groups: [] }, mode)).toBe(false)
      }),
    )
  })

  it('an empty identity never matches, whatever the rows', () => {
    const blank = fc.constantFrom('', ' ', '\t', '   ')
    fc.assert(
      fc.property(lines, blank, fc.array(blank, { maxLength: 3 }), modes, (list, who, groups, mode) => {
        const text = [...list, 'p, , *, *, *, allow', 'p, " ", *, *, *, allow', 'g, , role:admin']
        const policy = compilePolicy({ rows: rowsOf(text), ...mode })
        const principal = { kind: 'person' as const, subject: who, groups }
        expect(decideStrict(policy, principal, 'applications', 'get', 'shop/web').allowed).toBe(false)
        expect(
          decide(policy, principal, 'get', { resource: 'applications', project: 'shop', name: 'web' }).allowed,
        ).toBe(false)
      }),
    )
  })

  it('no pattern throws, and no row of text does', () => {
    const hostile = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom('*', '?', '[', '{', '}', '(', ')', '+', ',', '\\', 'a', '"') }),
    )
    fc.assert(
      fc.property(
        hostile,
        hostile,
        fc.constantFrom('wide' as const, 'segments' as const, 'regex' as const),
        (pattern, text, reading) => {
          expect(typeof matcherOf(compilePattern(pattern, reading))(text)).toBe('boolean')
          parsePolicy(pattern, (line, column) => ({ file: '', line, column }))
        },
      ),
    )
  })
})
