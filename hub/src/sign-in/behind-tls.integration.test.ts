import { seededRandom } from '@flotilla/core/ports/create-random'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { hashPassword } from './password-hash.ts'
import { hubWithSignIn, type SignInHub } from './testing/hub-with-sign-in.ts'

const PASSWORD = 'correct horse battery staple'
let hub: SignInHub

beforeAll(async () => {
  const passwordHash = await hashPassword(PASSWORD, seededRandom(3), { ln: 14, r: 8, p: 1 })
  // TLS ends at a proxy before it: people reach it under another URL than it listens at.
  hub = await hubWithSignIn({
    publicUrl: 'https://hub.example.com',
    accounts: [{ name: 'ana', passwordHash, capabilities: ['login'] }],
  })
})
afterAll(() => hub?.stop())

async function signedIn() {
  const { headers, body } = await hub.ask('/auth/login', { method: 'POST', body: { name: 'ana', password: PASSWORD } })
  const [cookie = ''] = headers.getSetCookie()
  return { cookie, value: cookie.split(';')[0]!.split('=')[1]!, csrf: String(body['csrfToken']) }
}

const whoami = async (cookie: string) => (await hub.ask('/api/v1/whoami', { headers: { cookie } })).status

it('behind TLS a session is a cookie that no other host can set, and that goes over TLS alone', async () => {
  const { cookie, value } = await signedIn()
  expect(cookie).toMatch(/^__Host-flotilla-session=fls_[^;]+; Path=\/; (Max-Age=\d+; )?HttpOnly; SameSite=Lax; Secure$/)
  expect(await whoami(`__Host-flotilla-session=${value}`)).toBe(200)
})

it('behind TLS the name that any host can set proves nobody', async () => {
  const { value } = await signedIn()
  expect(await whoami(`flotilla-session=${value}`)).toBe(401)
  // Nor does one beside it shadow the right one.
  expect(await whoami(`flotilla-session=fls_other; __Host-flotilla-session=${value}`)).toBe(200)
})

it('behind TLS signing out takes the cookie away as it was set', async () => {
  const { value, csrf } = await signedIn()
  const headers = { cookie: `__Host-flotilla-session=${value}`, 'x-csrf-token': csrf }
  const out = await hub.ask('/auth/logout', { method: 'POST', body: {}, headers })
  expect(out.status).toBe(200)
  expect(out.headers.getSetCookie()).toEqual([
    expect.stringMatching(/^__Host-flotilla-session=; Path=\/; Max-Age=0; HttpOnly; SameSite=Lax; Secure$/),
  ])
  expect(await whoami(`__Host-flotilla-session=${value}`)).toBe(401)
})
