import { seededRandom } from '@flotilla/core/ports/create-random'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashPassword } from './password-hash.ts'
import { hubWithSignIn, type SignInHub } from './testing/hub-with-sign-in.ts'

const PASSWORD = 'correct horse battery staple'
const HOUR_MS = 3_600_000
/** The least that is taken, so that a test of many passwords is quick. */
const CHEAP = { ln: 14, r: 8, p: 1 }
let hub: SignInHub
let hash: string

beforeAll(async () => {
  hash = await hashPassword(PASSWORD, seededRandom(3), CHEAP)
  hub = await hubWithSignIn({
    accounts: [
      { name: 'ana', passwordHash: hash, capabilities: ['login', 'apiKey'] },
      { name: 'gone', passwordHash: hash, enabled: false },
      { name: 'robot', passwordHash: hash, capabilities: ['apiKey'] },
      { name: 'empty' },
    ],
  })
})
afterAll(() => hub?.stop())

const login = (name: string, password: string, more: object = {}, at = hub) =>
  at.ask('/auth/login', { method: 'POST', body: { name, password, ...more } })
const bearer = async (name = 'ana', at = hub) =>
  String((await login(name, PASSWORD, { bearer: true }, at)).body['token'])
const whoami = async (token: string, at = hub) => (await at.ask('/api/v1/whoami', { token })).status

describe('a password', () => {
  it('gives a browser a cookie, and a program a token that is shown once', async () => {
    const answer = await login('ana', PASSWORD)
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ name: 'ana', token: null, csrfToken: expect.stringMatching(/^.{43}$/) })
    const cookie = answer.headers.getSetCookie()[0]!
    expect(cookie).toMatch(/^flotilla-session=fls_.*HttpOnly; SameSite=Lax$/)
    const asked = await hub.ask('/api/v1/whoami', { headers: { cookie: cookie.split(';')[0]! } })
    expect(asked.body).toMatchObject({ name: 'ana', by: 'session', subject: 'ana', groups: [], kind: 'person' })
    const token = await bearer()
    expect(token).toMatch(/^fls_/)
    expect((await hub.ask('/api/v1/whoami', { token })).body).toMatchObject({ name: 'ana', csrfToken: null })
  })

  it('of a cookie is none of a header, and the other way round', async () => {
    const cookie = (await login('ana', PASSWORD)).headers.getSetCookie()[0]!.split(';')[0]!
    expect(await whoami(cookie.split('=')[1]!)).toBe(401)
    const token = await bearer()
    const asked = await hub.ask('/api/v1/whoami', { headers: { cookie: `flotilla-session=${token}` } })
    expect(asked.status).toBe(401)
  })

  it('that is wrong, of nobody, of somebody switched off or who may not sign in, gets the same answer', async () => {
    const answers = await Promise.all(
      (
        [
          ['ana', 'wrong'],
          ['nobody', PASSWORD],
          ['gone', PASSWORD],
          ['robot', PASSWORD],
          ['empty', PASSWORD],
        ] as const
      ).map(([name, password]) => login(name, password)),
    )
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(answers[0]).toMatchObject({ status: 401, body: { code: 'SIGN_IN_REFUSED' } })
    expect((await login('ana', PASSWORD)).status).toBe(200)
  })

  it('that is wrong five times in five minutes makes any name wait, also one that nobody has', async () => {
    hub.clock.forward(301_000)
    for (const name of ['robot', 'nobody-at-all']) {
      const statuses: number[] = []
      for (let n = 0; n < 7; n++) statuses.push((await login(name, `wrong ${n}`)).status)
      expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
    }
    const locked = await login('robot', PASSWORD)
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(200)
    expect((await login('ana', PASSWORD)).status).toBe(200)
    hub.clock.forward(301_000)
    expect((await login('robot', 'wrong')).status).toBe(401)
  })

  it('tried many times at once is counted as many times', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, (_each, n) => login('storm', `wrong ${n}`)))
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5)
  })

  it('is written down nowhere, and a refusal is in the audit log without what was typed', async () => {
    await login('ana', 'hunter-2-wrong')
    await login('hunter-2-in-the-name-field', 'x')
    const { text } = await hub.ask('/api/v1/audit', { token: hub.admin })
    expect(text).toContain('session.begin')
    for (const secret of [PASSWORD, 'hunter-2', hash]) {
      expect(text).not.toContain(secret)
      expect(hub.logged.join('\n')).not.toContain(secret)
    }
  })
})

describe('a session', () => {
  it('that was idle for too long, or lived long enough, is over', async () => {
    const idle = await bearer()
    hub.clock.forward(9 * HOUR_MS)
    expect(await whoami(idle)).toBe(401)
    const busy = await bearer()
    for (let hours = 0; hours < 21; hours += 7) {
      hub.clock.forward(7 * HOUR_MS)
      expect(await whoami(busy)).toBe(200)
      // Its use is written down beside the answer; what is written after it, here another session, finds it written.
      await bearer()
    }
    hub.clock.forward(4 * HOUR_MS)
    expect(await whoami(busy)).toBe(401)
  })

  it('ends everywhere at once, and an open stream with it', async () => {
    const [one, two] = [await bearer(), await bearer()]
    const watch = await fetch(`${hub.url}/api/v1/watch`, { headers: { authorization: `Bearer ${one}` } })
    const reader = watch.body!.getReader()
    await reader.read()
    const out = await hub.ask('/auth/logout', { token: two, method: 'POST', body: { everywhere: true } })
    expect(out.status).toBe(200)
    let chunk = await reader.read()
    while (!chunk.done) chunk = await reader.read()
    expect([await whoami(one), await whoami(two)]).toEqual([401, 401])
  })
})

