import type { Command } from 'commander'
import type { HubConnectionOptions } from '../client/open-hub-api.ts'
import type { CliContext, ExitCode } from '../context.ts'
import { usageError } from '../errors.ts'
import type { GlobalOptions } from '../output/formats.ts'
import { chosen } from './choose-applications.ts'
import { action } from './verb.ts'

type Flags = GlobalOptions & HubConnectionOptions

const REASON = ['--reason <text>', 'why; kept in the audit log', ''] as const
const YES = ['--yes', 'do it; without it the plan is shown and nothing is done'] as const
const WAIT = ['--wait <seconds>', 'how long to wait for the end; 0 does not wait', '60'] as const

/** What people do to Applications: `flotilla app sync|terminate|restart|scale|suspend|resume|delete-resource`. */
export function registerAppOperations(parent: Command, context: CliContext): void {
  registerMany(parent, context, 'sync', 'sync what is offered now')
  registerMany(parent, context, 'terminate', 'end the operation that runs, or take back its permission')
  registerOne(parent, context, 'restart', 'restart a Deployment, StatefulSet or DaemonSet: its pods are replaced')
  registerOne(parent, context, 'scale', 'scale an object to a number of replicas')
  registerOne(parent, context, 'suspend', 'suspend a CronJob or Job, or pause a Deployment')
  registerResume(parent, context)
  registerOne(parent, context, 'delete-resource', 'delete one object of an Application')
}

function registerMany(parent: Command, context: CliContext, verb: 'sync' | 'terminate', description: string): void {
  const command = chosen(parent.command(verb)).description(`${description}; many at once by selector`)
  if (verb === 'sync') {
    command
      .option('--dry-run', 'write nothing; the operation says what would be')
      .option('--prune', 'delete what is no longer in the source')
      .option('--force', 'delete and make again what refuses a change of a field for good')
      .option(
        '--revision <revision>',
        'another revision than Git says, of one Application; it is held there until it is unpinned',
      )
      .option(
        '--resource <object>',
        'only this object: GROUP/KIND NAMESPACE/NAME; several times for several',
        gathered,
        [],
      )
      .option('--retry-limit <n>', 'try it so often again when it fails; -1: as long as it may run')
      .option('--retry-backoff-duration <time>', 'with --retry-limit: the wait before the second attempt, say 10s')
      .option('--retry-backoff-factor <n>', 'with --retry-limit: each wait so many times as long as the one before')
      .option('--retry-backoff-max-duration <time>', 'with --retry-limit: no wait is longer, say 5m')
  }
  command
    .option(...REASON)
    .option(...YES)
    .option(...WAIT)
    .addHelpText(
      'after',
      verb === 'sync'
        ? '\nExamples:\n  flotilla app sync shop-checkout-eu-1 --yes\n  flotilla app sync -l tier=gold --project shop --dry-run --yes\n  flotilla app sync shop-checkout-eu-1 --resource "apps/Deployment shop/web" --yes'
        : '\nExample:\n  flotilla app terminate shop-checkout-eu-1 --reason "wrong version" --yes',
    )
    .action(
      action(context, async (names: readonly string[], _flags: object, ran: Command): Promise<ExitCode> => {
        const flags: Flags & object = ran.optsWithGlobals()
        const { revision } = flags as { readonly revision?: string }
        if (revision !== undefined) {
          const [name, ...more] = names
          if (name === undefined || more.length > 0)
            throw usageError('--revision is of one Application', 'name just that')
          const { syncRevision } = await import('../client/pins.ts')
          return await syncRevision(context, flags as never, name)
        }
        const { operateOnMany } = await import('../client/operate.ts')
        return await operateOnMany(context, flags as never, verb, names)
      }),
    )
}

type ObjectVerb = 'restart' | 'scale' | 'suspend' | 'delete-resource'

function registerOne(parent: Command, context: CliContext, verb: ObjectVerb, description: string): void {
  const command = parent
    .command(verb)
    .description(description)
    .argument('<name>', 'the Application')
    .argument('<object>', 'GROUP/KIND NAMESPACE/NAME, as `app get` writes it: "apps/Deployment shop/web"')
  if (verb === 'scale') command.requiredOption('--replicas <n>', 'to how many')
  command
    .option(...REASON)
    .option(...YES)
    .option(...WAIT)
    .addHelpText(
      'after',
      `\nExample:\n  flotilla app ${verb} shop-checkout-eu-1 "apps/Deployment shop/web"${verb === 'scale' ? ' --replicas 3' : ''} --yes`,
    )
    .action(
      action(context, async (name: string, object: string, _: object, ran: Command): Promise<ExitCode> => {
        const flags: Flags & object = ran.optsWithGlobals()
        const { operateOnObject } = await import('../client/operate.ts')
        return await operateOnObject(context, flags as never, verb, name, object)
      }),
    )
}

/** Of Applications, or of one object of one: no Application's name has a space, and what names an object has one. */
function registerResume(parent: Command, context: CliContext): void {
  chosen(parent.command('resume'))
    .description('go on with Applications that were paused, or with an object of one that was suspended')
    .option(...REASON)
    .option(...YES)
    .option('--wait <seconds>', 'of an object: how long to wait for the end; 0 does not wait', '60')
    .addHelpText(
      'after',
      '\nExamples:\n  flotilla app resume shop-checkout-eu-1 --yes\n  flotilla app resume -l tier=gold --project shop --yes\n  flotilla app resume shop-checkout-eu-1 "batch/CronJob shop/report" --yes',
    )
    .action(
      action(context, async (names: readonly string[], _: object, ran: Command): Promise<ExitCode> => {
        const flags: Flags & object = ran.optsWithGlobals()
        const [name = '', object, ...more] = names
        if (object?.includes(' ') && more.length === 0) {
          const { operateOnObject } = await import('../client/operate.ts')
          return await operateOnObject(context, flags as never, 'resume', name, object)
        }
        const { isOfMany, resume, resumeMany } = await import('../client/pins.ts')
        return isOfMany(flags as never, names)
          ? await resumeMany(context, flags as never, names)
          : await resume(context, flags as never, name)
      }),
    )
}

function gathered(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}
