import { describe, expect, it } from 'vitest'
import { lintPolicy } from './lint-policy.ts'
import { projectOfRequest } from './object.ts'
import { parsePolicy, policyKeys } from './parse-policy.ts'
import { nameMistake, resourceOf } from './vocabulary.ts'

const at = (line: number, column: number) => ({ file: 'policy.csv', line, column })

describe('rows', () => {
  it.each<[string, string, readonly string[]]>([
    ['blanks before a field are dropped', 'p,  ana ,applications, get, *, allow', ['ana ', 'applications', 'get', '*']],
    ['quotes keep commas', 'p, "a,b", applications, get, *, allow', ['a,b', 'applications', 'get', '*']],
    ['two quotes are one', 'p, "a""b", applications, get, *, allow', ['a"b', 'applications', 'get', '*']],
    ['a carriage return is no text', 'p, ana, applications, get, *, allow\r', ['ana', 'applications', 'get', '*']],
  ])('%s', (_, text, fields) => {
    const { rows, mistakes } = parsePolicy(text, at)
    expect(mistakes).toEqual([])
    expect(
      rows.map(row => (row.kind === 'permission' ? [row.subject, row.resource, row.action, row.object] : [])),
    ).toEqual([fields])
  })

  it('comments and empty lines are no rows', () => {
    expect(parsePolicy('# all\n\n   \n  # of it\n', at)).toEqual({ rows: [], mistakes: [] })
  })

  it.each<[string, string, number, number]>([
    ['a missing effect', '\n  p, ana, applications, get, *', 2, 3],
    ['another first word', 'x, ana', 1, 1],
    ['too many fields of a g row', 'g, a, b, c', 1, 1],
    ['a quote inside a field', 'p, a"b, applications, get, *, allow', 1, 5],
    ['a quote that is not closed', 'p, "ab, applications, get, *, allow', 1, 4],
    ['text after a closing quote', 'p, "ab"c, applications, get, *, allow', 1, 8],
    ['a row that is too long', `g, ${'a'.repeat(2000)}, b`, 1, 1],
  ])('%s is told with its place', (_, text, line, column) => {
    const { rows, mistakes } = parsePolicy(text, at)
    expect(rows).toEqual([])
    expect(mistakes).toMatchObject([{ line, column }])
  })

  it('sound rows beside a mistake are read too, so that all mistakes are told at once', () => {
    const { rows, mistakes } = parsePolicy('p, a\ng, a, b\np, b', at)
    expect([rows.length, mistakes.length]).toEqual([1, 2])
  })
})

describe('the keys of argocd-rbac-cm', () => {
  it('policy.csv comes first, the others by name', () => {
    expect(
      policyKeys({ 'policy.z.csv': '', 'policy.a.csv': '', 'policy.csv': '', 'policy.default': '', x: '' }),
    ).toEqual(['policy.csv', 'policy.a.csv', 'policy.z.csv'])
  })
})

describe('what lint finds', () => {
  const lint = (text: string, matchMode: 'glob' | 'regex' = 'glob') =>
    lintPolicy(parsePolicy(text, at).rows, { matchMode, knownRoles: ['role:admin'] }).map(({ row, kind, hint }) => [
      row.place.line,
      kind,
      ...(hint?.startsWith('did') ? [hint] : []),
    ])
  it.each<[string, string, readonly unknown[]]>([
    ['a sound policy: nothing', 'p, role:a, applications, get, x/*, allow\ng, devs, role:a', []],
    [
      'a misspelt resource',
      'p, ana, aplications, get, *, allow',
      [[1, 'unknown-name', 'did you mean "applications"?']],
    ],
    ['a misspelt action', 'p, ana, applications, synch, *, allow', [[1, 'unknown-name', 'did you mean "sync"?']]],
    ['an action of another resource', 'p, ana, logs, delete, *, allow', [[1, 'unknown-name']]],
    ['parts of applications: nothing', 'p, ana, applications, delete/*/Pod/*, *, allow', []],
    ['an effect that is none', 'p, ana, applications, get, *, alow', [[1, 'wrong']]],
    ['a glob that is none', 'p, ana, applications, get, a/[, allow', [[1, 'wrong']]],
    ['a role that nobody has', 'p, role:a, applications, get, *, allow', [[1, 'unreachable']]],
    [
      'a role that only another unreached role has',
      'p, role:a, applications, get, *, allow\ng, role:b, role:a',
      [
        [1, 'unreachable'],
        [2, 'unreachable'],
      ],
    ],
    ['a role without rows', 'g, devs, role:b', [[1, 'unreachable']]],
    ['an empty name', 'p, , applications, get, *, allow', [[1, 'unreachable']]],
    ['a blank at the end of a name', 'p, ana , applications, get, *, allow', [[1, 'unreachable']]],
    [
      'the same row twice',
      'p, ana, applications, get, *, allow\np, ana, applications, get, *, allow',
      [[2, 'shadowed']],
    ],
    [
      'a row that a wider one says',
      'p, ana, applications, *, shop/*, allow\np, ana, applications, get, shop/web, allow',
      [[2, 'shadowed']],
    ],
    [
      'an allow that a deny takes away',
      'p, ana, applications, get, shop/web, allow\np, ana, applications, *, shop/*, deny',
      [[1, 'shadowed']],
    ],
    [
      'a narrower deny: nothing',
      'p, ana, applications, get, shop/*, allow\np, ana, applications, get, shop/web, deny',
      [],
    ],
  ])('%s', (_, text, found) => {
    expect(lint(text)).toEqual(found)
  })

  it('in regular expressions, globs are mistakes', () => {
    expect(lint('p, ana, applications, get, */*, allow', 'regex')).toEqual([[1, 'wrong']])
  })
})

describe('words', () => {
  it('short names of resources are known', () => {
    expect(['app', 'proj', 'repo', 'key', 'applications', 'what'].map(resourceOf)).toEqual([
      ...['applications', 'projects', 'repositories', 'gpgkeys', 'applications', 'what'],
    ])
  })
  it('parts belong to applications only', () => {
    expect(nameMistake('applications', 'action//Pod/delete')).toBeUndefined()
    expect(nameMistake('projects', 'action//Pod/delete')).toMatchObject({ field: 'action' })
  })
  it.each([
    ['clusters', 'https://eu-1', 'https:'],
    ['applications', 'web', undefined],
    ['projects', 'shop', 'shop'],
    ['certificates', 'shop/x', undefined],
  ])('the project of %s %s is %s', (resource, object, project) => {
    expect(projectOfRequest(resource, object)).toBe(project)
  })
})
