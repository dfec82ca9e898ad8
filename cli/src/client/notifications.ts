import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import { listAt, textAt } from '@flotilla/core/json/read-json'
import type { CliContext, ExitCode } from '../context.ts'
import { usageError } from '../errors.ts'
import { formatOf } from '../output/formats.ts'
import { type Flags, listGates } from './gates.ts'
import { withHubApi } from './open-hub-api.ts'
import { type Column, column, printRows, wideColumn } from './print-rows.ts'

const FORMATS = ['table', 'wide', 'json', 'yaml', 'name'] as const

const names = (row: JsonObject, member: string): string =>
  listAt(row, member)
    .map(one => (isJsonObject(one) ? textAt(one, 'name') : String(one)))
    .join(',')

const ROUTE_COLUMNS: readonly Column[] = [
  column('NAME', 'name'),
  column('TEAM', 'team'),
  { heading: 'TRIGGERS', text: row => names(row, 'triggers') },
  { heading: 'TARGETS', text: row => names(row, 'targets') },
  { heading: 'INCIDENTS', text: row => String(listAt(row, 'incidents').length) },
  column('WAITING', 'waiting'),
  column('DEAD', 'dead'),
  { heading: 'TROUBLE', text: row => textAt(row, 'trouble') || textAt(row, 'lastError') || '-' },
]

const MESSAGE_COLUMNS: readonly Column[] = [
  column('ID', 'id'),
  column('ROUTE', 'route'),
  column('TARGET', 'target'),
  column('KIND', 'kind'),
  column('STATE', 'state'),
  column('TITLE', 'title'),
  column('ATTEMPTS', 'attempts'),
  column('ERROR', 'error', 'message'),
  wideColumn('CREATED', 'createdAt'),
  wideColumn('DUE', 'dueAt'),
  wideColumn('SENT', 'sentAt'),
]

const STATES = ['waiting', 'sent', 'dead'] as const

/** Routes, with what is open and what does not get through. @throws CliError */
export async function listRoutes(context: CliContext, flags: Flags): Promise<ExitCode> {
  return await listGates(context, flags, {
    list: api => api.list('listNotifications', {}),
    columns: ROUTE_COLUMNS,
    nothing: 'no document declares a NotificationRoute',
  })
}

/** Messages, newest first. @throws CliError */
export async function listMessages(
  context: CliContext,
  flags: Flags,
  wanted: { readonly state?: string; readonly route?: string },
): Promise<ExitCode> {
  const states = wanted.state?.split(',') ?? []
  const unknown = states.find(state => !STATES.some(known => known === state))
  if (unknown !== undefined) throw usageError(`--state takes ${STATES.join(', ')}, not "${unknown}"`)
  return await listGates(context, flags, {
    list: api => api.list('listNotificationMessages', { query: wanted }),
    columns: MESSAGE_COLUMNS,
    nothing: 'there is no message',
    nameOf: row => textAt(row, 'id'),
  })
}

/** @throws CliError */
export async function retryMessage(context: CliContext, flags: Flags, id: string): Promise<ExitCode> {
  const message = await withHubApi(flags, context, api =>
    api.call('retryNotificationMessage', { path: { id } }, `message "${id}"`),
  )
  return await show(context, flags, [message])
}

/** @throws CliError */
export async function testRoute(context: CliContext, flags: Flags, name: string): Promise<ExitCode> {
  const { items } = await withHubApi(flags, context, api =>
    api.call('testNotificationRoute', { path: { name } }, `notification route "${name}"`),
  )
  return await show(context, flags, items)
}

async function show(context: CliContext, flags: Flags, items: readonly JsonObject[]): Promise<ExitCode> {
  const format = formatOf(flags, [...FORMATS])
  const rows = format === 'name' ? items.map(each => ({ ...each, name: textAt(each, 'id') })) : items
  await printRows(context, flags, format, { items: rows, whole: { items: [...items] } }, MESSAGE_COLUMNS)
  return 0
}
