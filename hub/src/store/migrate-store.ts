import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Log } from '@flotilla/core/ports/log'
import { StoreError } from '@flotilla/core/ports/store'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import type { Database } from 'better-sqlite3'
import { type Migration, Migrator } from 'kysely/migration'
import { storeMigrations } from './migrations/index.ts'
import { kyselyOver, sqliteStoreDialect } from './sqlite-dialect.ts'
import { RESTORE_HINT } from './sqlite-error.ts'

/** The folder of the copies made before migrations, inside the data folder. */
export const MIGRATION_BACKUPS = 'backups'

/** Names of all migrations that this hub knows, in order. */
export function knownMigrations(): readonly string[] {
  return Object.keys(storeMigrations(sqliteStoreDialect)).sort()
}

/**
 * Refuses a database that this hub must not write to. Reads only.
 *
 * @throws StoreError `STORE_NEWER` when a newer hub wrote it, `STORE_CORRUPT` when it is no store of ours.
 */
export function checkVersion(connection: Database, file: string): void {
  const tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[]
  if (tables.length === 0) return
  if (!tables.includes('kysely_migration')) {
    throw new StoreError('STORE_CORRUPT', file, `is a database, but not a hub's store; ${RESTORE_HINT}`, {
      retry: false,
    })
  }
  const applied = connection.prepare('SELECT name FROM kysely_migration ORDER BY name').pluck().all() as string[]
  const unknown = applied.filter(name => !knownMigrations().includes(name))
  if (unknown.length > 0) {
    const names = unknown.map(name => `"${name}"`).join(', ')
    throw new StoreError(
      'STORE_NEWER',
      file,
      `a newer hub wrote it (it has migration ${names}, this hub knows up to "${knownMigrations().at(-1)}"); ` +
        'run that version, or restore a backup from before the upgrade. Nothing was changed',
      { retry: false },
    )
  }
}

/**
 * Brings the database to this hub's schema, one migration at a time: each is one transaction and has a copy of the
 * whole database made before it, except on a new one, which has nothing to lose. The newest `backupKeep` copies are kept.
 */
export async function migrateStore(
  connection: Database,
  directory: string,
  options: { readonly clock: Clock; readonly log: Log; readonly backupKeep: number },
  migrations: Readonly<Record<string, Migration>> = storeMigrations(sqliteStoreDialect),
): Promise<void> {
  const migrator = new Migrator({
    db: kyselyOver(connection),
    provider: { getMigrations: async () => ({ ...migrations }) },
  })
  // Asking Kysely would create its tables: what is pending is read from the names that checkVersion also reads.
  const hasTable = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'kysely_migration'").get() !== undefined
  const applied = hasTable ? connection.prepare('SELECT name FROM kysely_migration').pluck().all() : []
  const pending = Object.keys(migrations)
    .sort()
    .filter(name => !applied.includes(name))
  const fresh = applied.length === 0
  for (const name of pending) {
    if (!fresh) {
      const copy = copyBefore(connection, directory, name, isoTime(options.clock.now()))
      options.log.info('store copied before a migration', { migration: name, copy })
    }
    connection.exec('BEGIN IMMEDIATE')
    try {
      const { error } = await migrator.migrateUp()
      if (error !== undefined) throw error
      connection.exec('COMMIT')
    } catch (error) {
      if (connection.inTransaction) connection.exec('ROLLBACK')
      throw error
    }
    options.log.info('store migrated', { migration: name })
  }
  if (pending.length > 0) removeOldCopies(join(directory, MIGRATION_BACKUPS), options.backupKeep)
}

function copyBefore(connection: Database, directory: string, migration: string, time: string): string {
  const folder = join(directory, MIGRATION_BACKUPS)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const copy = join(folder, `${time.replaceAll(':', '')}-before-${migration}.db`)
  // A copy of that name is half of one: the process ended while it was made.
  rmSync(copy, { force: true })
  connection.prepare('VACUUM INTO ?').run(copy)
  chmodSync(copy, 0o600)
  return copy
}

function removeOldCopies(folder: string, keep: number): void {
  if (!existsSync(folder)) return
  const copies = readdirSync(folder)
    .filter(name => name.endsWith('.db'))
    .sort()
  for (const name of copies.slice(0, Math.max(0, copies.length - keep))) rmSync(join(folder, name))
}
