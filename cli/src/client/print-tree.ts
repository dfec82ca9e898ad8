import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { listAt, numberAt, numberIfAny, textAt, valueAt } from '@flotilla/core/json/read-json'
import type { CliContext, ExitCode } from '../context.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { type HubConnectionOptions, withHubApi } from './open-hub-api.ts'
import { type Column, column, printRows, wideColumn } from './print-rows.ts'

type Flags = GlobalOptions & HubConnectionOptions & { readonly live?: boolean }

const COLUMNS: readonly Column[] = [
  { heading: 'KIND', text: row => `${indent(row)}${kindOf(row)}` },
  column('NAMESPACE', 'namespace'),
  column('NAME', 'name'),
  column('SYNC', 'sync'),
  column('HEALTH', 'health'),
  { heading: 'WHY', text: whyOf },
  wideColumn('NODE', 'node'),
]

/** What is to be said where an agent has told nothing. */
const UNKNOWN: Readonly<Record<string, string>> = {
  offline: 'its agent is not connected: what these objects have made is not known',
  unanswered: 'its agent did not answer in time: what these objects have made is not known',
  refused: 'its agent would not say what these objects have made',
}

/** The objects of an Application, and under each what it has made, as its agent sees it now. @throws CliError */
export async function printTree(context: CliContext, flags: Flags, name: string): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'wide', 'json', 'yaml', 'name'])
  const query = { live: flags.live === false ? ('false' as const) : ('true' as const) }
  const whole: JsonObject = await withHubApi(flags, context, api =>
    api.call('getApplicationTree', { path: { name }, query }, `Application "${name}"`),
  )
  const items = listAt(whole, 'items').filter(isJsonObject)
  const children = listAt(whole, 'live', 'children').filter(isJsonObject)
  const rows = items.flatMap(item => [item, ...under(item, children, 1)])
  await printRows(context, flags, format, { items: rows, whole }, COLUMNS)
  const say = (text: string): void => void context.stderr.write(`${text}\n`)
  const cut = numberAt(whole, 'cut')
  if (cut > 0) say(`${cut} more objects are not well; their agent has left them out`)
  if (whole['reported'] === false) say('its agent has not spoken of this yet')
  const unknown = UNKNOWN[textAt(whole, 'live', 'state')]
  if (unknown !== undefined) say(unknown)
  for (const note of listAt(whole, 'live', 'notes')) say(String(note))
  return 0
}

/** Children come owners first, so that a chain of owners is no longer than the list. */
function under(owner: JsonObject, children: readonly JsonObject[], depth: number): readonly JsonObject[] {
  if (depth > DEEPEST) return []
  return children
    .filter(child => isOwner(owner, valueAt(child, 'owner')))
    .flatMap(child => {
      const object = valueAt(child, 'object')
      const row = { ...child, ...(isJsonObject(object) ? object : {}), depth, sync: null }
      return [row, ...under(row, children, depth + 1)]
    })
}

/** A CronJob has Jobs that have Pods; more steps are nobody's. */
const DEEPEST = 5

/** An object without a namespace is in the Application's own. */
function isOwner(object: JsonObject, owner: Json | undefined): boolean {
  const same = (field: string): boolean => textAt(object, field) === textAt(owner, field)
  const isThere = textAt(object, 'namespace') === '' || same('namespace')
  return isThere && same('group') && same('kind') && same('name')
}

function indent(row: JsonObject): string {
  const depth = numberIfAny(row, 'depth') ?? 0
  return depth === 0 ? '' : `${'  '.repeat(depth - 1)}└ `
}

function kindOf(row: JsonObject): string {
  const group = textAt(row, 'group')
  return group === '' ? textAt(row, 'kind') : `${group}/${textAt(row, 'kind')}`
}

function whyOf(row: JsonObject): string {
  const said = textAt(row, 'message') || textAt(row, 'reason')
  const ready = valueAt(row, 'ready')
  const restarts = numberIfAny(row, 'restarts') ?? 0
  const facts = [
    said,
    isJsonObject(ready) ? `${numberAt(ready, 'ready')}/${numberAt(ready, 'wanted')} ready` : '',
    restarts > 0 ? `${restarts} ${restarts === 1 ? 'restart' : 'restarts'}` : '',
  ]
  const text = facts.filter(each => each !== '').join(', ')
  return text || (row['wanted'] === false ? 'not wanted any more' : '-')
}
