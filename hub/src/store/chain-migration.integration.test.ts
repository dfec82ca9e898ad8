import { join } from 'node:path'
import { CHAIN_START, hashOfEntry } from '@flotilla/core/audit/audit-entry'
import Sqlite from 'better-sqlite3'
import { expect, it } from 'vitest'
import { migrateStore } from './migrate-store.ts'
import { storeMigrations } from './migrations/index.ts'
import { sqliteStoreDialect } from './sqlite-dialect.ts'
import { openSqliteStore } from './sqlite-store.ts'
import { silentLog, stillClock, withDirectory } from './test-store.ts'

it('entries of the audit log from before it was a chain become the beginning of it', () =>
  withDirectory(async directory => {
    const note = (subject: string) => JSON.stringify({ action: 'x', actor: 'ana', at: 1, detail: {}, subject })
    await openBefore(directory, [note('a'), note('b')])
    const store = await openSqliteStore({ directory, clock: stillClock(), log: silentLog })
    await store.write(rows => rows.appendAudit({ at: 2, actor: 'ben', action: 'y', subject: 'c', detail: {} }))
    const entries = await store.read(rows => rows.auditAfter({ limit: 9, after: 0 }))
    await store.close()
    expect(entries.map(({ sequence, subject }) => [sequence, subject])).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ])
    for (const [index, entry] of entries.entries()) {
      expect(entry.previous).toBe(entries[index - 1]?.hash ?? CHAIN_START)
      expect(entry.hash).toBe(hashOfEntry(entry))
    }
  }))

it('entries that somebody takes from the end of the table leave a gap that stays', () =>
  withDirectory(async directory => {
    const open = () => openSqliteStore({ directory, clock: stillClock(), log: silentLog })
    const store = await open()
    for (const subject of ['a', 'b', 'c']) {
      await store.write(rows => rows.appendAudit({ at: 1, actor: 'ana', action: 'x', subject, detail: {} }))
    }
    await store.close()
    const database = new Sqlite(join(directory, 'hub.db'))
    database.exec('DELETE FROM audit WHERE sequence >= 2')
    database.close()
    const again = await open()
    await again.write(rows => rows.appendAudit({ at: 2, actor: 'ben', action: 'x', subject: 'd', detail: {} }))
    const entries = await again.read(rows => rows.auditAfter({ limit: 9, after: 0 }))
    await again.close()
    expect(entries.map(({ sequence, subject }) => [sequence, subject])).toEqual([
      [1, 'a'],
      [4, 'd'],
    ])
    expect(entries[1]!.previous).not.toBe(entries[0]!.hash)
  }))

/** A store as the hub before this one left it. */
async function openBefore(directory: string, entries: readonly string[]): Promise<void> {
  const database = new Sqlite(join(directory, 'hub.db'))
  const { '0001-first-tables': first, '0002-deletion-plans': second } = storeMigrations(sqliteStoreDialect)
  const options = { clock: stillClock(), log: silentLog, backupKeep: 2 }
  await migrateStore(database, directory, options, { '0001-first-tables': first!, '0002-deletion-plans': second! })
  for (const body of entries) database.prepare('INSERT INTO audit (body) VALUES (?)').run(body)
  database.close()
}
