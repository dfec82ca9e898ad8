import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClock } from '@flotilla/core/ports/create-clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { hashPassword } from '@flotilla/hub/sign-in/password-hash'
import { hubWithSignIn, type SignInHub } from '@flotilla/hub/sign-in/testing/hub-with-sign-in'
import { TestBrowser } from '@flotilla/hub/sign-in/testing/test-browser'
import { TestProvider } from '@flotilla/hub/sign-in/testing/test-provider'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { runCommand } from '../program.ts'

let provider: TestProvider
let hub: SignInHub
let home: string
const PASSWORD = 'correct horse battery staple'

beforeAll(async () => {
  provider = await TestProvider.open()
  provider.people.set('ana', { groups: ['shop-devs'] })
  const passwordHash = await hashPassword(PASSWORD, seededRandom(3), { ln: 14, r: 8, p: 1 })
  hub = await hubWithSignIn({
    'oidc.issuer': provider.issuer,
    'oidc.clientId': 'flotilla',
    'oidc.cliClientId': 'flotilla-cli',
    accounts: [{ name: 'ben', passwordHash }],
  })
  provider.addClient({
    id: 'flotilla-cli',
    redirectUris: ['http://127.0.0.1/callback'],
    grants: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  })
})
afterAll(async () => {
  await hub?.stop()
  await provider?.close()
})
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'flotilla-login-'))
  return () => rm(home, { recursive: true, force: true })
})

interface Running {
  readonly ended: Promise<number>
  readonly out: string[]
  readonly err: string[]
}

/** The command, with a clock that lets nobody wait, put forward by so much. */
function start(words: readonly string[], env: Record<string, string> = {}, forwardMs = 0): Running {
  const real = createClock(globalThis)
  const [out, err]: [string[], string[]] = [[], []]
  const ended = runCommand(words, {
    cwd: home,
    env: { HOME: home, ...env },
    clock: {
      now: () => real.now() + forwardMs,
      monotonicMs: () => real.monotonicMs(),
      setTimer: real.setTimer.bind(real),
      sleep: ms => real.sleep(Math.min(ms, 20)),
    },
    stdout: { write: text => void out.push(text), isTerminal: false },
    stderr: { write: text => void err.push(text), isTerminal: false },
    exitCode: 0,
  })
  return { ended, out, err }
}

async function run(words: readonly string[], env: Record<string, string> = {}, forwardMs = 0) {
  const running = start(words, env, forwardMs)
  const code = await running.ended
  return { code, out: running.out.join(''), err: running.err.join('') }
}

const kept = () => join(home, '.config', 'flotilla', 'credentials.json')

/** What a person does at the provider with the code that the command shows. */
async function enter(running: Running): Promise<void> {
  await expect.poll(() => running.err.join(''), { timeout: 60_000 }).toContain('enter the code')
  const [, url, code] = /Open (\S+)\nand enter the code (\S+)/.exec(running.err.join(''))!
  const browser = new TestBrowser()
  const first = await browser.go(url!.replace(/\?.*$/, ''))
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(first.text)![1]!
  const post = (fields: Record<string, string>) =>
    browser.go(`${provider.issuer}/device`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    })
  await post({ xsrf, user_code: code! })
  const end = await post({ xsrf, user_code: code!, confirm: 'yes' })
  expect(end.text).toContain('done')
}

async function loginByDevice(): Promise<void> {
  provider.signsIn = 'ana'
  const running = start(['login', '--hub', hub.url, '--device'])
  await enter(running)
  expect(await running.ended, running.err.join('')).toBe(0)
}

describe('flotilla login', () => {
  it('--device signs in elsewhere, and what it keeps is for its owner alone', async () => {
    await loginByDevice()
    const { mode } = await stat(kept())
    expect(mode & 0o777).toBe(0o600)
    const who = await run(['whoami', '-o', 'json'])
    expect([who.code, who.err]).toEqual([0, ''])
    expect(JSON.parse(who.out)).toMatchObject({ subject: 'ana', groups: ['shop-devs'], by: 'id-token' })
    expect((await run(['whoami'])).out).toContain('groups:   shop-devs')
  })

  it('by a browser on this machine comes back over loopback', async () => {
    provider.signsIn = 'ana'
    const running = start(['login', '--hub', hub.url])
    await expect.poll(() => running.err.join(''), { timeout: 60_000 }).toContain('code_challenge=')
    const url = /^(http\S+)$/m.exec(running.err.join(''))![1]!
    expect((await new TestBrowser().go(url)).text).toContain('close this page')
    expect(await running.ended).toBe(0)
    expect((await run(['whoami', '-o', 'json'])).out).toContain('"subject": "ana"')
  })

  it('--username keeps a session of the hub’s own', async () => {
    await writeFile(join(home, 'password'), `${PASSWORD}\n`)
    const words = ['login', '--hub', hub.url, '--username', 'ben', '--password-file', 'password']
    const ran = await run(words)
    expect([ran.code, ran.err]).toEqual([0, `logged in to ${hub.url} as ben\n`])
    expect(JSON.parse(await readFile(kept(), 'utf8'))).toMatchObject({
      current: hub.url,
      hubs: { [hub.url]: { kind: 'session', name: 'ben' } },
    })
    expect((await run(['whoami', '-o', 'json'])).out).toContain('"by": "session"')
    await writeFile(join(home, 'password'), 'wrong')
    const refused = await run(words)
    expect([refused.code, refused.err]).toEqual([3, expect.stringContaining('name or the password is not right')])
    expect(refused.err).not.toContain('wrong')
  })

  it('renews an id token before it is too old for a write, one command after the other', async () => {
    await loginByDevice()
    const refreshToken = async () => JSON.parse(await readFile(kept(), 'utf8')).hubs[hub.url].refreshToken
    const before = await refreshToken()
    const asked = provider.asked.length
    const later = 11 * 60_000
    const [one, two] = await Promise.all([run(['whoami'], {}, later), run(['whoami'], {}, later)])
    expect([one.code, two.code, one.err, two.err]).toEqual([0, 0, '', ''])
    expect(await refreshToken()).not.toBe(before)
    expect(provider.asked.slice(asked).filter(each => each === 'POST /token').length).toBeGreaterThan(0)
  })

  it('says what to do when it is over', async () => {
    await loginByDevice()
    provider.refusesRefresh = true
    try {
      const over = await run(['whoami'], {}, 2 * 3_600_000)
      expect([over.code, over.err]).toEqual([3, expect.stringContaining(`flotilla login --hub ${hub.url}`)])
    } finally {
      provider.refusesRefresh = false
    }
  })

  it('does not read what others may read, nor what is no file of it', async () => {
    await loginByDevice()
    await chmod(kept(), 0o644)
    expect(await run(['whoami'])).toMatchObject({ code: 1, err: expect.stringContaining(`chmod 600 ${kept()}`) })
    await chmod(kept(), 0o600)
    await writeFile(kept(), '{"hubs": 7}')
    expect(await run(['whoami'])).toMatchObject({ code: 1, err: expect.stringContaining('holds no credentials') })
  })

  it('a token that is given comes before what is kept', async () => {
    await loginByDevice()
    const { out } = await run(['whoami', '-o', 'json'], { FLOTILLA_TOKEN: hub.admin })
    expect(JSON.parse(out)).toMatchObject({ name: 'admin', by: 'token' })
  })
})

