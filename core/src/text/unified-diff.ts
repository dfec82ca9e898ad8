/** More edits than this between two texts, and the part that differs is shown as replaced as a whole. */
const MOST_EDITS = 500
const DEFAULT_CONTEXT = 3

interface Edit {
  readonly kind: ' ' | '-' | '+'
  readonly line: string
}

/**
 * The difference of two texts as hunks (`@@ -1,3 +1,4 @@`), as `diff -u` prints them without the two lines of names;
 * empty for equal texts. The shortest difference, unless it has more than 500 lines.
 *
 * @param context Equal lines shown around a difference.
 * @throws Never; the cost is bounded by the length of the texts times 500.
 *
 * @example
 * unifiedDiff('a\nb\n', 'a\nc\n') // => '@@ -1,2 +1,2 @@\n a\n-b\n+c\n'
 */
export function unifiedDiff(before: string, after: string, context = DEFAULT_CONTEXT): string {
  if (before === after) return ''
  const edits = editsBetween(linesOf(before), linesOf(after))
  return hunksOf(edits, context)
}

/** A last line that does not end says so, or two texts that differ in nothing else would look the same. */
function linesOf(text: string): string[] {
  if (text === '') return []
  const lines = text.split('\n')
  const last = lines.pop()!
  return last === '' ? lines : [...lines, `${last}\n\\ No newline at end of file`]
}

function editsBetween(before: readonly string[], after: readonly string[]): Edit[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start++
  let end = 0
  while (
    end < before.length - start &&
    end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  ) {
    end++
  }
  const middle = shortestEdits(before.slice(start, before.length - end), after.slice(start, after.length - end))
  const same = (lines: readonly string[]): Edit[] => lines.map(line => ({ kind: ' ', line }))
  return [...same(before.slice(0, start)), ...middle, ...same(before.slice(before.length - end))]
}

/** Myers' greedy search: the furthest point on each diagonal after 0, 1, 2 … edits. */
function shortestEdits(before: readonly string[], after: readonly string[]): Edit[] {
  const trace: Map<number, number>[] = []
  let furthest = new Map<number, number>([[1, 0]])
  for (let edits = 0; edits <= Math.min(before.length + after.length, MOST_EDITS); edits++) {
    trace.push(new Map(furthest))
    const next = new Map(furthest)
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = stepDown(next, diagonal, edits) ? next.get(diagonal + 1)! : next.get(diagonal - 1)! + 1
      let y = x - diagonal
      while (x < before.length && y < after.length && before[x] === after[y]) {
        x++
        y++
      }
      next.set(diagonal, x)
      if (x >= before.length && y >= after.length) return walkBack(trace, before, after, edits)
    }
    furthest = next
  }
  const removed = before.map((line): Edit => ({ kind: '-', line }))
  return [...removed, ...after.map((line): Edit => ({ kind: '+', line }))]
}

function stepDown(furthest: ReadonlyMap<number, number>, diagonal: number, edits: number): boolean {
  if (diagonal === -edits) return true
  if (diagonal === edits) return false
  return (furthest.get(diagonal - 1) ?? -1) < (furthest.get(diagonal + 1) ?? -1)
}

function walkBack(
  trace: readonly ReadonlyMap<number, number>[],
  before: readonly string[],
  after: readonly string[],
  total: number,
): Edit[] {
  const edits: Edit[] = []
  let x = before.length
  let y = after.length
  for (let step = total; step >= 0; step--) {
    const furthest = trace[step]!
    const diagonal = x - y
    const down = step === 0 || stepDown(furthest, diagonal, step)
    const startX = step === 0 ? 0 : down ? furthest.get(diagonal + 1)! : furthest.get(diagonal - 1)!
    const startY = step === 0 ? 0 : startX - (down ? diagonal + 1 : diagonal - 1)
    const middleX = step === 0 ? 0 : down ? startX : startX + 1
    while (x > middleX) {
      x--
      y--
      edits.push({ kind: ' ', line: before[x]! })
    }
    if (step === 0) break
    if (down) edits.push({ kind: '+', line: after[startY]! })
    else edits.push({ kind: '-', line: before[startX]! })
    x = startX
    y = startY
  }
  return edits.reverse()
}

function hunksOf(edits: readonly Edit[], context: number): string {
  const shown = new Set<number>()
  for (const [index, { kind }] of edits.entries()) {
    if (kind === ' ') continue
    for (let near = Math.max(0, index - context); near <= Math.min(edits.length - 1, index + context); near++) {
      shown.add(near)
    }
  }
  const text: string[] = []
  let left = 0
  let right = 0
  for (let index = 0; index < edits.length; ) {
    if (!shown.has(index)) {
      left++
      right++
      index++
      continue
    }
    const hunk: Edit[] = []
    while (index < edits.length && shown.has(index)) hunk.push(edits[index++]!)
    const removed = hunk.filter(({ kind }) => kind !== '+').length
    const added = hunk.filter(({ kind }) => kind !== '-').length
    text.push(`@@ -${rangeText(left, removed)} +${rangeText(right, added)} @@`)
    text.push(...hunk.map(({ kind, line }) => `${kind}${line}`))
    left += removed
    right += added
  }
  return `${text.join('\n')}\n`
}

/** As in GNU diff: an empty range names the line before it. */
function rangeText(start: number, count: number): string {
  return `${count === 0 ? start : start + 1},${count}`
}
