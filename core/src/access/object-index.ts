import { type CompiledPattern, compilePattern, MAX_TEXT, type Reading } from './compile-pattern.ts'

interface Entry<Row> {
  readonly row: Row
  readonly rest: string | undefined
  readonly wide: boolean
  readonly test: (text: string) => boolean
}

/** So many objects' answers are remembered where many patterns have to be tried one by one. */
const REMEMBERED = 4096
const WORTH_REMEMBERING = 4

/**
 * Finds a row whose pattern matches an object without trying them all: plain texts by lookup, patterns by the text that
 * they begin with. Only patterns that begin alike are tried one after the other.
 */
export class ObjectIndex<Row> {
  #everything: Row | undefined
  readonly #texts = new Map<string, Row>()
  readonly #byPrefix = new Map<string, Entry<Row>[]>()
  #lengths: number[] = []
  #most = 0
  readonly #remembered = new Map<string, Row | null>()

  /** @param broken What a pattern that is none stands for: everything where that takes rights away, else nothing. */
  add(row: Row, pattern: CompiledPattern, broken: 'everything' | 'nothing'): void {
    if (pattern.kind === 'everything' || (pattern.kind === 'broken' && broken === 'everything'))
      this.#everything ??= row
    else if (pattern.kind === 'text') {
      if (!this.#texts.has(pattern.text)) this.#texts.set(pattern.text, row)
    } else if (pattern.kind === 'test') {
      const entries = this.#byPrefix.get(pattern.prefix)
      const entry = { row, test: pattern.test, rest: pattern.rest, wide: pattern.wide === true }
      if (entries === undefined) this.#byPrefix.set(pattern.prefix, [entry])
      else entries.push(entry)
      this.#most = Math.max(this.#most, entries?.length ?? 1)
      const { length } = pattern.prefix
      if (!this.#lengths.includes(length)) this.#lengths = [...this.#lengths, length].sort((a, b) => a - b)
    }
  }

  find(object: string): Row | undefined {
    if (this.#everything !== undefined) return this.#everything
    const exact = this.#texts.get(object)
    if (exact !== undefined || this.#byPrefix.size === 0 || object.length > MAX_TEXT) return exact
    if (this.#most <= WORTH_REMEMBERING) return this.#search(object)
    const known = this.#remembered.get(object)
    if (known !== undefined) return known ?? undefined
    const found = this.#search(object)
    if (this.#remembered.size >= REMEMBERED) this.#remembered.clear()
    this.#remembered.set(object, found ?? null)
    return found
  }

  get isEmpty(): boolean {
    return this.#everything === undefined && this.#texts.size === 0 && this.#byPrefix.size === 0
  }

  /** How many of the texts `folder/NAME`, whose NAME has no slash, are found: for certain all, or certainly none. */
  below(folder: string): 'all' | 'some' | 'none' {
    if (this.#everything !== undefined) return 'all'
    const head = `${folder}/`
    let some = false
    for (const [prefix, entries] of this.#byPrefix) {
      if (!head.startsWith(prefix) && !prefix.startsWith(head)) continue
      some = true
      if (entries.some(({ rest, wide }) => coversFolder(head, prefix, rest, wide))) return 'all'
    }
    if (some) return 'some'
    for (const text of this.#texts.keys()) if (text.startsWith(head)) return 'some'
    return 'none'
  }

  #search(object: string): Row | undefined {
    for (const length of this.#lengths) {
      if (length > object.length) continue
      const entries = this.#byPrefix.get(object.slice(0, length))
      if (entries === undefined) continue
      for (const { row, test } of entries) if (test(object)) return row
    }
    return undefined
  }
}

function coversFolder(head: string, prefix: string, rest: string | undefined, wide: boolean): boolean {
  if (!head.startsWith(prefix)) return false
  const inside = head.slice(prefix.length)
  if (rest === '**' || (rest === '*' && (wide || inside === ''))) return true
  // `*/*`, and `shop-*/*` for a folder that begins so.
  return rest === '*/*' && inside !== '' && (wide || !inside.slice(0, -1).includes('/'))
}

/** Builds the index when somebody first asks: most roles are never looked at under most resources. */
export function lazyIndex<Row extends { readonly object: string }>(
  rows: readonly Row[],
  readingOf: (row: Row) => Reading,
  broken: 'everything' | 'nothing',
): () => ObjectIndex<Row> {
  let index: ObjectIndex<Row> | undefined
  return () => {
    if (index === undefined) {
      index = new ObjectIndex<Row>()
      for (const row of rows) index.add(row, compilePattern(row.object, readingOf(row)), broken)
    }
    return index
  }
}
