import { StoreError } from '@flotilla/core/ports/store'
import type Sqlite from 'better-sqlite3'

/** Node-API of Node 22.14 and newer; better-sqlite3 is built for it. */
const NODE_API_NEEDED = 10

/**
 * The SQLite module, or a sentence. On an older Node the import does not throw, it ends the process with a
 * segmentation fault, so the version is looked at first.
 */
export async function loadSqlite(
  versions: { readonly node: string; readonly napi?: string } = process.versions,
): Promise<typeof Sqlite> {
  if (Number(versions.napi ?? 0) < NODE_API_NEEDED) {
    throw new StoreError('STORE_UNAVAILABLE', 'SQLite', `needs Node 22.19 or newer; this is Node ${versions.node}`, {
      retry: false,
    })
  }
  return (await import('better-sqlite3')).default
}
