import type { Reason } from '@flotilla/core/access/decide'
import type { PolicySubject } from '@flotilla/core/access/policy-examples'
import type { Json } from '@flotilla/core/json/json'
import type { Command } from 'commander'
import type { CliContext, ExitCode } from '../context.ts'
import { failure, usageError } from '../errors.ts'
import { coloursOf } from '../output/colours.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { action } from './verb.ts'

interface CompareOptions extends GlobalOptions {
  readonly users?: string
  readonly only?: string
  readonly exitCode?: boolean
  readonly policy?: string
}

/** `flotilla rbac diff` and `who-can`: what a change of a policy does before it is merged, and who has a right. */
export function registerComparisons(command: Command, context: CliContext): void {
  command
    .command('diff')
    .description('who gains and who loses which rights by another policy')
    .argument('<before>', 'a folder or file of the config repository, or a policy in a .csv file')
    .argument('<after>', 'the same with the change')
    .option(
      '--users <file>',
      'people to ask about, a line each: NAME, GROUP, GROUP; without it, whom the policies name',
    )
    .option('--only <kind>', 'admin: only rights that decide about rights, clusters or everybody’s Applications')
    .option('--exit-code', '1 when anything is different')
    .addHelpText('after', '\nExample:\n  flotilla rbac diff main/fleet branch/fleet --only admin --exit-code')
    .action(
      action(context, (before: string, after: string, _: object, self: Command) =>
        diff(context, before, after, self.optsWithGlobals()),
      ),
    )
  command
    .command('who-can')
    .description('everybody whom a policy names and lets do something')
    .argument('<action>', 'get, sync, delete/*, action/apps/Deployment/restart …')
    .argument('<resource>', 'applications, clusters …, or short: app, proj, repo')
    .argument('[object]', 'PROJECT/NAME or a name; without it, everything')
    .requiredOption('--policy <path>', 'a folder or file of the config repository, or a policy in a .csv file')
    .option('--users <file>', 'people to ask about, a line each: NAME, GROUP, GROUP; without it, whom the policy names')
    .addHelpText('after', '\nExample:\n  flotilla rbac who-can sync app shop/web --policy fleet')
    .action(
      action(context, (verb: string, resource: string, object: string | undefined, _: object, self: Command) =>
        whoCan(context, [verb, resource, object], self.optsWithGlobals()),
      ),
    )
}

/** The settings of a policy without mistakes. */
async function settingsAt(path: string, context: CliContext, options: GlobalOptions) {
  const { readAccessFiles } = await import('../offline/read-access-files.ts')
  const { diagnosticText } = await import('../output/diagnostics.ts')
  const { settings, diagnostics } = await readAccessFiles(path, context.cwd)
  const errors = diagnostics.filter(one => one.severity === 'error' && one.code !== 'POLICY_NAME_UNKNOWN')
  const colours = coloursOf(context, context.stderr, options)
  for (const diagnostic of errors) context.stderr.write(diagnosticText(diagnostic, colours))
  if (errors.length === 0) return settings
  throw failure(`${path} has mistakes, so it gives no answer`, `flotilla rbac validate ${path} lists them all`)
}

async function subjectsFor(
  options: CompareOptions,
  context: CliContext,
  named: () => readonly PolicySubject[],
): Promise<readonly PolicySubject[]> {
  if (options.users === undefined) return named()
  const { readPolicyUsers } = await import('../offline/read-policy-users.ts')
  return await readPolicyUsers(options.users, context.cwd)
}

