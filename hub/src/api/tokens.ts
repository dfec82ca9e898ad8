import type { Principal } from '@flotilla/core/access/principal'
import { type Digest, sha256 } from '@flotilla/core/json/canonical-json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import type { Identity, Store, TokenRow, TokenScope } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

export const TOKEN_PREFIX = 'flt_'

const ID_BYTES = 12
const SECRET_BYTES = 32

/** `policy`: nothing by itself; what the policy gives the principal decides alone. */
export type Role = TokenRow['role']

/** What has proved who asks, so that it can be looked at again while a stream goes on. */
export type Credential =
  | { readonly kind: 'token' | 'project-token' | 'session'; readonly id: string }
  /** An id token of the identity provider: the SHA-256 of its text, and when it was issued and for whom. */
  | { readonly kind: 'id-token'; readonly id: Digest; readonly owner: string; readonly issuedAt: EpochMs }
  /** Nothing was shown, and the hub's settings let nobody in as well. */
  | { readonly kind: 'anonymous'; readonly id: 'anonymous' }

/**
 * Who asks. A question to the policy is about `principal`, and the answer is what it says of him *and* of each of
 * `ceilings`, within all of `scopes` ({@link withinScopes}).
 */
export interface Caller {
  /** Whom the policy is asked about. */
  readonly principal: Principal
  /** Whoever has made the token, as they are now: it never may more than any of them. */
  readonly ceilings?: readonly Principal[]
  /** What the token was made for. */
  readonly scopes?: readonly TokenScope[]
  /** What has proved it; absent for callers of tests. */
  readonly credential?: Credential
  /** Wanted from writes in the header X-CSRF-Token, where a cookie has proved who asks. */
  readonly csrf?: string
  /** The token's id, or for people who signed in `session:…`, `id-token:…`: by what audit and limits know them. */
  readonly tokenId: string
  readonly name: string
  readonly role: Role
  /** Programs approve nothing. */
  readonly kind: 'person' | 'robot'
  /** Who has made the token. */
  readonly madeBy?: string
  readonly expiresAt?: EpochMs
  /** Who this is and who has made the token: what a token that they make is held to. */
  readonly makers?: readonly Identity[]
}

export interface TokenWish {
  readonly name: string
  readonly role: Role
  readonly kind?: Caller['kind']
  readonly madeBy?: string
  readonly now: EpochMs
  readonly expiresAt?: EpochMs
  readonly principal?: Principal
  readonly makers?: readonly Identity[]
  readonly scopes?: readonly TokenScope[]
  readonly listedBy?: TokenRow['listedBy']
}

/** A new token: its text is shown once, the row keeps the SHA-256 of the secret. */
export function makeToken(random: Random, wish: TokenWish): { readonly text: string; readonly row: TokenRow } {
  const { now, ...given } = wish
  const { id, secret } = newSecret(random)
  return { text: `${TOKEN_PREFIX}${id}.${secret}`, row: { ...given, id, secretHash: sha256(secret), createdAt: now } }
}

/** An id to find a row by, and a secret that only its holder has. */
export function newSecret(random: Random): { readonly id: string; readonly secret: string } {
  return {
    id: Buffer.from(random.bytes(ID_BYTES)).toString('base64url'),
    secret: Buffer.from(random.bytes(SECRET_BYTES)).toString('base64url'),
  }
}

/**
 * Makes the administrator's token at the first start; undefined when there is one already. The text is nowhere else:
 * print it once.
 */
export async function ensureAdminToken(store: Store, clock: Clock, random: Random): Promise<string | undefined> {
  return await store.write(async rows => {
    if ((await rows.tokens()).some(row => row.role === 'admin')) return undefined
    const { text, row } = makeToken(random, { name: 'admin', role: 'admin', now: clock.now() })
    await rows.putToken(row)
    await rows.appendAudit({
      at: row.createdAt,
      actor: 'hub',
      action: 'token.create',
      subject: row.name,
      detail: { id: row.id, role: row.role },
    })
    return text
  })
}
