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
  const fleet = await readOfflineFleet({ ...options, clock: context.clock, cwd: context.cwd, path })
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
  const application = await findApplication(fleet, name)
  if (format === 'name') {
    context.stdout.write(`${name}\n`)
    return 0
  }
  const { explainApplication: explained } = await import('../offline/explain-application.ts')
  const { explanationJson, explanationText } = await import('../output/explanation.ts')
  const explanation = await explained(fleet, application)
  if (format === 'table') {
    context.stdout.write(explanationText(application, explanation, coloursOf(context, context.stdout, options)))
  } else {
    const { printData } = await import('../output/data.ts')
    printData(context, format, explanationJson(application, explanation))
  }
  return 0
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
  const { applications: affected, sets, unknown } = await affectedBy(files, context.cwd, fleet, expanded)
  const diagnostics = [...fleet.diagnostics, ...expanded.diagnostics]
  if (format === 'json' || format === 'yaml') {
    const { printData } = await import('../output/data.ts')
    printData(context, format, {
      applications: affected.map(({ name, because }) => ({ name, because: because.map(reason => ({ ...reason })) })),
      sets: sets.map(({ name, because }) => ({ name, because: because.map(reason => ({ ...reason })) })),
      unknown: unknown.map(one => ({ ...one })),
      diagnostics: diagnostics.map(diagnosticJson),
    })
  } else {
    const errors = coloursOf(context, context.stderr, options)
    for (const diagnostic of diagnostics) context.stderr.write(diagnosticText(diagnostic, errors))
    if (format === 'name') context.stdout.write(affected.map(({ name }) => `${name}\n`).join(''))
    else {
      const { table } = await import('../output/table.ts')
      const rows = affected.flatMap(({ name, because }) => because.map(({ file, reason }) => [name, file, reason]))
      for (const { name, because } of sets) {
        rows.push(...because.map(({ file, reason }) => [`(ApplicationSet ${name})`, file, reason]))
      }
      if (!options.quiet) {
        const { printable } = await import('../output/table.ts')
        for (const { name, reason } of unknown) {
          context.stderr.write(`${printable(`not known of ApplicationSet "${name}": ${reason}`)}\n`)
        }
        if (rows.length === 0) context.stderr.write('no Application is affected\n')
      }
      context.stdout.write(table(['NAME', 'FILE', 'BECAUSE IT'], rows, coloursOf(context, context.stdout, options)))
    }
  }
  // With mistakes in the config, some Applications are not known, and the answer may lack them.
  return hasErrors(diagnostics) ? 1 : 0
}
