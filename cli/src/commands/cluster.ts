import type { JsonObject } from '@flotilla/core/json/json'
import { textAt } from '@flotilla/core/json/read-json'
import type { Command } from 'commander'
import type { HubConnectionOptions } from '../client/open-hub-api.ts'
import type { ExitCode } from '../context.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { action, type Verb } from './verb.ts'

type Flags = GlobalOptions & HubConnectionOptions

/** `flotilla cluster list|get|join-token`. */
export const cluster: Verb = {
  register(program, context) {
    const parent = program.command('cluster').description('clusters of the fleet, and how new ones join')
    parent
      .command('list')
      .description('list clusters, declared or joined')
      .addHelpText('after', '\nExample:\n  flotilla cluster list -o wide')
      .action(
        action(context, async (_flags: object, command: Command): Promise<ExitCode> => {
          const flags: Flags = command.optsWithGlobals()
          const { listAll } = await import('../client/get-one.ts')
          const { CLUSTER_COLUMNS } = await import('../client/columns.ts')
          return await listAll({ context, flags, path: '/api/v1/clusters', columns: CLUSTER_COLUMNS })
        }),
      )
    parent
      .command('get')
      .description('show one cluster')
      .argument('<name>', 'its name')
      .addHelpText('after', '\nExample:\n  flotilla cluster get eu-1 -o json')
      .action(
        action(context, async (name: string, _flags: object, command: Command): Promise<ExitCode> => {
          const flags: Flags = command.optsWithGlobals()
          const { getOne } = await import('../client/get-one.ts')
          const { clusterDetails } = await import('../client/details.ts')
          const { CLUSTER_COLUMNS } = await import('../client/columns.ts')
          return await getOne({
            context,
            flags,
            path: '/api/v1/clusters',
            kind: 'Cluster',
            name,
            columns: CLUSTER_COLUMNS,
            details: clusterDetails,
          })
        }),
      )
    parent
      .command('join-token')
      .description('make a token with which the agent of one cluster joins, once')
      .requiredOption('--cluster <name>', 'a Cluster that the config repository declares')
      .addHelpText('after', '\nExample:\n  flotilla cluster join-token --cluster eu-1 > eu-1.token')
      .action(
        action(context, async (_flags: object, command: Command): Promise<ExitCode> => {
          const flags: Flags & { readonly cluster: string } = command.optsWithGlobals()
          const format = formatOf(flags, ['table', 'json', 'yaml'])
          const { withHubApi } = await import('../client/open-hub-api.ts')
          const path = `/api/v1/clusters/${encodeURIComponent(flags.cluster)}/join-tokens`
          const made: JsonObject = await withHubApi(flags, context, api =>
            api.post(path, undefined, `Cluster "${flags.cluster}"`),
          )
          if (format !== 'table') {
            const { printData } = await import('../output/data.ts')
            printData(context, format, made)
            return 0
          }
          // The token alone on stdout, so that it can be piped to where it is needed.
          context.stdout.write(`${textAt(made, 'token')}\n`)
          if (!flags.quiet) {
            context.stderr.write(
              `good once, for ${flags.cluster}, until ${textAt(made, 'expiresAt')}; shown only now\n`,
            )
          }
          return 0
        }),
      )
  },
}
