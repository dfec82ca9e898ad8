import { createHash, createPrivateKey, sign } from 'node:crypto'
import type { JsonObject } from '@flotilla/core/json/json'
import { numberIfAny, textAt } from '@flotilla/core/json/read-json'
import { pathOf } from './api-path.ts'
import { textOf } from './config-fields.ts'
import { HostError } from './host-error.ts'
import type { ConnectContext, Connection, HostApi } from './provider.ts'

/** GitHub takes no JWT that lives longer than ten minutes, and its clock may be behind ours. */
const JWT_LIFE_S = 9 * 60
const CLOCK_SKEW_S = 60

/**
 * The token of an installation of a GitHub App. The Secret is the one that Argo CD uses for a repository with an app:
 * `githubAppID`, `githubAppPrivateKey`, and `githubAppInstallationID` unless the installation is to be found by the
 * organization or repository that is asked for.
 *
 * @throws HostError
 */
export async function installationToken(
  config: JsonObject,
  secretName: string,
  baseUrl: string,
  context: ConnectContext,
): Promise<string> {
  const keys = await context.secrets.secretKeys(secretName, baseUrl)
  const needed = (key: string): string => {
    const value = keys.get(key)?.trim() ?? ''
    if (value !== '') return value
    throw new HostError('HOST_SECRET_MISSING', `key "${key}" in secret ${secretName} not found`, { retry: true })
  }
  const appId = needed('githubAppID')
  const privateKey = needed('githubAppPrivateKey')
  const digest = createHash('sha256').update(privateKey).digest('base64url')
  const account = textOf(config, 'organization') || textOf(config, 'owner')
  const installation = keys.get('githubAppInstallationID')?.trim() ?? ''
  const session = JSON.stringify(['github-app', baseUrl, appId, installation || account, digest])
  return context.session(session, async () => {
    const jwt = appJwt(appId, privateKey, context.now(), secretName)
    const api = context.api(appConnection(jwt, baseUrl, session))
    const id = installation || (await findInstallation(api, account))
    const { body } = await api.ask({ path: pathOf('app', 'installations', id, 'access_tokens'), body: {} })
    const value = textAt(body, 'token')
    const expiresAt = Date.parse(textAt(body, 'expires_at'))
    if (value === '' || Number.isNaN(expiresAt)) {
      throw new HostError('HOST_ANSWER_INVALID', 'the host gave no installation token', { retry: true })
    }
    return { value, expiresAt }
  })
}

async function findInstallation(api: HostApi, account: string): Promise<string> {
  const reply =
    (await api.find({ path: pathOf('orgs', account, 'installation') })) ??
    (await api.ask({ path: pathOf('users', account, 'installation') }))
  return String(numberIfAny(reply.body, 'id') ?? '')
}

function appConnection(jwt: string, baseUrl: string, identity: string): Connection {
  return { baseUrl, trust: { insecure: false }, identity, headers: async () => ({ authorization: `Bearer ${jwt}` }) }
}

/** @throws HostError `HOST_SECRET_MISSING` when the key is none. */
function appJwt(appId: string, privateKey: string, now: number, secretName: string): string {
  const seconds = Math.floor(now / 1000)
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { iat: seconds - CLOCK_SKEW_S, exp: seconds + JWT_LIFE_S, iss: appId }
  const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`
  try {
    const signature = sign('sha256', Buffer.from(text), createPrivateKey(privateKey))
    return `${text}.${signature.toString('base64url')}`
  } catch (cause) {
    const message = `key "githubAppPrivateKey" in secret ${secretName} is not a private key in PEM`
    throw new HostError('HOST_SECRET_MISSING', message, { retry: true, cause })
  }
}
