import { existsSync } from 'node:fs'
import { chmod, copyFile, cp, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { StoreError } from '@flotilla/core/ports/store'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import type { Database } from 'better-sqlite3'
import { RECOVERY_SETTING, restoredState } from '../recovery/recovery-state.ts'
import { type BackupManifest, digestOfFile, MANIFEST_FILE, readBackup } from './backup-manifest.ts'
import { lockDirectory } from './directory-lock.ts'
import { encodeRow } from './encode-row.ts'
import { loadSqlite } from './load-sqlite.ts'
import { checkVersion } from './migrate-store.ts'
import { STORE_TABLES } from './schema.ts'
import { asStoreError } from './sqlite-error.ts'
import { RESTORE_READY, STORE_FILE } from './store-files.ts'

const BUNDLES_FOLDER = 'bundles'

export interface BackupOptions {
  readonly now: EpochMs
  readonly hubVersion: string
  /** Whether the folder of Bundles is copied too; without it they are rendered again from their commits. */
  readonly bundles?: boolean
}

/**
 * Copies a store, also while its hub runs: one snapshot, checked, with a manifest. `target` is a folder that must not
 * exist yet; it appears whole or not at all. `hub.key` is never in it: who has the backup cannot speak as the hub.
 *
 * @throws StoreError `STORE_UNAVAILABLE` when there is no store or the target exists; `STORE_FULL`; `STORE_CORRUPT`.
 */
export async function backupStore(directory: string, target: string, options: BackupOptions): Promise<BackupManifest> {
  const file = join(directory, STORE_FILE)
  if (!existsSync(file)) throw unavailable(file, 'there is no store to back up')
  if (existsSync(target)) throw unavailable(target, 'exists already; a backup needs a name of its own')
  const sqlite = await loadSqlite()
  await mkdir(dirname(target), { recursive: true })
  const partial = join(dirname(target), `.${basename(target)}.partial`)
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { mode: 0o700 })
  try {
    copyDatabase(new sqlite(file, { readonly: true, timeout: 30_000 }), join(partial, STORE_FILE))
    await chmod(join(partial, STORE_FILE), 0o600)
    const bundles = options.bundles === true && existsSync(join(directory, BUNDLES_FOLDER))
    if (bundles) await cp(join(directory, BUNDLES_FOLDER), join(partial, BUNDLES_FOLDER), { recursive: true })
    const copy = new sqlite(join(partial, STORE_FILE), { readonly: true })
    const manifest = await describe(copy, partial, bundles, options)
    await writeFile(join(partial, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 })
    for (const { name } of manifest.files) await flush(join(partial, name))
    await flush(join(partial, MANIFEST_FILE))
    await rename(partial, target)
    await flush(dirname(target))
    return manifest
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    throw asStoreError(error, file)
  }
}

/**
 * Puts a backup in a data folder's place after checking it whole. With `force` what was there is kept aside in
 * `replaced-<n>`; without it a folder that has a store is refused. What comes from a backup does not know what was issued
 * since: the hub that starts on it is behind (`STORE_BEHIND`) until `hub recover`.
 *
 * @throws StoreError `STORE_CORRUPT` (damaged backup), `STORE_NEWER` (of a newer hub), `STORE_LOCKED` (a hub runs on
 *   the folder), `STORE_UNAVAILABLE` (there is a store and no `force`).
 */
