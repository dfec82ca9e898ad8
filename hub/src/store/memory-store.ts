import { type Store, StoreError, type StoreReader, type StoreWriter } from '@flotilla/core/ports/store'
import { MemoryReader } from './memory-reader.ts'
import type { MemoryTable } from './memory-table.ts'
import { createTables, type MemoryTables, type Overlays } from './memory-tables.ts'
import { MemoryWriter } from './memory-writer.ts'
import { Mutex } from './mutex.ts'

export interface MemoryStoreOptions {
  /**
   * Called when a write's work is done and before anything is committed, with the number of changed rows; what it
   * throws is what `write` throws, and nothing is left behind. For tests of a full or failing disk.
   */
  readonly beforeCommit?: (rowsChanged: number) => void
}

/**
 * The Store in memory, for simulation: the same meaning as the durable one, without its durability. Writes run one
 * after the other over the committed rows and become visible at once when their work is done; a read sees the rows
 * as they were when it began. Needs no timers, files or threads. Rows it returns are frozen.
 */
export class MemoryStore implements Store {
  private readonly tables: MemoryTables = createTables()
  private readonly snapshots = new Set<Overlays>()
  private readonly writers = new Mutex()
  private readonly beforeCommit: (rowsChanged: number) => void
  private counted = { rowsWritten: 0, transactions: 0 }
  private closed = false

  constructor(options: MemoryStoreOptions = {}) {
    this.beforeCommit = options.beforeCommit ?? (() => undefined)
  }

  get counters(): Store['counters'] {
    return this.counted
  }

  async read<T>(work: (rows: StoreReader) => Promise<T>): Promise<T> {
    this.refuseWhenClosed()
    const overlays: Overlays = new Map()
    const reader = new MemoryReader(this.tables, overlays)
    this.snapshots.add(overlays)
    try {
      return await work(reader)
    } finally {
      this.snapshots.delete(overlays)
      reader.end()
    }
  }

  async write<T>(work: (rows: StoreWriter) => Promise<T>): Promise<T> {
    this.refuseWhenClosed()
    return await this.writers.run(async () => {
      this.refuseWhenClosed()
      const overlays: Overlays = new Map()
      const writer = new MemoryWriter(this.tables, overlays)
      try {
        const result = await work(writer)
        this.beforeCommit(writer.rowsChanged)
        this.commit(overlays)
        this.counted = {
          rowsWritten: this.counted.rowsWritten + writer.rowsChanged,
          transactions: this.counted.transactions + 1,
        }
        return result
      } finally {
        writer.end()
      }
    })
  }

  /** A store of its own with the rows as they are now: what a backup would bring back. */
  copy(): MemoryStore {
    const copy = new MemoryStore({ beforeCommit: this.beforeCommit })
    for (const [name, table] of Object.entries(this.tables)) {
      const other = copy.tables[name as keyof MemoryTables] as MemoryTable<object>
      for (const [key, stored] of (table as MemoryTable<object>).rows) other.set(key, stored)
    }
    return copy
  }

  async close(): Promise<void> {
    await this.writers.run(async () => {
      this.closed = true
    })
  }

  /** Every open read keeps what it saw: the row before the change goes into its own overlay. */
  private commit(changes: Overlays): void {
    for (const [table, overlay] of changes) {
      for (const [key, stored] of overlay) {
        const before = table.rows.get(key)
        for (const snapshot of this.snapshots) {
          let kept = snapshot.get(table)
          if (kept === undefined) {
            kept = new Map()
            snapshot.set(table, kept)
          }
          if (!kept.has(key)) kept.set(key, before)
        }
        table.set(key, stored)
      }
    }
  }

  private refuseWhenClosed(): void {
    if (this.closed) throw new StoreError('STORE_UNAVAILABLE', 'memory store', 'it is closed', { retry: false })
  }
}
