import { parseInstant } from '@flotilla/core/gates/civil-time'
import { parseGoDuration } from '@flotilla/core/gates/go-duration'
import type { JsonObject } from '@flotilla/core/json/json'
import { textAt } from '@flotilla/core/json/read-json'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import type { Operations } from '@flotilla/hub/client/operations'
import type { Command } from 'commander'
import { Option } from 'commander'
import type { Flags } from '../client/gates.ts'
import type { HubApi } from '../client/hub-api.ts'
import type { CliContext, ExitCode } from '../context.ts'
import { usageError } from '../errors.ts'
import { formatOf } from '../output/formats.ts'
import { type ScopeOptions, scopeOf, withScope } from './scope-options.ts'
import { action, type Verb } from './verb.ts'

interface RequestOptions extends Flags, ScopeOptions {
  readonly reason: string
  readonly for?: string
  readonly until?: string
  readonly from: string
  readonly covers: string
  readonly actions: string
  readonly bundle?: string
  readonly maxUses?: string
  readonly includeAutomated?: boolean
}

/** `flotilla override request|approve|revoke|review|list|get`. */
export const override: Verb = {
  register(program, context) {
    const parent = program
      .command('override')
      .description('break-glass: a way through freezes and windows that a second person approves')
    registerRequest(parent, context)
    registerReads(parent, context)
    registerSteps(parent, context)
  },
}

function registerRequest(parent: Command, context: CliContext): void {
  withScope(
    parent
      .command('request')
      .description('ask for break-glass; somebody else has to approve it, and it gives no permission')
      .requiredOption('--reason <text>', 'why, with the ticket where a freeze wants one'),
  )
    .option('--for <duration>', 'how long, such as 2h')
    .option('--until <time>', 'until when, an instant such as 2026-12-24T12:00:00Z')
    .option('--from <time>', 'from when', 'now')
    .option('--covers <kinds>', 'freeze, window, or both with a comma between', 'freeze,window')
    .option('--actions <actions>', 'what may be done, with commas between', 'sync')
    .option('--bundle <digest>', 'this content only')
    .option('--max-uses <count>', 'how often it may be used')
    .option('--include-automated', 'for what the hub starts by itself, too')
    .addHelpText(
      'after',
      '\nExample:\n  flotilla override request --app checkout --for 2h --max-uses 1 --reason "INC-4711 payments fail"',
    )
    .action(
      action(context, async (_: object, command: Command): Promise<ExitCode> => {
        const flags: RequestOptions = command.optsWithGlobals()
        const scope = scopeOf(flags)
        if (scope === undefined) throw usageError('it is not said what for', 'give --app, or another part of the fleet')
        if ((flags.for === undefined) === (flags.until === undefined)) throw usageError('give --for or --until')
        const { maxUses } = flags
        if (maxUses !== undefined && !/^\d{1,6}$/.test(maxUses)) throw usageError(`--max-uses ${maxUses} is no number`)
        const body = {
          ...{ scope, reason: flags.reason, from: flags.from, until: flags.until ?? untilOf(flags.from, flags.for!) },
          ...{ covers: flags.covers.split(','), actions: flags.actions.split(',') },
          ...(flags.bundle !== undefined && { bundle: flags.bundle }),
          ...(maxUses !== undefined && { maxUses: Number(maxUses) }),
          ...(flags.includeAutomated === true && { includeAutomated: true }),
        } as Operations['requestOverride']['body']
        return await act(context, flags, api => api.call('requestOverride', { body }))
      }),
    )
}

/** A duration counts from the beginning; the hub, which knows the time, adds it to now. @throws CliError */
function untilOf(from: string, duration: string): string {
  if (from === 'now') return `+${duration}`
  const [at, ms] = [parseInstant(from), parseGoDuration(duration)]
  if (at === undefined) throw usageError(`--from ${from} is no instant such as 2026-12-24T12:00:00Z`)
  if (ms === undefined) throw usageError(`--for ${duration} is no duration such as 2h`)
  return isoTime(at + ms)
}

