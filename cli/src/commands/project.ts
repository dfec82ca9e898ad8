import type { Command } from 'commander'
import type { HubConnectionOptions } from '../client/open-hub-api.ts'
import type { ExitCode } from '../context.ts'
import type { GlobalOptions } from '../output/formats.ts'
import { action, type Verb } from './verb.ts'

type Flags = GlobalOptions & HubConnectionOptions & { readonly team?: string }

/** `flotilla project list|get`. */
export const project: Verb = {
  register(program, context) {
    const parent = program.command('project').description('Projects: what Applications may use, and who may do what')
    parent
      .command('list')
      .description('list the Projects that you may see')
      .option('--team <name>', 'only those that this Team owns or watches')
      .addHelpText('after', '\nExample:\n  flotilla project list --team shop')
      .action(
        action(context, async (_flags: object, command: Command): Promise<ExitCode> => {
          const flags: Flags = command.optsWithGlobals()
          const { listAll } = await import('../client/get-one.ts')
          const { PROJECT_COLUMNS } = await import('../client/team-columns.ts')
          const query = flags.team === undefined ? {} : { team: flags.team }
          const list = { context, flags, columns: PROJECT_COLUMNS }
          return await listAll({ ...list, list: api => api.list('listProjects', { query }) })
        }),
      )
    parent
      .command('get')
      .description('show one Project: its ceiling and its roles')
      .argument('<name>', 'its name')
      .addHelpText('after', '\nExample:\n  flotilla project get shop -o yaml')
      .action(
        action(context, async (name: string, _flags: object, command: Command): Promise<ExitCode> => {
          const flags: Flags = command.optsWithGlobals()
          const { getOne } = await import('../client/get-one.ts')
          const { PROJECT_COLUMNS, projectDetails: details } = await import('../client/team-columns.ts')
          const kind = 'Project'
          return await getOne({ context, flags, read: 'getProject', kind, name, columns: PROJECT_COLUMNS, details })
        }),
      )
  },
}
