import { generateKeyPairSync, verify } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RepositoriesRequest } from '@flotilla/generators/inputs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { hostsForTest } from './testing/ask-provider.ts'
import { githubRoutes } from './testing/github-server.ts'
import { type HostReply, type HostServer, serveHost } from './testing/host-server.ts'

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
const content = { organization: 'acme', repositories: [], pulls: {} }

let server: HostServer
let folder: string
let hosts: ReturnType<typeof hostsForTest>
let expiresInMs = 3_600_000
let opened = 0

beforeEach(async () => {
  opened = 0
  const routes = githubRoutes(() => content, { token: 'ghs_installation' })
  server = await serveHost(call => {
    const [, , first, id, what] = call.segments
    const isApp = first === 'app' || what === 'installation'
    if (!isApp) return routes(call)
    const [header, claims, signature] = (call.headers.authorization ?? '').replace('Bearer ', '').split('.')
    const signed = verify(
      'sha256',
      Buffer.from(`${header}.${claims}`),
      keys.publicKey,
      Buffer.from(signature ?? '', 'base64url'),
    )
    if (!signed) return { status: 401, body: { message: 'A JSON web token could not be decoded' } }
    const { iss, exp, iat } = JSON.parse(Buffer.from(claims!, 'base64url').toString())
    if (iss !== '12' || exp - iat > 600)
      return { status: 401, body: { message: "'Expiration' is too far in the future" } }
    if (first === 'orgs' && id === 'acme') return { status: 200, body: { id: 77 } }
    return call.method === 'POST' && call.target.endsWith('/app/installations/77/access_tokens')
      ? token()
      : { status: 404 }
  })
  folder = await mkdtemp(join(tmpdir(), 'app-'))
  await mkdir(join(folder, 'app'))
  await writeFile(join(folder, 'app', 'githubAppID'), '12\n')
  await writeFile(join(folder, 'app', 'githubAppPrivateKey'), pem)
  await writeFile(join(folder, 'app', 'githubAppInstallationID'), '77')
  hosts = hostsForTest({ secretsFolder: folder, allowedProviders: [server.url] })
})

afterEach(async () => {
  hosts.close()
  await server.close()
  await rm(folder, { recursive: true })
})

function token(): HostReply {
  opened++
  // Tests stand outside of the rule that time enters by a port.
  const expires_at = new Date(Date.now() + expiresInMs).toISOString()
  return { status: 201, body: { token: 'ghs_installation', expires_at } }
}

const request = (): RepositoriesRequest => ({
  ...{ kind: 'scm-repositories', provider: 'github', cloneProtocol: '', project: 'web', trust: { kind: 'all' } },
  config: { organization: 'acme', api: server.url, appSecretName: 'app' },
})
const NOTHING = { kind: 'scm-repositories', repositories: [] }

test('an installation is asked for one token, which serves until it is about to expire', async () => {
  expiresInMs = 3_600_000
  for (let time = 0; time < 3; time++) expect(await hosts.ask(request())).toEqual(NOTHING)
  expect(opened).toBe(1)
  hosts.close()
  hosts = hostsForTest({ secretsFolder: folder, allowedProviders: [server.url] })
  expiresInMs = 30_000
  await hosts.ask(request())
  await hosts.ask(request())
  expect(opened).toBe(3)
})

test('the installation is found by its organization when the Secret does not name it', async () => {
  await rm(join(folder, 'app', 'githubAppInstallationID'))
  expect(await hosts.ask(request())).toEqual(NOTHING)
})

test('what is wrong with the Secret is said, and nothing of it', async () => {
  await writeFile(join(folder, 'app', 'githubAppPrivateKey'), 'swordfish')
  expect(await hosts.failure(request())).toBe(
    'HOST_SECRET_MISSING key "githubAppPrivateKey" in secret app is not a private key in PEM',
  )
  await rm(join(folder, 'app', 'githubAppID'))
  expect(await hosts.failure(request())).toBe('HOST_SECRET_MISSING key "githubAppID" in secret app not found')
  await rm(join(folder, 'app'), { recursive: true })
  expect(await hosts.failure(request())).toBe(
    'HOST_SECRET_MISSING error fetching secret app: there is none in secretsFolder',
  )
})
