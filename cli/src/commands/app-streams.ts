import type { Command } from 'commander'
import type { HubConnectionOptions } from '../client/open-hub-api.ts'
import type { CliContext, ExitCode } from '../context.ts'
import type { GlobalOptions } from '../output/formats.ts'
import { action } from './verb.ts'

const OBJECT = ['--object <object>', 'KIND/NAME, or in full GROUP/KIND NAMESPACE/NAME'] as const

/** `flotilla app logs|events`: what a cluster says while it runs, streamed by its agent. */
export function registerAppStreams(parent: Command, context: CliContext): void {
  const logs = parent
    .command('logs')
    .description('logs of the Pods of one object of an Application')
    .argument('<name>', 'the Application')
    .option(...OBJECT)
    .option('--container <name>', 'default: the first of each Pod')
    .option('-f, --follow', 'go on with what comes')
    .option('--previous', 'of the container that ran before')
    .option('--tail <n>', 'only so many of the last lines of each Pod; 500 where --since is not given either')
    .option('--since <time>', 'only what is not older: 30s, 10m, 2h, 1d')
    .option('--timestamps', 'when each line was printed')
    .addHelpText(
      'after',
      '\nExamples:\n  flotilla app logs shop-checkout-eu-1 --tail 50\n  flotilla app logs shop-checkout-eu-1 --object Deployment/checkout --follow',
    )
  const events = parent
    .command('events')
    .description('events about the objects of an Application, and about what those made')
    .argument('<name>', 'the Application')
    .option(...OBJECT)
    .option('--recorded', 'what the hub has kept of it, syncs and gates: the cluster is not asked')
    .addHelpText('after', '\nExample:\n  flotilla app events shop-checkout-eu-1')
  for (const [verb, command] of [
    ['logs', logs],
    ['events', events],
  ] as const) {
    command.action(
      action(context, async (name: string, _flags: object, ran: Command): Promise<ExitCode> => {
        const flags: GlobalOptions & HubConnectionOptions & { readonly recorded?: boolean } = ran.optsWithGlobals()
        if (flags.recorded) {
          const { listActivity } = await import('../client/activity.ts')
          return await listActivity(context, { ...flags, application: name, limit: 100 }, 'listEvents')
        }
        const { printStream } = await import('../client/stream.ts')
        return await printStream(context, flags, verb, name)
      }),
    )
  }
}
