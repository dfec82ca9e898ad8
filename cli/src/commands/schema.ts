import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { CliContext, ExitCode } from '../context.ts'
import { failure, usageError } from '../errors.ts'
import { coloursOf } from '../output/colours.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { action, type Verb } from './verb.ts'

interface SchemaOptions extends GlobalOptions {
  readonly out?: string
}

/** `flotilla schema [KIND]`: JSON Schemas of the documents, for editors. */
export const schema: Verb = {
  register(program, context) {
    program
      .command('schema')
      .description('print the JSON Schema of a kind of document, for editors')
      .argument(
        '[kind]',
        'Project, or with its group: argoproj.io/v1alpha1/ApplicationSet; without it the kinds are listed',
      )
      .option('--out <dir>', 'write every schema into this folder, and one for all: flotilla.json')
      .addHelpText(
        'after',
        '\nExamples:\n  flotilla schema ApplicationSet > applicationset.json\n  flotilla schema --out .schemas',
      )
      .action(
        action(context, (kind: string | undefined, _: object, self: Command) =>
          run(context, kind, self.optsWithGlobals()),
        ),
      )
  },
}

async function run(context: CliContext, kind: string | undefined, options: SchemaOptions): Promise<ExitCode> {
  const { documentSchema, schemaKinds, schemaOf } = await import('@flotilla/config')
  const { printData } = await import('../output/data.ts')
  const kinds = schemaKinds()
  if (options.out !== undefined) {
    if (kind !== undefined) throw usageError('--out writes the schemas of all kinds; name no kind')
    const files = kinds.map(one => [fileOf(one), schemaOf(one)!] as const)
    await writeAll(context, options.out, [...files, ['flotilla.json', documentSchema()]])
    return 0
  }
  if (kind === undefined) {
    const format = formatOf(options, ['table', 'json', 'yaml', 'name'])
    const rows = kinds.map(one => ({
      apiVersion: one.slice(0, one.lastIndexOf('/')),
      kind: one.slice(one.lastIndexOf('/') + 1),
    }))
    if (format === 'json' || format === 'yaml') printData(context, format, { items: rows })
    else if (format === 'name') context.stdout.write(kinds.map(one => `${one}\n`).join(''))
    else {
      const { table } = await import('../output/table.ts')
      const colours = coloursOf(context, context.stdout, options)
      context.stdout.write(
        table(
          ['APIVERSION', 'KIND'],
          rows.map(row => [row.apiVersion, row.kind]),
          colours,
        ),
      )
    }
    return 0
  }
  const found = schemaOf(kind)
  if (found === undefined) {
    const { nearest } = await import('@flotilla/core/text/nearest')
    const near = nearest(kind, [...kinds, ...kinds.map(one => one.slice(one.lastIndexOf('/') + 1))])
    throw usageError(
      `there is no schema of "${kind}"`,
      near === undefined ? 'flotilla schema lists them' : `did you mean "${near}"?`,
    )
  }
  printData(context, formatOf(options, ['json', 'yaml']), found)
  return 0
}

/** `flotilla.dev/v1alpha1/Project` → `flotilla.dev_v1alpha1_project.json`. */
function fileOf(kind: string): string {
  return `${kind.replaceAll('/', '_').toLowerCase()}.json`
}

async function writeAll(
  context: CliContext,
  out: string,
  files: readonly (readonly [name: string, schema: object])[],
): Promise<void> {
  const folder = resolve(context.cwd, out)
  try {
    await mkdir(folder, { recursive: true })
    for (const [name, content] of files)
      await writeFile(join(folder, name), `${JSON.stringify(content, undefined, 2)}\n`)
  } catch (error) {
    throw failure(`the schemas cannot be written: ${(error as Error).message}`, undefined, error)
  }
  context.stderr.write(`${files.length} schemas written to ${out}\n`)
}
