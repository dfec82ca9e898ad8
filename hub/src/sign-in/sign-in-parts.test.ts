import { seededRandom } from '@flotilla/core/ports/create-random'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { describe, expect, it } from 'vitest'
import { keptClaims, linkedGroupClaims, nameOf, principalOfIdentity } from './identity.ts'
import { KeySet } from './key-set.ts'
import { hashPassword, isPassword, readPasswordHash } from './password-hash.ts'
import { tokenRolesOf } from './project-roles.ts'
import { ProviderError } from './provider-error.ts'
import { safeReturnPath } from './return-path.ts'
import { Sealer } from './sealer.ts'
import { csrfOf, isCsrf } from './sessions.ts'
import { cookiesOf, setCookie, shownCredential } from './shown-credential.ts'
import { withinScopes } from './token-scope.ts'

describe('after signing in one is led to', () => {
  const PATHS: { readonly [wish: string]: string } = {
    '/apps?q=a#b': '/apps?q=a#b',
    '/a/../b': '/b',
    '': '/',
    apps: '/',
    '//evil.example': '/',
    '/\\evil.example': '/',
    '/\t/evil.example': '/',
    '/ /evil.example': '/',
    '/./\\evil': '/',
    '/..//evil.example': '/',
    'https://evil.example/': '/',
    'javascript:alert(1)': '/',
    '/auth/login': '/',
    '/x/../auth/callback?code=1': '/',
    [`/${'a'.repeat(3000)}`]: '/',
  }
  for (const [wish, path] of Object.entries(PATHS)) {
    it(`${JSON.stringify(wish.slice(0, 40))} → ${path}`, () => expect(safeReturnPath(wish)).toBe(path))
  }
})

describe('what a request shows', () => {
  const secure = false
  it('is the header first, and a header that proves nobody is not mended by a cookie', () => {
    const cookie = 'flotilla-session=fls_x'
    expect(shownCredential({ cookie, secure })).toEqual({ kind: 'cookie', text: 'fls_x' })
    expect(shownCredential({ authorization: 'Bearer a', cookie, secure })).toEqual({ kind: 'bearer', text: 'a' })
    for (const authorization of ['', 'Bearer', 'Bearer a b', 'Basic YTpi', `Bearer ${'x'.repeat(20_000)}`]) {
      expect(shownCredential({ authorization, cookie, secure })).toEqual({ kind: 'unreadable' })
    }
    expect(shownCredential({ secure })).toEqual({ kind: 'none' })
  })

  it('twice under one name is nobody’s', () => {
    const cookie = 'flotilla-session=a; flotilla-session=b'
    expect(shownCredential({ cookie, secure })).toEqual({ kind: 'unreadable' })
    expect(cookiesOf(cookie, 'flotilla-session')).toEqual(['a', 'b'])
    expect(shownCredential({ cookie: 'flotilla-session=a', secure: true })).toEqual({ kind: 'none' })
  })

  it('over TLS is a cookie that no other host can set', () => {
    expect(setCookie('__Host-x', 'y', { secure: true, maxAgeS: 5 })).toBe(
      '__Host-x=y; Path=/; Max-Age=5; HttpOnly; SameSite=Lax; Secure',
    )
  })
})

describe('scopes', () => {
  const CASES: readonly (readonly [string, Parameters<typeof withinScopes>, ReturnType<typeof withinScopes>])[] = [
    ['none narrow nothing', [[], { action: 'sync' }], 'within'],
    ['a Project of the list', [[{ projects: ['shop', 'web-*'] }], { action: 'get', project: 'web-eu' }], 'within'],
    ['another Project', [[{ projects: ['shop'] }], { action: 'get', project: 'shop-2' }], 'outside'],
    ['what is of no Project', [[{ projects: ['*'] }], { action: 'get' }], 'outside'],
    [
      'an action of the list',
      [[{ actions: ['get', 'action/*'] }], { action: 'action/apps/Deployment/restart' }],
      'within',
    ],
    ['another action', [[{ actions: ['get'] }], { action: 'sync', project: 'shop' }], 'action'],
    [
      'all of them narrow',
      [[{ projects: ['shop'] }, { projects: ['web'] }], { action: 'get', project: 'shop' }],
      'outside',
    ],
    ['a star in the middle', [[{ projects: ['a*b*c'] }], { action: 'get', project: 'a-b-b-c' }], 'within'],
    ['a star takes no letter twice', [[{ projects: ['aba*ba'] }], { action: 'get', project: 'aba' }], 'outside'],
    ['nothing is a pattern of nothing', [[{ projects: [] }], { action: 'get', project: 'shop' }], 'outside'],
  ]
  for (const [sentence, given, expected] of CASES) it(sentence, () => expect(withinScopes(...given)).toBe(expected))
})