describe('an account', () => {
  /** The same hub again with other settings would be another hub: its rows are asked about under these accounts. */
  const under = async (accounts: readonly object[], loose: object = {}) => {
    const { Accounts } = await import('./accounts.ts')
    return new Accounts({ enabled: true, accounts: accounts as never, ...loose }, hub.clock)
  }

  it('that is switched off, is no more, or has another password ends what it made', async () => {
    const other = await hashPassword('another', seededRandom(4), CHEAP)
    const ana = { name: 'ana', passwordHash: hash, enabled: true, capabilities: ['login', 'apiKey'] }
    const made = (await under([ana])).identityOf(ana as never)
    expect((await under([ana])).standing(made)?.name).toBe('ana')
    expect((await under([{ ...ana, enabled: false }])).standing(made)).toBeUndefined()
    expect((await under([{ ...ana, passwordHash: other }])).standing(made)).toBeUndefined()
    expect((await under([])).standing(made)).toBeUndefined()
    expect((await under([ana], { enabled: false })).standing(made)).toBeUndefined()
  })

  it('is none where local accounts are switched off', async () => {
    const off = await hubWithSignIn({
      'signIn.localAccounts': 'false',
      accounts: [{ name: 'ana', passwordHash: hash }],
    })
    try {
      expect((await login('ana', PASSWORD, {}, off)).status).toBe(404)
      expect((await off.ask('/auth/settings')).body).toEqual({ password: false, provider: null })
    } finally {
      await off.stop()
    }
  })
})

describe('tokens', () => {
  it('that an account makes may what it may, are shown with their last use, and are gone at once', async () => {
    const mine = await bearer()
    const made = await hub.ask('/api/v1/tokens', {
      token: mine,
      method: 'POST',
      body: { name: 'ci', role: 'own', projects: ['shop-*'], actions: ['get', 'sync'] },
    })
    expect(made).toMatchObject({ status: 201, body: { role: 'own', madeBy: 'ana', lastUsedAt: null } })
    const token = String(made.body['token'])
    expect((await hub.ask('/api/v1/whoami', { token })).body).toMatchObject({
      name: 'ci',
      subject: 'ana',
      kind: 'robot',
    })
    const row = async () => {
      const { body } = await hub.ask('/api/v1/tokens', { token: mine })
      return (body['items'] as { id: string; lastUsedAt: string | null }[]).find(({ id }) => id === made.body['id'])
    }
    await expect.poll(async () => (await row())?.lastUsedAt).toMatch(/^20/)
    const watch = await fetch(`${hub.url}/api/v1/watch`, { headers: { authorization: `Bearer ${token}` } })
    const reader = watch.body!.getReader()
    await reader.read()
    expect((await hub.ask(`/api/v1/tokens/${made.body['id']}`, { token: mine, method: 'DELETE' })).status).toBe(200)
    let chunk = await reader.read()
    while (!chunk.done) chunk = await reader.read()
    expect(await whoami(token)).toBe(401)
  })

  it('of somebody else are not there for whoever may not see them', async () => {
    const mine = await bearer()
    const { body } = await hub.ask('/api/v1/tokens', { token: mine })
    const names = (body['items'] as { name: string }[]).map(({ name }) => name)
    expect(names).not.toContain('admin')
    const [adminToken] = (await hub.ask('/api/v1/tokens', { token: hub.admin })).body['items'] as { id: string }[]
    const refused = await hub.ask(`/api/v1/tokens/${adminToken!.id}`, { token: mine, method: 'DELETE' })
    const missing = await hub.ask('/api/v1/tokens/no-such', { token: mine, method: 'DELETE' })
    expect([refused.status, refused.text]).toEqual([404, missing.text])
  })

  it('of a person are made by the administrator’s own alone, and none lives longer than its maker', async () => {
    const mine = await bearer()
    const make = (token: string, body: object) => hub.ask('/api/v1/tokens', { token, method: 'POST', body })
    expect((await make(mine, { name: 'ben', kind: 'person' })).status).toBe(400)
    expect((await make(hub.admin, { name: 'ben', kind: 'person', role: 'admin' })).status).toBe(201)
    const short = String((await make(mine, { name: 'short', role: 'own', expires: '+1h' })).body['token'])
    expect((await make(short, { name: 'long', expires: '+2h' })).status).toBe(400)
    const child = await make(short, { name: 'child', role: 'own' })
    expect(child.body).toMatchObject({ madeBy: 'ana', expiresAt: expect.any(String) })
  })
})
