import { resolve } from 'node:path'
import type { Application } from '@flotilla/core/model/application'
import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import { nearest } from '@flotilla/core/text/nearest'
import type { GeneratedDocument } from '@flotilla/generators/generated-documents'
import type { Command } from 'commander'
import type { CliContext, ExitCode } from '../context.ts'
import { failure } from '../errors.ts'
import { type Colours, coloursOf } from '../output/colours.ts'
import { formatOf } from '../output/formats.ts'
import { type OfflineOptions, withOfflineOptions } from './offline-options.ts'
import { action, type Verb } from './verb.ts'

interface ExpandOptions extends OfflineOptions {
  readonly set?: readonly string[]
  readonly online?: string
  readonly record?: string
}

/** `flotilla expand PATH`: what the ApplicationSets become, with where each Application comes from. */
export const expandVerb: Verb = {
  register(program, context) {
    const command = program
      .command('expand')
      .description('show the Applications that ApplicationSets become')
      .argument('<path>', 'a folder or file of the config repository')
      .option('--set <name>', 'only this ApplicationSet; may be repeated', collect)
    withOfflineOptions(command)
      .option('--online <hub.yaml>', 'ask Git hosts and plugins as the hub of that hub.yaml does')
      .option('--record <file>', 'write what they answered, for --inputs')
      .addHelpText(
        'after',
        '\nExamples:\n  flotilla expand fleet --set shop\n  flotilla expand fleet --repo https://git.example.com/shop.git=../shop -o json',
      )
      .action(action(context, (path: string, _: object, self: Command) => run(context, path, self.optsWithGlobals())))
  },
}

/** What the sets became. */
interface Made {
  readonly items: readonly Application[]
  /** Projects, Clusters and Repositories. */
  readonly documents: readonly GeneratedDocument[]
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value]
}

async function run(context: CliContext, path: string, options: ExpandOptions): Promise<ExitCode> {
  const format = formatOf(options, ['table', 'json', 'yaml', 'name', 'wide'])
  const { expandOffline, readOfflineFleet } = await import('../offline/offline-fleet.ts')
  const { openOnlineInputs, writeRecording } = await import('../offline/online-inputs.ts')
  const online = options.online === undefined ? undefined : await openOnlineInputs(options.online, context)
  const fleet = await readOfflineFleet({ ...options, clock: context.clock, cwd: context.cwd, path, online })
  try {
    const only = options.set === undefined ? undefined : new Set(options.set)
    requireSets(
      only,
      fleet.fleet.applicationSets.map(set => set.name),
    )
    const expanded = await expandOffline(fleet, { only })
    if (options.record !== undefined) {
      const written = writeRecording(resolve(context.cwd, options.record), [...expanded.asked.values()].flat())
      if (!options.quiet) context.stderr.write(`${options.record}: ${written} answer${written === 1 ? '' : 's'}\n`)
    }
    const items = expanded.applications.filter(application => application.provenance.set !== undefined)
    const diagnostics = [...fleet.diagnostics, ...expanded.diagnostics]
    const documents = fleet.generated.filter(({ provenance }) => only?.has(provenance.set ?? '') ?? true)
    await print(context, format, { items, documents }, diagnostics, options)
    return diagnostics.some(diagnostic => diagnostic.severity === 'error') ? 1 : 0
  } finally {
    online?.close()
    await fleet.repositories.close()
  }
}

function requireSets(wanted: ReadonlySet<string> | undefined, known: readonly string[]): void {
  for (const name of wanted ?? []) {
    if (known.includes(name)) continue
    const meant = nearest(name, known)
    throw failure(
      `there is no ApplicationSet "${name}"`,
      meant === undefined ? `known sets: ${known.join(', ') || 'none'}` : `did you mean "${meant}"?`,
    )
  }
}

async function print(
  context: CliContext,
  format: 'table' | 'wide' | 'json' | 'yaml' | 'name',
  { items, documents }: Made,
  diagnostics: readonly Diagnostic[],
  options: ExpandOptions,
): Promise<void> {
  const { diagnosticJson, diagnosticText } = await import('../output/diagnostics.ts')
  const { documentJson, documentName, itemJson } = await import('../offline/item-json.ts')
  if (format === 'json' || format === 'yaml') {
    const { printData } = await import('../output/data.ts')
    return printData(context, format, {
      items: [...items.map(itemJson), ...documents.map(documentJson)],
      diagnostics: diagnostics.map(diagnosticJson),
    })
  }
  const errors = coloursOf(context, context.stderr, options)
  for (const diagnostic of diagnostics) {
    if (!options.quiet || diagnostic.severity === 'error') context.stderr.write(diagnosticText(diagnostic, errors))
  }
  const names = [...items.map(({ metadata }) => metadata.name), ...documents.map(documentName)]
  if (format === 'name') context.stdout.write(names.map(name => `${name}\n`).join(''))
  else {
    const made = { items, documents }
    context.stdout.write(await tableText(made, coloursOf(context, context.stdout, options), format === 'wide'))
  }
}

async function tableText({ items, documents }: Made, colours: Colours, wide: boolean): Promise<string> {
  const { table } = await import('../output/table.ts')
  const { clusterText, documentName, sourceText } = await import('../offline/item-json.ts')
  const headings = ['NAME', 'PROJECT', 'CLUSTER', 'NAMESPACE', 'SET', 'SOURCE', ...(wide ? ['FROM', 'REVISION'] : [])]
  const rows = items.map(item => {
    const { metadata, spec, provenance } = item
    const from = `${provenance.file}:${provenance.line} ${provenance.generator}[${provenance.element}]`
    const revision = spec.source?.targetRevision ?? 'HEAD'
    const columns = [metadata.name, spec.project, clusterText(item), spec.destination.namespace ?? '']
    return [...columns, provenance.set ?? '', sourceText(item), ...(wide ? [from, revision] : [])]
  })
  for (const made of documents) {
    const { file, line, generator, element, set } = made.provenance
    const from = `${file}:${line} ${generator}[${element}]`
    rows.push([documentName(made), '', '', '', set ?? '', '', ...(wide ? [from, ''] : [])])
  }
  return table(headings, rows, colours)
}
