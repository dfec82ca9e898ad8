import { decodeJwt, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hubWithSignIn, type SignInHub } from './testing/hub-with-sign-in.ts'
import { TestBrowser } from './testing/test-browser.ts'
import { TestProvider } from './testing/test-provider.ts'

const SECRET = 'a secret that the provider and the hub share'
let provider: TestProvider
let hub: SignInHub

beforeAll(async () => {
  provider = await TestProvider.open()
  provider.people.set('ana', { groups: ['shop-devs', 'role:admin'] })
  hub = await hubWithSignIn({
    'oidc.issuer': provider.issuer,
    'oidc.clientId': 'flotilla',
    'oidc.clientSecret': SECRET,
    'oidc.cliClientId': 'flotilla-cli',
  })
  provider.addClient({ id: 'flotilla', secret: SECRET, redirectUris: [`${hub.url}/auth/callback`] })
  provider.addClient({ id: 'flotilla-cli', redirectUris: ['http://127.0.0.1/callback'] })
})
afterAll(async () => {
  await hub?.stop()
  await provider?.close()
})

/** Signs in and gives the browser that has the session. */
async function signIn(person = 'ana', browser = new TestBrowser(), path = '/auth/login?return_to=/api/v1/whoami') {
  provider.signsIn = person
  const end = await browser.go(`${hub.url}${path}`)
  return { browser, end, whoami: JSON.parse(end.text) as Record<string, unknown> }
}

const whoamiOf = async (browser: TestBrowser) => (await browser.go(`${hub.url}/api/v1/whoami`)).response.status

/** Claims of an id token that this hub takes. */
function claims(over: Record<string, unknown> = {}): Record<string, unknown> {
  const now = Math.floor(hub.clock.now() / 1000)
  return {
    iss: provider.issuer,
    aud: 'flotilla-cli',
    sub: 'ana',
    iat: now,
    exp: now + 300,
    groups: ['shop-devs'],
    ...over,
  }
}

const statusOf = async (token: string, method = 'GET') => {
  const path = method === 'GET' ? '/api/v1/whoami' : '/api/v1/tokens'
  return (await hub.ask(path, { token, method, ...(method === 'POST' && { body: { name: 'ci' } }) })).status
}

