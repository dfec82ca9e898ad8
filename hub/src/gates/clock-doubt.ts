/** Fewer cannot outvote a hub: one of two clocks is wrong, and nobody knows which. */
const FEWEST = 3
const MOST_MS = 60_000

/** How far the agents' clocks are from the hub's in the middle; undefined while too few have said. */
export function medianSkewMs(skews: readonly number[]): number | undefined {
  if (skews.length < FEWEST) return undefined
  const sorted = skews.toSorted((a, b) => a - b)
  const upper = sorted[sorted.length >> 1]!
  return sorted.length % 2 === 1 ? upper : (sorted[(sorted.length >> 1) - 1]! + upper) / 2
}

/**
 * Why the hub must suspect its own clock: machines are wrong one by one, so when most of them disagree with the hub by
 * more than a minute, it is the hub. Then nothing starts by itself: a freeze would begin or end at the wrong moment.
 */
export function clockDoubt(skews: readonly number[]): string | undefined {
  const median = medianSkewMs(skews)
  if (median === undefined || Math.abs(median) <= MOST_MS) return undefined
  const seconds = Math.round(Math.abs(median) / 1000)
  const way = median > 0 ? 'behind' : 'ahead of'
  return `this hub's clock is ${seconds} s ${way} the clocks of most clusters: it starts nothing by itself until that is mended`
}
