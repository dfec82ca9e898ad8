import { setImmediate } from 'node:timers/promises'
import type { Clock } from '@flotilla/core/ports/clock'
import { BoundedMemo } from '../source/bounded-memo.ts'

/** Entries that are looked at to count; the feed of what happened has no more of them. */
export const MOST_COUNTED = 30_000
const PAGE = 500
const MOST_KEPT = 500
/** Then everything is counted anew: what was counted may have gone, or may not be seen any more. */
const GOOD_FOR_MS = 30_000

/** How a feed is counted. */
export interface Counted<Row> {
  /** Those after a number, the oldest first. */
  oldest(page: { readonly limit: number; readonly after: number }): Promise<readonly Row[]>
  /** Whether it is on the list. */
  passes(row: Row): boolean
}

interface Known {
  readonly total: number | null
  readonly upTo: number
  readonly until: number
}

/**
 * How many entries of a feed somebody sees. Whoever looks at the same feed again, or at its next page, makes only what
 * was added be counted.
 */
export class FeedTotals {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #known = new BoundedMemo<Known>(MOST_KEPT, () => 1)

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /**
   * @param key Of the feed with its filters, and of what whoever asks sees of it.
   * @returns null where more had to be looked at than is worth it.
   */
  async total<Row extends { readonly sequence: number }>(
    key: string,
    { oldest, passes }: Counted<Row>,
    most = MOST_COUNTED,
  ): Promise<number | null> {
    const now = this.#clock.monotonicMs()
    const known = this.#known.get(key)
    const fresh = known !== undefined && known.until > now ? known : { total: 0, upTo: 0, until: now + GOOD_FOR_MS }
    let { total, upTo } = fresh
    for (let looked = 0; total !== null; looked += PAGE) {
      const rows = await oldest({ limit: PAGE, after: upTo })
      for (const row of rows) if (passes(row)) total += 1
      upTo = rows.at(-1)?.sequence ?? upTo
      if (rows.length < PAGE) break
      if (looked + PAGE >= most) total = null
      // Others are served in between.
      await setImmediate()
    }
    this.#known.set(key, { total, upTo, until: fresh.until })
    return total
  }
}
