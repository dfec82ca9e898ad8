import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { CliContext } from '../context.ts'
import { usageError } from '../errors.ts'
import { HubApi } from './hub-api.ts'

/** Where the hub is and who asks: options that every verb with a hub has. */
export interface HubConnectionOptions {
  readonly hub?: string
  readonly tokenFile?: string
  readonly caFile?: string
  readonly caPin?: string
  readonly context?: string
}

/**
 * The hub that options or variables name. Nothing is asked of it yet.
 *
 * @throws CliError 2 when it is not said which hub, or with what token.
 */
export async function openHubApi(options: HubConnectionOptions, context: CliContext): Promise<HubApi> {
  const url = await hubUrl(options, context)
  const token = await readToken(options, url, context)
  return (await openAs(options, token, context)).api
}

/** The hub for who has proved nothing yet. @throws CliError 2 */
export async function openUnknown(options: HubConnectionOptions, context: CliContext): Promise<OpenedHub> {
  return await openAs(options, undefined, context)
}

export interface OpenedHub {
  readonly api: HubApi
  readonly url: string
}

/** The hub for whoever has this token. @throws CliError 2 */
export async function openAs(
  options: HubConnectionOptions,
  token: string | undefined,
  context: CliContext,
): Promise<OpenedHub> {
  const { caPin } = options
  const url = await hubUrl(options, context)
  const caPem = options.caFile === undefined ? undefined : await readGiven('--ca-file', options.caFile, context)
  if (caPin !== undefined && !/^sha256:[0-9a-f]{64}$/.test(caPin)) {
    throw usageError('--ca-pin takes "sha256:" and 64 hexadecimal digits')
  }
  const { createNodeHubTransport } = await import('@flotilla/agents/link/node-hub-transport')
  const transport = createNodeHubTransport({
    url,
    environment: context.env,
    clock: context.clock,
    ...(caPem !== undefined && { caPem }),
    ...(caPin !== undefined && { caPin: caPin as `sha256:${string}` }),
  })
  return { api: new HubApi(transport, url, token, context.clock), url }
}

/** Runs `work` with the hub's API and ends its connections, whatever became of it. @throws CliError */
export async function withHubApi<T>(
  options: HubConnectionOptions,
  context: CliContext,
  work: (api: HubApi) => Promise<T>,
): Promise<T> {
  const api = await openHubApi(options, context)
  try {
    return await work(api)
  } finally {
    await api.close()
  }
}

/** The hub that is meant: named, or that of the last login. @throws CliError 2 */
export async function hubUrl(options: HubConnectionOptions, context: CliContext): Promise<string> {
  if (options.context !== undefined) {
    throw usageError('--context: this version keeps no hubs by name', 'give --hub URL, or set FLOTILLA_HUB')
  }
  const { currentHub } = await import('../sign-in/kept-token.ts')
  const given = options.hub ?? (await currentHub(context))
  if (given === undefined) throw usageError('it is not said which hub', 'give --hub URL or FLOTILLA_HUB')
  if (!URL.canParse(given) || !/^https?:/.test(given)) throw usageError(`--hub takes an https URL, not "${given}"`)
  const url = new URL(given)
  const local = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
  if (url.protocol === 'http:' && !local) {
    throw usageError('over http:// everyone on the way could read the token', 'give the https:// URL of the hub')
  }
  return given.replace(/\/+$/, '')
}

/** What is given comes before what is kept of a login. */
async function readToken({ tokenFile }: HubConnectionOptions, url: string, context: CliContext): Promise<string> {
  const { keptToken } = await import('../sign-in/kept-token.ts')
  const given =
    tokenFile === undefined ? context.env['FLOTILLA_TOKEN'] : await readGiven('--token-file', tokenFile, context)
  const token = given === undefined ? ((await keptToken(url, context)) ?? '') : given.trim()
  if (token === '') {
    throw usageError('there is no token for the hub', 'flotilla login, or give --token-file FILE or FLOTILLA_TOKEN')
  }
  // Never repeated in the message: it may be a secret in the wrong place.
  if (!/^\S{1,15000}$/.test(token)) throw usageError('the token for the hub is not one word')
  return token
}

async function readGiven(flag: string, path: string, context: CliContext): Promise<string> {
  try {
    return await readFile(resolve(context.cwd, path), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw usageError(`${flag}: there is no file ${path}`)
    }
    throw usageError(`${flag}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
