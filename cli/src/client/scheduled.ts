import type { JsonObject } from '@flotilla/core/json/json'
import { textAt } from '@flotilla/core/json/read-json'
import type { CliContext, ExitCode } from '../context.ts'
import { formatOf } from '../output/formats.ts'
import { zoned } from './gate-columns.ts'
import type { Flags } from './gates.ts'
import type { HubApi } from './hub-api.ts'
import { withHubApi } from './open-hub-api.ts'
import { type Column, column, printRows, wideColumn } from './print-rows.ts'

export const SCHEDULED_COLUMNS: readonly Column[] = [
  column('ID', 'id'),
  column('APPLICATION', 'application'),
  column('STATE', 'state'),
  { heading: 'NOT BEFORE', text: row => zoned(textAt(row, 'notBefore')) },
  { heading: 'NOT AFTER', text: row => zoned(textAt(row, 'expires')) },
  column('BY', 'by'),
  column('MESSAGE', 'message'),
  wideColumn('PRUNE', 'prune'),
  wideColumn('OPERATION', 'operation'),
  wideColumn('REASON', 'reason'),
]

/** @throws CliError */
export async function showScheduled(
  context: CliContext,
  flags: Flags,
  ask: (api: HubApi) => Promise<JsonObject>,
): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'wide', 'json', 'yaml', 'name'])
  const row = await withHubApi(flags, context, ask)
  await printRows(
    context,
    flags,
    format,
    { items: [{ ...row, name: textAt(row, 'id') }], whole: row },
    SCHEDULED_COLUMNS,
  )
  return 0
}
