import type { Reason } from '@flotilla/core/access/decide'
import type { Json } from '@flotilla/core/json/json'
import { compareDiagnostics, type Diagnostic } from '@flotilla/core/model/diagnostic'
import type { Command } from 'commander'
import type { HubConnectionOptions } from '../client/open-hub-api.ts'
import type { CliContext, ExitCode } from '../context.ts'
import { failure, usageError } from '../errors.ts'
import type { Answer } from '../offline/ask-policy.ts'
import { coloursOf } from '../output/colours.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { registerAdmins } from './rbac-admins.ts'
import { registerComparisons } from './rbac-compare.ts'
import { action, type Verb } from './verb.ts'

interface AskOptions extends GlobalOptions, HubConnectionOptions {
  readonly policy?: string
  readonly groups?: string
  readonly defaultRole?: string
  readonly strict?: boolean
}

type Words = readonly [subject: string, action: string, resource: string, object: string | undefined]

/** `flotilla rbac can|explain|diff|who-can|validate`: what a policy gives, that of a hub or one in files. */
export const rbac: Verb = {
  register(program, context) {
    const command = program.command('rbac').description('ask a policy who may do what')
    asking(command, 'can', 'whether a policy gives a right: Yes or No, and 0 or 1')
      .addHelpText(
        'after',
        '\nExample:\n  flotilla rbac can ana sync app shop/web --policy fleet --groups sso:shop-devs',
      )
      .action(
        action(context, (...[subject, verb, resource, object, , self]: [...Words, object, Command]) =>
          can(context, [subject, verb, resource, object], self.optsWithGlobals()),
        ),
      )
    asking(command, 'explain', 'what a hub would answer, and the rows that decide')
      .addHelpText('after', '\nExample:\n  flotilla rbac explain ana delete app shop/web --policy policy.csv')
      .action(
        action(context, (...[subject, verb, resource, object, , self]: [...Words, object, Command]) =>
          explain(context, [subject, verb, resource, object], self.optsWithGlobals()),
        ),
      )
    registerComparisons(command, context)
    registerAdmins(command, context)
    command
      .command('validate')
      .description('check policies: rows that are wrong, that give nothing to anybody, that others make superfluous')
      .argument('<path>', 'a folder or file of the config repository, or a policy in a .csv file')
      .addHelpText('after', '\nExample:\n  flotilla rbac validate fleet')
      .action(
        action(context, (path: string, _: object, self: Command) => validate(context, path, self.optsWithGlobals())),
      )
  },
}

function asking(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .argument('<subject>', 'a user, a role (role:…) or a token of a project (proj:PROJECT:ROLE); of a hub also: me')
    .argument('<action>', 'get, sync, delete/*, action/apps/Deployment/restart …')
    .argument('<resource>', 'applications, clusters …, or short: app, proj, repo')
    .argument('[object]', 'PROJECT/NAME or a name; without it, everything')
    .option(
      '--policy <path>',
      'a folder or file of the config repository, or a policy in a .csv file; without it, a hub',
    )
    .option('--groups <names>', 'groups of the user, separated by commas')
    .option('--default-role <role>', 'what everybody has, instead of what the policy says')
    .option('--strict', "Argo CD's answer to the letter")
}

async function ask(context: CliContext, words: Words, options: AskOptions): Promise<Answer> {
  const { policy } = options
  if (policy === undefined) throw usageError('name the policy', '--policy PATH')
  const { readAccessFiles } = await import('../offline/read-access-files.ts')
  const { askPolicy } = await import('../offline/ask-policy.ts')
  const { diagnosticText } = await import('../output/diagnostics.ts')
  const reading = await readAccessFiles(policy, context.cwd)
  const errors = reading.diagnostics.filter(one => one.severity === 'error')
  const colours = coloursOf(context, context.stderr, options)
  for (const diagnostic of errors) context.stderr.write(diagnosticText(diagnostic, colours))
  // A name that does not exist is asked about by nobody; any other mistake may have been meant as a right or a deny.
  if (errors.some(one => one.code !== 'POLICY_NAME_UNKNOWN')) {
    throw failure('the policy has mistakes, so it gives no answer', `flotilla rbac validate ${policy} lists them all`)
  }
  const [subject, verb, resource, object] = words
  const groups = (options.groups ?? '').split(',').filter(group => group !== '')
  const { defaultRole, strict = false } = options
  return askPolicy(reading, { subject, action: verb, resource, object, groups, defaultRole, strict })
}

/** What a hub answers, by the policy that it has in force. */
async function askHub(context: CliContext, [subject, verb, resource, object]: Words, options: AskOptions) {
  const { withHubApi } = await import('../client/open-hub-api.ts')
  for (const [flag, given] of [
    ['--default-role', options.defaultRole],
    ['--strict', options.strict],
  ] as const) {
    if (given !== undefined)
      throw usageError(`${flag} is for a policy in files`, 'a hub answers by its own; name files with --policy')
  }
  const groups = (options.groups ?? '').split(',').filter(group => group !== '')
  const who = subject === ME ? {} : { subject, groups }
  const body = { action: verb, resource, object: object ?? '*', ...who }
  return await withHubApi(options, context, api => api.call('can', { body }))
}

/** Stands for whoever asks the hub. */
const ME = 'me'

