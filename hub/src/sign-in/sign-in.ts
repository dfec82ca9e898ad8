import { isJsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Random } from '@flotilla/core/ports/random'
import type { Identity, Store } from '@flotilla/core/ports/store'
import { addressKey } from '../limits/address-key.ts'
import { FailureLimiter } from '../limits/failure-limiter.ts'
import { type AccountSettings, Accounts } from './accounts.ts'
import { Authenticator, type AuthenticatorParts } from './authenticator.ts'
import { keptClaims } from './identity.ts'
import type { IdentityProvider } from './identity-provider.ts'
import { safeReturnPath } from './return-path.ts'
import { Sealer } from './sealer.ts'
import { DEFAULT_SESSIONS, type SessionSettings, Sessions } from './sessions.ts'
import { cookiesOf, sessionCookieName, setCookie } from './shown-credential.ts'
import type { TokenRole } from './token-proof.ts'

export interface SignInSettings {
  readonly accounts?: AccountSettings
  readonly sessions?: SessionSettings
  readonly nameClaim?: string
  readonly anonymous?: boolean
}

export interface SignInParts extends Pick<AuthenticatorParts, 'projectRoles' | 'groupClaims'> {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** 32 bytes that are not in the store. */
  readonly key: Uint8Array
  readonly provider?: IdentityProvider
  /** The URL at which people reach the hub, once it is known. */
  readonly url: () => string
}

/** What became of somebody who wants to come in. */
export type SignInAnswer =
  | { readonly kind: 'in'; readonly text: string; readonly name: string; readonly returnTo: string }
  | { readonly kind: 'refused'; readonly message: string }

/** How long a browser may take at the provider. */
const BEGUN_MS = 15 * 60_000
/** Of one address: a whole office behind one of them comes at nine. */
const COMERS_PER_MINUTE = 300
const SWEEP_MS = 60 * 60_000
const CALLBACK = '/auth/callback'

/** How people come in: the identity provider by their browser, accounts by their password; and how they leave. */
export class SignIn {
  readonly authenticator: Authenticator
  readonly sessions: Sessions
  readonly accounts: Accounts
  readonly provider: IdentityProvider | undefined
  readonly #parts: SignInParts
  readonly #sealer: Sealer
  readonly #comers: FailureLimiter
  #sweeping: Timer | undefined

