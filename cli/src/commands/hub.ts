import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import type { Json } from '@flotilla/core/json/json'
import { createRandom } from '@flotilla/core/ports/create-random'
import type { RunningHub } from '@flotilla/hub/start-hub'
import type { Command } from 'commander'
import type { HubConnectionOptions } from '../client/open-hub-api.ts'
import type { CliContext, ExitCode } from '../context.ts'
import { usageError } from '../errors.ts'
import { coloursOf } from '../output/colours.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { VERSION } from '../version.ts'
import { action, type Verb } from './verb.ts'

interface HubFlags extends GlobalOptions {
  readonly config?: string
  readonly printConfig?: boolean
  /** One for each setting, by its name in camel case. */
  readonly [setting: string]: unknown
}

/** `flotilla hub`, with `hub backup`, `hub restore`, `hub recover` and `hub keys`. */
export const hub: Verb = {
  register(program, context) {
    const command = program
      .command('hub')
      .description('the hub: reads Git, decides, serves agents and people')
      .option('--config <file>', 'hub.yaml (or FLOTILLA_CONFIG)')
      .option('--print-config', 'print the settings in force, secrets masked, where each comes from, and end')
      .addHelpText(
        'after',
        '\nEvery setting is a flag, a FLOTILLA_… variable and a field of hub.yaml; flags win, then variables.' +
          '\n\nExamples:\n  flotilla hub --config hub.yaml\n  flotilla hub --config hub.yaml --listen 127.0.0.1:8443 --print-config',
      )
      .action(action(context, (_flags: HubFlags, self: Command) => run(self.optsWithGlobals(), self, context)))
    // Flags come from the hub's own table, which is read only when this verb is meant.
    program.hook('preSubcommand', async (_program, meant) => {
      if (meant !== command) return
      const { addSettingFlags } = await import('../servers/hub-flags.ts')
      addSettingFlags(command)
    })
    registerBackup(command, context)
    registerRestore(command, context)
    registerRecover(command, context)
    registerKeys(command, context)
  },
}

async function run(flags: HubFlags, command: Command, context: CliContext): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'json', 'yaml'])
  const { loadHubOptions } = await import('@flotilla/hub/settings/load-hub-options')
  const { settingProblemText } = await import('@flotilla/hub/settings/gather-settings')
  const { givenSettings } = await import('../servers/hub-flags.ts')
  const config = flags.config ?? context.env['FLOTILLA_CONFIG']
  const gathered = await loadHubOptions({
    environment: context.env,
    flags: givenSettings(command),
    ...(config !== undefined && { path: config }),
  })
  if (gathered.kind === 'refused') {
    for (const problem of gathered.problems) context.stderr.write(`${settingProblemText(problem)}\n`)
    return 2
  }
  for (const warning of gathered.warnings) context.stderr.write(`${settingProblemText(warning)}\n`)
  const { options } = gathered
  if (flags.printConfig) {
    const { shownOptions } = await import('@flotilla/hub/settings/print-options')
    const shown = shownOptions(options) as unknown as Json
    if (format === 'json') {
      const { printData } = await import('../output/data.ts')
      printData(context, format, shown)
      return 0
    }
    const { prettyYaml } = await import('../output/yaml.ts')
    const { withOrigins } = await import('@flotilla/hub/settings/setting-origins')
    context.stdout.write(withOrigins(prettyYaml(shown), gathered.originOf))
    return 0
  }
  const { startHubProcess } = await import('../servers/hub-process.ts')
  const { giveMemoryBack } = await import('../servers/give-memory-back.ts')
  // Before it says that it is up: who reads that may end it at once.
  const ended = untilSignal()
  const running = await startHubProcess(options, {
    version: VERSION,
    clock: context.clock,
    random: createRandom(randomBytes),
    write: line => context.stderr.write(line),
  })
  const keepAll = giveMemoryBack(context.clock)
  announce(running, format, context, flags)
  // Between two events nothing of the hub has to keep the process alive.
  const alive = setInterval(() => undefined, 60_000)
  try {
    await ended
  } finally {
    clearInterval(alive)
    keepAll()
    await running.stop()
  }
  return 0
}

/** Where the hub is, and at its first start the administrator's token: on stdout, because it is what was asked for. */
function announce(
  { url, ca, adminToken }: RunningHub,
  format: 'table' | 'json' | 'yaml',
  context: CliContext,
  flags: GlobalOptions,
): void {
  if (format === 'json') {
    context.stdout.write(
      `${JSON.stringify({ url, ...(ca !== undefined && { ca }), ...(adminToken !== undefined && { adminToken }) })}\n`,
    )
    return
  }
  context.stdout.write(`hub: ${url}\n`)
  if (ca !== undefined) context.stdout.write(`its authority, for --ca-pin: ${ca}\n`)
  if (adminToken === undefined) return
  const { bold } = coloursOf(context, context.stdout, flags)
  context.stdout.write(`\nThe administrator's token, shown this once and kept nowhere:\n\n  ${bold(adminToken)}\n\n`)
}

function untilSignal(): Promise<void> {
  return new Promise(done => {
    // Once: who asks a second time does not want to wait.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done())
  })
}

