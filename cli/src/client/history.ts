import type { JsonObject } from '@flotilla/core/json/json'
import { listAt, numberIfAny, textAt } from '@flotilla/core/json/read-json'
import type { CliContext, ExitCode } from '../context.ts'
import { usageError } from '../errors.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { type HubConnectionOptions, withHubApi } from './open-hub-api.ts'
import { type Column, column, printRows, wideColumn } from './print-rows.ts'

type Flags = GlobalOptions & HubConnectionOptions

const HISTORY_COLUMNS: readonly Column[] = [
  column('STARTED', 'startedAt'),
  column('PHASE', 'phase'),
  column('TRIGGER', 'trigger'),
  column('BY', 'by'),
  { heading: 'REVISION', text: row => textAt(row, 'revision').slice(0, 12) || '-' },
  { heading: 'TOOK', text: row => durationText(numberIfAny(row, 'durationMs')) },
  { heading: 'OBJECTS', text: objectsText },
  column('OPERATION', 'id'),
  wideColumn('DIGEST', 'digest'),
  wideColumn('MESSAGE', 'message'),
]

/** Operations of one Application, newest first: failures, heals and prunes too. @throws CliError */
export async function listHistory(
  context: CliContext,
  flags: Flags & { readonly limit: number; readonly search?: string; readonly sort?: string },
  name: string,
): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'wide', 'json', 'yaml', 'name'])
  const { search: q, sort } = flags
  const { items, total } = await withHubApi(flags, context, async api => {
    const found: JsonObject[] = []
    let cursor: string | undefined
    let counted: number | null = null
    const asked = { ...(q !== undefined && { q }), ...(sort !== undefined && { sort }) }
    do {
      const limit = Math.min(1_000, flags.limit - found.length)
      const query = { ...asked, limit, ...(cursor !== undefined && { cursor }) }
      const page = await api.call('getApplicationHistory', { path: { name }, query }, `Application "${name}"`)
      found.push(...(page.items as readonly unknown[] as readonly JsonObject[]))
      cursor = page.next ?? undefined
      counted = page.total
    } while (cursor !== undefined && found.length < flags.limit)
    return { items: found, total: counted }
  })
  const rows = format === 'name' ? items.map(each => ({ ...each, name: textAt(each, 'id') })) : items
  await printRows(
    context,
    flags,
    format,
    { items: rows, whole: { items, total } },
    HISTORY_COLUMNS,
    'nothing was synced yet',
  )
  if (format === 'table' && total !== null && total > items.length && flags.quiet !== true) {
    context.stderr.write(`${items.length} of ${total}; --limit for more\n`)
  }
  return 0
}

/** What an Application renders to, or what an operation of its history applied. @throws CliError */
export async function printManifests(
  context: CliContext,
  flags: Flags & { readonly digest?: string; readonly revision?: string },
  name: string,
): Promise<ExitCode> {
  if (flags.digest !== undefined && flags.revision !== undefined) throw usageError('--digest or --revision, not both')
  const format = formatOf(flags, ['yaml', 'json', 'table'])
  const { digest, revision } = flags
  const query = { ...(digest !== undefined && { digest }), ...(revision !== undefined && { revision }) }
  const found = (await withHubApi(flags, context, api =>
    api.call('getApplicationManifests', { path: { name }, query }, `Application "${name}"`),
  )) as unknown as JsonObject
  const { printData } = await import('../output/data.ts')
  if (format === 'json') printData(context, 'json', found)
  else {
    for (const object of listAt(found, 'items')) {
      context.stdout.write('---\n')
      printData(context, 'yaml', object)
    }
  }
  return 0
}

function objectsText(row: JsonObject): string {
  const counts = new Map<string, number>()
  for (const result of listAt(row, 'results')) {
    const outcome = textAt(result, 'outcome')
    if (outcome !== 'unchanged' && outcome !== '') counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  }
  return [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ') || '-'
}

function durationText(ms: number | undefined): string {
  if (ms === undefined) return '-'
  return ms < 1_000 ? `${ms}ms` : ms < 120_000 ? `${(ms / 1_000).toFixed(1)}s` : `${Math.round(ms / 60_000)}m`
}
