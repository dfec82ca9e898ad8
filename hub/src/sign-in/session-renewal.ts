import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { Identity, SessionRow } from '@flotilla/core/ports/store'
import { keptClaims } from './identity.ts'
import type { IdentityProvider } from './identity-provider.ts'
import { ProviderError } from './provider-error.ts'
import type { Sessions } from './sessions.ts'
import type { VerifiedIdToken } from './verify-id-token.ts'

/** Groups are known well enough for a write when the provider was asked no longer ago. */
export const GROUPS_FRESH_MS = 15 * 60_000

/** Who asks is known, and what groups they are in has to be heard again before this may be done. */
export class SignInStale extends Error {
  constructor() {
    super('the groups of whoever asks were told too long ago')
    this.name = 'SignInStale'
  }
}

export interface RenewalParts {
  readonly clock: Clock
  readonly log: Log
  readonly sessions?: Sessions
  readonly provider?: IdentityProvider
}

/** Sessions of people whom the provider vouches for: it is asked again, and its no is the end of a session. */
export class SessionRenewal {
  readonly #parts: RenewalParts
  readonly #linked: (proved: VerifiedIdToken) => Error | undefined
  readonly #ended: () => void
  readonly #renewing = new Map<string, Promise<SessionRow | undefined>>()

  /**
   * @param on `linked`: why a token does not say which groups somebody is in. `ended`: told when a session was ended.
   */
  constructor(
    parts: RenewalParts,
    on: { readonly linked: (proved: VerifiedIdToken) => Error | undefined; readonly ended: () => void },
  ) {
    this.#parts = parts
    this.#linked = on.linked
    this.#ended = on.ended
  }

  /**
   * The session with groups that the provider has told lately: it is asked again after a quarter of an hour, and one
   * that says no ends the session.
   */
  async current(row: SessionRow, writes: boolean): Promise<SessionRow | undefined> {
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
        this.#ended()
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
      const linked = this.#linked(proved)
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
}
