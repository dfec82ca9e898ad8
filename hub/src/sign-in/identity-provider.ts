import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import type { JSONWebKeySet } from 'jose'
import * as oidc from 'openid-client'
import type { HttpClient } from '../hosts/http-client.ts'
import { KeySet } from './key-set.ts'
import { ProviderError } from './provider-error.ts'
import { providerFetch } from './provider-fetch.ts'
import { type IdTokenRules, type VerifiedIdToken, verifyIdToken } from './verify-id-token.ts'

export interface ProviderSettings extends IdTokenRules {
  readonly clientId: string
  /** Of a client that can keep one; read at each use, so that it can be changed. */
  readonly clientSecret?: () => Promise<string>
  /** The public client of the command; without it the hub's own is used for the command as well. */
  readonly cliClientId?: string
  /** What is asked for: `openid`, and whatever makes the provider tell groups. */
  readonly scopes: readonly string[]
  /** Whether groups are asked for at the user-info endpoint, where the id token has none. */
  readonly userInfo: boolean
}

export interface ProviderParts {
  readonly http: HttpClient
  readonly clock: Clock
  readonly random: Random
}

/** What a browser has to bring back. */
export interface BegunSignIn {
  readonly url: URL
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

/** Who has signed in, and what may be had later for it. */
export interface ProvedPerson extends VerifiedIdToken {
  readonly idToken: string
  readonly refreshToken?: string
}

const DISCOVERED_FOR_MS = 60 * 60_000
/** A provider that is away is not asked with each request. */
const AWAY_FOR_MS = 5_000

/** The identity provider: what browsers are sent to, what it says of who comes back, and whether a token is its own. */
export class IdentityProvider {
  readonly settings: ProviderSettings
  readonly #parts: ProviderParts
  readonly #keys: KeySet
  #found: { readonly config: oidc.Configuration; readonly at: number } | undefined
  #finding: Promise<oidc.Configuration> | undefined
  #away: { readonly error: ProviderError; readonly at: number } | undefined

  constructor(settings: ProviderSettings, parts: ProviderParts) {
    this.settings = settings
    this.#parts = parts
    this.#keys = new KeySet({ clock: parts.clock, fetch: () => this.#fetchKeys() })
  }

  /** Why it could not be asked last, while that is so. */
  get trouble(): string | undefined {
    return this.#away?.error.message
  }

  /** @throws ProviderError `PROVIDER_AWAY` */
  async begin(redirectUri: string, prompt?: 'none' | 'login'): Promise<BegunSignIn> {
    const config = await this.#configuration()
    const [state, nonce, verifier] = [this.#word(), this.#word(), this.#word()]
    const url = oidc.buildAuthorizationUrl(config, {
      ...{ redirect_uri: redirectUri, scope: this.settings.scopes.join(' '), response_type: 'code' },
      ...{ state, nonce, code_challenge: await oidc.calculatePKCECodeChallenge(verifier) },
      code_challenge_method: 'S256',
      ...(prompt !== undefined && { prompt }),
    })
    return { url, state, nonce, verifier }
  }

  /** Trades the code that a browser brought for who that is. @throws ProviderError */
  async finish(returned: URL, begun: Omit<BegunSignIn, 'url'>): Promise<ProvedPerson> {
    const config = await this.#configuration()
    const answer = await this.#asked(() =>
      oidc.authorizationCodeGrant(config, returned, {
        expectedState: begun.state,
        expectedNonce: begun.nonce,
        pkceCodeVerifier: begun.verifier,
        idTokenExpected: true,
      }),
    )
    return await this.#proved(config, answer, begun.nonce)
  }

  /** Who that is by now: the same person, or nobody. @throws ProviderError */
  async refresh(refreshToken: string, subject: string): Promise<ProvedPerson> {
    const config = await this.#configuration()
    const answer = await this.#asked(() => oidc.refreshTokenGrant(config, refreshToken))
    const proved = await this.#proved(config, answer)
    if (proved.claims.sub !== subject) throw this.#refused('the refresh token is another person’s')
    return proved
  }

