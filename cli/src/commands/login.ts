import type { Command } from 'commander'
import type { HubConnectionOptions } from '../client/open-hub-api.ts'
import type { CliContext, ExitCode } from '../context.ts'
import { failure, usageError } from '../errors.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import type { KeptCredential } from '../sign-in/credential-file.ts'
import { action, type Verb } from './verb.ts'

interface LoginFlags extends GlobalOptions, HubConnectionOptions {
  readonly device?: boolean
  readonly username?: string
  readonly passwordFile?: string
}

interface LogoutFlags extends GlobalOptions, HubConnectionOptions {
  readonly onlyHere?: boolean
}

/** `flotilla login`, `logout`, `whoami`. */
export const login: Verb = {
  register(program, context) {
    program
      .command('login')
      .description('sign in to a hub; what proves it is kept for the next commands')
      .option('--device', 'sign in on another device, by a code that is typed there')
      .option('--username <name>', 'as an account of the hub, with its password')
      .option('--password-file <file>', 'where the password is; - for standard input')
      .addHelpText(
        'after',
        '\nIt is kept in ~/.config/flotilla/credentials.json (or FLOTILLA_CREDENTIALS), readable by you alone.' +
          '\n\nExamples:\n  flotilla login --hub https://hub.example.com' +
          '\n  flotilla login --hub https://hub.example.com --device' +
          '\n  flotilla login --hub https://hub.example.com --username ana --password-file ana.password',
      )
      .action(
        action(context, async (_: object, self: Command): Promise<ExitCode> => {
          const flags: LoginFlags = self.optsWithGlobals()
          if (flags.username === undefined && flags.passwordFile !== undefined) {
            throw usageError('--password-file is for --username')
          }
          if (flags.username !== undefined && flags.device === true) throw usageError('--device is not for --username')
          return flags.username === undefined
            ? await byProvider(flags, context)
            : await byPassword(flags, flags.username, context)
        }),
      )
    program
      .command('logout')
      .description('end all of your sessions, on every device, and forget this one')
      .option('--only-here', 'end this session alone')
      .addHelpText('after', '\nExample:\n  flotilla logout')
      .action(action(context, (_: object, self: Command) => logOut(self.optsWithGlobals(), context)))
    program
      .command('whoami')
      .description('show who the hub takes you for, and in what groups')
      .addHelpText('after', '\nExample:\n  flotilla whoami')
      .action(action(context, (_: object, self: Command) => whoAmI(self.optsWithGlobals(), context)))
  },
}

async function byProvider(flags: LoginFlags, context: CliContext): Promise<ExitCode> {
  const { openUnknown } = await import('../client/open-hub-api.ts')
  const { credentialOf } = await import('../sign-in/kept-token.ts')
  const provider = await import('../sign-in/provider-client.ts')
  const { api, url } = await openUnknown(flags, context)
  try {
    const { provider: named } = await api.call('signInSettings', {})
    if (named === null) {
      throw failure(`${url} has no identity provider`, 'give --username, or use a token: --token-file')
    }
    const opened = await provider.openProvider(named, context)
    try {
      const way = flags.device === true ? provider.loginByDevice : provider.loginByBrowser
      const answer = await way(opened, named.scopes, context)
      const about = { name: '', issuer: named.issuer, clientId: named.clientId, now: context.clock.now() }
      const kept = credentialOf(answer, about)
      return await keep(flags, url, kept, context)
    } finally {
      opened.close()
    }
  } finally {
    await api.close()
  }
}

