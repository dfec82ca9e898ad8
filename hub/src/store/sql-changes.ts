import type { StoreSchema } from './schema.ts'
import { SqlReader } from './sql-reader.ts'
import { insertRow, type SqlValue, upsertWhenChanged } from './store-sql.ts'

type Table = keyof StoreSchema
type Columns = Readonly<Record<string, SqlValue>>

/** Statements that change rows, and how many they really changed. A row equal to the stored one is not written. */
export abstract class SqlChanges extends SqlReader {
  /** Rows that really differ from what was there. */
  rowsChanged = 0

  /** One statement, no read before it. */
  protected async upsert(table: Table, key: readonly string[], columns: Columns, compared = 'body'): Promise<void> {
    this.rowsChanged += this.run(upsertWhenChanged(table, key, columns, compared), ...Object.values(columns))
  }

  protected insert(table: Table, columns: Columns): void {
    this.rowsChanged += this.run(insertRow(table, Object.keys(columns)), ...Object.values(columns))
  }

  protected count(results: readonly { readonly numDeletedRows: bigint }[]): void {
    for (const { numDeletedRows } of results) this.rowsChanged += Number(numDeletedRows)
  }

  /** Deletes, and says how many rows that were. */
  protected async deleted(deletion: Promise<readonly { readonly numDeletedRows: bigint }[]>): Promise<number> {
    const before = this.rowsChanged
    this.count(await deletion)
    return this.rowsChanged - before
  }
}