async function diff(context: CliContext, from: string, to: string, options: CompareOptions): Promise<ExitCode> {
  const format = formatOf(options, ['table', 'json', 'yaml'])
  if (options.only !== undefined && options.only !== 'admin') throw usageError('--only knows one kind', '--only admin')
  const { comparePolicies } = await import('@flotilla/core/access/compare-policies')
  const { subjectsOfPolicy } = await import('@flotilla/core/access/policy-examples')
  const [before, after] = [await settingsAt(from, context, options), await settingsAt(to, context, options)]
  const subjects = await subjectsFor(options, context, () => subjectsOfPolicy(before, after))
  const { changes, leftOut } = comparePolicies(before, after, subjects, context.clock.now())
  const shown = options.only === 'admin' ? changes.filter(({ admin }) => admin) : changes
  if (format !== 'table') {
    const items = shown.map(({ because, ...change }) => ({ ...change, because: because.map(reasonJson) }))
    await print(context, format, { changes: items, leftOut })
  } else {
    const { printable } = await import('../output/table.ts')
    for (const [subject, own] of Map.groupBy(shown, one => one.subject)) {
      context.stdout.write(`${printable(subject)}\n`)
      const alike = Map.groupBy(own, one => JSON.stringify([one.change, one.resource, one.object, one.admin]))
      for (const several of alike.values()) {
        const { change, resource, object, admin, because } = several[0]!
        const actions = several.map(one => one.action).join(', ')
        const line = `${resource} ${object}: ${actions}${admin ? ' (admin)' : ''}`
        context.stdout.write(`  ${change === 'gained' ? '+' : '-'} ${printable(line)}\n`)
        for (const reason of because.slice(0, 1)) context.stdout.write(`      ${printable(reasonText(reason))}\n`)
      }
    }
    if (!options.quiet) {
      const admins = shown.filter(({ admin, change }) => admin && change === 'gained').length
      context.stderr.write(`${shown.length} rights of ${subjects.length} subjects are different\n`)
      if (admins > 0) context.stderr.write(`${admins} that are gained decide about others: let a second person look\n`)
    }
  }
  if (leftOut > 0) context.stderr.write(`${leftOut} questions were left out: the list may lack something\n`)
  return options.exitCode === true && shown.length > 0 ? 1 : 0
}

async function whoCan(
  context: CliContext,
  [verb, written, object]: readonly [string, string, string | undefined],
  options: CompareOptions,
): Promise<ExitCode> {
  const format = formatOf(options, ['table', 'json', 'yaml'])
  const { objectOf } = await import('../offline/ask-policy.ts')
  const { whoMay } = await import('@flotilla/core/access/compare-policies')
  const { subjectsOfPolicy } = await import('@flotilla/core/access/policy-examples')
  const { nameMistake, resourceOf } = await import('@flotilla/core/access/vocabulary')
  const resource = resourceOf(written)
  const mistake = nameMistake(resource, verb)
  if (mistake !== undefined) throw usageError(mistake.message, mistake.hint)
  const settings = await settingsAt(options.policy ?? '', context, options)
  const subjects = await subjectsFor(options, context, () => subjectsOfPolicy(settings))
  const found = whoMay(settings, subjects, verb, objectOf(resource, object), context.clock.now())
  if (format !== 'table') {
    const items = found.map(({ subject, because }) => ({ subject, because: because.map(reasonJson) }))
    await print(context, format, { subjects: items })
  } else {
    const { table } = await import('../output/table.ts')
    const rows = found.map(({ subject, because }) => [subject, because.map(reasonText)[0] ?? ''])
    context.stdout.write(table(['SUBJECT', 'BECAUSE'], rows, coloursOf(context, context.stdout, options)))
  }
  return found.length > 0 ? 0 : 1
}

async function print(context: CliContext, format: 'json' | 'yaml' | 'wide' | 'name', value: Json): Promise<void> {
  const { printData } = await import('../output/data.ts')
  printData(context, format === 'yaml' ? 'yaml' : 'json', value)
}

function reasonText({ row, place }: Reason): string {
  return place === undefined ? row : `${place.file}:${place.line}:${place.column} ${row}`
}

function reasonJson({ row, place }: Reason): Json {
  return place === undefined ? { row } : { row, file: place.file, line: place.line }
}
