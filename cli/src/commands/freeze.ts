import type { Command } from 'commander'
import { Option } from 'commander'
import type { Flags, StopTheLine } from '../client/gates.ts'
import type { CliContext, ExitCode } from '../context.ts'
import { readTextFile } from './read-text-file.ts'
import { type ScopeOptions, scopeOf, withScope } from './scope-options.ts'
import { action, type Verb } from './verb.ts'

const STATES = ['active', 'scheduled', 'indeterminate', 'over', 'ended', 'all']

/** `flotilla freeze list|get|create|edit|end|calendar|now`. */
export const freeze: Verb = {
  register(program, context) {
    const parent = program.command('freeze').description('freeze periods: when nothing changes; now: stop the line')
    registerReads(parent, context)
    registerWrites(parent, context)
  },
}

function registerReads(parent: Command, context: CliContext): void {
  parent
    .command('list')
    .description('list freezes, those of Git and those made through the hub')
    .addOption(new Option('--state <state>', 'only in this state; those that are not over without it').choices(STATES))
    .addHelpText('after', '\nExample:\n  flotilla freeze list --state all -o wide')
    .action(
      action(context, async (_: object, command: Command): Promise<ExitCode> => {
        const flags: Flags & { readonly state?: string } = command.optsWithGlobals()
        const { listGates } = await import('../client/gates.ts')
        const { GATE_COLUMNS } = await import('../client/gate-columns.ts')
        return await listGates(context, flags, {
          list: api => api.list('listFreezes', { query: { state: flags.state } }),
          columns: GATE_COLUMNS,
          nothing: 'nothing is frozen, and no freeze is to come',
        })
      }),
    )
  parent
    .command('get')
    .description('show one freeze and how far it has got; -o yaml gives the document for a config repository')
    .argument('<name>', 'its name')
    .addHelpText('after', '\nExample:\n  flotilla freeze get year-end -o yaml > fleet/freezes/year-end.yaml')
    .action(
      action(context, async (name: string, _: object, command: Command): Promise<ExitCode> => {
        const { getGate } = await import('../client/gates.ts')
        return await getGate(context, command.optsWithGlobals(), 'freeze', name)
      }),
    )
  parent
    .command('calendar')
    .description('freezes and windows as an iCalendar; --imported lists the calendars that freezes name')
    .option('--imported', 'the calendars that hub.yaml imports: when each was last fetched, and what is wrong')
    .option('--kinds <kinds>', 'only freezes, or only windows')
    .addHelpText('after', '\nExample:\n  flotilla freeze calendar --kinds freezes > freezes.ics')
    .action(
      action(context, async (_: object, command: Command): Promise<ExitCode> => {
        const flags: Flags & { readonly imported?: boolean; readonly kinds?: string } = command.optsWithGlobals()
        const { listGates } = await import('../client/gates.ts')
        const { CALENDAR_COLUMNS } = await import('../client/gate-columns.ts')
        if (flags.imported === true) {
          const nothing = 'hub.yaml imports no calendar'
          return await listGates(context, flags, {
            list: api => api.list('listCalendars', {}),
            columns: CALENDAR_COLUMNS,
            nothing,
          })
        }
        const { withHubApi } = await import('../client/open-hub-api.ts')
        const { text } = await withHubApi(flags, context, api =>
          api.text('gateCalendar', { query: { kinds: flags.kinds } }),
        )
        context.stdout.write(text)
        return 0
      }),
    )
}

interface NowOptions extends Flags, ScopeOptions {
  readonly reason: string
  readonly for?: string
  readonly until?: string
  readonly soft?: boolean
  readonly inFlight: string
  readonly name?: string
  readonly owner?: string
}

