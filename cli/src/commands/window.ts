import type { Command } from 'commander'
import { Option } from 'commander'
import type { HubApi } from '../client/hub-api.ts'
import type { HubConnectionOptions } from '../client/open-hub-api.ts'
import type { CliContext, ExitCode } from '../context.ts'
import { usageError } from '../errors.ts'
import { coloursOf } from '../output/colours.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { action, type Verb } from './verb.ts'

interface WindowOptions extends GlobalOptions, HubConnectionOptions {
  readonly app?: string
  readonly repo?: readonly string[]
  readonly inputs?: readonly string[]
  readonly timeZone?: string
}

interface ExplainOptions extends WindowOptions {
  readonly at?: string
  readonly trigger: 'auto' | 'manual'
  readonly operationStart?: string
}

interface TimelineOptions extends WindowOptions {
  readonly from: string
  readonly to: string
}

/** `flotilla window explain|timeline [PATH]`: what the gates of a config repository say, or those of a hub; `list|get|create|edit|delete|simulate`. */
export const window: Verb = {
  register(program, context) {
    const command = program.command('window').description('say when Applications may change, and what holds them')
    withFolders(
      command
        .command('explain')
        .description('whether an Application may start something at a time, and everything that holds it')
        .argument('[path]', 'a folder or file of the config repository; without it the hub is asked')
        .requiredOption('--app <name>', 'name of the Application'),
    )
      .option('--at <time>', 'the time to ask about; now by default')
      .addOption(new Option('--trigger <who>', 'who starts it').choices(['auto', 'manual']).default('auto'))
      .option('--operation-start <time>', 'of an operation that is running: when it started')
      .addHelpText('after', '\nExample:\n  flotilla window explain fleet --app web-eu-1 --at 2026-12-24T12:00:00Z')
      .action(
        action(context, (path: string | undefined, _: object, self: Command) =>
          explain(context, path, self.optsWithGlobals()),
        ),
      )
    withFolders(
      command
        .command('timeline')
        .description('when Applications are open and closed')
        .argument('[path]', 'a folder or file of the config repository; without it the hub is asked')
        .option('--app <name>', 'this Application alone; without it, those that are alike are shown together'),
    )
      .requiredOption('--from <time>', 'beginning')
      .requiredOption('--to <time>', 'end, which does not belong to it')
      .addHelpText(
        'after',
        '\nExample:\n  flotilla window timeline fleet --from 2026-12-01T00:00:00Z --to 2027-01-15T00:00:00Z',
      )
      .action(
        action(context, (path: string | undefined, _: object, self: Command) =>
          showTimeline(context, path, self.optsWithGlobals()),
        ),
      )
    registerOnHub(command, context)
    registerWrites(command, context)
  },
}

interface SimulateOptions extends WindowOptions {
  readonly file?: readonly string[]
  readonly remove?: readonly string[]
  readonly git?: boolean
  readonly from?: string
  readonly to?: string
}

