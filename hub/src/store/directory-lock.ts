import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StoreError } from '@flotilla/core/ports/store'
import type Sqlite from 'better-sqlite3'
import { sqliteCode } from './sqlite-error.ts'

export interface DirectoryLock {
  release(): void
}

/**
 * Takes a data folder for this process alone. The lock is the operating system's, held through a second, empty SQLite
 * file, so it ends with the process however that ends: there is no stale lock to remove. `hub.pid` only tells people
 * who holds it.
 *
 * @throws StoreError `STORE_LOCKED` naming the process that has it.
 */
export function lockDirectory(sqlite: typeof Sqlite, directory: string): DirectoryLock {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const pidFile = join(directory, 'hub.pid')
  const lockFile = join(directory, 'hub.lock')
  const lock = new sqlite(lockFile, { timeout: 0 })
  try {
    chmodSync(lockFile, 0o600)
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (!sqliteCode(error)?.startsWith('SQLITE_BUSY')) throw error
    throw new StoreError('STORE_LOCKED', directory, `another hub has this folder open: process ${holder(pidFile)}`, {
      retry: false,
      cause: error,
    })
  }
  writePid(pidFile)
  return {
    release: () => {
      rmSync(pidFile, { force: true })
      lock.close()
    },
  }
}

/** Only for people to read: a disk that is full must not keep a hub from starting to read. */
function writePid(pidFile: string): void {
  try {
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')))
      throw error
  }
}

function holder(pidFile: string): string {
  try {
    return readFileSync(pidFile, 'utf8').trim()
  } catch (error) {
    // Between the lock and the pid's writing there is no file yet.
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'unknown' : `unknown (${error})`
  }
}
