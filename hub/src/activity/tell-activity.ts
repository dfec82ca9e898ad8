import type { Clock, Timer } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import type { ActivityEntry, Store } from '@flotilla/core/ports/store'
import type { ChangeLog } from '../api/change-log.ts'
import { trimActivity } from './trim-activity.ts'

const LOOK_MS = 1_000
const TRIM_MS = 60 * 60_000
/** Read at once; what comes faster is read in several goes. */
const PAGE = 500

/**
 * Tells those who watch what is new in the feed: it is read where it is kept, so nobody has to remember to tell. And lets
 * go of what is too old for it.
 */
export async function tellActivity(
  store: Store,
  changes: Pick<ChangeLog, 'append'>,
  clock: Clock,
  log: Log,
): Promise<{ stop(): void }> {
  let told = (await store.read(rows => rows.activity({ limit: 1 })))[0]?.sequence ?? 0
  let stopped = false
  let timer: Timer | undefined
  let seenWrites = -1
  let trimmedAt = Number.NEGATIVE_INFINITY
  const look = async (): Promise<void> => {
    if (clock.monotonicMs() - trimmedAt >= TRIM_MS) {
      trimmedAt = clock.monotonicMs()
      await trimActivity(store, clock.now())
    }
    const { transactions } = store.counters
    // Nothing was written since: nothing is new.
    if (transactions === seenWrites) return
    for (;;) {
      const fresh = await store.read(rows => rows.activityAfter({ limit: PAGE, after: told }))
      told = fresh.at(-1)?.sequence ?? told
      changes.append(
        fresh.map((entry: ActivityEntry) => ({ kind: 'activity', action: 'put', name: entry.subject, object: entry })),
      )
      if (fresh.length < PAGE) break
    }
    // Not before all of it was read: else what could not be read would wait for the next write.
    seenWrites = transactions
  }
  const arm = (): void => {
    timer = clock.setTimer(LOOK_MS, () => {
      look()
        .catch((error: unknown) => log.error('the feed could not be read', { error }))
        .finally(() => {
          if (!stopped) arm()
        })
    })
  }
  arm()
  return {
    stop() {
      stopped = true
      timer?.cancel()
    },
  }
}
