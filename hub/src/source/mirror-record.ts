import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

/** What is known of a mirror after a restart, before its repository has answered. */
export interface MirrorRecord {
  /** When the repository last answered a fetch: what is shown as the mirror's age. */
  readonly fetchedAt: EpochMs
}

/** Where records are kept; a simulation keeps them in memory. */
export interface MirrorRecords {
  read(folder: string): Promise<MirrorRecord | undefined>
  write(folder: string, record: MirrorRecord): Promise<void>
}

const FILE = 'fetched.json'

/** A file in the mirror's own folder. It may be a fetch old after a crash, which makes an age too large, never too small. */
export const mirrorRecordFiles: MirrorRecords = {
  async read(folder) {
    try {
      const { fetchedAt } = JSON.parse(await readFile(join(folder, FILE), 'utf8')) as Partial<MirrorRecord>
      return typeof fetchedAt === 'number' ? { fetchedAt } : undefined
    } catch {
      // Missing or torn: the mirror counts as never fetched until it has been.
      return undefined
    }
  },
  async write(folder, record) {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const path = join(folder, FILE)
    await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 })
    await rename(`${path}.new`, path)
  },
}

/** Records that end with the process. */
export function mirrorRecordsInMemory(): MirrorRecords {
  const records = new Map<string, MirrorRecord>()
  return {
    read: async folder => records.get(folder),
    write: async (folder, record) => void records.set(folder, record),
  }
}
