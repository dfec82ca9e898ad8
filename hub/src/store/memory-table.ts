import { decodeRow, encodeRow } from './encode-row.ts'

/** A row and its canonical text; the row is frozen, so that a reader cannot change what is stored. */
export interface StoredRow<Row> {
  readonly row: Row
  readonly text: string
}

export interface TableShape<Row> {
  readonly key: (row: Row) => string
  /** Named look-ups: rows are found by the value that the function gives; `undefined` leaves a row out. */
  readonly lookups?: { readonly [name: string]: (row: Row) => string | undefined }
}

/**
 * What differs from the table for one reader or writer: for a writer its own pending changes, for a reader the rows
 * as they were before commits that came later. `undefined` means that there is no such row.
 */
export type Overlay<Row> = Map<string, StoredRow<Row> | undefined>

/** The committed rows of one kind, with their look-ups. */
export class MemoryTable<Row extends object> {
  readonly shape: TableShape<Row>
  readonly rows = new Map<string, StoredRow<Row>>()
  private readonly lookups = new Map<string, Map<string, Set<string>>>()

  constructor(shape: TableShape<Row>) {
    this.shape = shape
    for (const name of Object.keys(shape.lookups ?? {})) this.lookups.set(name, new Map())
  }

  /** Commits one change. */
  set(key: string, stored: StoredRow<Row> | undefined): void {
    const earlier = this.rows.get(key)
    if (earlier !== undefined) this.unlist(key, earlier.row)
    if (stored === undefined) {
      this.rows.delete(key)
      return
    }
    this.rows.set(key, stored)
    for (const [name, read] of Object.entries(this.shape.lookups ?? {})) {
      const value = read(stored.row)
      if (value === undefined) continue
      const lists = this.lookups.get(name)!
      const keys = lists.get(value)
      if (keys === undefined) lists.set(value, new Set([key]))
      else keys.add(key)
    }
  }

  keysWhere(lookup: string, value: string): Iterable<string> {
    return this.lookups.get(lookup)!.get(value) ?? []
  }

  private unlist(key: string, row: Row): void {
    for (const [name, read] of Object.entries(this.shape.lookups ?? {})) {
      const value = read(row)
      if (value === undefined) continue
      const lists = this.lookups.get(name)!
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
    return this.stored(key)?.row
  }

  all(): Row[] {
    const found: Row[] = []
    for (const [key, stored] of this.table.rows) if (!this.overlay.has(key)) found.push(stored.row)
    for (const stored of this.overlay.values()) if (stored !== undefined) found.push(stored.row)
    return found
  }

  where(lookup: string, value: string): Row[] {
    const found: Row[] = []
    for (const key of this.table.keysWhere(lookup, value)) {
      if (!this.overlay.has(key)) found.push(this.table.rows.get(key)!.row)
    }
    const read = this.table.shape.lookups![lookup]!
    for (const stored of this.overlay.values()) {
      if (stored !== undefined && read(stored.row) === value) found.push(stored.row)
    }
    return found
  }

  /** Whether the row differed from what was there. */
  put(row: Row): boolean {
    const text = encodeRow(row)
    const key = this.table.shape.key(row)
    if (this.stored(key)?.text === text) return false
    this.overlay.set(key, { row: deepFreeze(decodeRow<Row>(text)), text })
    return true
  }

  /** Whether there was such a row. */
  delete(key: string): boolean {
    if (this.stored(key) === undefined) return false
    this.overlay.set(key, undefined)
    return true
  }

  private stored(key: string): StoredRow<Row> | undefined {
    return this.overlay.has(key) ? this.overlay.get(key) : this.table.rows.get(key)
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}
