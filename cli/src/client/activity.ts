import type { JsonObject } from '@flotilla/core/json/json'
import { listAt, textAt } from '@flotilla/core/json/read-json'
import type { CliContext, ExitCode } from '../context.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { printable } from '../output/table.ts'
import { type HubConnectionOptions, withHubApi } from './open-hub-api.ts'
import { type Column, column, printRows, wideColumn } from './print-rows.ts'

export interface ActivityFlags extends GlobalOptions, HubConnectionOptions {
  readonly kind?: string
  readonly event?: string
  readonly application?: string
  readonly project?: string
  readonly cluster?: string
  readonly since?: string
  readonly until?: string
  readonly limit: number
  readonly follow?: boolean
}

const COLUMNS: readonly Column[] = [
  column('AT', 'at'),
  column('EVENT', 'event'),
  column('SUBJECT', 'subject'),
  column('BY', 'by'),
  { heading: 'APPLICATIONS', text: row => String(listAt(row, 'applications').length || '-'), wide: true },
  column('MESSAGE', 'message'),
  wideColumn('ID', 'id'),
]

const FOLLOW_MS = 2_000
/** Looked at anew when following; what happens faster is listed by asking for more. */
const MOST_NEW = 200

/**
 * What happened, newest first; with `--follow` what happens, oldest first, until it is interrupted.
 *
 * @param operation `listActivity`, or `listEvents` for what changed nothing as well.
 * @throws CliError
 */
export async function listActivity(
  context: CliContext,
  flags: ActivityFlags,
  operation: 'listActivity' | 'listEvents',
): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'wide', 'json', 'yaml', 'name'])
  const { kind, event, application, project, cluster, since, until } = flags
  const given = { event, application, project, cluster, since, until, ...(operation === 'listActivity' && { kind }) }
  const query = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return await withHubApi(flags, context, async (api): Promise<ExitCode> => {
    const pages = async (limit: number): Promise<readonly JsonObject[]> => {
      const found: JsonObject[] = []
      let cursor: string | undefined
      do {
        const wanted = {
          ...query,
          limit: Math.min(1_000, limit - found.length),
          ...(cursor !== undefined && { cursor }),
        }
        const page = await api.call(operation, { query: wanted })
        found.push(...(page.items as readonly unknown[] as readonly JsonObject[]))
        cursor = page.next ?? undefined
      } while (cursor !== undefined && found.length < limit)
      return found
    }
    const items = await pages(flags.limit)
    if (!flags.follow) {
      const rows = format === 'name' ? items.map(each => ({ ...each, name: textAt(each, 'id') })) : items
      await printRows(context, flags, format, { items: rows, whole: { items } }, COLUMNS, 'nothing has happened')
      return 0
    }
    const told = new Set<string>()
    const tell = (entries: readonly JsonObject[]): void => {
      for (const entry of entries.toReversed()) {
        if (told.has(textAt(entry, 'id'))) continue
        told.add(textAt(entry, 'id'))
        context.stdout.write(format === 'json' ? `${JSON.stringify(entry)}\n` : lineOf(entry))
      }
    }
    tell(items)
    // Until it is interrupted.
    for (;;) {
      await context.clock.sleep(FOLLOW_MS)
      tell(await pages(MOST_NEW))
    }
  })
}

function lineOf(entry: JsonObject): string {
  const text = (field: string) => printable(textAt(entry, field))
  return `${text('at')} ${text('event')} ${text('subject')} by ${text('by')}: ${text('message')}\n`
}
