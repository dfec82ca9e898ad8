import type { JsonObject } from '@flotilla/core/json/json'
import { listAt, textAt, valueAt } from '@flotilla/core/json/read-json'
import type { CliContext, ExitCode } from '../context.ts'
import { formatOf } from '../output/formats.ts'
import { type Flags, listGates } from './gates.ts'
import type { HubApi } from './hub-api.ts'
import { withHubApi } from './open-hub-api.ts'
import { type Column, column, printRows, wideColumn } from './print-rows.ts'

const COLUMNS: readonly Column[] = [
  column('ID', 'id'),
  column('STATE', 'state'),
  column('WHO', 'subject'),
  column('ROW', 'row'),
  {
    heading: 'AGREED',
    text: right => {
      const people = listAt(right, 'people').map(each => textAt(each, 'by'))
      return `${people.length} of ${String(valueAt(right, 'peopleNeeded'))}${people.length > 0 ? `: ${people.join(', ')}` : ''}`
    },
  },
  {
    heading: 'WHERE',
    text: right =>
      [textAt(right, 'source'), textAt(right, 'file'), String(valueAt(right, 'line') ?? '')].join(' ').trim(),
    wide: true,
  },
  wideColumn('GIVES', 'gives'),
]

/** @throws CliError */
export async function listAdminRights(context: CliContext, flags: Flags): Promise<ExitCode> {
  return await listGates(context, flags, {
    list: api => api.list('listAdminRights', {}),
    columns: COLUMNS,
    nothing:
      'no document makes anybody an administrator whom access.admins does not list, or hub.yaml asks for no list',
  })
}

/** 0 when it is in force, 1 while somebody else has to agree. @throws CliError */
export async function approveAdminRight(
  context: CliContext,
  flags: Flags,
  id: string,
  comment: string,
): Promise<ExitCode> {
  const right = await shown(context, flags, api =>
    api.call('approveAdminRight', { path: { id }, body: { comment } }, `right "${id}"`),
  )
  if (textAt(right, 'state') === 'approved') return 0
  context.stderr.write(`not in force yet; somebody else who has signed in says: flotilla rbac approve ${id}\n`)
  return 1
}

/** @throws CliError */
export async function revokeAdminRight(
  context: CliContext,
  flags: Flags,
  id: string,
  reason: string,
): Promise<ExitCode> {
  await shown(context, flags, api => api.call('revokeAdminRight', { path: { id }, body: { reason } }, `right "${id}"`))
  return 0
}

async function shown(
  context: CliContext,
  flags: Flags,
  ask: (api: HubApi) => Promise<JsonObject>,
): Promise<JsonObject> {
  const format = formatOf(flags, ['table', 'wide', 'json', 'yaml', 'name'])
  const right = await withHubApi(flags, context, ask)
  await printRows(context, flags, format, { items: [{ ...right, name: textAt(right, 'id') }], whole: right }, COLUMNS)
  return right
}