function registerReads(parent: Command, context: CliContext): void {
  parent
    .command('list')
    .description('what was asked for, who approved it, what it was used for')
    .addOption(
      new Option('--state <state>', 'only in this state').choices(['Pending', 'Active', 'Used', 'Expired', 'Revoked']),
    )
    .option('--review', 'only those that somebody still has to look back at')
    .addHelpText('after', '\nExample:\n  flotilla override list --state Pending')
    .action(
      action(context, async (_: object, command: Command): Promise<ExitCode> => {
        const flags: Flags & { readonly state?: string; readonly review?: boolean } = command.optsWithGlobals()
        const { listGates } = await import('../client/gates.ts')
        const { OVERRIDE_COLUMNS } = await import('../client/gate-columns.ts')
        return await listGates(context, flags, {
          list: api =>
            api.list('listOverrides', {
              query: { state: flags.state, review: flags.review === true ? 'open' : undefined },
            }),
          columns: OVERRIDE_COLUMNS,
          nothing: 'there is no override',
          nameOf: row => textAt(row, 'id'),
        })
      }),
    )
  parent
    .command('get')
    .description('show one override: what would have blocked, approvals, uses')
    .argument('<id>', 'its id')
    .addHelpText('after', '\nExample:\n  flotilla override get 0190a1b2-… -o yaml')
    .action(
      action(context, async (id: string, _: object, command: Command): Promise<ExitCode> => {
        const flags: Flags = command.optsWithGlobals()
        const { withHubApi } = await import('../client/open-hub-api.ts')
        const found = await withHubApi(flags, context, api =>
          api.call('getOverride', { path: { id } }, `override "${id}"`),
        )
        return await show(context, flags, found)
      }),
    )
}

function registerSteps(parent: Command, context: CliContext): void {
  const steps = [
    ['approve', 'approve what somebody else has asked for; also a change of an active freeze', 'comment', 'agreed'],
    ['revoke', 'end it at once, or take the request back', 'reason', 'mended otherwise'],
    ['review', 'look back at one that is over, and close it', 'comment', 'cause found, see the report'],
  ] as const
  for (const [name, description, text, example] of steps) {
    const command = parent.command(name).description(description).argument('<id>', 'its id')
    if (name === 'review') command.requiredOption(`--${text} <text>`, 'what was found; kept with it')
    else command.option(`--${text} <text>`, 'kept with it', '')
    command.addHelpText('after', `\nExample:\n  flotilla override ${name} 0190a1b2-… --${text} "${example}"`).action(
      action(context, async (id: string, _: object, self: Command): Promise<ExitCode> => {
        const flags: Flags & { readonly comment?: string; readonly reason?: string } = self.optsWithGlobals()
        const said = flags[text] ?? ''
        const what = `override "${id}"`
        return await act(context, flags, api => {
          if (name === 'revoke') return api.call('revokeOverride', { path: { id }, body: { reason: said } }, what)
          return api.call(`${name}Override`, { path: { id }, body: { comment: said } }, what)
        })
      }),
    )
  }
}

async function act(context: CliContext, flags: Flags, ask: (api: HubApi) => Promise<JsonObject>): Promise<ExitCode> {
  const { withHubApi } = await import('../client/open-hub-api.ts')
  return await show(context, flags, await withHubApi(flags, context, ask))
}

async function show(context: CliContext, flags: Flags, row: JsonObject): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'wide', 'json', 'yaml', 'name'])
  const { printRows } = await import('../client/print-rows.ts')
  const { OVERRIDE_COLUMNS } = await import('../client/gate-columns.ts')
  const { overrideDetails } = await import('../client/override-details.ts')
  const id = textAt(row, 'id')
  await printRows(context, flags, format, { items: [{ ...row, name: id }], whole: row }, OVERRIDE_COLUMNS)
  if (format === 'table' || format === 'wide') context.stdout.write(overrideDetails(row))
  if (textAt(row, 'state') === 'Pending' && flags.quiet !== true && format !== 'name') {
    context.stderr.write(`it opens nothing yet; somebody else says: flotilla override approve ${id}\n`)
  }
  return 0
}
