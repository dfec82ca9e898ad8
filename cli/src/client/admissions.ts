import type { JsonObject } from '@flotilla/core/json/json'
import { numberAt, textAt, valueAt } from '@flotilla/core/json/read-json'
import type { CliContext, ExitCode } from '../context.ts'
import { failure, usageError } from '../errors.ts'
import { coloursOf } from '../output/colours.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { CLUSTER_COLUMNS } from './columns.ts'
import type { HubApi } from './hub-api.ts'
import { type HubConnectionOptions, withHubApi } from './open-hub-api.ts'
import { type Column, column, printRows } from './print-rows.ts'

type Flags = GlobalOptions & HubConnectionOptions

const ENROLMENT_COLUMNS: readonly Column[] = [
  column('ID', 'id'),
  { heading: 'WANTS', text: row => textAt(row, 'cluster') || textAt(row, 'proposedName') || '-' },
  column('KIND', 'kind'),
  column('UID', 'uid'),
  { heading: 'NAME IS NOW', text: row => textAt(valueAt(row, 'present'), 'uid') || 'free' },
  column('ADDRESS', 'address'),
  column('ASKED', 'requestedAt'),
]

/** Lists clusters, and below them the agents that wait to become one. @throws CliError */
export async function listClusters(context: CliContext, flags: Flags): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'wide', 'json', 'yaml', 'name'])
  const { clusters, waiting } = await withHubApi(flags, context, async api => ({
    clusters: await api.list('listClusters', {}),
    waiting: await api.list('listEnrolments', {}),
  }))
  const whole = { ...clusters, waiting: waiting.items }
  await printRows(context, flags, format, { items: clusters.items, whole }, CLUSTER_COLUMNS)
  if ((format !== 'table' && format !== 'wide') || waiting.items.length === 0) return 0
  const { bold } = coloursOf(context, context.stdout, flags)
  context.stdout.write(`\n${bold('waiting for approval')} (flotilla cluster approve ID)\n`)
  await printRows(context, flags, format, { items: waiting.items, whole }, ENROLMENT_COLUMNS)
  return 0
}

/**
 * Admits an agent that waits, by its id or by the name that it waits for.
 *
 * @throws CliError 1 when nobody waits, when the name is taken, or when it is not clear who is meant.
 */
export async function approveCluster(
  context: CliContext,
  flags: Flags & {
    readonly name?: string
    readonly enrolment?: string
    readonly replace?: boolean
    readonly labels?: string
  },
  wanted: string,
): Promise<ExitCode> {
  const labels = flags.labels === undefined ? undefined : readLabels(flags.labels)
  return await withHubApi(flags, context, async api => {
    const found = await findWaiting(api, wanted, flags)
    const body = { enrolment: found.id, replace: flags.replace ?? false, ...(labels && { labels }) }
    const approved = await api.call(
      'approveCluster',
      { path: { name: found.name }, body },
      `agent that waits for "${found.name}"`,
    )
    const sentence = `approved ${found.id} as "${found.name}"; its agent hears of it when it asks again, within a minute`
    return await tell(context, flags, approved, sentence)
  })
}

async function findWaiting(
  api: HubApi,
  wanted: string,
  flags: { readonly name?: string; readonly enrolment?: string },
): Promise<{ readonly id: string; readonly name: string }> {
  const { items } = await api.list('listEnrolments', {})
  const byId = items.find(row => textAt(row, 'id') === (flags.enrolment ?? wanted))
  if (byId) {
    const named = flags.enrolment === undefined ? undefined : wanted
    const name = flags.name ?? named ?? (textAt(byId, 'cluster') || textAt(byId, 'proposedName'))
    if (name === '') throw usageError(`${textAt(byId, 'id')} proposes no name`, 'give --name NAME')
    return { id: textAt(byId, 'id'), name }
  }
  if (flags.enrolment !== undefined) throw failure(`nobody waits with the id ${flags.enrolment}`)
  const named = items.filter(row => (textAt(row, 'cluster') || textAt(row, 'proposedName')) === wanted)
  const [first, ...others] = named
  if (!first) throw failure(`nobody waits as "${wanted}"`, 'flotilla cluster list shows who waits')
  if (others.length > 0) {
    const ids = named.map(row => textAt(row, 'id')).join(', ')
    throw failure(`several agents wait as "${wanted}"`, `say which: flotilla cluster approve ID, one of ${ids}`)
  }
  return { id: textAt(first, 'id'), name: flags.name ?? wanted }
}

