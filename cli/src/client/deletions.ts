import type { JsonObject } from '@flotilla/core/json/json'
import { listAt, textAt, valueAt } from '@flotilla/core/json/read-json'
import type { CliContext, ExitCode } from '../context.ts'
import { failure, usageError } from '../errors.ts'
import { coloursOf } from '../output/colours.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { printable, table } from '../output/table.ts'
import type { HubApi } from './hub-api.ts'
import { type HubConnectionOptions, withHubApi } from './open-hub-api.ts'
import { type Column, column, printRows } from './print-rows.ts'

type Flags = GlobalOptions & HubConnectionOptions

const STATES = ['held', 'rejected', 'approved', 'superseded', 'all'] as const

const COLUMNS: readonly Column[] = [
  column('ID', 'id'),
  column('SET', 'set'),
  column('STATE', 'state'),
  { heading: 'REMOVES', text: row => `${valueAt(row, 'count', 'removed')} of ${valueAt(row, 'count', 'total')}` },
  column('CLUSTERS', 'clusters'),
  column('SINCE', 'since'),
  column('WHY', 'reason'),
]

/** Lists removals, each with every Application that it names. @throws CliError */
export async function listDeletions(
  context: CliContext,
  flags: Flags & { readonly state: string },
  set: string | undefined,
): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'wide', 'json', 'yaml', 'name'])
  const state = STATES.find(each => each === flags.state)
  if (state === undefined) throw usageError(`--state takes ${STATES.join(', ')}, not "${flags.state}"`)
  const { items, total } = await withHubApi(flags, context, async api => {
    if (set === undefined) return await api.list('listConfirmations', { query: { state, kind: 'deletion' } })
    await api.call('getApplicationSet', { path: { name: set } }, `ApplicationSet "${set}"`)
    return await api.list('listDeletionsOfSet', { path: { name: set }, query: { state } })
  })
  const rows = format === 'name' ? items.map(each => ({ ...each, name: textAt(each, 'id') })) : items
  await printRows(context, flags, format, { items: rows, whole: { items, total } }, COLUMNS, nothing(state, set))
  if (format !== 'table' && format !== 'wide') return 0
  for (const item of items) printApplications(context, flags, item)
  return 0
}

function nothing(state: string, set: string | undefined): string {
  const of = set === undefined ? '' : ` of set "${set}"`
  return state === 'held' ? `nothing${of} waits for approval` : `there is no such removal${of}`
}

/**
 * Approves or rejects the removal of a set that waits. What is said to the hub is the list that was shown here: if it
 * is another one by then, nothing is done.
 *
 * @throws CliError
 */
export async function decideDeletion(
  context: CliContext,
  flags: Flags & { readonly id?: string; readonly reason: string; readonly yes?: boolean },
  verdict: 'approve' | 'reject',
  set: string,
): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'json', 'yaml', 'name'])
  return await withHubApi(flags, context, async api => {
    const plan = await findPlan(api, set, flags.id)
    const id = textAt(plan, 'id')
    // What is decided on is what stands here, also with --yes.
    if (format === 'table' || flags.yes !== true) {
      await printRows(context, flags, format, { items: [{ ...plan, name: id }], whole: plan }, COLUMNS)
    }
    if (format === 'table') printApplications(context, flags, plan)
    if (flags.yes !== true) {
      const command = `flotilla appset ${verdict} ${set} --id ${id} --yes`
      context.stderr.write(`nothing was done; to ${verdict} exactly this: ${command}\n`)
      return 1
    }
    const decided = await api.call(
      `${verdict}Confirmation`,
      { path: { id }, body: { reason: flags.reason, digest: textAt(plan, 'digest') } },
      `removal "${id}"`,
    )
    if (format !== 'table') {
      await printRows(context, flags, format, { items: [{ ...decided, name: id }], whole: decided }, COLUMNS)
    } else {
      const count = listAt(decided, 'applications').length
      const what = verdict === 'approve' ? 'Applications are let go' : 'Applications stay until the list changes'
      context.stdout.write(`${textAt(decided, 'state')} ${id}: ${count} ${what}\n`)
    }
    return 0
  })
}

/** The one that waits; by its id also one that was decided, so that saying it twice says it once. */
async function findPlan(api: HubApi, set: string, id: string | undefined): Promise<JsonObject> {
  if (id !== undefined) return await planById(api, id)
  if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(set)) return await planById(api, set)
  await api.call('getApplicationSet', { path: { name: set } }, `ApplicationSet "${set}"`)
  const waiting = (await api.list('listDeletionsOfSet', { path: { name: set }, query: { state: 'all' } })).items.filter(
    each => ['held', 'rejected'].includes(textAt(each, 'state')),
  )
  const [first] = waiting
  if (first === undefined) throw failure(`nothing of set "${set}" waits for approval`)
  if (waiting.length > 1) {
    const ids = waiting.map(each => textAt(each, 'id')).join(', ')
    throw usageError(`several config sources have a set "${set}": give --id, one of ${ids}`)
  }
  return first
}

async function planById(api: HubApi, id: string): Promise<JsonObject> {
  return await api.call('getConfirmation', { path: { id } }, `removal "${id}"`)
}

function printApplications(context: CliContext, flags: Flags, plan: JsonObject): void {
  const rows = listAt(plan, 'applications').map(each => [
    textAt(each, 'name'),
    textAt(each, 'cluster'),
    textAt(each, 'namespace'),
    textAt(each, 'policy') === 'prune' ? 'its objects are deleted' : 'its objects stay',
  ])
  const colours = coloursOf(context, context.stdout, flags)
  const decision = valueAt(plan, 'decision')
  const by = textAt(decision, 'by')
  context.stdout.write(`\n${colours.dim('removal')} ${printable(textAt(plan, 'id'))}\n`)
  if (by !== '') {
    const why = textAt(decision, 'reason')
    const told = `${textAt(plan, 'state')} by ${by} at ${textAt(decision, 'at')}${why === '' ? '' : `: ${why}`}`
    context.stdout.write(`${printable(told)}\n`)
  }
  context.stdout.write(table(['APPLICATION', 'CLUSTER', 'NAMESPACE', 'ON APPROVAL'], rows, colours))
}
