import type { JsonObject } from '@flotilla/core/json/json'
import { textAt } from '@flotilla/core/json/read-json'
import type { Command } from 'commander'
import type { HubConnectionOptions } from '../client/open-hub-api.ts'
import type { CliContext, ExitCode } from '../context.ts'
import { usageError } from '../errors.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { action, type Verb } from './verb.ts'

type Flags = GlobalOptions & HubConnectionOptions
type TokenFlags = Flags & {
  readonly cluster?: string
  readonly pending?: boolean
  readonly labels?: string
  readonly max?: string
  readonly expires?: string
}

/** `flotilla cluster list|get|join-token|approve|reject|revoke|release`. */
export const cluster: Verb = {
  register(program, context) {
    const parent = program.command('cluster').description('clusters of the fleet, and how new ones join')
    parent
      .command('list')
      .description('list clusters, declared or joined, and the agents that wait for approval')
      .addHelpText('after', '\nExample:\n  flotilla cluster list -o wide')
      .action(
        action(context, async (_flags: object, command: Command): Promise<ExitCode> => {
          const { listClusters } = await import('../client/admissions.ts')
          return await listClusters(context, command.optsWithGlobals<Flags>())
        }),
      )
    parent
      .command('get')
      .description('show one cluster, and what is wrong with it')
      .argument('<name>', 'its name')
      .addHelpText('after', '\nExample:\n  flotilla cluster get eu-1 -o json')
      .action(
        action(context, async (name: string, _flags: object, command: Command): Promise<ExitCode> => {
          const flags: Flags = command.optsWithGlobals()
          const { getOne } = await import('../client/get-one.ts')
          const { CLUSTER_COLUMNS } = await import('../client/columns.ts')
          const { clusterDetails } = await import('../client/cluster-details.ts')
          const about = {
            read: 'getCluster',
            kind: 'Cluster',
            columns: CLUSTER_COLUMNS,
            details: clusterDetails,
          } as const
          return await getOne({ context, flags, name, ...about })
        }),
      )
    registerJoinToken(parent, context)
    registerDecisions(parent, context)
  },
}

function registerJoinToken(parent: Command, context: CliContext): void {
  parent
    .command('join-token')
    .description('make a token with which the agent of one cluster joins, once, or with which many ask to')
    .option('--cluster <name>', 'for one: a Cluster of the fleet')
    .option('--pending', 'for many: each agent waits for approval')
    .option('--labels <pairs>', 'with --pending: labels of the Clusters, site=store,env=prod')
    .option('--max <count>', 'with --pending: how many agents may ask')
    .option('--expires <duration>', 'with --pending: how long it is good, such as 7d (at most 30d)')
    .addHelpText(
      'after',
      '\nExamples:\n  flotilla cluster join-token --cluster eu-1 > eu-1.token' +
        '\n  flotilla cluster join-token --pending --labels site=store --max 500 --expires 7d > stores.token',
    )
    .action(
      action(context, async (_flags: object, command: Command): Promise<ExitCode> => {
        const flags: TokenFlags = command.optsWithGlobals()
        if ((flags.cluster === undefined) === (flags.pending !== true)) {
          throw usageError('give either --cluster NAME or --pending')
        }
        if (flags.cluster === undefined) {
          const { pendingJoinToken } = await import('../client/admissions.ts')
          return await pendingJoinToken(context, flags)
        }
        return await boundToken(context, flags, flags.cluster)
      }),
    )
}

async function boundToken(context: CliContext, flags: TokenFlags, name: string): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'json', 'yaml'])
  const { withHubApi } = await import('../client/open-hub-api.ts')
  const made: JsonObject = await withHubApi(flags, context, api =>
    api.call('createJoinToken', { path: { name } }, `Cluster "${name}"`),
  )
  if (format !== 'table') {
    const { printData } = await import('../output/data.ts')
    printData(context, format, made)
    return 0
  }
  // The token alone on stdout, so that it can be piped to where it is needed.
  context.stdout.write(`${textAt(made, 'token')}\n`)
  if (!flags.quiet) {
    context.stderr.write(`good once, for ${name}, until ${textAt(made, 'expiresAt')}; shown only now\n`)
  }
  return 0
}

function registerDecisions(parent: Command, context: CliContext): void {
  parent
    .command('approve')
    .description('admit an agent that waits, or let it take the place of the one that has the name')
    .argument('<name-or-id>', 'its id, or the name that it waits for')
    .option('--name <name>', 'what the Cluster is to be called, if not what it proposes')
    .option('--enrolment <id>', 'which one, where several wait for the name')
    .option('--replace', 'end the agent that has the name now: its key and its results are void')
    .option('--labels <pairs>', 'labels of a Cluster that no document declares, instead of those that it proposes')
    .addHelpText(
      'after',
      '\nExamples:\n  flotilla cluster approve 3f9a1c2b4d5e6f708192 --name store-17\n  flotilla cluster approve eu-1 --replace',
    )
    .action(
      action(context, async (wanted: string, _flags: object, command: Command): Promise<ExitCode> => {
        const { approveCluster } = await import('../client/admissions.ts')
        return await approveCluster(context, command.optsWithGlobals(), wanted)
      }),
    )
  parent
    .command('reject')
    .description('say no to an agent that waits: its key is not admitted by its token any more')
    .argument('<id>', 'as "cluster list" shows it')
    .option('--reason <text>', 'kept in the audit log')
    .addHelpText('after', '\nExample:\n  flotilla cluster reject 3f9a1c2b4d5e6f708192')
    .action(
      action(context, async (id: string, _flags: object, command: Command): Promise<ExitCode> => {
        const { rejectEnrolment } = await import('../client/admissions.ts')
        return await rejectEnrolment(context, command.optsWithGlobals(), id)
      }),
    )
  parent
    .command('revoke')
    .description("refuse a cluster's agent from now on; what runs in the cluster stays as it is")
    .argument('[name]', 'the cluster')
    .option('--token <id>', 'a join token instead of a cluster')
    .option('--reason <text>', 'kept in the audit log')
    .addHelpText('after', '\nExample:\n  flotilla cluster revoke eu-1 --reason "machine was stolen"')
    .action(
      action(context, async (name: string | undefined, _flags: object, command: Command): Promise<ExitCode> => {
        const { revokeCluster } = await import('../client/admissions.ts')
        return await revokeCluster(context, command.optsWithGlobals(), name)
      }),
    )
  parent
    .command('release')
    .description('let go of what a removed cluster has, or of what Applications left on one; objects stay as they are')
    .argument('<name>', 'the cluster')
    .option('--yes', 'do it; without it the list is shown')
    .option('--reason <text>', 'kept in the audit log', '')
    .addHelpText('after', '\nExample:\n  flotilla cluster release store-17 --yes --reason "the store has closed"')
    .action(
      action(context, async (name: string, _flags: object, command: Command): Promise<ExitCode> => {
        const { releaseCluster } = await import('../client/release-cluster.ts')
        return await releaseCluster(context, command.optsWithGlobals(), name)
      }),
    )
}
