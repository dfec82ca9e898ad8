/**
 * The known name that a mistaken one was probably meant to be; undefined when none is near enough to be a help
 * rather than a guess (at most a third of its letters differ).
 *
 * @example
 * nearest('metdata', ['metadata', 'spec']) // => 'metadata'
 */
export function nearest(mistaken: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  const wanted = mistaken.toLowerCase()
  for (const candidate of known) {
    const most = Math.max(1, Math.floor(Math.max(candidate.length, mistaken.length) / 3))
    const distance = editDistance(wanted, candidate.toLowerCase(), most)
    if (distance <= most && distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein's distance, with a swap of neighbours as one step; gives up beyond `most`. */
function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, beforePrevious[j - 2]! + 1)
      }
      row.push(cost)
    }
    beforePrevious = previous
    previous = row
  }
  return previous[b.length]!
}
