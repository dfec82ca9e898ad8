import { timingSafeEqual } from 'node:crypto'
import { DEFAULT_SCOPES, isTokenListed, type Principal, type RoleToken } from '@flotilla/core/access/principal'
import { type Digest, sha256 } from '@flotilla/core/json/canonical-json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Identity, SessionRow, Store, StoreReader, TokenRow, TokenScope } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { type Caller, TOKEN_PREFIX } from '../api/tokens.ts'
import type { Accounts } from './accounts.ts'
import { keptClaims, linkedGroupClaims, nameOf, ownerOf, principalOfIdentity } from './identity.ts'
import type { IdentityProvider } from './identity-provider.ts'
import { ProviderError } from './provider-error.ts'
import { csrfOf, personOf, SESSION_PREFIX, type Sessions, USE_NOTED_MS } from './sessions.ts'
import type { ShownCredential } from './shown-credential.ts'
import type { VerifiedIdToken } from './verify-id-token.ts'

/** A Project's role, as far as its tokens go. */
export interface TokenRole {
  readonly name: string
  readonly jwtTokens?: readonly RoleToken[]
}

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

/** Groups are known well enough for a write when the provider was asked no longer ago. */
export const GROUPS_FRESH_MS = 15 * 60_000

/** Who asks is known, and what groups they are in has to be heard again before this may be done. */
export class SignInStale extends Error {
  constructor() {
    super('the groups of whoever asks were told too long ago')
    this.name = 'SignInStale'
  }
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

const TOKEN = /^flt_([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{43})$/
const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

/** From what a request shows to who asks. Nothing that does not prove somebody is ever looked at for anything else. */
export class Authenticator {
  readonly #parts: AuthenticatorParts
  readonly #noted = new Map<string, EpochMs>()
  readonly #renewing = new Map<string, Promise<SessionRow | undefined>>()
  readonly #listeners = new Set<() => void>()

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts
  }

  /**
   * @param writes Whether the request may change anything: then groups must have been told lately.
   * @returns undefined for every credential that proves nobody; nothing tells why.
   * @throws SignInStale, GroupsLinked, ProviderError `PROVIDER_AWAY`
   */
  async authenticate(shown: ShownCredential, writes: boolean): Promise<Caller | undefined> {
    const caller = await this.#proved(shown, writes)
    if (caller?.credential !== undefined) this.#note(caller)
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
        const renewed = await this.#renewed(row, false)
        return renewed === undefined ? undefined : this.#ofSession(renewed, caller.csrf)
      }
      default: {
        const { id } = credential
        return await store.read(async rows => {
          const row = await rows.token(id)
          return row === undefined ? undefined : await this.#ofToken(rows, row, now)
        })
      }
    }
  }

  /**
   * Who once asked for something that is to be done now, as they are now: the token where one was shown, which has to
   * stand; of people who signed in the person, whose session may be over. Undefined where they are nobody any more.
   */
  async standing(asked: {
    readonly tokenId: string
    readonly makers?: readonly Identity[]
    readonly scopes?: readonly TokenScope[]
  }): Promise<Pick<Caller, 'principal' | 'ceilings' | 'scopes'> | undefined> {
    const { store, clock } = this.#parts
    const { tokenId, makers = [], scopes } = asked
    return await store.read(async rows => {
      if (!tokenId.includes(':')) {
        const row = await rows.token(tokenId)
        return row === undefined ? undefined : await this.#ofToken(rows, row, clock.now())
      }
      const principals: Principal[] = []
      for (const maker of makers) {
        const principal = await this.#makerNow(rows, maker, 'login')
        if (principal === undefined) return undefined
        principals.push(principal)
      }
      const [principal, ...ceilings] = principals
      return principal === undefined ? undefined : { principal, ceilings, ...(scopes !== undefined && { scopes }) }
    })
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
        return await this.#byToken(shown.text)
      case 'bearer':
        if (shown.text.startsWith(SESSION_PREFIX)) return await this.#bySession(shown.text, 'bearer', writes)
        if (!shown.text.startsWith(TOKEN_PREFIX) && JWT.test(shown.text))
          return await this.#byIdToken(shown.text, writes)
        return await this.#byToken(shown.text)
    }
  }

  async #byToken(text: string): Promise<Caller | undefined> {
    const { store, clock } = this.#parts
    const parts = TOKEN.exec(text)
    const [id, secret] = [parts?.[1] ?? '', parts?.[2] ?? '']
    return await store.read(async rows => {
      const row = id === '' ? undefined : await rows.token(id)
      // Also compared where there is no such token.
      const given = Buffer.from(sha256(secret))
      const kept = Buffer.from(row?.secretHash ?? sha256(''))
      const equal = given.length === kept.length && timingSafeEqual(given, kept)
      return row !== undefined && equal ? await this.#ofToken(rows, row, clock.now()) : undefined
    })
  }

  async #ofToken(rows: StoreReader, row: TokenRow, now: EpochMs): Promise<Caller | undefined> {
    if (row.expiresAt !== undefined && now >= row.expiresAt) return undefined
    if (row.principal?.kind === 'project-token' && !this.#isListed(row, row.principal)) return undefined
    const makers: Principal[] = []
    for (const maker of row.makers ?? []) {
      const principal = await this.#makerNow(rows, maker)
      if (principal === undefined) return undefined
      makers.push(principal)
    }
    const { id, name, role, kind = 'robot', madeBy, expiresAt, scopes = [] } = row
    const own =
      row.principal ?? (role === 'policy' ? undefined : ({ kind: 'subject', subject: `role:${role}` } as const))
    const [first, ...others] = makers
    const principal = own ?? first
    // A row that names nobody is nobody's, and never whoever else there might be.
    if (principal === undefined) return undefined
    const ceilings = own === undefined ? others : makers
    return {
      ...{ principal, tokenId: id, name, role, kind },
      credential: { kind: row.principal?.kind === 'project-token' ? 'project-token' : 'token', id },
      ...(ceilings.length > 0 && { ceilings }),
      ...(scopes.length > 0 && { scopes }),
      makers: [...(own === undefined ? [] : [{ kind: 'principal', principal: own } as const]), ...(row.makers ?? [])],
      ...(madeBy !== undefined && { madeBy }),
      ...(expiresAt !== undefined && { expiresAt }),
    }
  }

  #isListed(row: TokenRow, { project, role }: Principal & { readonly kind: 'project-token' }): boolean {
    const roles = this.#parts.projectRoles?.(project)
    if (roles === undefined || !roles.some(one => one.name === role)) return false
    if (row.listedBy !== 'project') return true
    return isTokenListed(roles, { role, id: row.id, issuedAt: Math.floor(row.createdAt / 1000) })
  }

  /** Whoever has made a token, as they are by now; undefined when they are nobody any more. */
  async #makerNow(
    rows: StoreReader,
    maker: Identity,
    capability: 'login' | 'apiKey' = 'apiKey',
  ): Promise<Principal | undefined> {
    const { accounts } = this.#parts
    const groupClaims = this.#groupClaims()
    if (maker.kind === 'account') {
      const account = accounts?.standing(maker)
      return account?.capabilities.includes(capability) === true ? principalOfIdentity(maker, groupClaims) : undefined
    }
    if (maker.kind !== 'provider') return principalOfIdentity(maker, groupClaims)
    const known = await rows.person(ownerOf(maker)!)
    return principalOfIdentity(known?.identity ?? maker, groupClaims)
  }

  async #bySession(text: string, by: SessionRow['by'], writes: boolean): Promise<Caller | undefined> {
    const { store, clock, sessions } = this.#parts
    if (sessions === undefined) return undefined
    const row = await store.read(rows => sessions.find(rows, text, clock.now()))
    if (row === undefined || row.by !== by) return undefined
    const renewed = await this.#renewed(row, writes)
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

  /**
   * The session with groups that the provider has told lately: it is asked again after a quarter of an hour, and one
   * that says no ends the session.
   */
  async #renewed(row: SessionRow, writes: boolean): Promise<SessionRow | undefined> {
    const { provider, sessions, clock, log } = this.#parts
    if (row.identity.kind !== 'provider') return row
    if (provider === undefined || sessions === undefined) return undefined
    if (clock.now() - row.claimsAt < GROUPS_FRESH_MS) return row
    const { refreshToken } = sessions.tokensOf(row)
    if (refreshToken === undefined) {
      if (writes) throw new SignInStale()
      return row
    }
    try {
      return await this.#renew(row, row.identity.subject, refreshToken)
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      if (error.code === 'PROVIDER_REFUSED') {
        log.info('a session ended: the provider does not vouch for it any more', {
          person: row.name,
          error: error.message,
        })
        await sessions.end(row.id, row.name, 'the identity provider says no')
        this.revoked()
        return undefined
      }
      if (writes) throw error
      return row
    }
  }

  /** Once, however many requests of the session want it: a refresh token is often good for one use. */
  async #renew(row: SessionRow, subject: string, refreshToken: string): Promise<SessionRow | undefined> {
    const { provider, sessions, clock } = this.#parts
    const going = this.#renewing.get(row.id)
    if (going !== undefined) return await going
    const renewing = (async () => {
      const askedAt = clock.now()
      const proved = await provider!.refresh(refreshToken, subject)
      const linked = this.withoutGroups(proved)
      if (linked !== undefined) {
        throw new ProviderError('PROVIDER_REFUSED', provider!.settings.issuer, linked.message, { cause: linked })
      }
      const identity: Identity = { kind: 'provider', subject, claims: keptClaims(proved.claims) }
      const { idToken, refreshToken: next = refreshToken } = proved
      return await sessions!.renewed(row.id, identity, { idToken, refreshToken: next }, askedAt)
    })().finally(() => this.#renewing.delete(row.id))
    this.#renewing.set(row.id, renewing)
    return await renewing
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

  /** Writes down that it was used, at most once a minute and behind the request's back. */
  #note(caller: Caller): void {
    const { store, clock, log, sessions } = this.#parts
    const { credential } = caller
    if (credential === undefined || credential.kind === 'anonymous') return
    const now = clock.now()
    const last = this.#noted.get(credential.id)
    if (last !== undefined && now - last < USE_NOTED_MS) return
    this.#noted.delete(credential.id)
    const [oldest] = this.#noted.keys()
    if (this.#noted.size >= MOST_NOTED && oldest !== undefined) this.#noted.delete(oldest)
    this.#noted.set(credential.id, now)
    const written =
      credential.kind === 'session'
        ? sessions?.used(credential.id, now)
        : credential.kind === 'id-token'
          ? this.#seen(caller, credential)
          : store.write(async rows => {
              const row = await rows.token(credential.id)
              if (row !== undefined && (row.lastUsedAt ?? 0) < now) await rows.putToken({ ...row, lastUsedAt: now })
            })
    written?.catch((error: unknown) => log.debug('that a credential was used could not be noted', { error }))
  }

  /** Who shows an id token is known from then on with the groups that it tells. */
  async #seen(
    caller: Caller,
    { owner, issuedAt }: { readonly owner: string; readonly issuedAt: EpochMs },
  ): Promise<void> {
    const [identity] = caller.makers ?? []
    if (identity === undefined) return
    await this.#parts.store.write(async rows => {
      const about = { owner, name: caller.name, identity, claimsAt: issuedAt } as SessionRow
      await rows.putPerson(personOf(about, await rows.person(owner)))
    })
  }
}

/** Credentials whose last use is remembered, so that it is not written with each request. */
const MOST_NOTED = 10_000

/** Nobody: what the default role gives, and nothing else. */
const ANONYMOUS: Caller = {
  principal: { kind: 'person', subject: '', groups: [] },
  credential: { kind: 'anonymous', id: 'anonymous' },
  tokenId: 'anonymous',
  name: 'anonymous',
  role: 'policy',
  kind: 'robot',
}