function registerOnHub(parent: Command, context: CliContext): void {
  const collect = (value: string, previous: readonly string[] = []) => [...previous, value]
  parent
    .command('list')
    .description('list the windows of a hub: those of Projects, and those with a scope of their own')
    .option('--state <state>', 'active, scheduled, indeterminate, over, or all', 'all')
    .addHelpText('after', '\nExample:\n  flotilla window list -o wide')
    .action(
      action(context, async (_: object, self: Command): Promise<ExitCode> => {
        const flags: WindowOptions & { readonly state: string } = self.optsWithGlobals()
        const { listGates } = await import('../client/gates.ts')
        const { GATE_COLUMNS } = await import('../client/gate-columns.ts')
        const nothing = 'there is no window: everything is open unless it is frozen'
        const query = { state: flags.state }
        const list = (api: HubApi) => api.list('listWindows', { query })
        return await listGates(context, flags, { list, columns: GATE_COLUMNS, nothing })
      }),
    )
  parent
    .command('get')
    .description('show one window of a hub; -o yaml gives the document for a config repository')
    .argument('<name>', 'its name')
    .addHelpText('after', '\nExample:\n  flotilla window get business-hours -o yaml')
    .action(
      action(context, async (name: string, _: object, self: Command): Promise<ExitCode> => {
        const { getGate } = await import('../client/gates.ts')
        return await getGate(context, self.optsWithGlobals(), 'window', name)
      }),
    )
  parent
    .command('simulate')
    .description('what a change of windows and freezes would block, before it is saved')
    .option('-f, --file <file>', 'SyncWindows and FreezePeriods that would be there; may be repeated', collect)
    .option('--git', 'the windows would be declared in Git: there, one allow that is active is enough')
    .option('--remove <rule>', 'a rule that would be gone: SyncWindow/nights; may be repeated', collect)
    .option('--from <time>', 'beginning; now without it')
    .option('--to <time>', 'end; ninety days later without it')
    .addHelpText('after', '\nExample:\n  flotilla window simulate -f year-end.yaml')
    .action(
      action(context, async (_: object, self: Command): Promise<ExitCode> => {
        const flags: SimulateOptions = self.optsWithGlobals()
        const { simulateOnHub } = await import('../client/windows.ts')
        const { readTextFile } = await import('./read-text-file.ts')
        const documents = []
        for (const file of flags.file ?? []) documents.push({ file, text: await readTextFile(context, file) })
        const { remove = [], from, to, git } = flags
        const range = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
        return await simulateOnHub(context, flags, { documents, madeHere: git !== true, remove, ...range })
      }),
    )
}

/** What people make through a hub: a window that closes besides those of Git. */
function registerWrites(parent: Command, context: CliContext): void {
  parent
    .command('create')
    .description('make the windows of a file; they close besides those of Git, and open nothing that these close')
    .requiredOption('-f, --file <file>', 'SyncWindows, YAML or JSON; - reads standard input')
    .option('--dry-run', 'only say what they would close and open')
    .addHelpText('after', '\nExample:\n  flotilla window create -f market-days.yaml --dry-run')
    .action(
      action(context, async (_: object, self: Command): Promise<ExitCode> => {
        const flags: WindowOptions & { readonly file: string; readonly dryRun?: boolean } = self.optsWithGlobals()
        const { file, dryRun } = flags
        const { readTextFile } = await import('./read-text-file.ts')
        const text = await readTextFile(context, file)
        if (dryRun === true) {
          const { simulateOnHub } = await import('../client/windows.ts')
          return await simulateOnHub(context, flags, { documents: [{ file, text }], madeHere: true, remove: [] })
        }
        const { createGates } = await import('../client/gates.ts')
        return await createGates(context, flags, 'window', { file, text })
      }),
    )
  parent
    .command('edit')
    .description('change a window to what a file says; one that closes now is made to close less only with approval')
    .argument('<name>', 'its name')
    .requiredOption('-f, --file <file>', 'the SyncWindow as it is to be; - reads standard input')
    .option('--reason <text>', 'why; kept, and read by whoever approves', '')
    .addHelpText(
      'after',
      '\nExample:\n  flotilla window edit market-days -f market-days.yaml --reason "longer in summer"',
    )
    .action(
      action(context, async (name: string, _: object, self: Command): Promise<ExitCode> => {
        const flags: WindowOptions & { readonly file: string; readonly reason: string } = self.optsWithGlobals()
        const { file, reason } = flags
        const { readTextFile } = await import('./read-text-file.ts')
        const { editGate } = await import('../client/gates.ts')
        return await editGate(context, flags, 'window', { name, file, text: await readTextFile(context, file), reason })
      }),
    )
  parent
    .command('delete')
    .description('delete a window that was made through the hub; one that closes now only when somebody else approves')
    .argument('<name>', 'its name')
    .option('--reason <text>', 'why; kept, and read by whoever approves', '')
    .addHelpText('after', '\nExample:\n  flotilla window delete market-days --reason "the market is closed"')
    .action(
      action(context, async (name: string, _: object, self: Command): Promise<ExitCode> => {
        const flags: WindowOptions & { readonly reason: string } = self.optsWithGlobals()
        const { deleteWindow } = await import('../client/gates.ts')
        return await deleteWindow(context, flags, name, flags.reason)
      }),
    )
}

