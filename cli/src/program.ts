import { Command, CommanderError, Option } from 'commander'
import { VERBS } from './commands/index.ts'
import type { Verb } from './commands/verb.ts'
import type { CliContext } from './context.ts'
import { CliError, failure } from './errors.ts'
import { coloursOf } from './output/colours.ts'
import { OUTPUT_FORMATS } from './output/formats.ts'
import { VERSION } from './version.ts'

/** The whole command with its verbs; nothing of it touches the process but through `context`. */
export function createProgram(context: CliContext, verbs: readonly Verb[] = VERBS): Command {
  const program = new Command('flotilla')
    .description('Declare a fleet of Kubernetes clusters in Git, see what a commit will do, roll it out.')
    .version(VERSION, '-V, --version', 'print the version of this command')
    .addOption(new Option('-o, --output <format>', `one of ${OUTPUT_FORMATS.join(', ')}; each verb has its own`))
    .option('--no-color', 'no colours, also where a terminal shows them')
    .option('--quiet', 'data and errors only')
    .addOption(new Option('--hub <url>', 'the hub to talk to').env('FLOTILLA_HUB'))
    .addOption(new Option('--token-file <file>', 'a file with the token for the hub (or FLOTILLA_TOKEN)'))
    .addOption(new Option('--ca-file <file>', "certificate of the hub's own authority, PEM").env('FLOTILLA_CA_FILE'))
    .addOption(new Option('--ca-pin <digest>', "SHA-256 of the hub's own authority").env('FLOTILLA_CA_PIN'))
    .addOption(new Option('--context <name>', 'of an agent: the context of its kubeconfig'))
    .showHelpAfterError('(flotilla --help lists the commands)')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', '\nExit codes: 0 done, 1 the answer is no or the work failed, 2 wrong usage, 3 no hub.')
  prepare(program, context)
  for (const verb of verbs) verb.register(program, context)
  for (const command of everyCommand(program)) prepare(command, context)
  return program
}

function prepare(command: Command, context: CliContext): void {
  command
    .exitOverride()
    .allowExcessArguments(false)
    .configureOutput({
      writeOut: text => context.stdout.write(text),
      writeErr: text => context.stderr.write(text),
      getOutHasColors: () => coloursOf(context, context.stdout).enabled,
      getErrHasColors: () => coloursOf(context, context.stderr).enabled,
    })
}

function everyCommand(command: Command): Command[] {
  return command.commands.flatMap(child => [child, ...everyCommand(child)])
}

/** Runs one command line (without node and script) and returns what the process is to end with. */
export async function runCommand(argv: readonly string[], context: CliContext): Promise<number> {
  const program = createProgram(context)
  if (argv.length === 0) {
    program.outputHelp({ error: true })
    return 2
  }
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return context.exitCode
  } catch (error) {
    return report(error, context)
  }
}

function report(error: unknown, context: CliContext): number {
  // Commander has said what is wrong already; help that was asked for is no mistake.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const told = error instanceof CliError ? error : refusedBySystem(error)
  if (told === undefined) throw error
  const { red, dim } = coloursOf(context, context.stderr)
  context.stderr.write(`${red('error:')} ${told.message}\n`)
  if (told.hint !== undefined) context.stderr.write(`  ${dim('hint:')} ${told.hint}\n`)
  return told.exitCode
}

/** A file that may not be read, a disk without space: the machine's answer, wherever it comes up, and no defect. */
function refusedBySystem(error: unknown): CliError | undefined {
  if (!(error instanceof Error) || !('syscall' in error)) return undefined
  return failure(error.message, undefined, error)
}
