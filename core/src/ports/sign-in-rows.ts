import type { Principal } from '../access/principal.ts'
import type { Digest } from '../json/canonical-json.ts'
import type { EpochMs } from '../time/epoch-ms.ts'

/** What a token may be used for. Every list narrows; one that is absent narrows nothing. */
export interface TokenScope {
  /** Names of Projects, where `*` stands for any characters; objects outside of them do not exist for it. */
  readonly projects?: readonly string[]
  /** Actions such as `get` or `sync`, where `*` stands for any characters. */
  readonly actions?: readonly string[]
}

/** Claims of an identity provider that were verified: texts and lists of texts, and Dex' `federated_claims`. */
export interface KeptClaims {
  readonly [claim: string]: string | readonly string[] | { readonly [claim: string]: string }
}

/** Who is behind a session or has made a token, so that what they may is asked for anew at each use. */
export type Identity =
  /** Somebody of the identity provider: groups are those of the claims that the policy names now. */
  | { readonly kind: 'provider'; readonly subject: string; readonly claims: KeptClaims }
  /** An account of hub.yaml; another password since then ends what it made. */
  | { readonly kind: 'account'; readonly account: string; readonly password?: Digest }
  /** Whoever the policy knows by this name, as a token of a role. */
  | { readonly kind: 'principal'; readonly principal: Principal }

/** A session of a person: of a browser by its cookie, of the command by a bearer token. Only its secret's hash is kept. */
export interface SessionRow {
  readonly id: string
  /** Whose: `provider <subject>` or `account <name>`, for ending all of them. */
  readonly owner: string
  readonly name: string
  readonly identity: Identity
  readonly by: 'cookie' | 'bearer'
  readonly secretHash: Digest
  readonly createdAt: EpochMs
  /** Whatever happens, it is not good any more then. */
  readonly expiresAt: EpochMs
  /** Written at most once a minute. */
  readonly lastUsedAt: EpochMs
  /** When the provider last said who this is and in what groups. */
  readonly claimsAt: EpochMs
  /** The provider's refresh token and id token, encrypted with a key that is not in the store. */
  readonly sealed?: string
  readonly from?: string
}

/** Somebody who has signed in at least once. */
export interface PersonRow {
  /** `provider <subject>` or `account <name>`. */
  readonly id: string
  readonly name: string
  readonly identity: Identity
  readonly claimsAt: EpochMs
  /** Whatever was issued to them up to then is refused: they have signed out everywhere. */
  readonly signedOutAt?: EpochMs
}

/** One token of the identity provider that was given back before its time. */
export interface SignedOutRow {
  /** SHA-256 of the token. */
  readonly id: Digest
  /** When it would have ended by itself. */
  readonly until: EpochMs
}
