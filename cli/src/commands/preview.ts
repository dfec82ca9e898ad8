import type { Command } from 'commander'
import type { CliContext, ExitCode } from '../context.ts'
import { usageError } from '../errors.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { action, type Verb } from './verb.ts'

interface PreviewOptions extends GlobalOptions {
  readonly base?: string
  readonly head?: string
  readonly repo?: readonly string[]
  readonly inputs?: readonly string[]
  readonly sources?: string
  readonly format?: string
  readonly exitCode?: boolean
}

const COMMENTS = ['text', 'github', 'gitlab', 'markdown'] as const

/** `flotilla preview PATH --base REF`: what merging a change would do, without a hub. */
export const preview: Verb = {
  register(program, context) {
    program
      .command('preview')
      .description('show what merging a change of the config repository would do')
      .argument('<path>', 'the folder of the config repository that a hub reads')
      .requiredOption('--base <ref>', 'what the change is compared with: a branch, tag or commit')
      .option('--head <ref>', 'the change; without it the files as they are')
      .option(
        '--repo <URL=DIR[@REF]>',
        'a local folder that stands for a repository, both sides at REF or BASE..HEAD; may be repeated',
        collect,
      )
      .option('--inputs <file>', 'recorded answers of services over the network; may be repeated', collect)
      .option('--sources <hub.yaml>', 'the config sources that a hub names, with their trust')
      .option('--format <format>', `one of ${COMMENTS.join(', ')}: how people read it`)
      .option('--exit-code', 'end with 1 when anything changes')
      .addHelpText(
        'after',
        '\nExamples:\n  flotilla preview fleet --base main\n  flotilla preview fleet --base HEAD~1 --format github > comment.md\n  flotilla preview fleet --base main --repo https://git.example.com/shop.git=../shop@main..my-branch -o json',
      )
      .action(action(context, (path: string, _: object, self: Command) => run(context, path, self.optsWithGlobals())))
  },
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value]
}

async function run(context: CliContext, path: string, options: PreviewOptions): Promise<ExitCode> {
  const output = formatOf(options, ['table', 'json', 'yaml'])
  const format = options.format ?? 'text'
  const comment = COMMENTS.find(one => one === format)
  if (comment === undefined) throw usageError(`--format "${format}" is not one of ${COMMENTS.join(', ')}`)
  if (options.format !== undefined && output !== 'table') throw usageError('take --format or -o, not both')
  const { previewOffline } = await import('../offline/preview-offline.ts')
  const { hasChanges } = await import('@flotilla/hub/preview/preview-json')
  const { base = '', head, repo, inputs, sources } = options
  const result = await previewOffline({
    cwd: context.cwd,
    path,
    base,
    head,
    repo,
    inputs,
    sources,
    clock: context.clock,
  })
  const { printPreview } = await import('../output/print-preview.ts')
  await printPreview(context, result, output === 'table' ? comment : output, options)
  const broken = result.diagnostics.some(({ isNew, severity }) => isNew && severity === 'error')
  return broken || (options.exitCode === true && hasChanges(result)) ? 1 : 0
}