describe('identities', () => {
  it('without a subject are nobody, and names that only a policy gives are none of a provider', () => {
    const of = (subject: string, claims = {}) =>
      principalOfIdentity({ kind: 'provider', subject, claims: { groups: ['a'], ...claims } }, ['groups', 'roles'])
    expect(of('x', { roles: 'b' })).toEqual({ kind: 'person', subject: 'x', groups: ['a', 'b'] })
    expect(of(' ')).toEqual({ kind: 'person', subject: '', groups: ['a'] })
    expect(of('proj:shop:deployer')).toEqual({ kind: 'person', subject: '', groups: [] })
    expect(of('x', { federated_claims: { user_id: 'ana' } })).toMatchObject({ subject: 'ana' })
  })

  it('keep what is said of them, within bounds, and nothing of the token', () => {
    const claims = { sub: 'x', iss: 'y', groups: ['a', 1], email: 'a@b', nested: { a: 'b' }, exp: 5, n: 7 }
    expect(keptClaims(claims)).toEqual({ sub: 'x', groups: ['a'], email: 'a@b' })
    const many = { groups: Array.from({ length: 9_000 }, (_each, n) => `g${n}`) }
    expect((keptClaims(many)['groups'] as string[]).length).toBe(2_000)
    expect(keptClaims({ huge: 'x'.repeat(100_000) })).toEqual({})
    expect(Object.keys(keptClaims(JSON.parse('{"__proto__":"x","a":"b"}')))).toEqual(['a'])
  })

  it('lack groups where the provider only says that there are some', () => {
    const names = ['groups', 'roles']
    expect(linkedGroupClaims({ groups: ['a'] }, names)).toEqual([])
    expect(linkedGroupClaims({}, names)).toEqual([])
    expect(linkedGroupClaims({ _claim_names: { groups: 'src1', roles: 'src1' }, roles: ['a'] }, names)).toEqual([
      'groups',
    ])
    expect(linkedGroupClaims({ hasgroups: true }, names)).toEqual(['groups'])
    expect(linkedGroupClaims({ hasgroups: true }, ['roles'])).toEqual([])
    for (const odd of [null, 'groups', 7, ['groups']])
      expect(linkedGroupClaims({ _claim_names: odd }, names)).toEqual([])
  })

  it('are called by a claim that is theirs alone', () => {
    const taken = (name: string) => name === 'admin'
    expect(nameOf({ sub: '1', email: 'a@b.c', email_verified: true }, undefined, taken)).toBe('a@b.c')
    expect(nameOf({ sub: '1', email: 'a@b.c', email_verified: false }, undefined, taken)).toBe('1')
    expect(nameOf({ sub: '1', upn: 'ana' }, 'upn', taken)).toBe('ana')
    expect(nameOf({ sub: '1', upn: 'admin' }, 'upn', taken)).toBe('1')
    expect(nameOf({ sub: '1', upn: 'a\u0000b' }, 'upn', taken)).toBe('1')
  })
})

describe('passwords', () => {
  it('are kept as a hash of their own, and nothing else is one', async () => {
    const cost = { ln: 14, r: 8, p: 1 }
    const [one, two] = [
      await hashPassword('pässword', seededRandom(1), cost),
      await hashPassword('pässword', seededRandom(2), cost),
    ]
    expect(one).not.toBe(two)
    expect(await isPassword('pässword'.normalize('NFD'), readPasswordHash(one)!)).toBe(true)
    expect(await isPassword('passwort', readPasswordHash(one)!)).toBe(false)
    expect(await isPassword('x'.repeat(5_000), readPasswordHash(one)!)).toBe(false)
    for (const bad of ['', 'x', one.replace('ln=14', 'ln=30'), one.replace('ln=14,r=8', 'ln=18,r=16'), `${one} `]) {
      expect(readPasswordHash(bad)).toBeUndefined()
    }
    await expect(hashPassword('', seededRandom(1))).rejects.toThrow(RangeError)
  })
})

it('what is sealed opens for its purpose alone, unchanged alone', () => {
  const sealer = new Sealer(Buffer.alloc(32, 1), seededRandom(1))
  const sealed = sealer.seal('begun', 'a secret')
  expect(sealed).not.toContain('secret')
  expect(sealer.open('begun', sealed)).toBe('a secret')
  expect(sealer.open('session 1', sealed)).toBeUndefined()
  expect(sealer.open('begun', `${sealed.slice(0, -2)}AA`)).toBeUndefined()
  expect(sealer.open('begun', '')).toBeUndefined()
  expect(new Sealer(Buffer.alloc(32, 2), seededRandom(1)).open('begun', sealed)).toBeUndefined()
})

it('the token of pages follows from the cookie, and from no other', () => {
  expect(isCsrf(csrfOf('fls_a'), csrfOf('fls_a'))).toBe(true)
  for (const given of [undefined, '', csrfOf('fls_b')]) expect(isCsrf(csrfOf('fls_a'), given)).toBe(false)
})

it('tokens that a Project lists are read from its roles', () => {
  const spec = { roles: [{ name: 'ci', jwtTokens: [{ iat: 5, id: 'x' }, 7] }, { name: 'plain' }, 'nonsense'] }
  const projects = new Map([['shop', { spec: spec as never }]])
  const known = { fleet: { projects }, projectsLastSeen: new Map() }
  expect(tokenRolesOf(known, 'shop')).toEqual([
    { name: 'ci', jwtTokens: [{ iat: 5, id: 'x' }] },
    { name: 'plain', jwtTokens: [] },
  ])
  expect(tokenRolesOf(known, 'other')).toBeUndefined()
})

it('keys that were fetched stay good while the provider is away, and not for ever', async () => {
  const clock = new VirtualClock({ startAt: 0, settle: () => new Promise(setImmediate) })
  let away = false
  let asked = 0
  const keys = new KeySet({
    clock,
    fetch: async () => {
      asked++
      if (away) throw new ProviderError('PROVIDER_AWAY', 'https://id', 'is away')
      return { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), kid: 'one', alg: 'EdDSA' }] }
    },
  })
  const find = () => keys.find({ alg: 'EdDSA', kid: 'one' }, { payload: '', signature: '' } as never)
  await Promise.all([find(), find(), find()])
  expect(asked).toBe(1)
  away = true
  await clock.advance(11 * 60_000)
  await find()
  expect(asked).toBe(2)
  await find()
  expect(asked).toBe(2)
  await clock.advance(12 * 60 * 60_000)
  await expect(find()).rejects.toThrow(ProviderError)
})
