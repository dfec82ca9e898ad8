import type { Command } from 'commander'
import type { HubConnectionOptions } from '../client/open-hub-api.ts'
import type { CliContext, ExitCode } from '../context.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { action, type Verb } from './verb.ts'

type Flags = GlobalOptions & HubConnectionOptions
interface ShareFlags extends Flags {
  readonly expires: string
  readonly note?: string
}

/** `flotilla team list|get|overview|share`. */
export const team: Verb = {
  register(program, context) {
    const parent = program.command('team').description('Teams: their people, and the Projects that they own and watch')
    parent
      .command('list')
      .description('list the Teams that you may see')
      .addHelpText('after', '\nExample:\n  flotilla team list')
      .action(
        action(context, async (_flags: object, command: Command): Promise<ExitCode> => {
          const flags: Flags = command.optsWithGlobals()
          const { listAll } = await import('../client/get-one.ts')
          const { TEAM_COLUMNS } = await import('../client/team-columns.ts')
          return await listAll({ context, flags, columns: TEAM_COLUMNS, list: api => api.list('listTeams', {}) })
        }),
      )
    named(parent, 'get', 'show one Team')
      .addHelpText('after', '\nExample:\n  flotilla team get shop')
      .action(
        action(context, async (name: string, _flags: object, command: Command): Promise<ExitCode> => {
          const flags: Flags = command.optsWithGlobals()
          const { getOne } = await import('../client/get-one.ts')
          const { TEAM_COLUMNS, teamDetails: details } = await import('../client/team-columns.ts')
          return await getOne({ context, flags, read: 'getTeam', kind: 'Team', name, columns: TEAM_COLUMNS, details })
        }),
      )
    named(parent, 'overview', 'how everything of a Team is, the worst first')
      .addHelpText('after', '\nExample:\n  flotilla team overview shop')
      .action(
        action(context, (name: string, _flags: object, command: Command) =>
          overview(context, name, command.optsWithGlobals()),
        ),
      )
    named(parent, 'share', "make a token that shows the Team's view and nothing else; it is shown once")
      .option('--expires <when>', 'when it ends: +168h, or a time; at most ninety days away', '+168h')
      .option('--note <text>', 'for whom it is')
      .addHelpText('after', '\nExample:\n  flotilla team share shop --expires +24h --note "audit of May"')
      .action(
        action(context, (name: string, _flags: object, command: Command) =>
          share(context, name, command.optsWithGlobals()),
        ),
      )
  },
}

function named(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description).argument('<name>', 'its name')
}

async function overview(context: CliContext, name: string, flags: Flags): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'wide', 'json', 'yaml', 'name'])
  const { withHubApi } = await import('../client/open-hub-api.ts')
  const { printRows } = await import('../client/print-rows.ts')
  const { APPLICATION_COLUMNS } = await import('../client/columns.ts')
  const { overviewText } = await import('../client/team-columns.ts')
  const found = await withHubApi(flags, context, api =>
    api.call('getTeamOverview', { path: { name } }, `Team "${name}"`),
  )
  if (format === 'table' || format === 'wide') context.stdout.write(overviewText(found))
  await printRows(context, flags, format, { items: found.attention.items, whole: found }, APPLICATION_COLUMNS)
  return 0
}

async function share(context: CliContext, name: string, flags: ShareFlags): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'json', 'yaml'])
  const { withHubApi } = await import('../client/open-hub-api.ts')
  const body = { expires: flags.expires, ...(flags.note !== undefined && { note: flags.note }) }
  const made = await withHubApi(flags, context, api =>
    api.call('shareTeamView', { path: { name }, body }, `Team "${name}"`),
  )
  if (format !== 'table') {
    const { printData } = await import('../output/data.ts')
    printData(context, format, made)
    return 0
  }
  context.stdout.write(`${made.token}\n`)
  context.stderr.write(
    `it sees the view of ${made.team} until ${made.expiresAt}; flotilla token revoke ${made.id} ends it\n`,
  )
  return 0
}
