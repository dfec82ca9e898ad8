import { expect, test } from 'vitest'
import { sourcePermitted } from './permit.ts'
import { normaliseRepositoryUrl, repositorySpellings } from './repository-url.ts'

test.each([
  ['git@git.example.com:Shop/web.git', 'ssh://git@git.example.com/shop/web'],
  ['git@git.example.com:docs/../shop/web', 'ssh://git@git.example.com/shop/web'],
  ['https://git.example.com/docs/../shop/web.git', 'https://git.example.com/shop/web'],
  ['https://git.example.com/../../shop/./web', 'https://git.example.com/shop/web'],
  ['/srv/git/../apps', '/srv/apps'],
  ['https://git.example.com/a..b/.github', 'https://git.example.com/a..b/.github'],
])('%s compares as %s', (url, normalised) => {
  expect(normaliseRepositoryUrl(url)).toBe(normalised)
})

test('one repository has one name in common with each of its spellings', () => {
  const names = repositorySpellings('https://git.example.com/shop/web')
  for (const url of ['https://ana@git.example.com:443/shop/web', 'https://git.example.com./shop/%77eb.git']) {
    expect(
      repositorySpellings(url).some(one => names.includes(one)),
      url,
    ).toBe(true)
  }
  expect(repositorySpellings('file:///srv/apps.git')).toContain('/srv/apps')
  expect(repositorySpellings('ssh://git@git.example.com:22/a')).toContain('ssh://git.example.com/a')
})

test('a Project permits no repository by a way around, and refuses it under each of its names', () => {
  expect(sourcePermitted(['https://git.example.com/docs/**'], 'https://git.example.com/docs/../shop/web')).toBe(false)
  expect(sourcePermitted(['https://git.example.com/docs/**'], 'https://git.example.com/docs/guide')).toBe(true)
  for (const url of ['https://git.example.com:443/shop/web', 'https://ana@git.example.com/shop/web']) {
    expect(sourcePermitted(['*', '!https://git.example.com/shop/*'], url), url).toBe(false)
  }
})
