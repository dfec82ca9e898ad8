import type { Clock } from '@flotilla/core/ports/clock'

const LOOK_EVERY_MS = 5_000
/** Work of this much processor time leaves garbage that is worth a collection. */
const WORK_MS = 300
/** Between two looks: watches and the Lease need less. */
const QUIET_MS = 100

export interface CollectOptions {
  readonly clock: Clock
  /** Processor time of this process since its start, in milliseconds. */
  readonly usedMs: () => number
  /** Collects all garbage and gives the memory back. */
  readonly collect: () => void
}

/**
 * Gives memory back after work: the engine collects as it allocates, so an agent that has become idle would keep what
 * its last sync left behind until the next one. Never while it works.
 *
 * @returns ends it.
 */
export function collectWhenQuiet({ clock, usedMs, collect }: CollectOptions): () => void {
  let collectedAt = 0
  let before = usedMs()
  const look = (): void => {
    const used = usedMs()
    if (used - before < QUIET_MS && used - collectedAt > WORK_MS) {
      collect()
      collectedAt = usedMs()
    }
    before = usedMs()
    timer = clock.setTimer(LOOK_EVERY_MS, look)
  }
  let timer = clock.setTimer(LOOK_EVERY_MS, look)
  return () => timer.cancel()
}
