import type { Command } from 'commander'
import type { HubConnectionOptions } from '../client/open-hub-api.ts'
import type { ManyFlags } from '../client/operate.ts'
import type { PinFlags } from '../client/pins.ts'
import type { CliContext, ExitCode } from '../context.ts'
import type { GlobalOptions } from '../output/formats.ts'
import { chosen } from './choose-applications.ts'
import { wholeNumber } from './numbers.ts'
import { action } from './verb.ts'

type Flags = GlobalOptions & HubConnectionOptions

const REASON = ['--reason <text>', 'why; kept in the audit log', ''] as const
const YES = ['--yes', 'do it; without it nothing is done'] as const
const UNTIL = ['--until <time>', 'ends by itself then: 2026-12-24T12:00:00Z, or 30m, 12h, 3d from now'] as const
const OPERATION = ['--operation <id>', 'to what this operation of its history put in force'] as const
const DIGEST = ['--digest <digest>', 'to what the newest success with this digest put in force'] as const

/** `flotilla app history|manifests|rollback|pin|unpin|pause`: what was, going back to it, and leaving it alone. */
export function registerAppHistory(parent: Command, context: CliContext): void {
  parent
    .command('history')
    .description('operations of an Application, newest first: failures, heals and prunes too')
    .argument('<name>', 'the Application')
    .option('--limit <n>', 'no more than so many', '20')
    .option('-q, --search <words>', 'words that all occur in an operation: its revision, phase, who asked, its message')
    .option('--sort <order>', 'at: the oldest first; -at: the newest first')
    .addHelpText('after', '\nExample:\n  flotilla app history shop-checkout-eu-1 -o wide')
    .action(
      action(context, async (name: string, _flags: object, ran: Command): Promise<ExitCode> => {
        const flags: Flags & { readonly limit: string; readonly search?: string; readonly sort?: string } =
          ran.optsWithGlobals()
        const limit = wholeNumber('--limit', flags.limit, 1, 1_000_000)
        const { listHistory } = await import('../client/history.ts')
        return await listHistory(context, { ...flags, limit }, name)
      }),
    )
  parent
    .command('manifests')
    .description('what an Application renders to, or what an operation of its history applied; Secrets are masked')
    .argument('<name>', 'the Application')
    .option('--revision <commit>', 'of its history, or how it begins')
    .option('--digest <digest>', 'as its history shows it')
    .addHelpText('after', '\nExample:\n  flotilla app manifests shop-checkout-eu-1 --revision 9f2c1ab')
    .action(
      action(context, async (name: string, _flags: object, ran: Command): Promise<ExitCode> => {
        const flags: Flags & { readonly digest?: string; readonly revision?: string } = ran.optsWithGlobals()
        const { printManifests } = await import('../client/history.ts')
        return await printManifests(context, flags, name)
      }),
    )
  const rollback = parent
    .command('rollback')
    .description('put back what was in force before, and hold it there until it is unpinned')
    .argument('<name>', 'the Application')
    .option(...OPERATION)
    .option(...DIGEST)
    .option('--prune', 'delete what it did not have then')
    .option('--dry-run', 'show what it would do, and do nothing')
    .option(...UNTIL)
    .option(...REASON)
    .option(...YES)
    .option('--wait <seconds>', 'how long to wait for the end; 0 does not wait', '60')
    .addHelpText('after', '\nExample:\n  flotilla app rollback shop-checkout-eu-1 --reason "500s since 14:02" --yes')
  const pin = parent
    .command('pin')
    .description('hold an Application to a revision, or to what it is now; nothing is started')
    .argument('<name>', 'the Application')
    .option(...OPERATION)
    .option(...DIGEST)
    .option('--revision <revision>', 'a commit, tag or branch of its source, as it is now')
    .option(...UNTIL)
    .option(...REASON)
    .option(...YES)
    .addHelpText('after', '\nExample:\n  flotilla app pin shop-checkout-eu-1 --until 12h --reason "sale tonight" --yes')
  const unpin = parent
    .command('unpin')
    .description('let Git say again what is wanted')
    .argument('<name>', 'the Application')
    .option(...REASON)
    .option(...YES)
    .addHelpText('after', '\nExample:\n  flotilla app unpin shop-checkout-eu-1 --yes')
  registerPause(parent, context)
  const verbs = Object.entries({ rollback, pin, unpin }) as ['rollback' | 'pin' | 'unpin', Command][]
  for (const [verb, command] of verbs) {
    command.action(
      action(context, async (name: string, _flags: object, ran: Command): Promise<ExitCode> => {
        const flags: PinFlags = ran.optsWithGlobals()
        const client = await import('../client/pins.ts')
        return await client[verb](context, flags, name)
      }),
    )
  }
}

function registerPause(parent: Command, context: CliContext): void {
  chosen(parent.command('pause'))
    .description('leave Applications alone: nothing of them starts by itself, and nothing is healed')
    .option(...UNTIL)
    .option(...REASON)
    .option(...YES)
    .addHelpText(
      'after',
      '\nExamples:\n  flotilla app pause shop-checkout-eu-1 --until 2h --reason "looking at it by hand" --yes\n  flotilla app pause -l tier=gold --project shop --until 2h --reason "database moves" --yes',
    )
    .action(
      action(context, async (names: readonly string[], _flags: object, ran: Command): Promise<ExitCode> => {
        const flags: PinFlags & ManyFlags = ran.optsWithGlobals()
        const { isOfMany, pause, pauseMany } = await import('../client/pins.ts')
        return isOfMany(flags, names)
          ? await pauseMany(context, flags, names)
          : await pause(context, flags, names[0] ?? '')
      }),
    )
}
