import type { JsonObject } from '@flotilla/core/json/json'
import type { Command } from 'commander'
import type { HubConnectionOptions } from '../client/open-hub-api.ts'
import type { ExitCode } from '../context.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { registerAppHistory } from './app-history.ts'
import { registerAppOperations } from './app-operations.ts'
import { registerAppReads } from './app-reads.ts'
import { registerAppSchedule } from './app-schedule.ts'
import { registerAppStreams } from './app-streams.ts'
import { wholeNumber } from './numbers.ts'
import { action, type Verb } from './verb.ts'

interface ListFlags extends GlobalOptions, HubConnectionOptions {
  readonly selector?: string
  readonly project?: string
  readonly cluster?: string
  readonly environment?: string
  readonly set?: string
  readonly namespace?: string
  readonly sync?: string
  readonly health?: string
  readonly state?: string
  readonly search?: string
  readonly image?: string
  readonly sort?: string
  readonly limit?: string
}

const FORMATS = ['table', 'wide', 'json', 'yaml', 'name'] as const

/** `flotilla app list|get`, and what app-operations.ts adds. */
export const app: Verb = {
  register(program, context) {
    const parent = program.command('app').description('Applications, as the hub knows them')
    parent
      .command('list')
      .description('list Applications')
      .option('-l, --selector <labels>', 'as for kubectl: tier=gold,env in (dev,prod)')
      .option('--project <names>', 'only of these Projects; commas between several, here and below')
      .option('--cluster <names>', 'only for these clusters')
      .option('--environment <names>', 'only in these environments')
      .option('--set <names>', 'only of these ApplicationSets')
      .option('--namespace <names>', 'only in these namespaces')
      .option('--sync <statuses>', 'Synced, OutOfSync, Unknown')
      .option('--health <statuses>', 'Healthy, Suspended, Progressing, Missing, Degraded, Unknown')
      .option('--state <states>', 'active, withdrawn, orphaned')
      .option('-q, --search <words>', 'words that all occur in it')
      .option('--image <names>', 'only what runs one of these images: registry.example.com/web, …/web:1.4, */web:*')
      .option('--sort <field>', 'name, health, …; with "-" before it in reverse')
      .option('--limit <n>', 'no more than so many')
      .addHelpText('after', '\nExample:\n  flotilla app list -l tier=gold --project shop --health Degraded')
      .action(
        action(context, async (_flags: object, command: Command): Promise<ExitCode> => {
          const flags: ListFlags = command.optsWithGlobals()
          const format = formatOf(flags, FORMATS)
          const limit = flags.limit === undefined ? undefined : wholeNumber('--limit', flags.limit, 1, 1_000_000)
          const { withHubApi } = await import('../client/open-hub-api.ts')
          const { printRows } = await import('../client/print-rows.ts')
          const { APPLICATION_COLUMNS } = await import('../client/columns.ts')
          const { project, cluster, environment, set, namespace, sync, health, state, sort } = flags
          const query = {
            project,
            cluster,
            environment,
            set,
            namespace,
            sync,
            health,
            state,
            sort,
            images: flags.image,
          }
          const listed = await withHubApi(flags, context, api =>
            api.list('listApplications', { query: { ...query, labels: flags.selector, q: flags.search } }, limit),
          )
          const whole: JsonObject = { items: listed.items, total: listed.total }
          await printRows(context, flags, format, { items: listed.items, whole }, APPLICATION_COLUMNS)
          if (!flags.quiet && listed.items.length < listed.total) {
            context.stderr.write(`${listed.items.length} of ${listed.total}\n`)
          }
          return 0
        }),
      )
    parent
      .command('get')
      .description('show one Application, and why it is held, not Synced or not Healthy')
      .argument('<name>', 'its name')
      .option('--tree', 'its objects besides, and what they have made')
      .addHelpText(
        'after',
        '\nExamples:\n  flotilla app get shop-checkout-eu-1 -o yaml\n  flotilla app get shop-checkout-eu-1 --tree',
      )
      .action(
        action(context, async (name: string, _flags: object, command: Command): Promise<ExitCode> => {
          const flags: GlobalOptions & HubConnectionOptions & { tree?: boolean } = command.optsWithGlobals()
          const { getOne } = await import('../client/get-one.ts')
          const { APPLICATION_COLUMNS } = await import('../client/columns.ts')
          const { applicationDetails: details } = await import('../client/details.ts')
          const kind = 'Application'
          const code = await getOne({
            context,
            flags,
            read: 'getApplication',
            kind,
            name,
            columns: APPLICATION_COLUMNS,
            details,
          })
          if (flags.tree !== true || code !== 0) return code
          const { printTree } = await import('../client/print-tree.ts')
          context.stdout.write('\n')
          return await printTree(context, flags, name)
        }),
      )
    registerAppReads(parent, context)
    registerAppOperations(parent, context)
    registerAppHistory(parent, context)
    registerAppStreams(parent, context)
    registerAppSchedule(parent, context)
  },
}
