import type { JsonObject } from '@flotilla/core/json/json'
import { listAt, textAt } from '@flotilla/core/json/read-json'
import type { CliContext, ExitCode } from '../context.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { type HubConnectionOptions, withHubApi } from './open-hub-api.ts'
import { type Column, column, printRows } from './print-rows.ts'

type Flags = GlobalOptions & HubConnectionOptions & { readonly yes?: boolean; readonly reason: string }

const COLUMNS: readonly Column[] = [
  column('APPLICATION', 'name'),
  column('PROJECT', 'project'),
  column('STATUS', 'status'),
  column('REASON', 'reason'),
]

/**
 * Lets go of what a cluster has that nobody wants there any more: shows the list, and with `--yes` lets go of exactly
 * that. 1 when nothing was done, or there was nothing to do. @throws CliError
 */
export async function releaseCluster(context: CliContext, flags: Flags, name: string): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'json', 'yaml', 'name'])
  const what = `Cluster "${name}"`
  return await withHubApi(flags, context, async api => {
    const planned = await api.call('releaseCluster', { path: { name }, body: { dryRun: true } }, what)
    const { digest, released } = planned
    if (flags.yes !== true || released.length === 0) {
      await print(context, flags, format, planned)
      const them = released.length === 1 ? 'it' : `these ${released.length}`
      context.stderr.write(
        released.length === 0 ? 'nothing can be let go\n' : `nothing was done; --yes to let go of ${them}\n`,
      )
      return 1
    }
    // Exactly what was read just now: what comes meanwhile is refused.
    const body = { digest, reason: flags.reason }
    const done = await api.call('releaseCluster', { path: { name }, body }, what)
    await print(context, flags, format, done)
    if (!flags.quiet)
      context.stderr.write(`let go of ${released.length} on "${name}"; their objects stay as they are\n`)
    return 0
  })
}

async function print(context: CliContext, flags: Flags, format: ReturnType<typeof formatOf>, whole: JsonObject) {
  const status = textAt(whole, 'status')
  const rows = [
    ...(listAt(whole, 'released') as readonly JsonObject[]).map(each => ({ ...each, status, reason: '' })),
    ...(listAt(whole, 'kept') as readonly JsonObject[]).map(each => ({ ...each, status: 'kept' })),
  ]
  await printRows(context, flags, format, { items: rows, whole }, COLUMNS)
}
