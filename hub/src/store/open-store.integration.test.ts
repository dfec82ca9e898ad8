import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StoreError } from '@flotilla/core/ports/store'
import Sqlite from 'better-sqlite3'
import type { Migration } from 'kysely/migration'
import { expect, it } from 'vitest'
import { loadSqlite } from './load-sqlite.ts'
import { MIGRATION_BACKUPS, migrateStore } from './migrate-store.ts'
import { storeMigrations } from './migrations/index.ts'
import { sampleApplication, sampleCluster, sampleSource } from './sample-rows.ts'
import { sqliteStoreDialect } from './sqlite-dialect.ts'
import { type OpenStoreOptions, openSqliteStore } from './sqlite-store.ts'
import { silentLog, stillClock, withDirectory } from './test-store.ts'

const open = (directory: string, over: Partial<OpenStoreOptions> = {}) =>
  openSqliteStore({ directory, clock: stillClock(), log: silentLog, ...over })

async function storeError(work: Promise<unknown>): Promise<StoreError> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  expect(error).toBeInstanceOf(StoreError)
  return error as StoreError
}

it('what was written is there after closing and opening again', () =>
  withDirectory(async directory => {
    const store = await open(directory)
    await store.write(rows => rows.putSource(sampleSource()))
    await store.close()
    const again = await open(directory)
    expect(await again.read(rows => rows.sources())).toEqual([sampleSource()])
    await again.close()
  }))

it('the folder and its files are readable by their owner alone', () =>
  withDirectory(async parent => {
    const directory = join(parent, 'made', 'deep')
    const store = await open(directory)
    await store.write(rows => rows.putSource(sampleSource()))
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    for (const name of ['hub.db', 'hub.db-wal', 'hub.pid']) {
      expect([name, statSync(join(directory, name)).mode & 0o077]).toEqual([name, 0])
    }
    await store.close()
  }))

it('a second hub is refused with the process that has the folder, and welcome once that has closed', () =>
  withDirectory(async directory => {
    const store = await open(directory)
    const error = await storeError(open(directory))
    expect(error.code).toBe('STORE_LOCKED')
    expect(error.message).toContain(`process ${process.pid}`)
    await store.close()
    await (await open(directory)).close()
  }))

it('a database written by a newer hub is refused and not touched', () =>
  withDirectory(async directory => {
    await (await open(directory)).close()
    const file = join(directory, 'hub.db')
    const newer = new Sqlite(file)
    newer.exec("INSERT INTO kysely_migration VALUES ('0999-from-the-future', '2040-01-01')")
    newer.close()
    const before = createHash('sha256').update(readFileSync(file)).digest('hex')
    const error = await storeError(open(directory))
    expect(error.code).toBe('STORE_NEWER')
    expect(error.message).toContain('"0999-from-the-future"')
    expect(createHash('sha256').update(readFileSync(file)).digest('hex')).toBe(before)
    expect(existsSync(join(directory, MIGRATION_BACKUPS))).toBe(false)
  }))

const DAMAGES: { readonly [sentence: string]: (file: string) => void } = {
  'a file that is no database': file => writeFileSync(file, 'this is text '.repeat(1_000)),
  'a database of something else': file => {
    const other = new Sqlite(file)
    other.exec('DROP TABLE kysely_migration')
    other.close()
  },
  'a database with overwritten pages': file => {
    const bytes = readFileSync(file)
    bytes.fill(0xa5, 4_096 * 3, 4_096 * 8)
    writeFileSync(file, bytes)
  },
  'a database cut in half': file => writeFileSync(file, readFileSync(file).subarray(0, 40_000)),
}
for (const [sentence, damage] of Object.entries(DAMAGES)) {
  it(`${sentence} is refused with STORE_CORRUPT, the file and the way back`, () =>
    withDirectory(async directory => {
      const store = await open(directory)
      await store.write(async rows => {
        for (let index = 0; index < 200; index += 1) {
          await rows.putApplication(sampleApplication({ id: `app-${index}`, name: `name-${index}` }))
        }
      })
      await store.close()
      const file = join(directory, 'hub.db')
      damage(file)
      const error = await storeError(open(directory))
      expect(error.code).toBe('STORE_CORRUPT')
      expect(error.message).toContain(file)
      expect(error.message).toContain('flotilla hub restore')
      // The refusal gave the folder back.
      expect((await storeError(open(directory))).code).toBe('STORE_CORRUPT')
    }))
}

const addTable = (name: string): Migration => ({
  up: async database => {
    await database.schema.createTable(name).addColumn('id', 'text').execute()
  },
})
const tablesOf = (file: string): unknown[] => {
  const database = new Sqlite(file, { readonly: true })
  const names = database.prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'later%' ORDER BY name").pluck().all()
  database.close()
  return names
}

