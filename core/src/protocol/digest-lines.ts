import { type Digest, sha256 } from '../json/canonical-json.ts'

/** SHA-256 over lines in sorted order: whoever holds the same lines, in whatever order, has the same digest. */
export function digestOfLines(lines: Iterable<string>): Digest {
  return sha256([...lines].sort(compareText).join('\n'))
}

/** What two sides' lines disagree in, by the line's first word (an id). All sorted. */
export interface LineDifference {
  /** Both name it, with different content. */
  readonly changed: readonly string[]
  readonly onlyOurs: readonly string[]
  readonly onlyTheirs: readonly string[]
}

/** Compares line by line; a line without a space is its own id. */
export function differenceOfLines(ours: Iterable<string>, theirs: Iterable<string>): LineDifference {
  const mine = byId(ours)
  const others = byId(theirs)
  const changed: string[] = []
  const onlyOurs: string[] = []
  for (const [id, line] of mine) {
    const other = others.get(id)
    if (other === undefined) onlyOurs.push(id)
    else if (other !== line) changed.push(id)
  }
  const onlyTheirs = [...others.keys()].filter(id => !mine.has(id))
  return {
    changed: changed.sort(compareText),
    onlyOurs: onlyOurs.sort(compareText),
    onlyTheirs: onlyTheirs.sort(compareText),
  }
}

function byId(lines: Iterable<string>): Map<string, string> {
  return new Map([...lines].map(line => [line.split(' ', 1)[0] ?? line, line]))
}

/** By UTF-16 code unit, on every machine alike. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
