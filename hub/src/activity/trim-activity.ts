import type { Store } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

/** The feed is for people: what is older, or more, nobody reads. The audit log and the histories stay. */
const KEPT_MS = 90 * 24 * 60 * 60_000
const MOST_KEPT = 20_000

export async function trimActivity(store: Store, now: EpochMs): Promise<number> {
  return await store.write(rows => rows.trimActivity({ keep: MOST_KEPT, since: now - KEPT_MS }))
}