async function can(context: CliContext, words: Words, options: AskOptions): Promise<ExitCode> {
  const format = formatOf(options, ['table', 'json', 'yaml'])
  if (options.policy === undefined) {
    const { allowed, because } = await askHub(context, words, options)
    if (format === 'table') context.stdout.write(allowed ? 'Yes\n' : 'No\n')
    else await print(context, format, { allowed, because: because?.map(withoutNulls) ?? [] })
    return allowed ? 0 : 1
  }
  const { verdict } = await ask(context, words, options)
  if (format === 'table') context.stdout.write(verdict.allowed ? 'Yes\n' : 'No\n')
  else await print(context, format, { allowed: verdict.allowed, because: verdict.because.map(reasonJson) })
  return verdict.allowed ? 0 : 1
}

async function explain(context: CliContext, words: Words, options: AskOptions): Promise<ExitCode> {
  const format = formatOf(options, ['table', 'json', 'yaml'])
  if (options.policy === undefined) return await explainByHub(context, words, options, format)
  const { verdict, authorisation } = await ask(context, words, options)
  const { kind } = authorisation
  if (format !== 'table') {
    await print(context, format, { answer: kind, allowed: kind === 'allow', because: verdict.because.map(reasonJson) })
    return kind === 'allow' ? 0 : 1
  }
  const { printable } = await import('../output/table.ts')
  context.stdout.write(`${kind}: ${MEANINGS[kind]}\n`)
  const what = verdict.allowed ? 'gives the right' : 'takes the right away'
  for (const { row, place } of verdict.because) {
    const at = place === undefined ? '' : `${place.file}:${place.line}:${place.column} `
    context.stdout.write(`  ${printable(`${at}${row}`)}\n    ${what}\n`)
  }
  if (verdict.because.length === 0) context.stdout.write('  no row gives the right\n')
  if (verdict.allowed && kind === 'hidden') {
    context.stdout.write('  but no row gives "get": what may not be seen cannot be acted upon\n')
  }
  return kind === 'allow' ? 0 : 1
}

async function explainByHub(
  context: CliContext,
  words: Words,
  options: AskOptions,
  format: 'table' | 'json' | 'yaml' | 'wide' | 'name',
): Promise<ExitCode> {
  const { allowed, answer, because, policyVersion } = await askHub(context, words, options)
  if (format === 'json' || format === 'yaml') {
    await print(context, format, { answer, allowed, because: because?.map(withoutNulls) ?? [], policyVersion })
    return allowed ? 0 : 1
  }
  const { printable } = await import('../output/table.ts')
  context.stdout.write(`${answer}: ${MEANINGS[answer]} (${policyVersion})\n`)
  for (const { row, source, file, line } of because ?? []) {
    const at = file === null ? '' : `${source === null || source === '' ? '' : `${source} `}${file}:${line} `
    context.stdout.write(`  ${printable(`${at}${row}`)}\n`)
  }
  if (because === null) context.stderr.write('the rows are for whoever may see all accounts\n')
  else if (because.length === 0) context.stdout.write('  no row gives the right\n')
  return allowed ? 0 : 1
}

function withoutNulls(reason: {
  readonly row: string
  readonly source: string | null
  readonly file: string | null
  readonly line: number | null
}): Json {
  const { row, source, file, line } = reason
  return { row, ...(source !== null && { source }), ...(file !== null && { file }), ...(line !== null && { line }) }
}

const MEANINGS = {
  allow: 'it may be done',
  forbidden: 'it may be seen, and the refusal is told',
  hidden: 'for this subject there is no such thing',
} as const

async function validate(context: CliContext, path: string, options: GlobalOptions): Promise<ExitCode> {
  const format = formatOf(options, ['table', 'json', 'yaml'])
  const { readAccessFiles } = await import('../offline/read-access-files.ts')
  const { countText, diagnosticJson, diagnosticText, hasErrors } = await import('../output/diagnostics.ts')
  const { diagnostics: found, settings } = await readAccessFiles(path, context.cwd)
  const { doubtfulRows } = await import('@flotilla/core/access/doubtful-rows')
  const diagnostics = [
    ...found,
    ...doubtfulRows(settings.rows, settings.matchMode ?? 'glob').map(({ row, kind, message, hint }): Diagnostic => {
      const code = kind === 'unanchored' ? 'POLICY_ROW_UNANCHORED' : 'POLICY_ROW_WIDE'
      const { file, line, column } = row.place
      return { severity: 'warning', code, file, line, column, message, hint }
    }),
  ].sort(compareDiagnostics)
  if (format === 'table') {
    const colours = coloursOf(context, context.stdout, options)
    context.stdout.write(diagnostics.map(one => diagnosticText(one, colours)).join(''))
    if (!options.quiet) context.stderr.write(`${countText(diagnostics)}, ${settings.rows.length} rows\n`)
  } else {
    await print(context, format, { diagnostics: diagnostics.map(diagnosticJson) })
  }
  return hasErrors(diagnostics) ? 1 : 0
}

async function print(context: CliContext, format: 'json' | 'yaml', value: Json): Promise<void> {
  const { printData } = await import('../output/data.ts')
  printData(context, format, value)
}

function reasonJson({ row, place }: Reason): Json {
  return place === undefined ? { row } : { row, file: place.file, line: place.line }
}
