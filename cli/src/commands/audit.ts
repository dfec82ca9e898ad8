import type { Command } from 'commander'
import type { VerifyOptions } from '../client/audit-log.ts'
import type { Flags } from '../client/gates.ts'
import type { CliContext, ExitCode } from '../context.ts'
import { failure, usageError } from '../errors.ts'
import { action, type Verb } from './verb.ts'

interface ListOptions extends Flags {
  readonly actor?: string
  readonly action?: string
  readonly subject?: string
  readonly since?: string
  readonly until?: string
  readonly outcome?: string
  readonly reads?: string
  readonly search?: string
  readonly limit: string
}

/** `flotilla audit [list]`, `audit export`, `audit verify FILE`. */
export const audit: Verb = {
  register(program, context) {
    const parent = withFilters(
      program
        .command('audit')
        .description('who did what: every write, every denial, every use of break-glass, and who has looked at what'),
    )
      .addHelpText('after', '\nExample:\n  flotilla audit --action override. --since 2026-12-24T00:00:00Z')
      .action(action(context, (_: object, command: Command) => list(context, command.optsWithGlobals())))
    withFilters(parent.command('list').description('the same as without a verb'))
      .addHelpText('after', '\nExample:\n  flotilla audit list --outcome refused --search "team a"')
      .action(action(context, (_: object, command: Command) => list(context, command.optsWithGlobals())))
    registerExport(parent, context)
    registerVerify(parent, context)
  },
}

function withFilters(command: Command): Command {
  return command
    .option('--actor <names>', 'only by these, with commas between')
    .option('--action <actions>', 'only these; "override." is all that begin so')
    .option('--subject <subjects>', 'only about these: FreezePeriod/year-end')
    .option('--since <time>', 'an instant such as 2026-12-24T12:00:00Z')
    .option('--until <time>', 'an instant')
    .option('--outcome <outcomes>', 'done, refused or failed; commas between several')
    .option('--reads <only|without>', 'only entries of who has looked at what, or none of them')
    .option('-q, --search <words>', 'words that all occur in the entry')
    .option('--limit <count>', 'so many, the newest', '100')
}

async function list(context: CliContext, flags: ListOptions): Promise<ExitCode> {
  if (!/^[1-9]\d{0,5}$/.test(flags.limit)) throw usageError(`--limit ${flags.limit} is no number of entries`)
  const { listAudit } = await import('../client/audit-log.ts')
  const { actor, subject, since, until, outcome, search: q } = flags
  const reads: 'only' | 'without' | undefined =
    flags.reads === 'only' || flags.reads === 'without' ? flags.reads : undefined
  if (reads !== flags.reads) throw usageError(`--reads is only or without, not ${flags.reads}`)
  const query = { actor, action: flags.action, subject, since, until, outcome, reads, q }
  return await listAudit(context, { ...flags, limit: Number(flags.limit) }, query)
}

function registerExport(parent: Command, context: CliContext): void {
  parent
    .command('export')
    .description('the whole log as JSON lines; its head goes to standard error, to be kept elsewhere')
    .option('--after <number>', 'only what comes after this entry', '0')
    .addHelpText('after', '\nExample:\n  flotilla audit export > audit.jsonl')
    .action(
      action(context, async (_: object, command: Command): Promise<ExitCode> => {
        const flags: Flags & { readonly after: string } = command.optsWithGlobals()
        if (!/^\d{1,15}$/.test(flags.after)) throw usageError(`--after ${flags.after} is no number of an entry`)
        const { exportAudit } = await import('../client/audit-log.ts')
        return await exportAudit(context, flags, Number(flags.after))
      }),
    )
}

function registerVerify(parent: Command, context: CliContext): void {
  parent
    .command('verify')
    .description('whether an export is what the hub wrote; needs no hub')
    .argument('<file>', 'JSON lines; - reads standard input')
    .option('--head <hash>', 'of an entry that must be there: nothing before it was cut off')
    .option('--after <hash>', 'of the entry before the first line, when the file is a part')
    .option('--part', 'the file is a part: nothing is said of what came before')
    .addHelpText('after', '\nExample:\n  flotilla audit verify audit.jsonl --head sha256:…')
    .action(
      action(context, async (file: string, _: object, command: Command): Promise<ExitCode> => {
        const flags: Flags & VerifyOptions = command.optsWithGlobals()
        const { verifyAudit } = await import('../client/audit-log.ts')
        return await verifyAudit(context, flags, await linesOf(context, file))
      }),
    )
}

/** A line at a time: a log of years fits into no memory. @throws CliError */
async function linesOf(context: CliContext, file: string): Promise<AsyncIterable<string>> {
  const { open } = await import('node:fs/promises')
  const { createInterface } = await import('node:readline')
  const { resolve } = await import('node:path')
  if (file === '-') return createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })
  try {
    return (await open(resolve(context.cwd, file))).readLines()
  } catch (error) {
    throw failure(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, undefined, error)
  }
}
