import { expect, test } from 'vitest'
import {
  namesRepository,
  type SourceIntegrityFields,
  signaturePolicyOf,
  sourceIntegrityMistakes,
} from './source-integrity.ts'

const KEY = '4AEE18F83AFDEB23'
const policyOf = (spec: SourceIntegrityFields, url = 'https://git.example.com/shop/web.git') =>
  signaturePolicyOf({ name: 'shop', spec }, url)
const git = (
  ...policies: readonly [repos: readonly string[], mode: 'none' | 'head' | 'strict'][]
): SourceIntegrityFields => ({
  sourceIntegrity: { git: { policies: policies.map(([repos, mode]) => ({ repos, gpg: { mode, keys: [KEY] } })) } },
})

test('without a word on it nothing has to be signed', () => {
  expect(policyOf({})).toBeUndefined()
  expect(policyOf({ signatureKeys: [] })).toBeUndefined()
  expect(policyOf({ sourceIntegrity: {} })).toBeUndefined()
})

test('signatureKeys are asked for at every repository, of the commit itself', () => {
  expect(policyOf({ signatureKeys: [{ keyID: KEY }] })).toEqual({ mode: 'head', keys: [KEY], by: 'project "shop"' })
})

test('the first policy that names the repository decides, none of them too', () => {
  const rules = git(
    [['https://git.example.com/shop/docs'], 'none'],
    [['https://git.example.com/shop/*'], 'strict'],
    [['*'], 'head'],
  )
  expect(policyOf(rules)?.mode).toBe('strict')
  expect(policyOf(rules, 'https://git.example.com/shop/docs')).toBeUndefined()
  expect(policyOf(rules, 'https://elsewhere.example.com/x')?.mode).toBe('head')
  expect(policyOf(git([['https://git.example.com/other/*'], 'strict']))).toBeUndefined()
})

test('another spelling of a repository is no way around', () => {
  for (const url of [
    'https://git.example.com/shop/web',
    'https://GIT.example.com/Shop/web.git/',
    'https://ana@git.example.com/shop/web.git',
    'https://git.example.com:443/shop/web.git',
    ' https://git.example.com/shop/web ',
    'https://git.example.com./shop/web',
    'https://git.example.com/shop//web',
    'https://git.example.com/sho%70/web',
    'https://git.example.com/docs/../shop/web',
    'https://git.example.com/docs/%2E%2e/shop/./web.git',
    'https://git.example.com\\shop\\web',
  ]) {
    expect(policyOf(git([['https://git.example.com/shop/web.git'], 'head']), url)?.mode, url).toBe('head')
  }
  expect(namesRepository(['git@git.example.com:shop/*'], 'ssh://git@git.example.com/shop/web')).toBe(true)
})

test('what lets a repository through does not let through what is fetched from elsewhere', () => {
  const rules = git([['https://git.example.com/docs/*'], 'none'], [['*', '!https://git.example.com/docs/*'], 'strict'])
  expect(policyOf(rules, 'https://git.example.com/docs/guide')).toBeUndefined()
  for (const path of ['docs/../shop/web', 'docs/%2e%2e/shop/web', 'docs\\..\\shop\\web', 'docs/guide/../../shop/web']) {
    expect(policyOf(rules, `https://git.example.com/${path}`)?.mode, path).toBe('strict')
  }
})

test('a pattern with ! takes away, and does not name the rest', () => {
  expect(namesRepository(['*', '!https://git.example.com/shop/docs'], 'https://git.example.com/shop/docs')).toBe(false)
  expect(namesRepository(['!https://git.example.com/shop/docs'], 'https://git.example.com/shop/web')).toBe(false)
  expect(namesRepository([{ url: 'https://git.example.com/*' }], 'https://git.example.com/a/b/c')).toBe(true)
  expect(namesRepository(['https://git.example.com/[a'], 'https://git.example.com/[a')).toBe(true)
})

test('ids that name no key, and both forms at once, are mistakes where they stand', () => {
  expect(sourceIntegrityMistakes(git([['*'], 'head']))).toEqual([])
  expect(sourceIntegrityMistakes({ signatureKeys: [{ keyID: '3AFDEB23' }] })).toMatchObject([
    { path: ['signatureKeys', 0, 'keyID'] },
  ])
  const both = { ...git([['*'], 'head']), signatureKeys: [{ keyID: KEY }] }
  expect(sourceIntegrityMistakes(both)).toMatchObject([{ path: ['signatureKeys'] }])
})
