import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { SessionRow, Store } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { Caller } from '../api/tokens.ts'
import { personOf, type Sessions, USE_NOTED_MS } from './sessions.ts'

/** Credentials whose last use is remembered, so that it is not written with each request. */
const MOST_NOTED = 10_000

export interface UseParts {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly sessions?: Sessions
}

/** When credentials were last used, for whoever looks which of them nobody needs any more. */
export class CredentialUse {
  readonly #parts: UseParts
  readonly #noted = new Map<string, EpochMs>()

  constructor(parts: UseParts) {
    this.#parts = parts
  }

  /** Writes down that it was used, at most once a minute and behind the request's back. */
  note(caller: Caller): void {
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