function withFolders(command: Command): Command {
  const collect = (value: string, previous: readonly string[] = []) => [...previous, value]
  return command
    .option('--repo <URL=DIR>', 'a local folder that stands for a repository; may be repeated', collect)
    .option('--inputs <file>', 'recorded answers of services over the network; may be repeated', collect)
    .option(
      '--time-zone <zone>',
      "zone of times that are shown and of those given without one; the cluster's by default",
    )
}

async function explain(context: CliContext, path: string | undefined, options: ExplainOptions): Promise<ExitCode> {
  if (path === undefined) {
    const { explainOnHub } = await import('../client/windows.ts')
    return await explainOnHub(context, options, { ...options, app: options.app! })
  }
  const format = formatOf(options, ['table', 'json', 'yaml'])
  const { gatesOf } = await import('../offline/gates-offline.ts')
  const { decide } = await import('@flotilla/core/gates/decide')
  const gates = await gatesOf({ repo: options.repo, inputs: options.inputs, cwd: context.cwd, path })
  const application = gates.find(options.app!)
  const zone = gates.zoneFor(application, options.timeZone)
  const at = options.at === undefined ? context.clock.now() : readTime(gates, '--at', options.at, zone)
  const start = options.operationStart
  const decision = decide(gates.rules, application, at, {
    trigger: options.trigger === 'auto' ? 'automated' : 'manual',
    ...(start === undefined ? {} : { operationStart: readTime(gates, '--operation-start', start, zone) }),
  })
  const { decisionJson, decisionText } = await import('../output/gate-answers.ts')
  if (format === 'table') {
    const asked = { application, zone, trigger: options.trigger }
    context.stdout.write(decisionText(decision, asked, coloursOf(context, context.stdout, options)))
  } else {
    const { printData } = await import('../output/data.ts')
    printData(context, format, decisionJson(decision))
  }
  return decision.allowed ? 0 : 1
}

/** More than anybody looks at, few enough to answer for a whole fleet. */
const LONGEST_DAYS = 800

async function showTimeline(
  context: CliContext,
  path: string | undefined,
  options: TimelineOptions,
): Promise<ExitCode> {
  if (path === undefined) {
    const { timelineOnHub } = await import('../client/windows.ts')
    return await timelineOnHub(context, options, options)
  }
  const format = formatOf(options, ['table', 'json', 'yaml'])
  const { gatesOf } = await import('../offline/gates-offline.ts')
  const gates = await gatesOf({ repo: options.repo, inputs: options.inputs, cwd: context.cwd, path })
  const application = options.app === undefined ? undefined : gates.find(options.app)
  const zone = gates.zoneFor(application, options.timeZone)
  const from = readTime(gates, '--from', options.from, zone)
  const to = readTime(gates, '--to', options.to, zone)
  if (to <= from) throw usageError(`--to ${options.to} is not after --from ${options.from}`)
  if (to - from > LONGEST_DAYS * 86_400_000) throw usageError(`a timeline is of at most ${LONGEST_DAYS} days`)
  const lines = gates.timelines(application === undefined ? gates.applications : [application], from, to)
  const { timelineText, timelinesJson } = await import('../output/gate-answers.ts')
  if (format === 'table') {
    context.stdout.write(timelineText(lines, zone, coloursOf(context, context.stdout, options)))
  } else {
    const { printData } = await import('../output/data.ts')
    printData(context, format, timelinesJson({ from, to, application: options.app }, lines))
  }
  return 0
}

function readTime(
  gates: Awaited<ReturnType<typeof import('../offline/gates-offline.ts').gatesOf>>,
  option: string,
  text: string,
  zone: ReturnType<typeof gates.zoneFor>,
): number {
  const at = gates.readTime(text, zone)
  if (at !== undefined) return at
  throw usageError(
    `${option} ${text} is no time`,
    'write 2026-12-24T12:00:00Z, or 2026-12-24T12:00 in the zone that is shown',
  )
}