async function byPassword(flags: LoginFlags, name: string, context: CliContext): Promise<ExitCode> {
  if (flags.passwordFile === undefined) {
    throw usageError('there is no password', 'give --password-file FILE, or - for standard input')
  }
  const { readTextFile } = await import('./read-text-file.ts')
  const { openUnknown } = await import('../client/open-hub-api.ts')
  // A line break at the end is the editor's, and blanks may be the password's.
  const password = (await readTextFile(context, flags.passwordFile)).replace(/\r?\n$/, '')
  if (password === '') throw usageError(`${flags.passwordFile} is empty`)
  const { api, url } = await openUnknown(flags, context)
  try {
    const { token, expiresAt } = await api.call('signInByPassword', { body: { name, password, bearer: true } })
    if (token === null) throw failure(`${url} gave no token`)
    const kept = {
      kind: 'session',
      token,
      name,
      issuedAt: context.clock.now(),
      expiresAt: Date.parse(expiresAt),
    } as const
    return await keep(flags, url, kept, context)
  } finally {
    await api.close()
  }
}

/** Keeps it once the hub has said who that is: what it refuses is good for nothing. */
async function keep(flags: LoginFlags, url: string, kept: KeptCredential, context: CliContext): Promise<ExitCode> {
  const { openAs } = await import('../client/open-hub-api.ts')
  const { changeCredentials } = await import('../sign-in/credential-file.ts')
  const { api } = await openAs(flags, kept.token, context)
  try {
    const { name } = await api.call('whoami', {})
    await changeCredentials(context, all => ({ current: url, hubs: { ...all.hubs, [url]: { ...kept, name } } }))
    if (flags.quiet !== true) context.stderr.write(`logged in to ${url} as ${name}\n`)
    return 0
  } finally {
    await api.close()
  }
}

async function logOut(flags: LogoutFlags, context: CliContext): Promise<ExitCode> {
  const { changeCredentials, readCredentials } = await import('../sign-in/credential-file.ts')
  const { hubUrl, openAs } = await import('../client/open-hub-api.ts')
  const url = await hubUrl(flags, context)
  const kept = (await readCredentials(context)).hubs[url]
  if (kept === undefined) throw failure(`you are not logged in to ${url}`)
  let ended = 0
  const { api } = await openAs(flags, kept.token, context)
  try {
    const answer = await api.call('signOut', { body: { everywhere: flags.onlyHere !== true } })
    ended = answer.ended
  } catch (error) {
    const { CliError } = await import('../errors.ts')
    // What is not good any more needs no end; what cannot be asked is kept, so that it can be tried again.
    if (!(error instanceof CliError) || !error.message.includes('not valid')) throw error
  } finally {
    await api.close()
  }
  if (kept.refreshToken !== undefined && kept.issuer !== undefined) {
    const { giveBack, openProvider } = await import('../sign-in/provider-client.ts')
    const provider = await openProvider({ issuer: kept.issuer, clientId: kept.clientId ?? '' }, context)
    await giveBack(provider, kept.refreshToken)
    provider.close()
  }
  await changeCredentials(context, all => {
    const { [url]: _gone, ...hubs } = all.hubs
    return { ...(all.current !== undefined && all.current !== url && { current: all.current }), hubs }
  })
  if (flags.quiet !== true) {
    const more = ended > 1 ? `, and ${ended} sessions ended` : ''
    context.stderr.write(`logged out of ${url}${more}\n`)
  }
  return 0
}

async function whoAmI(flags: GlobalOptions & HubConnectionOptions, context: CliContext): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'json', 'yaml'])
  const { withHubApi } = await import('../client/open-hub-api.ts')
  const who = await withHubApi(flags, context, api => api.call('whoami', {}))
  if (format === 'table') {
    const lines = [
      ['name', who.name],
      ['subject', who.subject],
      ['groups', who.groups.join(', ')],
      ['shown', who.by],
      ['role', who.role],
      ['until', who.expiresAt ?? 'it is revoked'],
    ]
    for (const [heading, text] of lines) context.stdout.write(`${`${heading}:`.padEnd(10)}${text}\n`)
    return 0
  }
  const { printData } = await import('../output/data.ts')
  printData(context, format, { ...who, groups: [...who.groups] })
  return 0
}