describe('flotilla logout', () => {
  it('ends the session at the hub, and forgets it', async () => {
    await loginByDevice()
    const { token } = JSON.parse(await readFile(kept(), 'utf8')).hubs[hub.url]
    const ran = await run(['logout'])
    expect([ran.code, ran.err]).toEqual([0, `logged out of ${hub.url}\n`])
    expect((await hub.ask('/api/v1/whoami', { token })).status).toBe(401)
    expect(JSON.parse(await readFile(kept(), 'utf8'))).toEqual({ hubs: {} })
    expect((await run(['logout', '--hub', hub.url])).code).toBe(1)
    expect((await run(['whoami', '--hub', hub.url])).code).toBe(2)
  })

  it('ends every session, or this one alone', async () => {
    await writeFile(join(home, 'password'), PASSWORD)
    const login = ['login', '--hub', hub.url, '--username', 'ben', '--password-file', 'password']
    await run(login)
    const { token } = JSON.parse(await readFile(kept(), 'utf8')).hubs[hub.url]
    await run(login)
    expect((await run(['logout', '--only-here'])).code).toBe(0)
    expect((await hub.ask('/api/v1/whoami', { token })).status).toBe(200)
    await run(login)
    expect((await run(['logout'])).err).toMatch(/and [2-9]\d* sessions ended/)
    expect((await hub.ask('/api/v1/whoami', { token })).status).toBe(401)
  })
})

it('flotilla token makes one for less than one may, and shows what it is for', async () => {
  // An id token of the very second in which its person signed out everywhere is refused: they tell whole seconds.
  const signedOut = Math.floor(Date.now() / 1000)
  await vi.waitFor(() => expect(Math.floor(Date.now() / 1000)).toBeGreaterThan(signedOut), {
    interval: 50,
    timeout: 60_000,
  })
  await loginByDevice()
  const made = await run([
    'token',
    'create',
    '--name',
    'ci',
    '--role',
    'own',
    '--projects',
    'shop-*,web',
    '--actions',
    'get',
  ])
  expect([made.code, made.err]).toEqual([0, expect.stringContaining('of ci: it is shown this once')])
  expect(JSON.parse((await run(['whoami', '-o', 'json'], { FLOTILLA_TOKEN: made.out.trim() })).out)).toMatchObject({
    subject: 'ana',
    kind: 'robot',
  })
  const list = await run(['token', 'list'])
  expect(list.out).toMatch(/ci +own +robot +ana@example\.com .* shop-\*, web: get/)
  const id = /^(\S+) +ci /m.exec(list.out)![1]!
  expect((await run(['token', 'revoke', id])).out).toBe(`revoked ${id} of ci\n`)
  expect((await run(['whoami'], { FLOTILLA_TOKEN: made.out.trim() })).code).toBe(3)
  expect((await run(['token', 'create', '--name', 'x', '--project-role', 'shop'])).code).toBe(2)
  const unknown = await run(['token', 'create', '--name', 'x', '--project-role', 'shop/ci'], {
    FLOTILLA_TOKEN: hub.admin,
  })
  expect(unknown.err).toContain('is no role of that Project')
})

it('flotilla account hash-password prints what hub.yaml takes, and never the password', async () => {
  await writeFile(join(home, 'password'), `${PASSWORD}\n`)
  const ran = await run(['account', 'hash-password', '--password-file', 'password'])
  expect(ran.out).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}\n$/)
  const { isPassword, readPasswordHash } = await import('@flotilla/hub/sign-in/password-hash')
  expect(await isPassword(PASSWORD, readPasswordHash(ran.out.trim())!)).toBe(true)
  await writeFile(join(home, 'password'), '\n')
  expect((await run(['account', 'hash-password', '--password-file', 'password'])).code).toBe(1)
})
