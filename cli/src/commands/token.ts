import type { Json } from '@flotilla/core/json/json'
import { textAt } from '@flotilla/core/json/read-json'
import type { Command } from 'commander'
import { Option } from 'commander'
import type { Flags } from '../client/gates.ts'
import type { HubApi } from '../client/hub-api.ts'
import type { ExitCode } from '../context.ts'
import { usageError } from '../errors.ts'
import { formatOf } from '../output/formats.ts'
import { action, type Verb } from './verb.ts'

interface CreateOptions extends Flags {
  readonly name: string
  readonly role: 'admin' | 'readonly' | 'own'
  readonly person?: boolean
  readonly expires?: string
  readonly projects?: string
  readonly actions?: string
  readonly projectRole?: string
  readonly listedBy?: 'hub' | 'project'
}

/** What the hub is asked for. @throws CliError 2 */
function wishOf({ name, role, person, expires, projects, actions, projectRole, listedBy }: CreateOptions) {
  const [project, projectsRole, ...more] = projectRole?.split('/') ?? []
  if (projectRole !== undefined && (!project || !projectsRole || more.length > 0)) {
    throw usageError(`--project-role takes a Project and a role of it, like shop/deployer, not "${projectRole}"`)
  }
  if (listedBy !== undefined && projectRole === undefined) throw usageError('--listed-by is for --project-role')
  const kind: 'person' | 'robot' = person === true ? 'person' : 'robot'
  return {
    ...{ name, role, kind },
    ...(expires !== undefined && { expires }),
    ...(projects !== undefined && { projects: listed(projects) }),
    ...(actions !== undefined && { actions: listed(actions) }),
    ...(project && projectsRole && { project: { name: project, role: projectsRole, ...(listedBy && { listedBy }) } }),
  }
}

function listed(text: string): readonly string[] {
  return text.split(',').map(part => part.trim())
}

/** `flotilla token create|list|revoke`. */
export const token: Verb = {
  register(program, context) {
    const parent = program.command('token').description("tokens for the hub's API: of people, and of programs")
    parent
      .command('create')
      .description('make a token; its text goes to standard output, once')
      .requiredOption('--name <name>', 'whose it is: ana@example.com, ci')
      .addOption(
        new Option('--role <role>', 'what it may; own: what you may')
          .choices(['admin', 'readonly', 'own'])
          .default('readonly'),
      )
      .option('--projects <names>', 'for things of these Projects alone, with commas between; * for any characters')
      .option('--actions <names>', 'for these alone: get,sync')
      .option('--project-role <project/role>', 'of a role of a Project, as its rows say')
      .addOption(
        new Option('--listed-by <where>', 'of a role: hub, or project while its document lists the id').choices([
          'hub',
          'project',
        ]),
      )
      .option('--person', 'it is shown by a person; programs approve nothing')
      .option('--expires <time>', 'an instant, or +720h')
      .addHelpText(
        'after',
        '\nIt never may more than you may when it is used, and ends with the token that you show.' +
          '\n\nExamples:\n  flotilla token create --name ana@example.com --person --role admin > ana.token' +
          '\n  flotilla token create --name ci --role own --projects "shop-*" --actions get,sync --expires +720h' +
          '\n  flotilla token create --name shop-ci --project-role shop/deployer',
      )
      .action(
        action(context, async (_: object, command: Command): Promise<ExitCode> => {
          const flags: CreateOptions = command.optsWithGlobals()
          const format = formatOf(flags, ['table', 'json', 'yaml'])
          const { withHubApi } = await import('../client/open-hub-api.ts')
          const { name } = flags
          const made = await withHubApi(flags, context, api => api.call('createToken', { body: wishOf(flags) }))
          if (format === 'table') {
            context.stdout.write(`${textAt(made, 'token')}\n`)
            if (flags.quiet !== true)
              context.stderr.write(`token ${textAt(made, 'id')} of ${name}: it is shown this once\n`)
            return 0
          }
          const { printData } = await import('../output/data.ts')
          printData(context, format, made as unknown as Json)
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