describe('a browser', () => {
  it('signs in by code with PKCE, state and nonce, and comes back to where it wanted to be', async () => {
    const { browser, end, whoami } = await signIn()
    expect(end.url.pathname).toBe('/api/v1/whoami')
    expect(whoami).toMatchObject({
      name: 'ana@example.com',
      kind: 'person',
      by: 'session',
      subject: 'ana',
      role: 'own',
    })
    expect(whoami['groups']).toEqual(['shop-devs', 'role:admin'])
    const begun = await new TestBrowser().go(`${hub.url}/auth/login`, { stopAt: provider.issuer })
    for (const name of ['state', 'nonce', 'code_challenge'])
      expect(begun.url.searchParams.get(name)).toMatch(/^.{40,}$/)
    expect(begun.url.searchParams.get('code_challenge_method')).toBe('S256')
    const cookie = browser.cookie(hub.url, 'flotilla-session')!
    expect(cookie).toMatch(/^fls_/)
  })

  it('has a cookie that scripts and other sites cannot use', async () => {
    const browser = new TestBrowser()
    provider.signsIn = 'ana'
    const back = await browser.go(`${hub.url}/auth/login`, { stopAt: `${hub.url}/auth/callback` })
    const answer = await fetch(back.url, { redirect: 'manual', headers: { cookie: browser.cookieHeader(hub.url) } })
    const [cookie] = answer.headers.getSetCookie()
    expect(cookie).toMatch(/^flotilla-session=fls_[^;]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('location')).toBe('/')
  })

  it('may write only with the token that its own pages know', async () => {
    const { browser, whoami } = await signIn()
    const write = (headers: Record<string, string>) =>
      browser.go(`${hub.url}/api/v1/tokens`, {
        method: 'POST',
        body: JSON.stringify({ name: 'ci', role: 'own' }),
        headers: { 'content-type': 'application/json', ...headers },
      })
    const csrf = String(whoami['csrfToken'])
    expect((await write({})).response.status).toBe(403)
    expect((await write({ 'x-csrf-token': `${csrf.slice(0, -2)}xx` })).response.status).toBe(403)
    expect((await write({ 'x-csrf-token': csrf, 'sec-fetch-site': 'cross-site' })).response.status).toBe(403)
    expect((await write({ 'x-csrf-token': csrf })).response.status).toBe(201)
  })

  it('gets a new session each time, and the one that was there before ends', async () => {
    const browser = new TestBrowser()
    await signIn('ana', browser)
    const before = browser.cookie(hub.url, 'flotilla-session')!
    await signIn('ana', browser)
    const after = browser.cookie(hub.url, 'flotilla-session')!
    expect(after).not.toBe(before)
    const old = new TestBrowser()
    old.setCookie(hub.url, 'flotilla-session', before)
    expect(await whoamiOf(old)).toBe(401)
    expect(await whoamiOf(browser)).toBe(200)
  })

  it('that was not the one that began does not come in', async () => {
    const browser = new TestBrowser()
    provider.signsIn = 'ana'
    const back = await browser.go(`${hub.url}/auth/login`, { stopAt: `${hub.url}/auth/callback` })
    const stranger = await hub.ask(`${back.url.pathname}${back.url.search}`)
    expect([stranger.status, stranger.body['code']]).toEqual([401, 'SIGN_IN_REFUSED'])
    const wrong = new URL(back.url)
    wrong.searchParams.set('state', 'another')
    expect((await browser.go(wrong.href)).response.status).toBe(401)
    expect(browser.cookie(hub.url, 'flotilla-session')).toBeUndefined()
  })

  it('is led to no other host', async () => {
    for (const wish of [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      '/%09/evil',
      'javascript:alert(1)',
    ]) {
      const browser = new TestBrowser()
      provider.signsIn = 'ana'
      const login = `${hub.url}/auth/login?return_to=${encodeURIComponent(wish)}`
      const back = await browser.go(login, { stopAt: `${hub.url}/auth/callback` })
      const answer = await fetch(back.url, { redirect: 'manual', headers: { cookie: browser.cookieHeader(hub.url) } })
      const target = new URL(answer.headers.get('location')!, hub.url)
      expect(target.origin, wish).toBe(hub.url)
    }
  })

  it('signs out here, and everywhere', async () => {
    const [one, two, other] = [await signIn(), await signIn(), await signIn('ben')]
    const out = (who: typeof one, everywhere: boolean) =>
      who.browser.go(`${hub.url}/auth/logout`, {
        method: 'POST',
        body: JSON.stringify({ everywhere }),
        headers: { 'content-type': 'application/json', 'x-csrf-token': String(who.whoami['csrfToken']) },
      })
    const gone = JSON.parse((await out(one, false)).text) as { ended: number; providerLogout: string }
    expect(gone.ended).toBe(1)
    expect(gone.providerLogout).toContain(`${provider.issuer}/session/end?`)
    expect(one.browser.cookie(hub.url, 'flotilla-session')).toBeUndefined()
    expect([await whoamiOf(one.browser), await whoamiOf(two.browser)]).toEqual([401, 200])
    const three = await signIn()
    expect(JSON.parse((await out(three, true)).text)).toMatchObject({ ended: expect.any(Number) })
    expect([await whoamiOf(two.browser), await whoamiOf(three.browser), await whoamiOf(other.browser)]).toEqual([
      401, 401, 200,
    ])
  })

  it('keeps its session while the provider renews the groups, and loses it when that says no', async () => {
    const { browser } = await signIn('eve')
    provider.people.set('eve', { groups: ['other'] })
    hub.clock.forward(16 * 60_000)
    const asked = provider.asked.length
    const answers = await Promise.all([whoamiOf(browser), whoamiOf(browser), whoamiOf(browser)])
    expect(answers).toEqual([200, 200, 200])
    expect(provider.asked.slice(asked).filter(each => each === 'POST /token')).toHaveLength(1)
    const { text } = await browser.go(`${hub.url}/api/v1/whoami`)
    expect(JSON.parse(text)['groups']).toEqual(['other'])
    hub.clock.forward(16 * 60_000)
    provider.refusesRefresh = true
    try {
      expect(await whoamiOf(browser)).toBe(401)
    } finally {
      provider.refusesRefresh = false
    }
    expect(await whoamiOf(browser)).toBe(401)
  })
})

