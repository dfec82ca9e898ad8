import type { JsonObject } from '@flotilla/core/json/json'
import { listAt, textAt } from '@flotilla/core/json/read-json'
import type { CliContext, ExitCode } from '../context.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { printable } from '../output/table.ts'
import { type HubConnectionOptions, withHubApi } from './open-hub-api.ts'
import { type Column, column, printRows } from './print-rows.ts'

type Flags = GlobalOptions & HubConnectionOptions

const COLUMNS: readonly Column[] = [column('KEY', 'kid'), column('STATE', 'state'), column('SINCE', 'since')]

/** The keys by which the hub has ever signed. @throws CliError */
export async function listHubKeys(context: CliContext, flags: Flags): Promise<ExitCode> {
  return await show(context, flags, await withHubApi(flags, context, api => api.call('listHubKeys', {})))
}

/** Announces a new key, or with `force` signs with it now. @throws CliError */
export async function rotateHubKey(
  context: CliContext,
  flags: Flags & { readonly force?: boolean },
): Promise<ExitCode> {
  const body = { force: flags.force ?? false }
  const answer = await withHubApi(flags, context, api => api.call('rotateHubKey', { body }))
  await show(context, flags, answer)
  if (!flags.quiet) {
    context.stderr.write(
      'hub.key has changed; its copies are in the folder hub.key.backups beside it: keep one elsewhere\n',
    )
  }
  return 0
}

async function show(context: CliContext, flags: Flags, answer: JsonObject): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'json', 'yaml', 'name'])
  const items = listAt(answer, 'keys').map(key => ({ ...(key as JsonObject), name: textAt(key, 'kid') }))
  await printRows(context, flags, format, { items, whole: answer }, COLUMNS)
  const waiting = listAt(answer, 'waitingFor').map(String)
  if (format === 'table' && waiting.length > 0) {
    context.stdout.write(`\nthese clusters do not know the announced key yet: ${printable(waiting.join(', '))}\n`)
    context.stdout.write('it signs once they do, or now with: flotilla hub keys rotate --force\n')
  }
  return 0
}
