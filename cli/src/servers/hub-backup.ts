import type { Json } from '@flotilla/core/json/json'
import { backupStore, restoreStore } from '@flotilla/hub/store/backup'
import type { BackupManifest } from '@flotilla/hub/store/backup-manifest'
import type { CliContext, ExitCode } from '../context.ts'
import { failure } from '../errors.ts'
import { printData } from '../output/data.ts'
import { VERSION } from '../version.ts'
import { describeFailure } from './describe-failure.ts'

type Format = 'table' | 'json' | 'yaml'

/** Makes a backup and says what is in it. @throws CliError 1 */
export async function backupVerb(
  wish: {
    readonly data: string
    readonly target: string
    readonly bundles: boolean
    readonly now: number
    readonly format: Format
  },
  context: CliContext,
): Promise<ExitCode> {
  const { data, target, bundles, now, format } = wish
  const manifest = await told('no backup was made', () =>
    backupStore(data, target, { now, hubVersion: VERSION, bundles }),
  )
  show(manifest, `backed up to ${target}`, format, context)
  return 0
}

/** Puts a backup in place and says what was in it. @throws CliError 1, with everything as it was. */
export async function restoreVerb(
  wish: {
    readonly data: string
    readonly backup: string
    readonly force: boolean
    readonly now: number
    readonly format: Format
  },
  context: CliContext,
): Promise<ExitCode> {
  const { data, backup, force, now, format } = wish
  const manifest = await told('nothing was restored', () => restoreStore(backup, data, { force, now }))
  show(manifest, `restored to ${data}`, format, context)
  return 0
}

async function told<T>(consequence: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const known = describeFailure(error)
    if (known === undefined) throw error
    throw failure(`${consequence}: ${known.message}`, known.hint, error)
  }
}

function show(manifest: BackupManifest, done: string, format: Format, context: CliContext): void {
  if (format !== 'table') {
    printData(context, format, manifest as unknown as Json)
    return
  }
  const { counts, createdAt, hubVersion, notes } = manifest
  const held = ['applications', 'clusters', 'documents', 'audit'].map(table => `${counts[table] ?? 0} ${table}`)
  context.stdout.write(`${done}\n  made ${createdAt} by hub ${hubVersion}: ${held.join(', ')}\n`)
  for (const note of notes) context.stderr.write(`  ${note}\n`)
}