describe('a browser of somebody in very many groups', () => {
  it('is refused, and loses its session when there are too many at last', async () => {
    provider.people.set('max', { groups: [], claims: { hasgroups: true, groups: undefined } })
    provider.signsIn = 'max'
    const { text } = await new TestBrowser().go(`${hub.url}/auth/login?return_to=/api/v1/whoami`)
    expect(text).toContain('Your groups are not known')
    provider.people.set('max', { groups: ['few'] })
    const { browser } = await signIn('max')
    provider.people.set('max', { groups: [], claims: { hasgroups: true, groups: undefined } })
    hub.clock.forward(16 * 60_000)
    expect(await whoamiOf(browser)).toBe(401)
  })
})

describe('an id token', () => {
  it('of the command’s client and of the hub’s own proves who shows it', async () => {
    const { body } = await hub.ask('/api/v1/whoami', { token: await provider.sign(claims()) })
    expect(body).toMatchObject({ by: 'id-token', subject: 'ana', groups: ['shop-devs'], kind: 'person' })
    expect(await statusOf(await provider.sign(claims({ aud: 'flotilla' })))).toBe(200)
    expect(await statusOf(await provider.sign(claims({ aud: ['flotilla', 'x'], azp: 'flotilla' })))).toBe(200)
  })

  const REFUSED: { readonly [sentence: string]: () => Promise<string> } = {
    'of another client of the same issuer': () => provider.sign(claims({ aud: 'grafana' })),
    'for several, asked for by another': () => provider.sign(claims({ aud: ['flotilla', 'grafana'], azp: 'grafana' })),
    'for several, asked for by nobody': () => provider.sign(claims({ aud: ['flotilla', 'grafana'] })),
    'of another issuer': () => provider.sign(claims({ iss: 'https://id.example.com' })),
    'of the issuer with a slash more': () => provider.sign(claims({ iss: `${provider.issuer}/` })),
    'that has expired': () => provider.sign(claims({ iat: 1, exp: 2 })),
    'of the future': () => provider.sign(claims({ iat: Math.floor(hub.clock.now() / 1000) + 600 })),
    'without an end': () => provider.sign(claims({ exp: undefined })),
    'about nobody': () => provider.sign(claims({ sub: '' })),
    'about blanks': () => provider.sign(claims({ sub: '  ' })),
    'about the built-in administrator': () => provider.sign(claims({ sub: 'admin' })),
    'about a role': () => provider.sign(claims({ sub: 'role:admin' })),
    'about a Project’s role': () => provider.sign(claims({ sub: 'proj:shop:deployer' })),
    'that is an access token': () => provider.sign(claims(), { typ: 'at+jwt' }),
    'of a key that nobody has published': () => provider.sign(claims(), { kid: 'another' }),
    'signed with the client’s secret': () =>
      new SignJWT(claims()).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(SECRET)),
    'of alg none': async () => `${base64({ alg: 'none' })}.${base64(claims())}.`,
    'of alg none with a signature': async () => `${base64({ alg: 'none' })}.${base64(claims())}.AAAA`,
    'whose claims were changed': async () => {
      const [head, , signature] = (await provider.sign(claims())).split('.')
      return `${head}.${base64(claims({ sub: 'ben' }))}.${signature}`
    },
    'signed by another key': async () => {
      const stranger = await TestProvider.open()
      try {
        return await stranger.sign(claims())
      } finally {
        await stranger.close()
      }
    },
  }
  for (const [sentence, make] of Object.entries(REFUSED)) {
    it(`${sentence} proves nothing`, async () => {
      const answer = await hub.ask('/api/v1/whoami', { token: await make() })
      const nonsense = await hub.ask('/api/v1/whoami', { token: 'nonsense' })
      expect([answer.status, answer.text]).toEqual([401, nonsense.text])
    })
  }

  it('that is older than a quarter of an hour is good for reading alone', async () => {
    const now = Math.floor(hub.clock.now() / 1000)
    const old = await provider.sign(claims({ iat: now - 16 * 60, exp: now + 600 }))
    expect(await statusOf(old)).toBe(200)
    const { status, body } = await hub.ask('/api/v1/tokens', { token: old, method: 'POST', body: { name: 'ci' } })
    expect([status, body['code']]).toEqual([401, 'SIGN_IN_STALE'])
    expect(await statusOf(await provider.sign(claims()), 'POST')).toBe(201)
  })

  it('that was given back is refused, and after signing out everywhere all before it', async () => {
    const now = Math.floor(hub.clock.now() / 1000)
    const [one, two, other] = await Promise.all(
      ['a', 'b', 'c'].map(jti => provider.sign(claims({ jti, sub: jti === 'c' ? 'zoe' : 'max', iat: now - 2 }))),
    )
    const out = (token: string, everywhere: boolean) =>
      hub.ask('/auth/logout', { token, method: 'POST', body: { everywhere } })
    expect((await out(one!, false)).status).toBe(200)
    expect([await statusOf(one!), await statusOf(two!)]).toEqual([401, 200])
    expect((await out(two!, true)).status).toBe(200)
    expect([await statusOf(two!), await statusOf(other!)]).toEqual([401, 200])
  })

  it('by a key that is new is believed once the provider publishes it, and no longer by the old one', async () => {
    hub.clock.forward(60_000)
    const before = await provider.sign(claims())
    expect(await statusOf(before)).toBe(200)
    await provider.rotateKeys()
    const after = await provider.sign(claims())
    expect(await statusOf(after)).toBe(200)
    expect(await statusOf(before)).toBe(401)
  })

  it('of keys that nobody has causes no storm of questions', async () => {
    hub.clock.forward(60_000)
    const asked = provider.asked.length
    const stranger = await TestProvider.open()
    try {
      for (let n = 0; n < 20; n++) {
        expect(await statusOf(await stranger.sign(claims(), { kid: `made-up-${n}` }))).toBe(401)
      }
    } finally {
      await stranger.close()
    }
    expect(provider.asked.slice(asked).filter(each => each === 'GET /jwks').length).toBeLessThanOrEqual(1)
  })

  it('has groups of whatever form the claim has, and never more than a text says', async () => {
    const groupsOf = async (groups: unknown) =>
      (await hub.ask('/api/v1/whoami', { token: await provider.sign(claims({ groups })) })).body['groups']
    expect(await groupsOf('one')).toEqual(['one'])
    expect(await groupsOf(['a', 7, '', '  ', { b: 1 }, 'c'])).toEqual(['a', 'c'])
    expect(await groupsOf({ a: 'b' })).toEqual([])
  })

  it('with a link in place of groups is refused, and says so', async () => {
    const { groups: _, ...without } = claims()
    const link = {
      _claim_names: { groups: 'src1' },
      _claim_sources: { src1: { endpoint: 'https://graph.example.com' } },
    }
    for (const more of [link, { hasgroups: true }, { hasgroups: 'true' }]) {
      const token = await provider.sign({ ...without, ...more })
      const { status, body } = await hub.ask('/api/v1/whoami', { token })
      expect([status, body['code']]).toEqual([401, 'GROUPS_LINKED'])
      expect(body['detail']).toContain('a link in place of its groups')
    }
    // The link is to something else, or the groups are there.
    expect(await statusOf(await provider.sign(claims(link)))).toBe(200)
    expect(await statusOf(await provider.sign({ ...without, _claim_names: { address: 'src1' } }))).toBe(200)
  })
})