function registerWrites(parent: Command, context: CliContext): void {
  parent
    .command('create')
    .description('make the freezes of a file; none can begin in the past')
    .requiredOption('-f, --file <file>', 'FreezePeriods, YAML or JSON; - reads standard input')
    .addHelpText('after', '\nExample:\n  flotilla freeze create -f year-end.yaml')
    .action(
      action(context, async (_: object, command: Command): Promise<ExitCode> => {
        const flags: Flags & { readonly file: string } = command.optsWithGlobals()
        const { createGates } = await import('../client/gates.ts')
        const text = await readTextFile(context, flags.file)
        return await createGates(context, flags, 'freeze', { file: flags.file, text })
      }),
    )
  parent
    .command('edit')
    .description('change a freeze to what a file says; one that holds now is made to hold less only with approval')
    .argument('<name>', 'its name')
    .requiredOption('-f, --file <file>', 'the FreezePeriod as it is to be; - reads standard input')
    .option('--reason <text>', 'why; kept, and read by whoever approves', '')
    .addHelpText('after', '\nExample:\n  flotilla freeze edit year-end -f year-end.yaml --reason "INC-12 early end"')
    .action(
      action(context, async (name: string, _: object, command: Command): Promise<ExitCode> => {
        const flags: Flags & { readonly file: string; readonly reason: string } = command.optsWithGlobals()
        const { editGate } = await import('../client/gates.ts')
        const text = await readTextFile(context, flags.file)
        return await editGate(context, flags, 'freeze', { name, file: flags.file, text, reason: flags.reason })
      }),
    )
  parent
    .command('end')
    .description('end a freeze; one that holds now only when somebody else approves')
    .argument('<name>', 'its name')
    .option('--reason <text>', 'why; kept, and read by whoever approves', '')
    .addHelpText('after', '\nExample:\n  flotilla freeze end year-end --reason "INC-12 all clear"')
    .action(
      action(context, async (name: string, _: object, command: Command): Promise<ExitCode> => {
        const flags: Flags & { readonly reason: string } = command.optsWithGlobals()
        const { endFreeze } = await import('../client/gates.ts')
        return await endFreeze(context, flags, name, flags.reason)
      }),
    )
  withScope(
    parent
      .command('now')
      .description('stop the line: freeze the fleet, or a part of it, at once')
      .requiredOption('--reason <text>', 'shown to everybody who is held'),
  )
    .option('--for <duration>', 'it ends by itself after this; 24h when nothing is said')
    .option('--until <time>', 'it ends by itself then, an instant such as 2026-12-24T12:00:00Z')
    .option('--soft', 'people may go on by hand, with a reason')
    .addOption(
      new Option('--in-flight <what>', 'what becomes of operations that run')
        .choices(['finish', 'pauseAtWave', 'terminate'])
        .default('pauseAtWave'),
    )
    .option('--name <name>', 'its name; stop-<time> without it')
    .option('--owner <team>', 'the team that owns it')
    .addHelpText(
      'after',
      '\nExamples:\n  flotilla freeze now --all --reason "INC-12 payments"\n  flotilla freeze now --environment prod --for 4h --reason "INC-12 payments"',
    )
    .action(
      action(context, async (_: object, command: Command): Promise<ExitCode> => {
        const flags: NowOptions = command.optsWithGlobals()
        const { usageError } = await import('../errors.ts')
        const scope = scopeOf(flags)
        if (scope === undefined) throw usageError('it is not said what to freeze', 'give --all, or a part of the fleet')
        if (flags.for !== undefined && flags.until !== undefined) throw usageError('--for or --until, not both')
        const { freezeNow } = await import('../client/gates.ts')
        const body = {
          ...{ scope, reason: flags.reason, level: flags.soft === true ? 'soft' : 'hard', inFlight: flags.inFlight },
          until: flags.until ?? `+${flags.for ?? '24h'}`,
          ...(flags.name !== undefined && { name: flags.name }),
          ...(flags.owner !== undefined && { owner: flags.owner }),
        } as StopTheLine
        return await freezeNow(context, flags, body)
      }),
    )
}
