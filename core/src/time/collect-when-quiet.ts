import type { Clock } from '../ports/clock.ts'

const LOOK_EVERY_MS = 5_000

export interface CollectOptions {
  readonly clock: Clock
  /** Processor time of this process since its start, in milliseconds. */
  readonly usedMs: () => number
  /** Work of this much processor time leaves garbage that is worth a collection. */
  readonly workMs: number
  /** Whoever has nothing to do needs less than this between two looks, five seconds apart. */
  readonly quietMs: number
  /** Collects all garbage and gives the memory back. */
  readonly collect: () => void
}

/**
 * Gives memory back after work: the engine collects as it allocates, so a process that has become idle would keep what
 * its last work left behind until the next. Never while it works.
 *
 * @returns ends it.
 */
export function collectWhenQuiet({ clock, usedMs, workMs, quietMs, collect }: CollectOptions): () => void {
  let collectedAt = 0
  let before = usedMs()
  const look = (): void => {
    const used = usedMs()
    if (used - before < quietMs && used - collectedAt > workMs) {
      collect()
      collectedAt = usedMs()
    }
    before = usedMs()
    timer = clock.setTimer(LOOK_EVERY_MS, look)
  }
  let timer = clock.setTimer(LOOK_EVERY_MS, look)
  return () => timer.cancel()
}
