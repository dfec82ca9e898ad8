import type { Clock } from '@flotilla/core/ports/clock'
import { collectWhenQuiet } from '@flotilla/core/time/collect-when-quiet'

/**
 * A thousand agents that are merely there cost a hub some 100 ms of processor time in five seconds. A collection takes
 * most of a second: one every quarter of an hour of that is not noticed.
 */
const HUB_AT_REST = { workMs: 20_000, quietMs: 400 }

/**
 * Has a hub that has come to rest give back what its last work left behind: then it may work with few collections, and
 * needs little memory all the same. Only where the process was started with `--expose-gc`, as bin/flotilla.mjs does.
 *
 * @returns ends it.
 */
export function giveMemoryBack(clock: Clock): () => void {
  const collector = typeof gc === 'function' ? gc : undefined
  if (collector === undefined) return () => undefined
  const usedMs = (): number => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
  return collectWhenQuiet({
    ...HUB_AT_REST,
    clock,
    usedMs,
    collect: () => void collector({ type: 'major', flavor: 'last-resort' }),
  })
}
