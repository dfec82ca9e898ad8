import { NodeHttpClient } from '@flotilla/hub/hosts/node-http-client'
import { providerFetch } from '@flotilla/hub/sign-in/provider-fetch'
import * as oidc from 'openid-client'
import type { CliContext } from '../context.ts'
import { CliError, failure } from '../errors.ts'
import type { KeptCredential } from './credential-file.ts'

/** What a hub says of its provider. */
export interface NamedProvider {
  readonly issuer: string
  readonly clientId: string
  readonly scopes: readonly string[]
}

/** Something of one sign-in that only its lifetime needs. */
export interface OpenedProvider {
  readonly config: oidc.Configuration
  close(): void
}

/** The provider as it describes itself. @throws CliError 1 */
export async function openProvider(
  { issuer, clientId }: Pick<NamedProvider, 'issuer' | 'clientId'>,
  context: CliContext,
): Promise<OpenedProvider> {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined
  const local = url !== undefined && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
  if (url === undefined || (url.protocol !== 'https:' && !(url.protocol === 'http:' && local))) {
    throw failure(`the hub names ${issuer} as its identity provider, which is no https:// URL`)
  }
  const http = new NodeHttpClient({ clock: context.clock, environment: context.env })
  try {
    const config = await oidc.discovery(url, clientId, undefined, oidc.None(), {
      [oidc.customFetch]: providerFetch(http),
      execute: url.protocol === 'http:' ? [oidc.allowInsecureRequests] : [],
    })
    return { config, close: () => http.close() }
  } catch (error) {
    http.close()
    throw failure(`the identity provider ${issuer} does not answer as it should: ${reasonOf(error)}`, undefined, error)
  }
}

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const SLOWER_S = 5
const LONGEST_S = 30 * 60

/** Signs in on another device, by a code that is typed there. @throws CliError 1, 3 */
export async function loginByDevice(
  { config }: OpenedProvider,
  scopes: readonly string[],
  context: CliContext,
): Promise<oidc.TokenEndpointResponse> {
  if (config.serverMetadata().device_authorization_endpoint === undefined) {
    throw failure('the identity provider knows no sign-in by device', 'leave --device out')
  }
  const begun = await told(() => oidc.initiateDeviceAuthorization(config, { scope: scopes.join(' ') }))
  const { clock, stderr } = context
  stderr.write(
    `Open ${begun.verification_uri_complete ?? begun.verification_uri}\nand enter the code ${begun.user_code}\n`,
  )
  let waitS = begun.interval ?? SLOWER_S
  const until = clock.now() + Math.min(begun.expires_in, LONGEST_S) * 1000
  while (clock.now() < until) {
    await clock.sleep(waitS * 1000)
    try {
      return await oidc.genericGrantRequest(config, GRANT, { device_code: begun.device_code })
    } catch (error) {
      const said = error instanceof oidc.ResponseBodyError ? error.error : undefined
      if (said === 'slow_down') waitS += SLOWER_S
      else if (said !== 'authorization_pending') throw refused(error)
    }
  }
  throw new CliError(3, 'nobody entered the code in time')
}

/** Signs in with a browser on this machine, which comes back to a port that is open for just this. @throws CliError 1, 3 */
export async function loginByBrowser(
  { config }: OpenedProvider,
  scopes: readonly string[],
  context: CliContext,
): Promise<oidc.TokenEndpointResponse> {
  const { LoopbackPage } = await import('./loopback-page.ts')
  const page = await LoopbackPage.open()
  const timer = context.clock.setTimer(LONGEST_S * 1000, () => page.close())
  try {
    const [verifier, state, nonce] = [oidc.randomPKCECodeVerifier(), oidc.randomState(), oidc.randomNonce()]
    const url = oidc.buildAuthorizationUrl(config, {
      ...{ redirect_uri: page.url, scope: scopes.join(' '), response_type: 'code', state, nonce },
      ...{ code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' },
    })
    context.stderr.write(`Open this in a browser on this machine (elsewhere, use --device):\n${url.href}\n`)
    const returned = await page.returned
    if (returned === undefined) throw new CliError(3, 'nobody came back from the identity provider in time')
    const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true }
    return await told(() => oidc.authorizationCodeGrant(config, returned, checks))
  } finally {
    timer.cancel()
    page.close()
  }
}

/** Another id token for the same person. @throws CliError 3 when the provider gives none. */
export async function renew(
  { config }: OpenedProvider,
  { refreshToken }: Pick<KeptCredential, 'refreshToken'>,
): Promise<oidc.TokenEndpointResponse> {
  return await told(() => oidc.refreshTokenGrant(config, refreshToken ?? ''))
}

/** Gives a refresh token back, where the provider takes it; what becomes of it is for nobody to wait for. */
export async function giveBack({ config }: OpenedProvider, refreshToken: string): Promise<boolean> {
  if (config.serverMetadata().revocation_endpoint === undefined) return false
  try {
    await oidc.tokenRevocation(config, refreshToken)
    return true
  } catch (error) {
    if (error instanceof Error) return false
    throw error
  }
}

async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw refused(error)
  }
}

function refused(error: unknown): CliError {
  return new CliError(3, `the identity provider says no: ${reasonOf(error)}`, { cause: error })
}

function reasonOf(error: unknown): string {
  if (error instanceof oidc.ResponseBodyError || error instanceof oidc.AuthorizationResponseError) {
    return error.error_description ?? error.error
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}
