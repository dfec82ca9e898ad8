import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'

/** Signatures by a key that only the provider has. Nothing that whoever knows the client's secret could make. */
export const ALGORITHMS = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const),
] as const
export type Algorithm = (typeof ALGORITHMS)[number]

export interface IdTokenRules {
  readonly issuer: string
  /** Clients whose tokens count: the hub's own, and the command's. */
  readonly audiences: readonly string[]
  readonly algorithms: readonly Algorithm[]
  readonly clockSkewMs: number
}

export interface VerifiedIdToken {
  readonly claims: JWTPayload & { readonly sub: string }
  readonly issuedAt: EpochMs
  readonly expiresAt: EpochMs
}

/** Whatever the token says, it is not good longer than this. */
const MOST_LIFE_S = 24 * 60 * 60

/**
 * The claims of an id token that this provider has made for one of our clients and that counts now; undefined for any
 * other text. Nothing of a token is looked at before its signature holds, but the name of its key.
 *
 * @param keys Gives the provider's key; what it throws that is not jose's goes through.
 * @param nonce That was sent along, where a browser signed in.
 */
export async function verifyIdToken(
  text: string,
  rules: IdTokenRules,
  keys: JWTVerifyGetKey,
  now: EpochMs,
  nonce?: string,
): Promise<VerifiedIdToken | undefined> {
  const { issuer, audiences, clockSkewMs } = rules
  const algorithms = rules.algorithms.filter(algorithm => ALGORITHMS.includes(algorithm))
  const skewS = Math.ceil(clockSkewMs / 1000)
  try {
    const { payload, protectedHeader } = await jwtVerify(text, keys, {
      ...{ issuer, audience: [...audiences], algorithms },
      ...{ clockTolerance: skewS, currentDate: new Date(now), maxTokenAge: MOST_LIFE_S },
      requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
    })
    // An access token or a logout token of the same provider says what it is; it is for others.
    if (protectedHeader.typ !== undefined && protectedHeader.typ.toUpperCase() !== 'JWT') return undefined
    const { sub, iat, exp, aud, azp } = payload
    if (typeof sub !== 'string' || sub.trim() === '' || sub.length > 1_000) return undefined
    if (iat === undefined || exp === undefined) return undefined
    if (azp !== undefined && (typeof azp !== 'string' || !audiences.includes(azp))) return undefined
    // Meant for several: only one that says which of them asked for it can be ours.
    if (Array.isArray(aud) && aud.length > 1 && azp === undefined) return undefined
    if (nonce !== undefined && payload['nonce'] !== nonce) return undefined
    return { claims: { ...payload, sub }, issuedAt: iat * 1000, expiresAt: exp * 1000 }
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined
    throw error
  }
}
