import { chmodSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import { type Store, StoreError, type StoreReader, type StoreWriter } from '@flotilla/core/ports/store'
import type Sqlite from 'better-sqlite3'
import type { Database } from 'better-sqlite3'
import { type DirectoryLock, lockDirectory } from './directory-lock.ts'
import { loadSqlite } from './load-sqlite.ts'
import { checkVersion, migrateStore } from './migrate-store.ts'
import { Mutex } from './mutex.ts'
import { ReadSnapshots } from './read-snapshots.ts'
import { SqlReader } from './sql-reader.ts'
import { SqlWriter } from './sql-writer.ts'
import { sqlOver } from './sqlite-dialect.ts'
import { asStoreError, RESTORE_HINT } from './sqlite-error.ts'
import { RESTORE_READY, STORE_FILE } from './store-files.ts'
import type { StoreSql } from './store-sql.ts'

export interface OpenStoreOptions {
  /** The hub's data folder; made when it is not there, readable by its owner alone. */
  readonly directory: string
  readonly clock: Clock
  readonly log: Log
  /** How many of the copies made before migrations are kept; 5 without it. */
  readonly backupKeep?: number
  /** The database may not grow beyond this many bytes: a write that would is refused with `STORE_FULL`. */
  readonly maxBytes?: number
}

/** How long a statement waits for a lock that someone outside holds, say a copy being made. */
const BUSY_TIMEOUT_MS = 5_000

/**
 * Opens the store in a data folder: takes the folder for this process, checks version and integrity, migrates.
 *
 * @throws StoreError `STORE_LOCKED` (another hub runs here), `STORE_NEWER` (written by a newer hub; nothing was
 *   touched), `STORE_CORRUPT` (says how to restore), `STORE_FULL`, `STORE_UNAVAILABLE` (Node too old, no access).
 */
export async function openSqliteStore(options: OpenStoreOptions): Promise<Store> {
  const sqlite = await loadSqlite()
  const file = join(options.directory, STORE_FILE)
  let lock: DirectoryLock | undefined
  let writer: Database | undefined
  try {
    lock = lockDirectory(sqlite, options.directory)
    refuseHalfRestored(options.directory)
    if (existsSync(file)) checkVersionReadOnly(sqlite, file)
    writer = openWriter(sqlite, file, options.maxBytes)
    checkIntegrity(writer, file)
    await migrateStore(writer, options.directory, {
      clock: options.clock,
      log: options.log,
      backupKeep: options.backupKeep ?? 5,
    })
    const reads = new ReadSnapshots(() => new sqlite(file, { readonly: true, timeout: BUSY_TIMEOUT_MS }))
    options.log.info('store opened', { file })
    return new SqliteStore(file, writer, reads, lock)
  } catch (error) {
    writer?.close()
    lock?.release()
    throw accessError(asStoreError(error, file), file)
  }
}

/** More would make the first of them wait for the work of all the others. */
const MOST_TOGETHER = 64

interface WaitingWrite {
  readonly work: (rows: StoreWriter) => Promise<unknown>
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

type PerformedWrite =
  | { readonly kind: 'done'; readonly result: unknown; readonly rowsChanged: number }
  | { readonly kind: 'failed'; readonly error: unknown }

class SqliteStore implements Store {
  private readonly file: string
  private readonly connection: Database
  private readonly sql: StoreSql
  private readonly reads: ReadSnapshots
  private readonly lock: DirectoryLock
  private readonly writers = new Mutex()
  private readonly waiting: WaitingWrite[] = []
  private counted = { rowsWritten: 0, transactions: 0 }
  private closing: Promise<void> | undefined

  constructor(file: string, connection: Database, reads: ReadSnapshots, lock: DirectoryLock) {
    this.file = file
    this.connection = connection
    this.sql = sqlOver(connection)
    this.reads = reads
    this.lock = lock
  }

  get counters(): Store['counters'] {
    return this.counted
  }

  async read<T>(work: (rows: StoreReader) => Promise<T>): Promise<T> {
    this.refuseWhenClosed()
    try {
      return await this.reads.use(async sql => {
        const turn = new Turn(sql)
        try {
          return await work(new SqlReader(turn.use))
        } finally {
          turn.ended = true
        }
      })
    } catch (error) {
      throw asStoreError(error, this.file)
    }
  }

  write<T>(work: (rows: StoreWriter) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.refuseWhenClosed()
      this.waiting.push({ work, resolve: resolve as (result: unknown) => void, reject })
      // All that wait when their turn comes go together; the turns of the others then find nothing left.
      void this.writers.run(() => this.writeTogether())
    })
  }

  /**
   * One transaction for the writes that wait: the disk is asked once for all of them, and a storm of reports does not
   * stand in line for it one by one. Each has a savepoint, so that one that fails takes back its own rows alone, and
   * none is answered before the commit that all share.
   */
  private async writeTogether(): Promise<void> {
    const together = this.waiting.splice(0, MOST_TOGETHER)
    if (together.length === 0) return
    const done: { readonly write: WaitingWrite; readonly result: unknown; readonly rowsChanged: number }[] = []
    let unanswered = together
    try {
      this.sql.run('begin immediate')
      for (const write of together) {
        const outcome = await this.perform(write)
        if (outcome.kind === 'done') done.push({ write, ...outcome })
        else write.reject(outcome.error)
        unanswered = unanswered.filter(each => each !== write || outcome.kind === 'done')
        if (!this.connection.inTransaction) throw rolledBack(this.file)
      }
      this.sql.run('commit')
    } catch (error) {
      if (this.connection.inTransaction) this.sql.run('rollback')
      for (const { reject } of unanswered) reject(asStoreError(error, this.file))
      return
    }
    this.reads.committed()
    for (const { write, result, rowsChanged } of done) {
      const { rowsWritten, transactions } = this.counted
      this.counted = { rowsWritten: rowsWritten + rowsChanged, transactions: transactions + 1 }
      write.resolve(result)
    }
  }

  private async perform({ work }: WaitingWrite): Promise<PerformedWrite> {
    const turn = new Turn(this.sql, () => this.refuseWhenRolledBack())
    const rows = new SqlWriter(turn.use)
    this.sql.run('savepoint one_write')
    try {
      const result = await work(rows)
      turn.ended = true
      this.refuseWhenRolledBack()
      this.sql.run('release one_write')
      return { kind: 'done', result, rowsChanged: rows.rowsChanged }
    } catch (error) {
      turn.ended = true
      if (this.connection.inTransaction) {
        this.sql.run('rollback to one_write')
        this.sql.run('release one_write')
      }
      return { kind: 'failed', error: asStoreError(error, this.file) }
    }
  }

  close(): Promise<void> {
    this.closing ??= this.writers.run(async () => {
      await this.reads.close()
      this.connection.close()
      this.lock.release()
    })
    return this.closing
  }

  private refuseWhenClosed(): void {
    if (this.closing !== undefined) {
      throw new StoreError('STORE_UNAVAILABLE', this.file, 'the store is closed', { retry: false })
    }
  }

  /** On a full disk SQLite ends the transaction by itself; a statement after that would stand alone. */
  private refuseWhenRolledBack(): void {
    if (!this.connection.inTransaction) throw rolledBack(this.file)
  }
}

