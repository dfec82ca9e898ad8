import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { Store } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

/** What an operation of late applied is kept, so that it can be read and gone back to (decision 29). */
export const HISTORY_KEPT_MS = 90 * 24 * 60 * 60_000
/** A Bundle may be stored a moment before the row that names it. */
const YOUNGEST_MS = 24 * 60 * 60_000

/**
 * Removes Bundles that no row names, no operation of the last ninety days applied, and that are a day old; returns how
 * many (protocol.md 6, decision 29).
 */
export async function sweepBundles(store: Store, bundles: BundleStore, now: EpochMs): Promise<number> {
  const old = (await bundles.list()).filter(({ storedAt }) => now - storedAt >= YOUNGEST_MS)
  if (old.length === 0) return 0
  // Looked at and let go of in one transaction: an Offer that names one is either seen, or finds that it has to be made again.
  const swept = await store.write(async rows => {
    const named = await rows.referencedDigests(now - HISTORY_KEPT_MS)
    const unnamed = old.filter(({ digest }) => !named.has(digest))
    for (const { digest } of unnamed) await rows.deleteBundle(digest)
    return unnamed
  })
  // A file that is left behind by a crash has no row, and goes the next time.
  for (const { digest } of swept) await bundles.delete(digest)
  return swept.length
}
