import { StoreError } from '@flotilla/core/ports/store'

/** `SQLITE_FULL`, `SQLITE_IOERR_WRITE` …; undefined for what is not an error of SQLite. */
export function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' && error.code.startsWith('SQLITE_') ? error.code : undefined
}

/** How to mend a damaged database: said wherever one is found. */
export const RESTORE_HINT = 'stop the hub and restore a backup with "flotilla hub restore"'

/**
 * An error of SQLite as the port's; others pass as they are. A violated constraint is a broken invariant of ours, not
 * the database's trouble, and passes too.
 */
export function asStoreError(error: unknown, file: string): unknown {
  const code = sqliteCode(error)
  if (code === undefined) return error
  const because = { cause: error }
  if (code === 'SQLITE_FULL') {
    return new StoreError('STORE_FULL', file, 'the disk is full; nothing of this change was kept', {
      retry: true,
      ...because,
    })
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return new StoreError('STORE_CORRUPT', file, `the database is damaged; ${RESTORE_HINT}`, {
      retry: false,
      ...because,
    })
  }
  if (/^SQLITE_(BUSY|LOCKED|IOERR|CANTOPEN|READONLY|PERM|AUTH|NOMEM|PROTOCOL|NOLFS)/.test(code)) {
    const reason = error instanceof Error ? error.message : code
    return new StoreError('STORE_UNAVAILABLE', file, reason, { retry: !code.startsWith('SQLITE_READONLY'), ...because })
  }
  return error
}
