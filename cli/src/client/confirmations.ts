import type { JsonObject } from '@flotilla/core/json/json'
import { listAt, numberAt, textAt, valueAt } from '@flotilla/core/json/read-json'
import type { CliContext, ExitCode } from '../context.ts'
import { usageError } from '../errors.ts'
import { coloursOf } from '../output/colours.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { printable, table } from '../output/table.ts'
import { type HubConnectionOptions, withHubApi } from './open-hub-api.ts'
import { type Column, column, printRows } from './print-rows.ts'

export interface ConfirmationFlags extends GlobalOptions, HubConnectionOptions {
  readonly reason: string
  readonly yes?: boolean
  readonly wholeProject?: boolean
}

const KINDS = ['deletion', 'adoption', 'prune'] as const
const STATES = ['held', 'rejected', 'approved', 'superseded', 'all'] as const

const COLUMNS: readonly Column[] = [
  column('ID', 'id'),
  column('KIND', 'kind'),
  column('STATE', 'state'),
  { heading: 'OF', text: subjectOf },
  { heading: 'COUNT', text: countOf },
  column('SINCE', 'since'),
  column('WHAT', 'reason'),
]

/** @throws CliError */
export async function listConfirmations(
  context: CliContext,
  flags: GlobalOptions & HubConnectionOptions & { readonly state: string; readonly kind?: string },
): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'wide', 'json', 'yaml', 'name'])
  const state = STATES.find(each => each === flags.state)
  const kind = KINDS.find(each => each === flags.kind)
  if (state === undefined) throw usageError(`--state takes ${STATES.join(', ')}, not "${flags.state}"`)
  if (flags.kind !== undefined && kind === undefined)
    throw usageError(`--kind takes ${KINDS.join(', ')}, not "${flags.kind}"`)
  const query = { state, ...(kind === undefined ? {} : { kind }) }
  const { items, total } = await withHubApi(flags, context, api => api.list('listConfirmations', { query }))
  const rows = format === 'name' ? items.map(each => ({ ...each, name: textAt(each, 'id') })) : items
  const nothing = state === 'held' ? 'nothing waits for a person' : 'there is nothing such'
  await printRows(context, flags, format, { items: rows, whole: { items, total } }, COLUMNS, nothing)
  return 0
}

/** @throws CliError; 1 when nothing has that id. */
export async function getConfirmation(
  context: CliContext,
  flags: GlobalOptions & HubConnectionOptions,
  id: string,
): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'wide', 'json', 'yaml', 'name'])
  const found = await withHubApi(flags, context, api => api.call('getConfirmation', { path: { id } }, subject(id)))
  await printRows(context, flags, format, { items: [{ ...found, name: id }], whole: found }, COLUMNS)
  if (format === 'table' || format === 'wide') printApplications(context, flags, found)
  return 0
}

/**
 * Approves or rejects. What is said to the hub is the list that was shown here: if it is another one by then, nothing is
 * done.
 *
 * @throws CliError
 */
export async function decideConfirmation(
  context: CliContext,
  flags: ConfirmationFlags,
  verdict: 'approve' | 'reject',
  id: string,
): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'json', 'yaml', 'name'])
  return await withHubApi(flags, context, async api => {
    const found = await api.call('getConfirmation', { path: { id } }, subject(id))
    if (format === 'table' || flags.yes !== true) {
      await printRows(context, flags, format, { items: [{ ...found, name: id }], whole: found }, COLUMNS)
    }
    if (format === 'table') printApplications(context, flags, found)
    if (flags.yes !== true) {
      context.stderr.write(
        `nothing was done; to ${verdict} exactly this: flotilla confirmation ${verdict} ${id} --yes\n`,
      )
      return 1
    }
    const digest = textAt(found, 'digest')
    const decided = await api.call(
      `${verdict}Confirmation`,
      {
        path: { id },
        body: {
          reason: flags.reason,
          ...(digest === '' ? {} : { digest }),
          ...(flags.wholeProject === true ? { wholeProject: true } : {}),
        },
      },
      subject(id),
    )
    if (format !== 'table') {
      await printRows(context, flags, format, { items: [{ ...decided, name: id }], whole: decided }, COLUMNS)
    } else {
      const operation = textAt(decided, 'operation')
      const follow = operation === '' ? '' : `: operation ${operation}`
      context.stdout.write(`${textAt(decided, 'state')} ${id}${follow}\n`)
    }
    return 0
  })
}

function subject(id: string): string {
  return `confirmation "${id}"`
}

function subjectOf(item: JsonObject): string {
  switch (textAt(item, 'kind')) {
    case 'adoption':
      return `${textAt(item, 'scope', 'kind')} ${textAt(item, 'scope', 'name')}`
    case 'prune':
      return `application ${textAt(item, 'application')}`
    default: {
      const set = valueAt(item, 'set')
      return typeof set === 'string' ? `set ${set}` : 'applications'
    }
  }
}

function countOf(item: JsonObject): string {
  switch (textAt(item, 'kind')) {
    case 'adoption':
      return `${listAt(item, 'objects').reduce<number>((sum, each) => sum + numberAt(each, 'count'), 0)} objects`
    case 'prune':
      return `${numberAt(item, 'count')} objects`
    default:
      return `${numberAt(item, 'count', 'removed')} of ${numberAt(item, 'count', 'total')}`
  }
}

function printApplications(context: CliContext, flags: GlobalOptions, item: JsonObject): void {
  const rows = listAt(item, 'applications').map(each => [
    textAt(each, 'name'),
    textAt(each, 'project'),
    textAt(each, 'cluster'),
  ])
  const by = textAt(valueAt(item, 'decision'), 'by')
  if (by !== '') {
    const why = textAt(valueAt(item, 'decision'), 'reason')
    context.stdout.write(`\n${printable(`${textAt(item, 'state')} by ${by}${why === '' ? '' : `: ${why}`}`)}\n`)
  }
  if (rows.length === 0) return
  context.stdout.write(
    `\n${table(['APPLICATION', 'PROJECT', 'CLUSTER'], rows, coloursOf(context, context.stdout, flags))}`,
  )
}