function registerKeys(parent: Command, context: CliContext): void {
  const keys = parent.command('keys').description('the keys by which the hub signs what tells agents to act')
  keys
    .command('list')
    .description('the keys by which a hub has ever signed, and who does not know an announced one yet')
    .addHelpText('after', '\nExample:\n  flotilla hub keys list --hub https://hub.example.com --token-file admin.token')
    .action(
      action(context, async (_flags: object, self: Command) => {
        const { listHubKeys } = await import('../client/hub-keys.ts')
        return await listHubKeys(context, self.optsWithGlobals())
      }),
    )
  keys
    .command('rotate')
    .description('announce a new key; it signs once every cluster knows it')
    .option('--force', 'sign with it now: clusters that are away walk the chain when they come back')
    .addHelpText('after', '\nExample:\n  flotilla hub keys rotate')
    .action(
      action(context, async (_flags: object, self: Command) => {
        const { rotateHubKey } = await import('../client/hub-keys.ts')
        return await rotateHubKey(context, self.optsWithGlobals())
      }),
    )
}

function registerBackup(parent: Command, context: CliContext): void {
  parent
    .command('backup')
    .description('copy the store of a hub, also while it runs, into a folder of its own')
    .argument('<target>', 'a folder that does not exist yet')
    .option('--data <folder>', "the hub's data folder", context.env['FLOTILLA_DATA_DIRECTORY'] ?? './flotilla-data')
    .option('--with-bundles', 'Bundles as well; without them they are rendered again from their commits')
    .addHelpText('after', '\nExample:\n  flotilla hub backup /backups/2030-01-01 --data /var/lib/flotilla')
    .action(
      action(context, async (target: string, _flags: object, self: Command) => {
        const flags: GlobalOptions & { data: string; withBundles?: boolean } = self.optsWithGlobals()
        const format = formatOf(flags, ['table', 'json', 'yaml'])
        const { backupVerb } = await import('../servers/hub-backup.ts')
        const now = context.clock.now()
        const [data, into] = [resolve(context.cwd, flags.data), resolve(context.cwd, target)]
        return await backupVerb({ data, target: into, bundles: flags.withBundles ?? false, now, format }, context)
      }),
    )
}

function registerRestore(parent: Command, context: CliContext): void {
  parent
    .command('restore')
    .description('put a backup in the place of the store of a hub that does not run')
    .argument('<backup>', 'the folder that "hub backup" made')
    .option('--data <folder>', "the hub's data folder", context.env['FLOTILLA_DATA_DIRECTORY'] ?? './flotilla-data')
    .option('--force', 'also where there is a store; it is kept aside in replaced-<n>')
    .addHelpText('after', '\nExample:\n  flotilla hub restore /backups/2030-01-01 --data /var/lib/flotilla')
    .action(
      action(context, async (backup: string, _flags: object, self: Command) => {
        const flags: GlobalOptions & { data: string; force?: boolean } = self.optsWithGlobals()
        const format = formatOf(flags, ['table', 'json', 'yaml'])
        const { restoreVerb } = await import('../servers/hub-backup.ts')
        const [data, from] = [resolve(context.cwd, flags.data), resolve(context.cwd, backup)]
        return await restoreVerb(
          { data, backup: from, force: flags.force ?? false, now: context.clock.now(), format },
          context,
        )
      }),
    )
}

interface RecoverFlags extends GlobalOptions, HubConnectionOptions {
  readonly data?: string
  readonly show?: boolean
  readonly acknowledge?: string | true
  readonly force?: boolean
}

function registerRecover(parent: Command, context: CliContext): void {
  parent
    .command('recover')
    .description('let a hub that lost part of its memory (STORE_BEHIND) issue again')
    .option('--data <folder>', 'of a hub that does not run; without it the hub of --hub is asked')
    .option('--show', 'only show how it stands; exit code 1 while there is something to do')
    .option('--force', 'recover also a hub that has not found out by itself that it is behind')
    .option('--acknowledge [digest]', 'the list of clusters and interventions is right: let automated syncs go on')
    .addHelpText(
      'after',
      '\nExamples:\n  flotilla hub recover --show\n  flotilla hub recover\n  flotilla hub recover --acknowledge sha256:…' +
        '\n  flotilla hub recover --data /var/lib/flotilla',
    )
    .action(
      action(context, async (_flags: object, self: Command) => {
        const flags: RecoverFlags = self.optsWithGlobals()
        const format = formatOf(flags, ['table', 'json', 'yaml'])
        if (flags.show && flags.acknowledge !== undefined)
          throw usageError('--show changes nothing, --acknowledge does')
        const what = flags.show ? 'show' : flags.acknowledge === undefined ? 'recover' : 'acknowledge'
        const digest = typeof flags.acknowledge === 'string' ? flags.acknowledge : undefined
        const wish = { what, format, force: flags.force ?? false, ...(digest !== undefined && { digest }) } as const
        const { recoverFolder, recoverOnline } = await import('../servers/hub-recover.ts')
        if (flags.data !== undefined) return await recoverFolder(resolve(context.cwd, flags.data), wish, context)
        const { withHubApi } = await import('../client/open-hub-api.ts')
        return await withHubApi(flags, context, api => recoverOnline(api, wish, context))
      }),
    )
}