export async function restoreStore(
  backup: string,
  directory: string,
  options: { readonly force?: boolean; readonly now?: EpochMs } = {},
): Promise<BackupManifest> {
  const manifest = await readBackup(backup)
  const sqlite = await loadSqlite()
  checkCopy(new sqlite(join(backup, STORE_FILE), { readonly: true }), join(backup, STORE_FILE))
  const lock = lockDirectory(sqlite, directory)
  try {
    const present = (await readdir(directory)).filter(name => /^(hub\.db(-wal|-shm)?|bundles)$/.test(name))
    const replaced = manifest.holds.bundles ? present : present.filter(name => name !== BUNDLES_FOLDER)
    if (replaced.length > 0 && options.force !== true) {
      throw unavailable(join(directory, STORE_FILE), 'there is a store already; use --force to replace it')
    }
    // Copied beside first: a full disk must not leave the folder without any store.
    const incoming = join(directory, '.restore.partial')
    const ready = join(directory, RESTORE_READY)
    for (const leftOver of [incoming, ready]) await rm(leftOver, { recursive: true, force: true })
    await mkdir(incoming, { mode: 0o700 })
    for (const { name } of manifest.files) {
      await mkdir(dirname(join(incoming, name)), { recursive: true, mode: 0o700 })
      await copyFile(join(backup, name), join(incoming, name))
      await chmod(join(incoming, name), 0o600)
      await flush(join(incoming, name))
    }
    markRestored(new sqlite(join(incoming, STORE_FILE)), options.now ?? Date.parse(manifest.createdAt))
    await flush(join(incoming, STORE_FILE))
    // From here to the end the folder is between two stores; a hub that finds this name refuses to make a third.
    await rename(incoming, ready)
    await flush(directory)
    if (replaced.length > 0) {
      const aside = await nextAside(directory)
      for (const name of replaced) await rename(join(directory, name), join(aside, name))
    }
    for (const name of await readdir(ready)) await rename(join(ready, name), join(directory, name))
    await flush(directory)
    await rm(ready, { recursive: true })
    return manifest
  } finally {
    lock.release()
  }
}

function copyDatabase(connection: Database, copy: string): void {
  try {
    connection.prepare('VACUUM INTO ?').run(copy)
  } finally {
    connection.close()
  }
}

async function describe(
  copy: Database,
  folder: string,
  bundles: boolean,
  options: BackupOptions,
): Promise<BackupManifest> {
  try {
    const count = (table: string): number => copy.prepare(`SELECT count(*) FROM "${table}"`).pluck().get() as number
    const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .sort()
    const files = []
    for (const name of names) files.push({ name, ...(await digestOfFile(join(folder, name))) })
    return {
      kind: 'flotilla-hub-backup',
      format: 1,
      createdAt: isoTime(options.now),
      hubVersion: options.hubVersion,
      sqliteVersion: copy.prepare('SELECT sqlite_version()').pluck().get() as string,
      migrations: copy.prepare('SELECT name FROM kysely_migration ORDER BY name').pluck().all() as string[],
      counts: Object.fromEntries(STORE_TABLES.map(table => [table, count(table)])),
      files,
      holds: { store: true, bundles, hubKey: false },
      notes: [
        'hub.key is not in this backup: keep it apart; without it every agent has to enrol again.',
        'What was revoked is not in this backup either: hub.key.revoked, beside hub.key, remembers it.',
        'A hub that is restored from this backup issues nothing until: flotilla hub recover.',
        bundles
          ? 'The bundles folder is in this backup, encrypted with a key of hub.key.'
          : 'The bundles folder is not in this backup: Bundles are rendered again from their commits.',
      ],
    }
  } finally {
    copy.close()
  }
}

function checkCopy(copy: Database, file: string): void {
  try {
    checkVersion(copy, file)
    const found = copy.pragma('integrity_check(1)', { simple: true })
    if (found !== 'ok')
      throw new StoreError('STORE_CORRUPT', file, `the backup is damaged (${found})`, { retry: false })
  } catch (error) {
    throw asStoreError(error, file)
  } finally {
    copy.close()
  }
}

/** Says in the copy itself that it is one, so that no crash can part the two. */
function markRestored(copy: Database, now: EpochMs): void {
  try {
    copy.pragma('journal_mode = DELETE')
    const put = copy.prepare('INSERT OR REPLACE INTO settings (key, body) VALUES (?, ?)')
    put.run(RECOVERY_SETTING, encodeRow(restoredState(now)))
  } finally {
    copy.close()
  }
}

async function nextAside(directory: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const aside = join(directory, `replaced-${number}`)
    if (existsSync(aside)) continue
    await mkdir(aside, { mode: 0o700 })
    return aside
  }
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function unavailable(subject: string, message: string): StoreError {
  return new StoreError('STORE_UNAVAILABLE', subject, message, { retry: false })
}