function rolledBack(file: string): StoreError {
  return new StoreError('STORE_UNAVAILABLE', file, 'the transaction was rolled back', { retry: true })
}

/** What one transaction may use, and until when: a forgotten `await` shows at once. */
class Turn {
  ended = false
  readonly use: () => StoreSql

  constructor(sql: StoreSql, check: () => void = () => undefined) {
    this.use = () => {
      if (this.ended) throw new Error('a store transaction was used after its work had ended')
      check()
      return sql
    }
  }
}

function openWriter(sqlite: typeof Sqlite, file: string, maxBytes: number | undefined): Database {
  const writer = new sqlite(file, { timeout: BUSY_TIMEOUT_MS })
  try {
    chmodSync(file, 0o600)
    writer.pragma('journal_mode = WAL')
    // Committed means on the disk: an agent acts on a number as soon as it is handed out.
    writer.pragma('synchronous = FULL')
    writer.pragma('foreign_keys = ON')
    writer.pragma('trusted_schema = OFF')
    writer.pragma('cell_size_check = ON')
    writer.pragma(`journal_size_limit = ${64 * 1024 * 1024}`)
    if (maxBytes !== undefined) {
      const pageSize = writer.pragma('page_size', { simple: true }) as number
      writer.pragma(`max_page_count = ${Math.max(1, Math.floor(maxBytes / pageSize))}`)
    }
    return writer
  } catch (error) {
    writer.close()
    throw error
  }
}

/** An interrupted restore may have left no database: an empty one made here would be taken for the fleet's. */
function refuseHalfRestored(directory: string): void {
  if (!existsSync(join(directory, RESTORE_READY))) return
  throw new StoreError('STORE_CORRUPT', directory, 'a restore did not end; run "flotilla hub restore --force" again', {
    retry: false,
  })
}

function checkVersionReadOnly(sqlite: typeof Sqlite, file: string): void {
  const reader = new sqlite(file, { readonly: true, timeout: BUSY_TIMEOUT_MS })
  try {
    checkVersion(reader, file)
  } finally {
    reader.close()
  }
}

function checkIntegrity(writer: Database, file: string): void {
  const found = writer.pragma('integrity_check(3)', { simple: true }) as string
  const loose = writer.pragma('foreign_key_check') as readonly unknown[]
  if (found === 'ok' && loose.length === 0) return
  const what = found === 'ok' ? `${loose.length} rows refer to missing ones` : found.replaceAll('\n', '; ')
  throw new StoreError('STORE_CORRUPT', file, `the database is damaged (${what}); ${RESTORE_HINT}`, { retry: false })
}

/** A folder that cannot be made or written to is the store's trouble as well. */
function accessError(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || error instanceof StoreError || !('syscall' in error)) return error
  const full = 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
  const code = full ? 'STORE_FULL' : 'STORE_UNAVAILABLE'
  return new StoreError(code, file, error.message, { retry: full, cause: error })
}
