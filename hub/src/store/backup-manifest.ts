import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Digest } from '@flotilla/core/json/canonical-json'
import { StoreError } from '@flotilla/core/ports/store'
import { z } from 'zod'

export const MANIFEST_FILE = 'manifest.json'

/** Bounds what a manifest of others can make us read. */
const MANIFEST_MAX_BYTES = 64 * 1024 * 1024

const manifestSchema = z.strictObject({
  kind: z.literal('flotilla-hub-backup'),
  /** The form of the backup itself. */
  format: z.literal(1),
  createdAt: z.iso.datetime(),
  hubVersion: z.string(),
  sqliteVersion: z.string(),
  /** Migrations that the database has. */
  migrations: z.array(z.string()),
  /** Rows by table. */
  counts: z.record(z.string(), z.int().nonnegative()),
  files: z.array(
    z.strictObject({
      name: z.string().regex(/^(hub\.db|bundles\/[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*)$/),
      size: z.int().nonnegative(),
      sha256: z.templateLiteral(['sha256:', z.string().regex(/^[0-9a-f]{64}$/)]),
    }),
  ),
  holds: z.strictObject({ store: z.literal(true), bundles: z.boolean(), hubKey: z.literal(false) }),
  notes: z.array(z.string()),
})

/** What a backup says of itself: enough to refuse a damaged, foreign or newer one before anything is replaced. */
export type BackupManifest = z.infer<typeof manifestSchema>

/**
 * Reads and checks a backup's manifest and the digest of each file that it names.
 *
 * @throws StoreError `STORE_CORRUPT` naming what is wrong.
 */
export async function readBackup(backup: string): Promise<BackupManifest> {
  const path = join(backup, MANIFEST_FILE)
  const size = await stat(path).then(
    found => found.size,
    (cause: unknown) => {
      throw damaged(backup, `has no ${MANIFEST_FILE}`, cause)
    },
  )
  if (size > MANIFEST_MAX_BYTES) throw damaged(backup, `${MANIFEST_FILE} has ${size} bytes`)
  let content: unknown
  try {
    content = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw damaged(backup, `${MANIFEST_FILE} is not JSON`, cause)
  }
  const parsed = manifestSchema.safeParse(content)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw damaged(backup, `${MANIFEST_FILE}: ${issue?.path.join('.')}: ${issue?.message}`)
  }
  if (!parsed.data.files.some(({ name }) => name === 'hub.db')) throw damaged(backup, 'the manifest names no hub.db')
  for (const file of parsed.data.files) {
    const found = await digestOfFile(join(backup, file.name)).catch((cause: unknown) => {
      throw damaged(backup, `${file.name} cannot be read`, cause)
    })
    if (found.sha256 !== file.sha256) throw damaged(backup, `${file.name} is not the file that was backed up`)
  }
  return parsed.data
}

export async function digestOfFile(path: string): Promise<{ readonly size: number; readonly sha256: Digest }> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return { size: (await stat(path)).size, sha256: `sha256:${hash.digest('hex')}` }
}

function damaged(backup: string, what: string, cause?: unknown): StoreError {
  return new StoreError('STORE_CORRUPT', backup, `not a whole backup: ${what}`, { retry: false, cause })
}
