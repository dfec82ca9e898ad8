import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import type { Command } from 'commander'
import type { HubConnectionOptions } from '../client/open-hub-api.ts'
import type { ExitCode } from '../context.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { action, type Verb } from './verb.ts'

/** `flotilla fleet`: the fleet at a glance, a line for each environment, cluster or Project. */
export const fleet: Verb = {
  register(program, context) {
    program
      .command('fleet')
      .description('the fleet at a glance')
      .option('--by <group>', 'environments, clusters or projects', 'environments')
      .addHelpText('after', '\nExamples:\n  flotilla fleet\n  flotilla fleet --by clusters -o wide')
      .action(
        action(context, async (_flags: object, command: Command): Promise<ExitCode> => {
          const flags: GlobalOptions & HubConnectionOptions & { readonly by: string } = command.optsWithGlobals()
          const format = formatOf(flags, ['table', 'wide', 'json', 'yaml', 'name'])
          const { usageError } = await import('../errors.ts')
          if (!['environments', 'clusters', 'projects'].includes(flags.by)) {
            throw usageError(`--by takes environments, clusters or projects, not "${flags.by}"`)
          }
          const { withHubApi } = await import('../client/open-hub-api.ts')
          const { column, printRows, wideColumn } = await import('../client/print-rows.ts')
          const whole: JsonObject = await withHubApi(flags, context, api => api.call('getFleet', {}))
          const groups = whole[flags.by]
          const rows = (isJsonObject(groups) ? Object.entries(groups) : []).map(
            ([name, tally]): JsonObject => ({ name, ...(isJsonObject(tally) ? tally : {}) }),
          )
          const all = whole['applications']
          const items = format === 'name' ? rows : [...rows, { name: 'all', ...(isJsonObject(all) ? all : {}) }]
          await printRows(context, flags, format, { items, whole }, [
            column(flags.by.slice(0, -1).toUpperCase(), 'name'),
            column('APPLICATIONS', 'total'),
            column('SYNCED', 'sync', 'Synced'),
            column('HEALTHY', 'health', 'Healthy'),
            column('HELD', 'held'),
            wideColumn('OUT OF SYNC', 'sync', 'OutOfSync'),
            wideColumn('PROGRESSING', 'health', 'Progressing'),
            wideColumn('DEGRADED', 'health', 'Degraded'),
            wideColumn('UNKNOWN', 'health', 'Unknown'),
          ])
          const { recoveryText } = await import('../client/recovery-text.ts')
          context.stderr.write(recoveryText(whole))
          return 0
        }),
      )
  },
}
