import { describe, expect, it } from 'vitest'
import { type CheckedProject, projectMistakes } from './check-project.ts'
import { serviceAccountOf } from './service-account.ts'

describe('projectMistakes', () => {
  it.each<[string, CheckedProject, readonly (readonly (string | number)[])[]]>([
    [
      'a sound project has none',
      { destinations: [{ server: '*', namespace: '*' }], sourceRepos: ['*', '!https://x'] },
      [],
    ],
    [
      'what permits nothing',
      { sourceRepos: ['!*'], destinations: [{ name: '!*' }] },
      [
        ['sourceRepos', 0],
        ['destinations', 0, 'name'],
      ],
    ],
    [
      'what stands twice',
      { destinations: [{ name: 'a' }, { name: 'a' }], sourceNamespaces: ['n', 'n'] },
      [
        ['destinations', 1],
        ['sourceNamespaces', 1],
      ],
    ],
    ['a role that is named twice', { roles: [{ name: 'a' }, { name: 'a' }] }, [['roles', 1, 'name']]],
    [
      'a row about another project',
      { roles: [{ name: 'a', policies: ['p, proj:shop:a, applications, get, bank/*, allow'] }] },
      [['roles', 0, 'policies', 0]],
    ],
    ['a group in half a quote', { roles: [{ name: 'a', groups: ['"x'] }] }, [['roles', 0, 'groups', 0]]],
    [
      'an account with a star',
      { destinationServiceAccounts: [{ defaultServiceAccount: 'a*' }] },
      [['destinationServiceAccounts', 0]],
    ],
    [
      'a window for nobody',
      { syncWindows: [{ kind: 'allow', schedule: '* * * * *', duration: '1h' }] },
      [['syncWindows', 0]],
    ],
  ])('%s', (_, spec, paths) => {
    expect(projectMistakes('shop', spec).map(({ path }) => path)).toEqual(paths)
  })
})

describe('serviceAccountOf', () => {
  const entry = (server: string, namespace: string, defaultServiceAccount: string) => ({
    server,
    namespace,
    defaultServiceAccount,
  })
  const destination = { server: 'https://eu-1', namespace: 'shop' }
  it.each([
    [
      'the first entry that matches',
      [entry('https://us*', '*', 'us'), entry('*', 'sh*', 'eu'), entry('*', '*', 'no')],
      'system:serviceaccount:shop:eu',
    ],
    ['an account of another namespace', [entry('*', '*', 'sys:deployer')], 'system:serviceaccount:sys:deployer'],
  ])('%s counts', (_, entries, user) => {
    expect(serviceAccountOf(entries, destination)).toEqual({ kind: 'account', user })
  })
  it('no entry that matches is no account', () => {
    expect(serviceAccountOf([entry('https://us', '*', 'us')], destination)).toEqual({ kind: 'none' })
  })
  it.each([
    ['a blank account', [entry('*', '*', '  ')]],
    ['an account that is a pattern', [entry('*', '*', 'a{b}')]],
    ['a glob that is none', [entry('[', 'other', 'a'), entry('*', '*', 'b')]],
  ])('CVE-2026-23990: %s is a mistake, never somebody stronger', (_, entries) => {
    expect(serviceAccountOf(entries, destination).kind).toBe('mistake')
  })
})