/** Says no to an agent that waits. @throws CliError */
export async function rejectEnrolment(
  context: CliContext,
  flags: Flags & { readonly reason?: string },
  id: string,
): Promise<ExitCode> {
  return await withHubApi(flags, context, async api => {
    const body = flags.reason === undefined ? {} : { reason: flags.reason }
    const what = `agent that waits with the id ${id}`
    const rejected = await api.call('rejectEnrolment', { path: { id }, body }, what)
    return await tell(context, flags, rejected, `rejected ${id}: this key is not admitted by its token any more`)
  })
}

/** Refuses a cluster's agent from now on, or ends a join token. @throws CliError */
export async function revokeCluster(
  context: CliContext,
  flags: Flags & { readonly reason?: string; readonly token?: string },
  name: string | undefined,
): Promise<ExitCode> {
  const { reason, token } = flags
  if ((name === undefined) === (token === undefined)) throw usageError('give the name of a cluster, or --token ID')
  return await withHubApi(flags, context, async api => {
    if (token !== undefined) {
      const ended = await api.call('revokeJoinToken', { path: { id: token } }, `join token ${token}`)
      return await tell(context, flags, ended, `revoked join token ${token}`)
    }
    const body = reason === undefined ? {} : { reason }
    const revoked = await api.call('revokeCluster', { path: { name: name ?? '' }, body }, `Cluster "${name}"`)
    const sentence = `revoked "${name}": its agent is refused from now on; what runs in the cluster stays as it is`
    return await tell(context, flags, revoked, sentence)
  })
}

/** A token with which many clusters ask to join. @throws CliError */
export async function pendingJoinToken(
  context: CliContext,
  flags: Flags & { readonly labels?: string; readonly max?: string; readonly expires?: string },
): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'json', 'yaml'])
  const max = Number(flags.max)
  if (!Number.isInteger(max) || max < 1)
    throw usageError('--pending needs --max: how many agents may ask with the token')
  const labels = readLabels(flags.labels ?? '')
  const expires = flags.expires === undefined ? {} : { expiresInSeconds: readSeconds(flags.expires) }
  const made = await withHubApi(flags, context, api =>
    api.call('createPendingJoinToken', { body: { labels, max, ...expires } }),
  )
  if (format !== 'table') {
    const { printData } = await import('../output/data.ts')
    printData(context, format, made)
    return 0
  }
  context.stdout.write(`${textAt(made, 'token')}\n`)
  if (!flags.quiet) {
    context.stderr.write(
      `up to ${numberAt(made, 'max')} agents may ask with it until ${textAt(made, 'expiresAt')}, and each waits for: flotilla cluster approve; ` +
        `its id, for revoking it: ${textAt(made, 'id')}; shown only now\n`,
    )
  }
  return 0
}

async function tell(context: CliContext, flags: Flags, answer: JsonObject, sentence: string): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'json', 'yaml', 'name'])
  if (format === 'json' || format === 'yaml') {
    const { printData } = await import('../output/data.ts')
    printData(context, format, answer)
  } else if (format === 'name') context.stdout.write(`${textAt(answer, 'name') || textAt(answer, 'id')}\n`)
  else context.stdout.write(`${sentence}\n`)
  return 0
}

/** `site=store,env=prod`. @throws CliError 2 */
function readLabels(text: string): { [key: string]: string } {
  const labels: { [key: string]: string } = {}
  for (const pair of text.split(',').filter(part => part.trim() !== '')) {
    const at = pair.indexOf('=')
    if (at < 1) throw usageError(`--labels takes key=value pairs with commas between them, not "${pair}"`)
    labels[pair.slice(0, at).trim()] = pair.slice(at + 1).trim()
  }
  return labels
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** `7d`, `12h`, `1h30m`. @throws CliError 2 */
function readSeconds(text: string): number {
  if (!/^(\d{1,7}[smhd])+$/.test(text)) throw usageError(`--expires takes a duration like 7d or 12h, not "${text}"`)
  let total = 0
  for (const [, count, unit] of text.matchAll(/(\d+)([smhd])/g))
    total += Number(count) * (UNIT_SECONDS[unit ?? ''] ?? 0)
  return total
}
