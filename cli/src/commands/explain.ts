import type { Json } from '@flotilla/core/json/json'
import type { Application } from '@flotilla/core/model/application'
import type { Command } from 'commander'
import type { CliContext, ExitCode } from '../context.ts'
import { usageError } from '../errors.ts'
import type { OfflineFleet } from '../offline/offline-fleet.ts'
import { coloursOf } from '../output/colours.ts'
import { formatOf } from '../output/formats.ts'
import { type OfflineOptions, withOfflineOptions } from './offline-options.ts'
import { action, type Verb } from './verb.ts'

interface ExplainOptions extends OfflineOptions {
  readonly affected?: readonly string[]
}

/** `flotilla explain PATH APP` backwards to set, generator and template; `--affected FILE…` forwards from files. */
export const explain: Verb = {
  register(program, context) {
    const command = program
      .command('explain')
      .description('say where an Application comes from, or which Applications files affect')
      .argument('<path>', 'a folder or file of the config repository')
      .argument('[app]', 'name of the Application')
      .option('--affected <file...>', 'the files to start from, instead of an Application')
    withOfflineOptions(command)
      .addHelpText(
        'after',
        '\nExamples:\n  flotilla explain fleet web-eu-1\n  flotilla explain fleet --affected $(git diff --name-only main)',
      )
      .action(
        action(context, (path: string, app: string | undefined, _: object, self: Command) =>
          run(context, path, app, self.optsWithGlobals()),
        ),
      )
  },
}

async function run(
  context: CliContext,
  path: string,
  app: string | undefined,
  options: ExplainOptions,
): Promise<ExitCode> {
  const format = formatOf(options, ['table', 'json', 'yaml', 'name'])
  const { affected } = options
  if (app !== undefined && affected !== undefined) throw usageError('name an Application or --affected files, not both')
  if (app === undefined && affected === undefined) {
    throw usageError('name an Application, or files with --affected', 'flotilla explain PATH APP')
  }
  const { readOfflineFleet } = await import('../offline/offline-fleet.ts')
  const fleet = await readOfflineFleet({ ...options, cwd: context.cwd, path })
  try {
    return affected === undefined
      ? await explainApplication(context, fleet, app!, format, options)
      : await explainAffected(context, fleet, affected, format, options)
  } finally {
    await fleet.repositories.close()
  }
}

type Format = 'table' | 'json' | 'yaml' | 'name'

async function explainApplication(
  context: CliContext,
  fleet: OfflineFleet,
  name: string,
  format: Format,
  options: ExplainOptions,
): Promise<ExitCode> {
  const { findApplication } = await import('../offline/find-application.ts')
  const { generatorPlace, templateLines } = await import('../offline/explain-application.ts')
  const application = await findApplication(fleet, name)
  const { set: setName, generator } = application.provenance
  const set = fleet.fleet.applicationSets.find(one => one.name === setName)
  const place = set && generator !== undefined ? generatorPlace(set, generator) : undefined
  const lines = set === undefined ? [] : templateLines(set, application)
  if (format === 'json' || format === 'yaml') {
    const { printData } = await import('../output/data.ts')
    const { itemJson } = await import('../offline/item-json.ts')
    const { provenance, ...document } = itemJson(application)
    const { kind, ...at } = place ?? { kind: undefined }
    printData(context, format, {
      application: document,
      provenance,
      ...(set === undefined ? {} : { set: { name: set.name, ...set.position } }),
      ...(place === undefined ? {} : { generator: { path: generator!, kind, ...at } }),
      template: lines.map(({ field, template, value, file, line, column }) => ({
        field,
        template,
        value,
        file,
        line,
        column,
      })),
    })
    return 0
  }
  if (format === 'name') context.stdout.write(`${name}\n`)
  else context.stdout.write(await storyOf(context, application, { set: set?.position, place, lines }, options))
  return 0
}

interface Story {
  readonly set?: { readonly file: string; readonly line: number; readonly column: number }
  readonly place?: { readonly kind: string; readonly file: string; readonly line: number; readonly column: number }
  readonly lines: readonly {
    readonly field: string
    readonly template: string
    readonly value: Json
    readonly file: string
    readonly line: number
  }[]
}

async function storyOf(
  context: CliContext,
  application: Application,
  { set, place, lines }: Story,
  options: ExplainOptions,
): Promise<string> {
  const { printable, table } = await import('../output/table.ts')
  const { clusterText, sourceText } = await import('../offline/item-json.ts')
  const { canonicalJson } = await import('@flotilla/core/json/canonical-json')
  const colours = coloursOf(context, context.stdout, options)
  const { provenance, spec, metadata } = application
  const text: string[] = [
    `${colours.bold(`Application ${printable(metadata.name)}`)}  project ${printable(spec.project)}, cluster ${printable(clusterText(application))}, source ${printable(sourceText(application))}`,
  ]
  if (set === undefined) text.push(`written by hand at ${provenance.file}:${provenance.line}:${provenance.column}`)
  else {
    text.push(`from ApplicationSet ${printable(provenance.set ?? '')} at ${set.file}:${set.line}:${set.column}`)
    if (place) {
      text.push(
        `by generator ${provenance.generator} (${place.kind}) at ${place.file}:${place.line}:${place.column}, element ${provenance.element}`,
      )
    }
    text.push('', 'with parameters')
    for (const [key, value] of Object.entries(provenance.params ?? {})) {
      text.push(`  ${printable(key)} = ${printable(typeof value === 'string' ? value : canonicalJson(value ?? null))}`)
    }
    text.push('', 'through the template')
    const rows = lines.map(({ field, template, value, file, line }) => [
      field,
      template,
      typeof value === 'string' ? value : canonicalJson(value),
      `${file}:${line}`,
    ])
    text.push(table(['FIELD', 'TEMPLATE', 'BECAME', 'AT'], rows, colours).trimEnd())
  }
  return `${text.join('\n')}\n`
}

async function explainAffected(
  context: CliContext,
  fleet: OfflineFleet,
  files: readonly string[],
  format: Format,
  options: ExplainOptions,
): Promise<ExitCode> {
  const { expandOffline } = await import('../offline/offline-fleet.ts')
  const { affectedBy, requireFiles } = await import('../offline/affected-by.ts')
  const { diagnosticJson, diagnosticText, hasErrors } = await import('../output/diagnostics.ts')
  requireFiles(files, context.cwd)
  const expanded = await expandOffline(fleet)
  const affected = affectedBy(files, context.cwd, fleet, expanded.applications)
  const diagnostics = [...fleet.diagnostics, ...expanded.diagnostics]
  if (format === 'json' || format === 'yaml') {
    const { printData } = await import('../output/data.ts')
    printData(context, format, {
      applications: affected.map(({ name, because }) => ({ name, because: because.map(reason => ({ ...reason })) })),
      diagnostics: diagnostics.map(diagnosticJson),
    })
  } else {
    const errors = coloursOf(context, context.stderr, options)
    for (const diagnostic of diagnostics) context.stderr.write(diagnosticText(diagnostic, errors))
    if (format === 'name') context.stdout.write(affected.map(({ name }) => `${name}\n`).join(''))
    else {
      const { table } = await import('../output/table.ts')
      const rows = affected.flatMap(({ name, because }) => because.map(({ file, reason }) => [name, file, reason]))
      context.stdout.write(table(['NAME', 'FILE', 'BECAUSE IT'], rows, coloursOf(context, context.stdout, options)))
    }
  }
  // With mistakes in the config, some Applications are not known, and the answer may lack them.
  return hasErrors(diagnostics) ? 1 : 0
}
