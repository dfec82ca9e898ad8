import { textAt } from '@flotilla/core/json/read-json'
import type { Command } from 'commander'
import { Option } from 'commander'
import type { Flags } from '../client/gates.ts'
import type { HubApi } from '../client/hub-api.ts'
import type { ExitCode } from '../context.ts'
import { formatOf } from '../output/formats.ts'
import { action, type Verb } from './verb.ts'

interface CreateOptions extends Flags {
  readonly name: string
  readonly role: 'admin' | 'readonly'
  readonly person?: boolean
  readonly expires?: string
}

/** `flotilla token create|list|revoke`. */
export const token: Verb = {
  register(program, context) {
    const parent = program.command('token').description("tokens for the hub's API: of people, and of programs")
    parent
      .command('create')
      .description('make a token; its text goes to standard output, once')
      .requiredOption('--name <name>', 'whose it is: ana@example.com, ci')
      .addOption(new Option('--role <role>', 'what it may').choices(['admin', 'readonly']).default('readonly'))
      .option('--person', 'it is shown by a person; programs approve nothing')
      .option('--expires <time>', 'an instant, or +720h')
      .addHelpText(
        'after',
        '\nExample:\n  flotilla token create --name ana@example.com --person --role admin > ana.token',
      )
      .action(
        action(context, async (_: object, command: Command): Promise<ExitCode> => {
          const flags: CreateOptions = command.optsWithGlobals()
          const format = formatOf(flags, ['table', 'json', 'yaml'])
          const { withHubApi } = await import('../client/open-hub-api.ts')
          const { name, role, expires } = flags
          const kind: 'person' | 'robot' = flags.person === true ? 'person' : 'robot'
          const body = { name, role, kind, ...(expires !== undefined && { expires }) }
          const made = await withHubApi(flags, context, api => api.call('createToken', { body }))
          if (format === 'table') {
            context.stdout.write(`${textAt(made, 'token')}\n`)
            if (flags.quiet !== true)
              context.stderr.write(`token ${textAt(made, 'id')} of ${name}: it is shown this once\n`)
            return 0
          }
          const { printData } = await import('../output/data.ts')
          printData(context, format, made)
          return 0
        }),
      )
    parent
      .command('list')
      .description('list the tokens that stand, without their secrets')
      .addHelpText('after', '\nExample:\n  flotilla token list')
      .action(
        action(context, async (_: object, command: Command): Promise<ExitCode> => {
          const { listGates } = await import('../client/gates.ts')
          const { TOKEN_COLUMNS } = await import('../client/gate-columns.ts')
          const wanted = {
            list: (api: HubApi) => api.list('listTokens', {}),
            columns: TOKEN_COLUMNS,
            nothing: 'there is no token',
          }
          return await listGates(context, command.optsWithGlobals(), wanted)
        }),
      )
    parent
      .command('revoke')
      .description('revoke a token at once')
      .argument('<id>', 'its id')
      .addHelpText('after', '\nExample:\n  flotilla token revoke q1w2e3r4t5y6u7i8')
      .action(
        action(context, async (id: string, _: object, command: Command): Promise<ExitCode> => {
          const flags: Flags = command.optsWithGlobals()
          const { withHubApi } = await import('../client/open-hub-api.ts')
          const gone = await withHubApi(flags, context, api =>
            api.call('revokeToken', { path: { id } }, `token "${id}"`),
          )
          context.stdout.write(`revoked ${textAt(gone, 'id')} of ${textAt(gone, 'name')}\n`)
          return 0
        }),
      )
  },
}
