/** Half-open: `from` belongs to it, `to` does not. Milliseconds, of real time or of the wall line. */
export interface Interval {
  readonly from: number
  readonly to: number
}

/** Sorted, none empty, none touching another. Every function here takes and returns such lists. */
export type Intervals = readonly Interval[]

export const NONE: Intervals = []

/** Makes such a list of any intervals. */
export function merged(intervals: readonly Interval[]): Intervals {
  const sorted = intervals.filter(({ from, to }) => from < to).sort((a, b) => a.from - b.from)
  const result: Interval[] = []
  for (const { from, to } of sorted) {
    const last = result.at(-1)
    if (last === undefined || from > last.to) result.push({ from, to })
    else if (to > last.to) result[result.length - 1] = { from: last.from, to }
  }
  return result
}

export function union(lists: readonly Intervals[]): Intervals {
  const some = lists.filter(list => list.length > 0)
  if (some.length <= 1) return some[0] ?? NONE
  let [first, ...rest] = some
  // Two by two, so that each interval is moved log(lists) times.
  while (rest.length > 0) {
    const all = [first!, ...rest]
    const next: Intervals[] = []
    for (let index = 0; index < all.length; index += 2) {
      next.push(all[index + 1] === undefined ? all[index]! : mergeTwo(all[index]!, all[index + 1]!))
    }
    ;[first, ...rest] = next
  }
  return first!
}

function mergeTwo(a: Intervals, b: Intervals): Intervals {
  const result: Interval[] = []
  let from = Number.NaN
  let to = Number.NEGATIVE_INFINITY
  for (let left = 0, right = 0; left < a.length || right < b.length; ) {
    const takeLeft = right >= b.length || (left < a.length && a[left]!.from <= b[right]!.from)
    const next = takeLeft ? a[left++]! : b[right++]!
    if (next.from > to) {
      if (to > from) result.push({ from, to })
      from = next.from
      to = next.to
    } else if (next.to > to) to = next.to
  }
  if (to > from) result.push({ from, to })
  return result
}

/** What of [from, to) is in none of them. */
export function complement(list: Intervals, from: number, to: number): Intervals {
  const result: Interval[] = []
  let at = from
  for (const interval of list) {
    if (interval.to <= at) continue
    if (interval.from >= to) break
    if (interval.from > at) result.push({ from: at, to: interval.from })
    at = interval.to
  }
  if (at < to) result.push({ from: at, to })
  return result
}

export function subtract(list: Intervals, taken: Intervals): Intervals {
  if (list.length === 0 || taken.length === 0) return list
  const result: Interval[] = []
  let index = 0
  for (const { from, to } of list) {
    let at = from
    while (index < taken.length && taken[index]!.to <= at) index++
    for (let next = index; next < taken.length && taken[next]!.from < to; next++) {
      if (taken[next]!.from > at) result.push({ from: at, to: taken[next]!.from })
      at = Math.max(at, taken[next]!.to)
    }
    if (at < to) result.push({ from: at, to })
  }
  return result
}

/** What of them is within [from, to). */
export function slice(list: Intervals, from: number, to: number): Intervals {
  let index = firstEndingAfter(list, from)
  const result: Interval[] = []
  for (; index < list.length && list[index]!.from < to; index++) {
    const one = list[index]!
    if (one.from >= from && one.to <= to) result.push(one)
    else result.push({ from: Math.max(one.from, from), to: Math.min(one.to, to) })
  }
  return result
}

/** The interval that holds `at`. */
export function intervalAt(list: Intervals, at: number): Interval | undefined {
  const found = list[firstEndingAfter(list, at)]
  return found !== undefined && found.from <= at ? found : undefined
}

/** The first interval that begins after `at`. */
export function intervalAfter(list: Intervals, at: number): Interval | undefined {
  const index = firstEndingAfter(list, at)
  return list[index] !== undefined && list[index]!.from > at ? list[index] : list[index + 1]
}

/** Index of the first that ends after `at`. */
export function firstEndingAfter(list: Intervals, at: number): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (list[middle]!.to > at) high = middle
    else low = middle + 1
  }
  return low
}