it('before each migration the database is copied, and only the newest copies are kept', () =>
  withDirectory(async directory => {
    await (await open(directory)).close()
    const folder = join(directory, MIGRATION_BACKUPS)
    expect(existsSync(folder)).toBe(false)
    const database = new Sqlite(join(directory, 'hub.db'))
    const migrations = {
      ...storeMigrations(sqliteStoreDialect),
      '0997-later': addTable('later_1'),
      '0998-later': addTable('later_2'),
      '0999-later': addTable('later_3'),
    }
    const options = { clock: stillClock(), log: silentLog, backupKeep: 2 }
    await migrateStore(database, directory, options, migrations)
    await migrateStore(database, directory, options, migrations)
    database.close()
    expect(tablesOf(join(directory, 'hub.db'))).toEqual(['later_1', 'later_2', 'later_3'])
    const copies = readdirSync(folder).sort()
    expect(copies).toEqual([
      '2030-01-01T000000.000Z-before-0998-later.db',
      '2030-01-01T000000.000Z-before-0999-later.db',
    ])
    expect(copies.map(name => tablesOf(join(folder, name)))).toEqual([['later_1'], ['later_1', 'later_2']])
  }))

it('a migration that fails leaves the database at the one before it', () =>
  withDirectory(async directory => {
    await (await open(directory)).close()
    const database = new Sqlite(join(directory, 'hub.db'))
    const broken: Migration = {
      up: async db => {
        await db.schema.createTable('later_2').addColumn('id', 'text').execute()
        throw new Error('half way')
      },
    }
    const migrations = {
      ...storeMigrations(sqliteStoreDialect),
      '0998-later': addTable('later_1'),
      '0999-later': broken,
    }
    const options = { clock: stillClock(), log: silentLog, backupKeep: 2 }
    await expect(migrateStore(database, directory, options, migrations)).rejects.toThrow('half way')
    database.close()
    expect(tablesOf(join(directory, 'hub.db'))).toEqual(['later_1'])
  }))

it('a full disk refuses the write with STORE_FULL, keeps nothing of it, and reading goes on', () =>
  withDirectory(async directory => {
    const store = await open(directory, { maxBytes: 512 * 1024 })
    await store.write(async rows => {
      await rows.putCluster(sampleCluster())
      await rows.putApplication(sampleApplication())
    })
    const before = store.counters
    const filling = store.write(async rows => {
      await rows.nextNumber('cluster-1')
      for (let index = 0; index < 100; index += 1) {
        await rows.putApplication(sampleApplication({ id: `big-${index}`, document: { text: 'x'.repeat(20_000) } }))
      }
    })
    const error = await storeError(filling)
    expect([error.code, error.retry]).toEqual(['STORE_FULL', true])
    expect(error.message).toContain(join(directory, 'hub.db'))
    await store.read(async rows => {
      expect((await rows.applications()).map(row => row.id)).toEqual(['app-1'])
      expect((await rows.cluster('cluster-1'))?.lastNumber).toBe(0)
    })
    expect(store.counters).toEqual(before)
    await store.write(rows => rows.putApplication(sampleApplication({ namespace: 'small' })))
    await store.close()
    const again = await open(directory)
    expect((await again.read(rows => rows.application('app-1')))?.namespace).toBe('small')
    await again.close()
  }))

it('a write that hides the full disk from its caller still commits nothing', () =>
  withDirectory(async directory => {
    const store = await open(directory, { maxBytes: 512 * 1024 })
    const error = await storeError(
      store.write(async rows => {
        await rows.putSource(sampleSource())
        const huge = sampleApplication({ document: { text: 'x'.repeat(2_000_000) } })
        await rows.putApplication(huge).catch(() => undefined)
        await rows.putSource(sampleSource({ name: 'after' }))
      }),
    ).catch(() => undefined)
    const sources = await store.read(rows => rows.sources())
    // Either the whole of what did not fail, or nothing: never the second row alone.
    expect(sources.map(row => row.name)).toEqual(error === undefined ? ['after', 'platform'] : [])
    await store.close()
  }))

it('a folder that cannot be made is STORE_UNAVAILABLE', () =>
  withDirectory(async directory => {
    writeFileSync(join(directory, 'file'), '')
    expect((await storeError(open(join(directory, 'file', 'below')))).code).toBe('STORE_UNAVAILABLE')
  }))

it('on a Node that would crash in SQLite a sentence comes before the import', async () => {
  const error = await storeError(loadSqlite({ node: '20.19.0', napi: '9' }))
  expect(error.message).toContain('needs Node 22.19 or newer; this is Node 20.19.0')
})

it('nothing is left open: the folder holds the database alone after closing', () =>
  withDirectory(async directory => {
    const store = await open(directory)
    await store.read(rows => rows.sources())
    await store.write(rows => rows.putSource(sampleSource()))
    await store.close()
    expect(readdirSync(directory).sort()).toEqual(['hub.db', 'hub.lock'])
  }))
