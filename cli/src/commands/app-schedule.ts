import { textAt } from '@flotilla/core/json/read-json'
import type { Command } from 'commander'
import { Option } from 'commander'
import type { Flags } from '../client/gates.ts'
import type { CliContext, ExitCode } from '../context.ts'
import { action } from './verb.ts'

interface ScheduleOptions extends Flags {
  readonly at: string
  readonly until?: string
  readonly prune?: boolean
  readonly reason: string
}

/** Syncs that are to come: `flotilla app schedule|scheduled|unschedule`. */
export function registerAppSchedule(parent: Command, context: CliContext): void {
  parent
    .command('schedule')
    .description('sync an Application from a time on, as soon as every gate is open')
    .argument('<name>', 'the Application')
    .requiredOption('--at <time>', 'not before: an instant such as 2026-12-24T02:00:00Z, or +6h')
    .option('--until <time>', 'not after; a day later without it')
    .option('--prune', 'delete what is no longer in the source')
    .option('--reason <text>', 'why; kept in the audit log, and needed under a soft freeze', '')
    .addHelpText('after', '\nExample:\n  flotilla app schedule shop-checkout-eu-1 --at 2026-12-24T02:00:00Z')
    .action(
      action(context, async (name: string, _: object, command: Command): Promise<ExitCode> => {
        const flags: ScheduleOptions = command.optsWithGlobals()
        const { at: notBefore, until: expires, prune, reason } = flags
        const { showScheduled } = await import('../client/scheduled.ts')
        const body = { notBefore, reason, prune: prune === true, ...(expires !== undefined && { expires }) }
        return await showScheduled(context, flags, api =>
          api.call('scheduleSync', { path: { name }, body }, `Application "${name}"`),
        )
      }),
    )
  parent
    .command('scheduled')
    .description('list syncs that are to come, and what became of those that were')
    .argument('[name]', 'of this Application alone')
    .addOption(
      new Option('--state <state>', 'only in this state').choices([
        ...['waiting', 'started', 'expired', 'cancelled', 'failed'],
      ]),
    )
    .addHelpText('after', '\nExample:\n  flotilla app scheduled --state waiting')
    .action(
      action(context, async (name: string | undefined, _: object, command: Command): Promise<ExitCode> => {
        const flags: Flags & { readonly state?: string } = command.optsWithGlobals()
        const { listGates } = await import('../client/gates.ts')
        const { SCHEDULED_COLUMNS } = await import('../client/scheduled.ts')
        return await listGates(context, flags, {
          list: api => api.list('listScheduledSyncs', { query: { application: name, state: flags.state } }),
          columns: SCHEDULED_COLUMNS,
          nothing: 'nothing is scheduled',
          nameOf: row => textAt(row, 'id'),
        })
      }),
    )
  parent
    .command('unschedule')
    .description('cancel a sync that has not started')
    .argument('<id>', 'its id')
    .option('--reason <text>', 'why; kept in the audit log', '')
    .addHelpText('after', '\nExample:\n  flotilla app unschedule 0190a1b2-… --reason "done by hand"')
    .action(
      action(context, async (id: string, _: object, command: Command): Promise<ExitCode> => {
        const flags: Flags & { readonly reason: string } = command.optsWithGlobals()
        const { showScheduled } = await import('../client/scheduled.ts')
        const body = { reason: flags.reason }
        return await showScheduled(context, flags, api =>
          api.call('cancelScheduledSync', { path: { id }, body }, `sync "${id}"`),
        )
      }),
    )
}
