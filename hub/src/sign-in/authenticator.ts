import { DEFAULT_SCOPES } from '@flotilla/core/access/principal'
import { type Digest, sha256 } from '@flotilla/core/json/canonical-json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Identity, SessionRow, Store } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { type Caller, TOKEN_PREFIX } from '../api/tokens.ts'
import type { Accounts } from './accounts.ts'
import { CredentialUse } from './credential-use.ts'
import { keptClaims, linkedGroupClaims, nameOf, ownerOf, principalOfIdentity } from './identity.ts'
import type { IdentityProvider } from './identity-provider.ts'
import { GROUPS_FRESH_MS, SessionRenewal, SignInStale } from './session-renewal.ts'
import { csrfOf, SESSION_PREFIX, type Sessions } from './sessions.ts'
import type { ShownCredential } from './shown-credential.ts'
import { TokenProof, type TokenRole } from './token-proof.ts'
import type { VerifiedIdToken } from './verify-id-token.ts'

export interface AuthenticatorParts {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly sessions?: Sessions
  readonly accounts?: Accounts
  readonly provider?: IdentityProvider
  /** The claim that people of the provider are called by. */
  readonly nameClaim?: string
  /** The roles of a Project that is in force; without it no project's token counts. */
  readonly projectRoles?: (project: string) => readonly TokenRole[] | undefined
  /** The claims that hold groups, as the policy names them; `groups` without it. */
  readonly groupClaims?: () => readonly string[]
  /** Whether who shows nothing comes in as nobody, with what the default role gives. */
  readonly anonymous?: boolean
}

/** A token has a link in place of groups, so that it is not known which rows are for whoever shows it. */
export class GroupsLinked extends Error {
  constructor(claims: readonly string[]) {
    super(
      `the token has a link in place of its ${claims.join(', ')}, which is not followed: have the provider put in only groups of this application, or ask it for them with oidc.userInfo`,
    )
    this.name = 'GroupsLinked'
  }
}

const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

