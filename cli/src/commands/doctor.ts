import { join, resolve } from 'node:path'
import type { Json } from '@flotilla/core/json/json'
import type { Command } from 'commander'
import type { HubConnectionOptions } from '../client/open-hub-api.ts'
import type { CliContext } from '../context.ts'
import type { Finding } from '../doctor/finding.ts'
import { usageError } from '../errors.ts'
import { coloursOf } from '../output/colours.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { action, type Verb } from './verb.ts'

interface DoctorFlags extends GlobalOptions, HubConnectionOptions {
  readonly config?: string
  readonly data?: string
}

/** `flotilla doctor`: looks at a hub's folder, at a running hub, or at both, and says how to mend what is wrong. */
export const doctor: Verb = {
  register(program, context) {
    program
      .command('doctor')
      .description('look for what is wrong with a hub, its store, keys, sources and agents, and say how to mend it')
      .option('--config <file>', 'hub.yaml of a hub on this machine (or FLOTILLA_CONFIG)')
      .option('--data <folder>', 'data folder of a hub on this machine')
      .addHelpText(
        'after',
        '\nA hub on this machine is looked at by --config or --data, whether it runs or not; a running one by --hub.' +
          '\nExit codes: 0 nothing failed, 1 something did, 3 the hub cannot be reached.' +
          '\n\nExamples:\n  flotilla doctor --config hub.yaml\n  flotilla doctor --hub https://hub.example.com -o json',
      )
      .action(
        action(context, async (_flags: object, self: Command) => {
          const flags: DoctorFlags = self.optsWithGlobals()
          const format = formatOf(flags, ['table', 'json', 'yaml'])
          const findings = [...(await lookHere(flags, context)), ...(await lookAtHub(flags, context))]
          const hasFailed = findings.some(({ status }) => status === 'failed')
          if (format === 'table') print(findings, flags, context)
          else {
            const { printData } = await import('../output/data.ts')
            printData(context, format, { healthy: !hasFailed, findings: findings as unknown as Json })
          }
          return hasFailed ? 1 : 0
        }),
      )
  },
}

async function lookHere(flags: DoctorFlags, context: CliContext): Promise<readonly Finding[]> {
  const config = flags.config ?? context.env['FLOTILLA_CONFIG']
  if (config === undefined && flags.data === undefined) {
    if (flags.hub === undefined)
      throw usageError(
        'it is not said what to look at',
        'give --config hub.yaml or --data, or --hub URL for a running hub',
      )
    return []
  }
  const { checkFolder } = await import('../doctor/check-folder.ts')
  const now = context.clock.now()
  if (config === undefined) {
    const data = resolve(context.cwd, flags.data ?? '')
    return await checkFolder({ data, keyFile: join(data, 'hub.key') }, now)
  }
  const { loadHubOptions } = await import('@flotilla/hub/settings/load-hub-options')
  const { settingProblemText } = await import('@flotilla/hub/settings/gather-settings')
  const { failed, ok, warning } = await import('../doctor/finding.ts')
  const path = resolve(context.cwd, config)
  const gathered = await loadHubOptions({ environment: context.env, flags: {}, path })
  if (gathered.kind === 'refused') {
    return gathered.problems.map(problem => failed('settings', config, settingProblemText(problem)))
  }
  const { options } = gathered
  const warned = gathered.warnings.map(problem => warning('settings', config, settingProblemText(problem)))
  const data = resolve(context.cwd, flags.data ?? options.dataDirectory)
  const keyFile = flags.data === undefined ? resolve(options.keyFile) : join(data, 'hub.key')
  const { checkCertificate } = await import('../doctor/check-certificate.ts')
  const { checkTools } = await import('../doctor/check-tools.ts')
  const { checkSignIn } = await import('../doctor/check-sign-in.ts')
  const { credentialsFor } = await import('@flotilla/hub/settings/credentials-for')
  const credentials = credentialsFor(options)
  const repositories = await Promise.all(
    options.configSources.map(async ({ name, repository, revision }) => ({
      name,
      repository,
      revision,
      hasCredentials: (await credentials(repository).catch(() => undefined)) !== undefined,
    })),
  )
  return [
    ok('settings', config, `${options.configSources.length} config sources`),
    ...warned,
    ...(await checkFolder({ data, keyFile }, now)),
    ...(await checkCertificate(options.tls, keyFile, now)),
    ...(await checkTools(options.gitBinary, repositories)),
    ...(await checkSignIn(options.signIn, options.publicUrl, context.clock, context.env)),
  ]
}

async function lookAtHub(flags: DoctorFlags, context: CliContext): Promise<readonly Finding[]> {
  if (flags.hub === undefined) return []
  const { withHubApi } = await import('../client/open-hub-api.ts')
  const { checkHub } = await import('../doctor/check-online.ts')
  const url = flags.hub
  return await withHubApi(flags, context, api => checkHub(api, url, context.clock))
}

const MARKS = { ok: 'ok', warning: 'warning', failed: 'FAILED', skipped: 'skipped' } as const

function print(findings: readonly Finding[], flags: GlobalOptions, context: CliContext): void {
  const { red, dim, yellow } = coloursOf(context, context.stdout, flags)
  for (const { check, subject, status, message, hint } of findings) {
    if (flags.quiet && (status === 'ok' || status === 'skipped')) continue
    const mark =
      status === 'failed' ? red(MARKS[status]) : status === 'warning' ? yellow(MARKS[status]) : dim(MARKS[status])
    context.stdout.write(`${mark} ${check}: ${subject}: ${message}\n`)
    if (hint !== undefined) context.stdout.write(`  ${dim('hint:')} ${hint}\n`)
  }
  const count = (status: Finding['status']): number => findings.filter(each => each.status === status).length
  context.stderr.write(
    `${count('failed')} failed, ${count('warning')} warnings, ${count('ok')} ok, ${count('skipped')} skipped\n`,
  )
}