  constructor(settings: SignInSettings, parts: SignInParts) {
    const { store, clock, random, log, provider, projectRoles, groupClaims } = parts
    this.#parts = parts
    this.#sealer = new Sealer(parts.key, random)
    this.provider = provider
    this.#comers = new FailureLimiter(clock, COMERS_PER_MINUTE, 60_000)
    this.accounts = new Accounts(settings.accounts ?? { enabled: false, accounts: [] }, clock)
    this.sessions = new Sessions(settings.sessions ?? DEFAULT_SESSIONS, { store, clock, random, sealer: this.#sealer })
    this.authenticator = new Authenticator({
      ...{ store, clock, log, sessions: this.sessions, accounts: this.accounts },
      ...(provider && { provider }),
      ...(projectRoles && { projectRoles }),
      ...(groupClaims && { groupClaims }),
      ...(settings.nameClaim !== undefined && { nameClaim: settings.nameClaim }),
      ...(settings.anonymous !== undefined && { anonymous: settings.anonymous }),
    })
  }

  /** The roles of a Project in force. */
  projectRoles(project: string): readonly TokenRole[] | undefined {
    return this.#parts.projectRoles?.(project)
  }

  /** The URL at which people reach the hub. */
  url(): string {
    return this.#parts.url()
  }

  /** Whether people reach the hub over TLS: then no cookie goes over anything else. */
  get secure(): boolean {
    return this.#parts.url().startsWith('https:')
  }

  /** Lets an address begin or end a sign-in: each asks the provider. @returns How long to wait instead; 0 for now. */
  waitMs(address: string): number {
    return this.#comers.begin(addressKey(address))
  }

  /** Where the browser goes to sign in, and the cookie that it has to come back with. @throws ProviderError */
  async begin(
    provider: IdentityProvider,
    wish: { readonly returnTo?: string | undefined; readonly prompt?: 'none' | 'login' | undefined },
  ): Promise<{ readonly location: string; readonly cookie: string }> {
    const { url, ...begun } = await provider.begin(`${this.#parts.url()}${CALLBACK}`, wish.prompt)
    const returnTo = safeReturnPath(wish.returnTo)
    const until = this.#parts.clock.now() + BEGUN_MS
    const value = this.#sealer.seal('begun', JSON.stringify({ ...begun, returnTo, until }))
    const options = { secure: this.secure, maxAgeS: BEGUN_MS / 1000 }
    return { location: url.href, cookie: setCookie(begunCookieName(this.secure), value, options) }
  }

  /** Lets in who comes back from the provider. @throws ProviderError */
  async finish(
    provider: IdentityProvider,
    came: { readonly search: string; readonly cookie: string | undefined; readonly from?: string | undefined },
  ): Promise<SignInAnswer> {
    const begun = this.#begun(came.cookie)
    if (begun === undefined) {
      return { kind: 'refused', message: 'This sign-in was not begun in this browser, or too long ago.' }
    }
    const { returnTo, ...checks } = begun
    const proved = await provider.finish(new URL(`${CALLBACK}${came.search}`, `${this.#parts.url()}/`), checks)
    const identity = this.authenticator.identify(proved)
    if (identity === undefined) return { kind: 'refused', message: 'The identity provider’s name for you is reserved.' }
    const linked = this.authenticator.withoutGroups(proved)
    if (linked !== undefined) return { kind: 'refused', message: `Your groups are not known: ${linked.message}.` }
    const { idToken, refreshToken } = proved
    const { text, row } = await this.sessions.begin({
      identity: { ...identity, claims: keptClaims(proved.claims) },
      name: this.authenticator.nameOf(proved),
      by: 'cookie',
      tokens: { idToken, ...(refreshToken !== undefined && { refreshToken }) },
      ...this.#cameWith(came),
    })
    return { kind: 'in', text, name: row.name, returnTo }
  }

  /** A session for an account whose password was proved. */
  async beginAccount(
    identity: Identity & { readonly kind: 'account' },
    by: 'cookie' | 'bearer',
    came: { readonly cookie: string | undefined; readonly from?: string | undefined },
  ): ReturnType<Sessions['begin']> {
    return await this.sessions.begin({ identity, name: identity.account, by, ...this.#cameWith(came) })
  }

  /** The cookie of a session, as long as it may live. */
  sessionCookie(text: string): string {
    const { secure } = this
    return setCookie(sessionCookieName(secure), text, {
      secure,
      maxAgeS: Math.floor(this.sessions.settings.lifeMs / 1000),
    })
  }

  /** The cookie that ends what a browser has of a session. */
  goneCookie(): string {
    return setCookie(sessionCookieName(this.secure), '', { secure: this.secure, maxAgeS: 0 })
  }

  /** Forgets what is over, now and each hour. */
  start(): void {
    const { clock, log } = this.#parts
    const sweep = (): void => {
      this.sessions.sweep().catch((error: unknown) => log.warn('sessions that are over could not be swept', { error }))
      this.#sweeping = clock.setTimer(SWEEP_MS, sweep)
    }
    this.#sweeping = clock.setTimer(SWEEP_MS, sweep)
  }

  stop(): void {
    this.#sweeping?.cancel()
  }

  #cameWith({ cookie, from }: { readonly cookie: string | undefined; readonly from?: string | undefined }) {
    const [replaces] = cookiesOf(cookie ?? '', sessionCookieName(this.secure))
    return { ...(replaces !== undefined && { replaces }), ...(from !== undefined && { from }) }
  }

  #begun(cookie: string | undefined) {
    const values = cookiesOf(cookie ?? '', begunCookieName(this.secure))
    const text = values.length === 1 ? this.#sealer.open('begun', values[0]!) : undefined
    const begun = text === undefined ? undefined : parseJson(text)
    if (!isJsonObject(begun) || this.#parts.clock.now() >= Number(begun['until'])) return undefined
    const { state, nonce, verifier, returnTo } = begun
    return { state: String(state), nonce: String(nonce), verifier: String(verifier), returnTo: String(returnTo) }
  }
}

function begunCookieName(secure: boolean): string {
  return secure ? '__Host-flotilla-sign-in' : 'flotilla-sign-in'
}