/** From what a request shows to who asks. Nothing that does not prove somebody is ever looked at for anything else. */
export class Authenticator {
  readonly #parts: AuthenticatorParts
  readonly #tokens: TokenProof
  readonly #renewal: SessionRenewal
  readonly #use: CredentialUse
  readonly #listeners = new Set<() => void>()

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts
    this.#tokens = new TokenProof(parts, () => this.#groupClaims())
    this.#renewal = new SessionRenewal(parts, {
      linked: proved => this.withoutGroups(proved),
      ended: () => this.revoked(),
    })
    this.#use = new CredentialUse(parts)
  }

  /**
   * @param writes Whether the request may change anything: then groups must have been told lately.
   * @returns undefined for every credential that proves nobody; nothing tells why.
   * @throws SignInStale, GroupsLinked, ProviderError `PROVIDER_AWAY`
   */
  async authenticate(shown: ShownCredential, writes: boolean): Promise<Caller | undefined> {
    const caller = await this.#proved(shown, writes)
    if (caller !== undefined) this.#use.note(caller)
    return caller
  }

  /**
   * The same caller as of now: asked while a stream goes on. Undefined when the credential was revoked or is over.
   *
   * @throws ProviderError
   */
  async again(caller: Caller): Promise<Caller | undefined> {
    const { store, clock, sessions } = this.#parts
    const { credential } = caller
    const now = clock.now()
    if (credential === undefined) return caller
    switch (credential.kind) {
      case 'anonymous':
        return this.#parts.anonymous === true ? caller : undefined
      case 'id-token': {
        if (caller.expiresAt !== undefined && now >= caller.expiresAt) return undefined
        return (await this.#isSignedOut(credential.id, credential.owner, credential.issuedAt)) ? undefined : caller
      }
      case 'session': {
        const row = await store.read(rows => rows.session(credential.id))
        if (row === undefined || sessions?.stands(row, now) !== true) return undefined
        const renewed = await this.#renewal.current(row, false)
        return renewed === undefined ? undefined : this.#ofSession(renewed, caller.csrf)
      }
      default: {
        const { id } = credential
        return await store.read(async rows => {
          const row = await rows.token(id)
          return row === undefined ? undefined : await this.#tokens.callerOf(rows, row, now)
        })
      }
    }
  }

  /** Whoever once asked for something that is to be done now, as they are now: {@link TokenProof.standing}. */
  standing(asked: Parameters<TokenProof['standing']>[0]): ReturnType<TokenProof['standing']> {
    return this.#tokens.standing(asked)
  }

  /** Tells whenever something was revoked, so that streams look again at once. @returns Ends the telling. */
  onRevoked(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Something that proved somebody does so no more. */
  revoked(): void {
    for (const listener of [...this.#listeners]) listener()
  }

  async #proved(shown: ShownCredential, writes: boolean): Promise<Caller | undefined> {
    switch (shown.kind) {
      case 'none':
        return this.#parts.anonymous === true ? ANONYMOUS : undefined
      case 'unreadable':
        return undefined
      case 'cookie':
        return await this.#bySession(shown.text, 'cookie', writes)
      case 'query':
        return await this.#tokens.prove(shown.text)
      case 'bearer':
        if (shown.text.startsWith(SESSION_PREFIX)) return await this.#bySession(shown.text, 'bearer', writes)
        if (!shown.text.startsWith(TOKEN_PREFIX) && JWT.test(shown.text))
          return await this.#byIdToken(shown.text, writes)
        return await this.#tokens.prove(shown.text)
    }
  }

  async #bySession(text: string, by: SessionRow['by'], writes: boolean): Promise<Caller | undefined> {
    const { store, clock, sessions } = this.#parts
    if (sessions === undefined) return undefined
    const row = await store.read(rows => sessions.find(rows, text, clock.now()))
    if (row === undefined || row.by !== by) return undefined
    const renewed = await this.#renewal.current(row, writes)
    return renewed && this.#ofSession(renewed, by === 'cookie' ? csrfOf(text) : undefined)
  }

  #ofSession(row: SessionRow, csrf: string | undefined): Caller | undefined {
    const { identity, id, name, expiresAt } = row
    if (identity.kind === 'account' && this.#parts.accounts?.standing(identity) === undefined) return undefined
    if (identity.kind === 'provider' && this.#parts.provider === undefined) return undefined
    return {
      principal: principalOfIdentity(identity, this.#groupClaims()),
      ...{ tokenId: `session:${id}`, name, role: 'policy', kind: 'person', expiresAt },
      ...{ credential: { kind: 'session', id }, makers: [identity] },
      ...(csrf !== undefined && { csrf }),
    }
  }

  async #byIdToken(text: string, writes: boolean): Promise<Caller | undefined> {
    const { provider, clock } = this.#parts
    const verified = await provider?.verify(text)
    if (verified === undefined) return undefined
    const identity = this.identify(verified)
    if (identity === undefined) return undefined
    const linked = this.withoutGroups(verified)
    if (linked !== undefined) throw linked
    const id = sha256(text)
    const owner = ownerOf(identity)!
    if (await this.#isSignedOut(id, owner, verified.issuedAt)) return undefined
    if (writes && clock.now() - verified.issuedAt >= GROUPS_FRESH_MS) throw new SignInStale()
    return {
      principal: principalOfIdentity(identity, this.#groupClaims()),
      ...{ tokenId: `id-token:${id.slice(-16)}`, name: this.nameOf(verified), role: 'policy', kind: 'person' },
      ...{ expiresAt: verified.expiresAt, makers: [identity] },
      credential: { kind: 'id-token', id, owner, issuedAt: verified.issuedAt },
    }
  }

  /** Who a token of the provider is about; undefined where the provider calls somebody as an account here is called. */
  identify({ claims }: VerifiedIdToken): (Identity & { readonly kind: 'provider' }) | undefined {
    const identity = { kind: 'provider', subject: claims.sub, claims: keptClaims(claims) } as const
    const principal = principalOfIdentity(identity, this.#groupClaims())
    const subject = principal.kind === 'person' ? principal.subject : ''
    const isTaken = subject === '' || subject === 'admin' || this.#parts.accounts?.names(subject) === true
    if (!isTaken && !/^(role|proj):/.test(subject)) return identity
    this.#parts.log.warn('the identity provider names somebody as only this hub may', { subject })
    return undefined
  }

  /** Why a token does not say which groups somebody is in, although it says that there are some. */
  withoutGroups({ claims }: VerifiedIdToken): GroupsLinked | undefined {
    const linked = linkedGroupClaims(claims, this.#groupClaims())
    return linked.length === 0 ? undefined : new GroupsLinked(linked)
  }

  /** What somebody of the provider is called here. */
  nameOf({ claims }: VerifiedIdToken): string {
    const { accounts, nameClaim } = this.#parts
    return nameOf(claims, nameClaim, name => name === 'hub' || name === 'admin' || accounts?.names(name) === true)
  }

  async #isSignedOut(id: Digest, owner: string, issuedAt: EpochMs): Promise<boolean> {
    return await this.#parts.store.read(async rows => {
      if ((await rows.signedOut(id)) !== undefined) return true
      const { signedOutAt } = (await rows.person(owner)) ?? {}
      return signedOutAt !== undefined && issuedAt <= signedOutAt
    })
  }

  #groupClaims(): readonly string[] {
    return this.#parts.groupClaims?.() ?? DEFAULT_SCOPES
  }
}

/** Nobody: what the default role gives, and nothing else. */
const ANONYMOUS: Caller = {
  principal: { kind: 'person', subject: '', groups: [] },
  credential: { kind: 'anonymous', id: 'anonymous' },
  tokenId: 'anonymous',
  name: 'anonymous',
  role: 'policy',
  kind: 'robot',
}
