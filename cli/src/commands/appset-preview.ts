import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { HubConnectionOptions } from '../client/open-hub-api.ts'
import type { CliContext, ExitCode } from '../context.ts'
import { usageError } from '../errors.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { action } from './verb.ts'

type Flags = GlobalOptions &
  HubConnectionOptions & {
    readonly file?: string
    readonly source?: string
    readonly revision?: string
    readonly format?: string
    readonly exitCode?: boolean
  }

const COMMENTS = ['text', 'github', 'gitlab', 'markdown'] as const
const LONGEST_FILE = 200_000

/** Adds `flotilla appset preview`: what a change would do to the fleet as a hub has it now. */
export function registerAppsetPreview(parent: Command, context: CliContext): void {
  parent
    .command('preview')
    .description('show what a change would do to the fleet as the hub has it now')
    .option('-f, --file <file>', 'documents, each in the place of the one of its kind and name; - for the input')
    .option('--revision <ref>', 'a branch, tag or commit of the config source, instead of documents')
    .option('--source <name>', 'the config source; needed when there are several')
    .option('--format <format>', `one of ${COMMENTS.join(', ')}: how people read it`)
    .option('--exit-code', 'end with 1 when anything changes')
    .addHelpText(
      'after',
      '\nExamples:\n  flotilla appset preview -f shop.yaml\n  flotilla appset preview --source platform --revision my-branch --format github',
    )
    .action(action(context, (_flags: object, command: Command) => run(context, command.optsWithGlobals())))
}

async function run(context: CliContext, flags: Flags): Promise<ExitCode> {
  const output = formatOf(flags, ['table', 'json', 'yaml'])
  const { file, revision, source } = flags
  const comment = COMMENTS.find(one => one === (flags.format ?? 'text'))
  if (comment === undefined) throw usageError(`--format "${flags.format}" is not one of ${COMMENTS.join(', ')}`)
  if (flags.format !== undefined && output !== 'table') throw usageError('take --format or -o, not both')
  if ((file === undefined) === (revision === undefined)) {
    throw usageError('name documents or a revision, one of the two', 'flotilla appset preview -f FILE')
  }
  const documents = file === undefined ? undefined : await readDocuments(file, context)
  const { withHubApi } = await import('../client/open-hub-api.ts')
  const answer = await withHubApi(flags, context, api =>
    api.call('previewChange', {
      body: {
        ...(source === undefined ? {} : { source }),
        ...(revision === undefined ? {} : { revision }),
        ...(documents === undefined ? {} : { documents }),
      },
    }),
  )
  const { readPreviewJson } = await import('../client/read-preview.ts')
  const { printPreview } = await import('../output/print-preview.ts')
  const preview = readPreviewJson(answer)
  await printPreview(context, preview, output === 'table' ? comment : output, flags)
  const broken = preview.diagnostics.some(({ isNew, severity }) => isNew && severity === 'error')
  return broken || (flags.exitCode === true && answer['changes'] === true) ? 1 : 0
}

async function readDocuments(file: string, context: CliContext): Promise<string> {
  const text = await readFile(file === '-' ? '/dev/stdin' : resolve(context.cwd, file), 'utf8').catch(error => {
    throw usageError(`--file: ${error instanceof Error ? error.message : String(error)}`)
  })
  if (text.length > LONGEST_FILE) throw usageError(`--file: ${file} has more than ${LONGEST_FILE} characters`)
  return text
}
