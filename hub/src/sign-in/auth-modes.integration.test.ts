import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parsePolicy } from '@flotilla/core/access/parse-policy'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { hashPassword } from './password-hash.ts'
import { hubWithSignIn, type SignInHub } from './testing/hub-with-sign-in.ts'
import { TestProvider } from './testing/test-provider.ts'

/** Advisories 2, 5 and 23 of what went wrong elsewhere: what does not prove somebody proves nobody, in every mode. */
const MODES = {
  'tokens alone': {},
  'an identity provider': { oidc: true },
  'local accounts': { accounts: true },
  'provider and accounts': { oidc: true, accounts: true },
  'anonymous, with a default role that may everything': { anonymous: true },
  'anonymous, with provider and accounts': { anonymous: true, oidc: true, accounts: true },
} as const satisfies { readonly [mode: string]: { oidc?: true; accounts?: true; anonymous?: true } }

const SECRET = 'shared by hub and provider'
let provider: TestProvider
let fleet: string
let hash: string
const git = promisify(execFile)

beforeAll(async () => {
  provider = await TestProvider.open()
  hash = await hashPassword('x', seededRandom(1), { ln: 14, r: 8, p: 1 })
  fleet = await mkdtemp(join(tmpdir(), 'flotilla-modes-'))
  const policy = [
    'apiVersion: flotilla.dev/v1alpha1',
    'kind: AccessPolicy',
    'metadata: { name: open }',
    'spec: { defaultRole: role:admin }',
    '---',
    'apiVersion: flotilla.dev/v1alpha1',
    'kind: Project',
    'metadata: { name: shop }',
    'spec:',
    '  sourceRepos: ["*"]',
    '  destinations: []',
    '  roles:',
    '  - name: ci',
    '    policies: ["p, proj:shop:ci, applications, get, shop/*, allow"]',
    '    jwtTokens: [{ iat: 1, id: not-made-here }]',
    '  - name: boss',
    '    policies: ["p, proj:shop:boss, applications, *, shop/*, allow"]',
    '',
  ].join('\n')
  await writeFile(join(fleet, 'policy.yaml'), policy)
  const run = (...words: string[]) => git('git', ['-C', fleet, '-c', 'user.name=a', '-c', 'user.email=a@b', ...words])
  await run('init', '-q', '-b', 'main')
  await run('add', '.')
  await run('commit', '-q', '-m', 'policy')
})
afterAll(async () => {
  await provider?.close()
  await rm(fleet, { recursive: true, force: true })
})

function settingsOf(mode: { oidc?: true; accounts?: true; anonymous?: true }) {
  return {
    configSources: [{ name: 'fleet', repository: `file://${fleet}`, revision: 'main', trust: 'all' }],
    ...(mode.oidc && { 'oidc.issuer': provider.issuer, 'oidc.clientId': 'flotilla', 'oidc.clientSecret': SECRET }),
    ...(mode.accounts && { accounts: [{ name: 'ana', passwordHash: hash, capabilities: ['login', 'apiKey'] }] }),
    ...(mode.anonymous && { 'signIn.anonymous': 'true' }),
  }
}

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const claims = () => {
  const now = Math.floor(Date.now() / 1000)
  return {
    iss: provider.issuer,
    aud: 'flotilla',
    sub: 'ana',
    groups: ['admin', 'role:admin'],
    iat: now,
    exp: now + 300,
  }
}

/** Everything that somebody might show instead of a proof. */
async function forgeries(admin: string): Promise<{ readonly [name: string]: Record<string, string> }> {
  const { privateKey } = await generateKeyPair('RS256')
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  const wrongKey = await new SignJWT(claims()).setProtectedHeader({ alg: 'RS256', kid: 'key-1' }).sign(privateKey)
  const withSecret = await new SignJWT(claims()).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(SECRET))
  return {
    'an unsigned id token': bearer(`${base64({ alg: 'none' })}.${base64(claims())}.`),
    'one of alg none with something behind it': bearer(`${base64({ alg: 'none' })}.${base64(claims())}.AAAA`),
    'one by another key': bearer(wrongKey),
    'one by the shared secret': bearer(withSecret),
    'one that has expired': bearer(await provider.sign({ ...claims(), iat: 1, exp: 2 })),
    'one of another client': bearer(await provider.sign({ ...claims(), aud: 'grafana' })),
    'one of another issuer': bearer(await provider.sign({ ...claims(), iss: 'https://id.example.com' })),
    'one about nobody': bearer(await provider.sign({ ...claims(), sub: '' })),
    'one about blanks': bearer(await provider.sign({ ...claims(), sub: ' \t' })),
    'an API token with another secret': bearer(`${admin.split('.')[0]}.${'A'.repeat(43)}`),
    'an API token and a little more': bearer(`${admin}x`),
    'a session that there is not': bearer(`fls_${'A'.repeat(16)}.${'A'.repeat(43)}`),
    'nothing behind Bearer': { authorization: 'Bearer ' },
    'a name and a password': { authorization: `Basic ${Buffer.from('admin:admin').toString('base64')}` },
    'a cookie that there is not': { cookie: 'flotilla-session=nonsense' },
    'two cookies of one name': { cookie: 'flotilla-session=a; flotilla-session=b' },
    'an empty cookie': { cookie: 'flotilla-session=' },
    'a broken header beside a cookie': { authorization: 'Bearer x', cookie: 'flotilla-session=y' },
  }
}

