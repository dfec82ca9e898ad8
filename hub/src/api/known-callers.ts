import { hash } from 'node:crypto'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Store } from '@flotilla/core/ports/store'
import { BoundedMemo } from '../source/bounded-memo.ts'
import type { Caller } from './tokens.ts'

const MOST_CALLERS = 2_000
/** What a proof depends on besides the store (which roles a Project has) is looked at again as often. */
const GOOD_FOR_MS = 1_000

interface Known {
  readonly caller: Caller
  readonly rowsWritten: number
  readonly until: number
}

/**
 * Who has just been proved by a token. Looking it up again costs more than all the rest of a read; so as long as nothing
 * at all was written, and for no more than a second, the same token is the same caller. A revocation is written, and
 * counts at once.
 */
export class KnownCallers {
  readonly #store: Store
  readonly #clock: Clock
  readonly #known = new BoundedMemo<Known>(MOST_CALLERS, () => 1)

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  find(authorization: string): Caller | undefined {
    const key = keyOf(authorization)
    const known = this.#known.get(key)
    if (known === undefined) return undefined
    const { caller } = known
    const expired = caller.expiresAt !== undefined && this.#clock.now() >= caller.expiresAt
    const late = this.#clock.monotonicMs() >= known.until
    if (!expired && !late && known.rowsWritten === this.#store.counters.rowsWritten) return caller
    this.#known.delete(key)
    return undefined
  }

  /**
   * Remembers it, where a token alone has proved it: sessions and id tokens have rules of their own about time.
   *
   * @param rowsWritten As it was before the proof was asked for: what was written meanwhile may have revoked it.
   */
  remember(authorization: string, caller: Caller, rowsWritten: number): void {
    const { credential } = caller as { readonly credential?: { readonly kind: string } }
    if (credential !== undefined && credential.kind !== 'token') return
    this.#known.set(keyOf(authorization), { caller, rowsWritten, until: this.#clock.monotonicMs() + GOOD_FOR_MS })
  }
}

/** The secret itself is kept nowhere. */
function keyOf(authorization: string): string {
  return hash('sha256', authorization, 'base64url')
}