it('an address that begins three hundred sign-ins in a minute waits, and no longer than that', async () => {
  hub.clock.forward(60_000)
  const begin = async () => await hub.ask('/auth/login')
  expect((await begin()).status).toBe(302)
  const answers = await Promise.all(Array.from({ length: 310 }, begin))
  const refused = answers.filter(({ status }) => status === 429)
  expect(answers.filter(({ status }) => status === 302)).toHaveLength(answers.length - refused.length)
  expect(refused.length).toBeGreaterThanOrEqual(11)
  const wait = Number(refused[0]!.headers.get('retry-after'))
  expect(wait).toBeGreaterThan(0)
  expect(wait).toBeLessThanOrEqual(60)
  expect(refused[0]!.body).toMatchObject({ code: 'TOO_MANY_REQUESTS' })
  hub.clock.forward(61_000)
  expect((await begin()).status).toBe(302)
})

it('nothing that is secret was logged', async () => {
  const { browser } = await signIn()
  const cookie = browser.cookie(hub.url, 'flotilla-session')!
  const text = hub.logged.join('\n')
  expect(text).toContain('the hub is up')
  for (const secret of [SECRET, cookie.split('.')[1]!, 'eyJ']) expect(text).not.toContain(secret)
  expect(decodeJwt(await provider.sign(claims())).sub).toBe('ana')
})

function base64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
