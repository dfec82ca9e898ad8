import type { JsonObject } from '@flotilla/core/json/json'
import type { CliContext, ExitCode } from '../context.ts'
import { coloursOf } from '../output/colours.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import type { Details } from './details.ts'
import type { HubApi, Listed } from './hub-api.ts'
import { type HubConnectionOptions, withHubApi } from './open-hub-api.ts'
import { type Column, printRows } from './print-rows.ts'

/** One thing of the hub by its name, printed as asked. @throws CliError; 1 when there is none of that name. */
export async function getOne(wanted: {
  readonly context: CliContext
  readonly flags: GlobalOptions & HubConnectionOptions
  readonly read: 'getApplication' | 'getApplicationSet' | 'getCluster' | 'getProject' | 'getSource' | 'getTeam'
  readonly name: string
  readonly columns: readonly Column[]
  /** What it is, as people call it: `Application`. */
  readonly kind: string
  /** Below the table: what is wrong with it. */
  readonly details?: Details
}): Promise<ExitCode> {
  const { context, flags, read, name, columns, kind, details } = wanted
  const format = formatOf(flags, ['table', 'wide', 'json', 'yaml', 'name'])
  const found: JsonObject = await withHubApi(flags, context, api =>
    api.call(read, { path: { name } }, `${kind} "${name}"`),
  )
  await printRows(context, flags, format, { items: [found], whole: found }, columns)
  if (details !== undefined && (format === 'table' || format === 'wide')) {
    context.stdout.write(details(found, coloursOf(context, context.stdout, flags)))
  }
  return 0
}

/** A whole list of the hub, printed as asked. @throws CliError */
export async function listAll(wanted: {
  readonly context: CliContext
  readonly flags: GlobalOptions & HubConnectionOptions
  readonly list: (api: HubApi) => Promise<Listed>
  readonly columns: readonly Column[]
}): Promise<ExitCode> {
  const { context, flags, list, columns } = wanted
  const format = formatOf(flags, ['table', 'wide', 'json', 'yaml', 'name'])
  const { items, total } = await withHubApi(flags, context, list)
  await printRows(context, flags, format, { items, whole: { items, total } }, columns)
  return 0
}
