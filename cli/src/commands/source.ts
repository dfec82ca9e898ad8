import type { Command } from 'commander'
import type { HubConnectionOptions } from '../client/open-hub-api.ts'
import type { ExitCode } from '../context.ts'
import type { GlobalOptions } from '../output/formats.ts'
import { action, type Verb } from './verb.ts'

type Flags = GlobalOptions & HubConnectionOptions

/** `flotilla source list|get|refresh`. */
export const source: Verb = {
  register(program, context) {
    const parent = program.command('source').description('config sources: what is in force, how old, what is wrong')
    parent
      .command('list')
      .description('list config sources')
      .addHelpText('after', '\nExample:\n  flotilla source list -o json | jq ".items[].diagnostics"')
      .action(
        action(context, async (_flags: object, command: Command): Promise<ExitCode> => {
          const flags: Flags = command.optsWithGlobals()
          const { listAll } = await import('../client/get-one.ts')
          const { SOURCE_COLUMNS } = await import('../client/columns.ts')
          return await listAll({ context, flags, list: api => api.list('listSources', {}), columns: SOURCE_COLUMNS })
        }),
      )
    parent
      .command('refresh')
      .description('look at the repository of a config source now')
      .argument('<name>', 'its name')
      .addHelpText('after', '\nExample:\n  flotilla source refresh platform')
      .action(
        action(context, async (name: string, _flags: object, command: Command): Promise<ExitCode> => {
          const flags: Flags = command.optsWithGlobals()
          const { withHubApi } = await import('../client/open-hub-api.ts')
          await withHubApi(flags, context, api =>
            api.call('refreshSource', { path: { name } }, `config source "${name}"`),
          )
          context.stdout.write(`looking at ${name}\n`)
          return 0
        }),
      )
    parent
      .command('get')
      .description('show one config source, every mistake in it, and what is in force as it was before')
      .argument('<name>', 'its name')
      .addHelpText('after', '\nExample:\n  flotilla source get platform -o yaml')
      .action(
        action(context, async (name: string, _flags: object, command: Command): Promise<ExitCode> => {
          const flags: Flags = command.optsWithGlobals()
          const { getOne } = await import('../client/get-one.ts')
          const { SOURCE_COLUMNS } = await import('../client/columns.ts')
          const { sourceDetails: details } = await import('../client/details.ts')
          const kind = 'config source'
          return await getOne({ context, flags, read: 'getSource', kind, name, columns: SOURCE_COLUMNS, details })
        }),
      )
  },
}