  /** Who shows this id token; undefined where it proves nobody. @throws ProviderError `PROVIDER_AWAY` */
  async verify(idToken: string): Promise<VerifiedIdToken | undefined> {
    return await verifyIdToken(idToken, this.settings, this.#keys.find, this.#parts.clock.now())
  }

  /** Where a browser ends its session at the provider as well, if that has such a page. */
  async endUrl(idToken: string | undefined, returnTo: string): Promise<string | undefined> {
    const config = await this.#configuration()
    if (config.serverMetadata().end_session_endpoint === undefined) return undefined
    const parameters = new URLSearchParams({ post_logout_redirect_uri: returnTo })
    if (idToken !== undefined) parameters.set('id_token_hint', idToken)
    return oidc.buildEndSessionUrl(config, parameters).href
  }

  /** Asks for the provider's own description and keys: for doctors. @throws ProviderError */
  async examine(): Promise<{
    readonly keys: number
    readonly device: boolean
    readonly algorithms: readonly string[]
  }> {
    const metadata = (await this.#configuration()).serverMetadata()
    const { keys } = await this.#fetchKeys()
    const algorithms = metadata.id_token_signing_alg_values_supported ?? []
    return { keys: keys.length, device: metadata.device_authorization_endpoint !== undefined, algorithms }
  }

  async #proved(config: oidc.Configuration, answer: oidc.TokenEndpointResponse, nonce?: string): Promise<ProvedPerson> {
    const { id_token: idToken, refresh_token: refreshToken, access_token: accessToken } = answer
    if (idToken === undefined) throw this.#refused('it gave no id token')
    const now = this.#parts.clock.now()
    const verified = await verifyIdToken(idToken, this.settings, this.#keys.find, now, nonce)
    if (verified === undefined) throw this.#refused('its id token is not good for this hub')
    const { userInfo } = this.settings
    const more = userInfo
      ? await this.#asked(() => oidc.fetchUserInfo(config, accessToken, verified.claims.sub))
      : undefined
    return {
      ...verified,
      // What was signed comes before what was only said.
      claims: { ...more, ...verified.claims },
      idToken,
      ...(refreshToken !== undefined && { refreshToken }),
    }
  }

  async #configuration(): Promise<oidc.Configuration> {
    const now = this.#parts.clock.monotonicMs()
    const found = this.#found
    if (found !== undefined && now - found.at < DISCOVERED_FOR_MS) return found.config
    if (this.#away !== undefined && now - this.#away.at < AWAY_FOR_MS) {
      if (found !== undefined) return found.config
      throw this.#away.error
    }
    this.#finding ??= this.#discover().finally(() => {
      this.#finding = undefined
    })
    try {
      return await this.#finding
    } catch (error) {
      if (found !== undefined) return found.config
      throw error
    }
  }

  async #discover(): Promise<oidc.Configuration> {
    const { issuer, clientId, clientSecret, clockSkewMs } = this.settings
    const { clock } = this.#parts
    const secret = await clientSecret?.()
    const metadata = { [oidc.clockTolerance]: Math.ceil(clockSkewMs / 1000) }
    const config = await this.#asked(() =>
      oidc.discovery(new URL(issuer), clientId, metadata, clientProof(secret), {
        [oidc.customFetch]: providerFetch(this.#parts.http),
        // Only an issuer on this machine may be asked without TLS: the settings refuse any other.
        execute: issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : [],
      }),
    )
    const { issuer: theirs } = config.serverMetadata()
    if (theirs !== issuer) throw this.#refused(`it calls itself ${theirs}`)
    this.#found = { config, at: clock.monotonicMs() }
    this.#away = undefined
    return config
  }

  async #fetchKeys(): Promise<JSONWebKeySet> {
    const config = await this.#configuration()
    const uri = config.serverMetadata().jwks_uri
    if (uri === undefined) throw this.#refused('it publishes no keys')
    return await this.#asked(async () => {
      const headers = { accept: 'application/json' }
      const asked = { method: 'GET', headers, body: undefined, redirect: 'manual' } as const
      const response = await providerFetch(this.#parts.http)(uri, asked)
      const set: unknown = response.ok ? await response.json() : undefined
      if (!isKeySet(set)) throw new Error(`its keys cannot be read (${response.status})`)
      return set
    })
  }

  /** Tells what went wrong apart: it says no, or it does not answer as it should. */
  async #asked<T>(question: () => Promise<T>): Promise<T> {
    const { issuer } = this.settings
    try {
      const answer = await question()
      this.#away = undefined
      return answer
    } catch (error) {
      if (error instanceof oidc.ResponseBodyError && error.status < 500) {
        throw this.#refused(`it says ${error.error.slice(0, 100)}`, error)
      }
      if (error instanceof oidc.AuthorizationResponseError)
        throw this.#refused(`it says ${error.error.slice(0, 100)}`, error)
      if (error instanceof oidc.ClientError && error.code !== undefined && !AWAY_CODES.has(error.code)) {
        throw this.#refused(`what it says cannot be believed: ${error.code}`, error)
      }
      const away = new ProviderError('PROVIDER_AWAY', issuer, `it does not answer as it should: ${reasonOf(error)}`, {
        cause: error,
      })
      this.#away = { error: away, at: this.#parts.clock.monotonicMs() }
      throw away
    }
  }

  #refused(message: string, cause?: unknown): ProviderError {
    return new ProviderError('PROVIDER_REFUSED', this.settings.issuer, message, { cause })
  }

  #word(): string {
    return Buffer.from(this.#parts.random.bytes(32)).toString('base64url')
  }
}

/** How the hub shows that it is that client: in the header where the provider takes that, else in the form. */
function clientProof(secret: string | undefined): oidc.ClientAuth {
  if (secret === undefined) return oidc.None()
  const [basic, post] = [oidc.ClientSecretBasic(secret), oidc.ClientSecretPost(secret)]
  return (server, ...rest) => {
    const methods = server.token_endpoint_auth_methods_supported
    const chosen = methods === undefined || methods.includes('client_secret_basic') ? basic : post
    return chosen(server, ...rest)
  }
}

/** Codes of openid-client for an answer that is no provider's. */
const AWAY_CODES: ReadonlySet<string> = new Set([
  ...['OAUTH_TIMEOUT', 'OAUTH_PARSE_ERROR', 'OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON'],
])

function isKeySet(value: unknown): value is JSONWebKeySet {
  return typeof value === 'object' && value !== null && 'keys' in value && Array.isArray(value.keys)
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message.slice(0, 300) : 'unknown'
}
