import { keepRow } from './keep-row.ts'

export interface TableShape<Row> {
  readonly key: (row: Row) => string
  /** Named look-ups: rows are found by the value that the function gives; `undefined` leaves a row out. */
  readonly lookups?: { readonly [name: string]: (row: Row) => string | undefined }
}

/**
 * What differs from the table for one reader or writer: for a writer its own pending changes, for a reader the rows
 * as they were before commits that came later. `undefined` means that there is no such row.
 */
export type Overlay<Row> = Map<string, Row | undefined>

/** The committed rows of one kind, frozen, with their look-ups. */
export class MemoryTable<Row extends object> {
  readonly shape: TableShape<Row>
  readonly rows = new Map<string, Row>()
  private readonly lookups = new Map<string, Map<string, Set<string>>>()
  private readonly listings: readonly {
    readonly read: (row: Row) => string | undefined
    readonly lists: Map<string, Set<string>>
  }[]

  constructor(shape: TableShape<Row>) {
    this.shape = shape
    this.listings = Object.entries(shape.lookups ?? {}).map(([name, read]) => {
      const lists = new Map<string, Set<string>>()
      this.lookups.set(name, lists)
      return { read, lists }
    })
  }

  /** Commits one change. */
  set(key: string, stored: Row | undefined): void {
    const earlier = this.rows.get(key)
    if (earlier !== undefined) this.unlist(key, earlier)
    if (stored === undefined) {
      this.rows.delete(key)
      return
    }
    this.rows.set(key, stored)
    for (const { read, lists } of this.listings) {
      const value = read(stored)
      if (value === undefined) continue
      const keys = lists.get(value)
      if (keys === undefined) lists.set(value, new Set([key]))
      else keys.add(key)
    }
  }

  keysWhere(lookup: string, value: string): Iterable<string> {
    return this.lookups.get(lookup)!.get(value) ?? []
  }

  private unlist(key: string, row: Row): void {
    for (const { read, lists } of this.listings) {
      const value = read(row)
      if (value === undefined) continue
      const keys = lists.get(value)
      keys?.delete(key)
      if (keys?.size === 0) lists.delete(value)
    }
  }
}

/** A table as one transaction sees it: the committed rows with the transaction's overlay on top. */
export class TableView<Row extends object> {
  private readonly table: MemoryTable<Row>
  private readonly overlay: Overlay<Row>

  constructor(table: MemoryTable<Row>, overlay: Overlay<Row>) {
    this.table = table
    this.overlay = overlay
  }

  get(key: string): Row | undefined {
    return this.stored(key)
  }

  all(): Row[] {
    const found: Row[] = []
    for (const [key, stored] of this.table.rows) if (!this.overlay.has(key)) found.push(stored)
    for (const stored of this.overlay.values()) if (stored !== undefined) found.push(stored)
    return found
  }

  where(lookup: string, value: string): Row[] {
    const found: Row[] = []
    for (const key of this.table.keysWhere(lookup, value)) {
      if (!this.overlay.has(key)) found.push(this.table.rows.get(key)!)
    }
    const read = this.table.shape.lookups![lookup]!
    for (const stored of this.overlay.values()) {
      if (stored !== undefined && read(stored) === value) found.push(stored)
    }
    return found
  }

  /** Whether the row differed from what was there. */
  put(row: Row): boolean {
    const key = this.table.shape.key(row)
    const before = this.stored(key)
    const kept = keepRow(row, before)
    if (kept === before) return false
    this.overlay.set(key, kept)
    return true
  }

  /** Whether there was such a row. */
  delete(key: string): boolean {
    if (this.stored(key) === undefined) return false
    this.overlay.set(key, undefined)
    return true
  }

  private stored(key: string): Row | undefined {
    return this.overlay.has(key) ? this.overlay.get(key) : this.table.rows.get(key)
  }
}
