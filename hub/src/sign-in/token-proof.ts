import { timingSafeEqual } from 'node:crypto'
import { isTokenListed, type Principal, type RoleToken } from '@flotilla/core/access/principal'
import { sha256 } from '@flotilla/core/json/canonical-json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Identity, Store, StoreReader, TokenRow, TokenScope } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { Caller } from '../api/tokens.ts'
import type { Accounts } from './accounts.ts'
import { ownerOf, principalOfIdentity } from './identity.ts'

/** A Project's role, as far as its tokens go. */
export interface TokenRole {
  readonly name: string
  readonly jwtTokens?: readonly RoleToken[]
}

export interface TokenProofParts {
  readonly store: Store
  readonly clock: Clock
  readonly accounts?: Accounts
  /** The roles of a Project that is in force; without it no project's token counts. */
  readonly projectRoles?: (project: string) => readonly TokenRole[] | undefined
}

const TOKEN = /^flt_([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{43})$/

/** From a token of this hub to who asks: by its secret, within what each who has made it may by now. */
export class TokenProof {
  readonly #parts: TokenProofParts
  readonly #groupClaims: () => readonly string[]

  /** @param groupClaims The claims that hold groups. */
  constructor(parts: TokenProofParts, groupClaims: () => readonly string[]) {
    this.#parts = parts
    this.#groupClaims = groupClaims
  }

  /** @returns undefined for every text that proves nobody; none takes longer than another. */
  async prove(text: string): Promise<Caller | undefined> {
    const { store, clock } = this.#parts
    const parts = TOKEN.exec(text)
    const [id, secret] = [parts?.[1] ?? '', parts?.[2] ?? '']
    return await store.read(async rows => {
      const row = id === '' ? undefined : await rows.token(id)
      // Also compared where there is no such token.
      const given = Buffer.from(sha256(secret))
      const kept = Buffer.from(row?.secretHash ?? sha256(''))
      const equal = given.length === kept.length && timingSafeEqual(given, kept)
      return row !== undefined && equal ? await this.callerOf(rows, row, clock.now()) : undefined
    })
  }

  /** Whom a token that was found proves by now; undefined when it is over, or nobody vouches for it any more. */
  async callerOf(rows: StoreReader, row: TokenRow, now: EpochMs): Promise<Caller | undefined> {
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
        return row === undefined ? undefined : await this.callerOf(rows, row, clock.now())
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
}