/** By a policy in which the administrator may delete nothing of the shop, and a role of the Project may. */
async function nobodyGivesMoreThanHis({ running, ask, admin }: SignInHub): Promise<void> {
  const { access } = running.hub
  const before = access.now
  const { rows } = parsePolicy('p, role:admin, applications, delete, shop/*, deny', () => PLACE)
  access.put({ settings: { ...before.settings, rows, defaultRole: '' }, scopes: before.scopes })
  try {
    const give = async (role: string) =>
      await ask('/api/v1/tokens', {
        token: admin,
        method: 'POST',
        body: { name: 'x', project: { name: 'shop', role } },
      })
    expect((await give('ci')).status).toBe(201)
    const beyond = await give('boss')
    expect([beyond.status, beyond.text]).toEqual([403, expect.stringContaining('delete of applications shop/x')])
  } finally {
    access.put(before)
  }
}
const PLACE = { file: 'policy.csv', line: 1, column: 1 }

for (const [name, mode] of Object.entries(MODES)) {
  describe(name, () => {
    let hub: SignInHub
    beforeAll(async () => {
      hub = await hubWithSignIn(settingsOf(mode))
      const ready = async () => expect((await hub.ask('/readyz')).status).toBe(200)
      await vi.waitFor(ready, { timeout: 120_000, interval: 50 })
    })
    afterAll(() => hub?.stop())

    it('what proves nobody is refused, and never taken for who shows nothing (Argo CD CVE-2022-29165, CVE-2023-22482)', async () => {
      const bodies = new Set<string>()
      for (const [what, headers] of Object.entries(await forgeries(hub.admin))) {
        const answer = await hub.ask('/api/v1/whoami', { headers })
        expect(answer.status, what).toBe(401)
        bodies.add(answer.text)
        const write = await hub.ask('/api/v1/tokens', { headers, method: 'POST', body: { name: 'ci' } })
        expect(write.status, `${what}, writing`).toBe(401)
      }
      expect(bodies.size).toBe(1)
    })

    it('who shows nothing is nobody', async () => {
      const { status, body } = await hub.ask('/api/v1/whoami')
      if (!('anonymous' in mode)) return expect(status).toBe(401)
      expect(body).toMatchObject({ subject: '', groups: [], by: 'anonymous', name: 'anonymous', kind: 'robot' })
      expect((await hub.ask('/api/v1/applications')).status).toBe(200)
      expect((await hub.ask('/api/v1/tokens', { method: 'POST', body: { name: 'ci' } })).status).toBe(403)
    })

    it('a token of a Project’s role is good while the Project lists it', async () => {
      const make = async (listedBy: 'hub' | 'project') =>
        await hub.ask('/api/v1/tokens', {
          token: hub.admin,
          method: 'POST',
          body: { name: 'shop-ci', project: { name: 'shop', role: 'ci', listedBy } },
        })
      const made = await make('hub')
      expect(made).toMatchObject({ status: 201, body: { project: { name: 'shop', role: 'ci', listedBy: 'hub' } } })
      const token = String(made.body['token'])
      const who = await hub.ask('/api/v1/whoami', { token })
      expect(who.body).toMatchObject({ by: 'project-token', subject: 'proj:shop:ci', groups: [] })
      const unlisted = String((await make('project')).body['token'])
      expect((await hub.ask('/api/v1/whoami', { token: unlisted })).status).toBe(401)
      const none = await hub.ask('/api/v1/tokens', {
        token: hub.admin,
        method: 'POST',
        body: { name: 'x', project: { name: 'shop', role: 'nobody' } },
      })
      expect(none.status).toBe(400)
      await nobodyGivesMoreThanHis(hub)
      await hub.ask(`/api/v1/tokens/${made.body['id']}`, { token: hub.admin, method: 'DELETE' })
      expect((await hub.ask('/api/v1/whoami', { token })).status).toBe(401)
    })
  })
}
