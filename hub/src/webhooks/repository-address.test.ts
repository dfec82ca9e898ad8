import { describe, expect, test } from 'vitest'
import { addressOf } from './repository-address.ts'

/** Whether two addresses lead to one repository; what is no address leads to none. */
function sameRepository(a: string, b: string): boolean {
  const [left, right] = [addressOf(a), addressOf(b)]
  return left !== undefined && right !== undefined && left.host === right.host && left.path === right.path
}

describe('the address of a repository', () => {
  const same: { [sentence: string]: [string, string] } = {
    'whatever the scheme': ['https://github.com/org/repo', 'http://github.com/org/repo'],
    'whatever the case': ['https://GitHub.com/Org/Repo', 'https://github.com/org/repo'],
    'with .git and without': ['https://github.com/org/repo.git', 'https://github.com/org/repo'],
    'over ssh': ['ssh://git@github.com/org/repo', 'https://github.com/org/repo'],
    'as scp writes it': ['git@github.com:org/repo.git', 'https://github.com/org/repo'],
    'as scp writes it, with an owner of digits': ['git@github.com:42/repo.git', 'https://github.com/42/repo'],
    'over ssh’s other host and port': ['ssh://git@ssh.github.com:443/org/repo', 'https://github.com/org/repo'],
    'over GitLab’s other host': ['ssh://git@altssh.gitlab.com:443/group/name', 'https://gitlab.com/group/name'],
    'with a port of its own': ['ssh://git@gitlab.com:2222/group/name.git', 'https://gitlab.com/group/name'],
    'with a user': ['https://token@dev.azure.com/org/p/_git/r', 'https://dev.azure.com/org/p/_git/r'],
    'Azure’s older name': ['https://org.visualstudio.com/p/_git/r', 'https://dev.azure.com/org/p/_git/r'],
    'Azure’s older name with the collection': [
      'https://org.visualstudio.com/DefaultCollection/p/_git/r',
      'https://dev.azure.com/org/p/_git/r',
    ],
    'Azure over ssh': ['git@ssh.dev.azure.com:v3/org/p/r', 'https://dev.azure.com/org/p/_git/r'],
    'Azure’s short form': ['https://dev.azure.com/org/_git/r', 'https://dev.azure.com/org/r/_git/r'],
  }
  for (const [sentence, [a, b]] of Object.entries(same)) {
    test(`is one ${sentence}`, () => expect(sameRepository(a, b)).toBe(true))
  }
  const other: { [sentence: string]: [string, string] } = {
    'a longer name': ['https://github.com/org/repo-copy', 'https://github.com/org/repo'],
    'a folder below': ['https://github.com/org/repo/sub', 'https://github.com/org/repo'],
    'another host': ['https://github.com.evil.example/org/repo', 'https://github.com/org/repo'],
    'a host that only begins like one for ssh': ['https://alternative.example/a/b', 'https://ernative.example/a/b'],
    'a host that a dot would stand for': ['https://githubXcom/org/repo', 'https://github.com/org/repo'],
    'no address': ['{{ url }}', '{{ url }}'],
    nothing: ['', ''],
  }
  for (const [sentence, [a, b]] of Object.entries(other)) {
    test(`is not that of ${sentence}`, () => expect(sameRepository(a, b)).toBe(false))
  }
  test('has no port, no user and no slash at its end', () => {
    expect(addressOf('https://ann@git.example.com:8443/a/b/')).toEqual({ host: 'git.example.com', path: 'a/b' })
    expect(addressOf('https://[::1]:3000/a/b.git')).toEqual({ host: '[::1]', path: 'a/b' })
  })
  test('is found in bounded time, whatever the text', () => {
    for (const text of ['a'.repeat(2000), '@'.repeat(2000), ':/'.repeat(1000), 'ssh://'.repeat(300)]) addressOf(text)
  })
})
