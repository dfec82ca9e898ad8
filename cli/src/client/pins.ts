import type { JsonObject } from '@flotilla/core/json/json'
import { listAt, numberAt, textAt } from '@flotilla/core/json/read-json'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import { wholeNumber } from '../commands/numbers.ts'
import type { CliContext, ExitCode } from '../context.ts'
import { usageError } from '../errors.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { printable } from '../output/table.ts'
import { type HubConnectionOptions, withHubApi } from './open-hub-api.ts'
import { follow, type ManyFlags, operateOnMany } from './operate.ts'

export interface PinFlags extends GlobalOptions, HubConnectionOptions {
  readonly operation?: string
  readonly digest?: string
  readonly revision?: string
  readonly until?: string
  readonly prune?: boolean
  readonly force?: boolean
  readonly dryRun?: boolean
  readonly reason: string
  readonly yes?: boolean
  readonly wait?: string
}

const UNITS: { readonly [unit: string]: number } = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Puts back what was in force before, and holds it there. 1 when it was refused, or did not succeed. @throws CliError */
export async function rollback(context: CliContext, flags: PinFlags, name: string): Promise<ExitCode> {
  const body = { ...bodyOf(context, flags), prune: flags.prune === true }
  if (flags.dryRun) return await showRollback(context, flags, name, body)
  return await started(
    context,
    flags,
    name,
    `roll ${name} back to ${targetText(flags, 'what was in force before')}`,
    async api => {
      const answer = await api.call('rollbackApplication', { path: { name }, body }, what(name))
      return { id: textAt(answer as JsonObject, 'id') }
    },
  )
}

/** Prints what a rollback would do, and does nothing. 1 when it would be refused now. */
async function showRollback(
  context: CliContext,
  flags: PinFlags,
  name: string,
  body: { readonly reason: string; readonly prune: boolean },
): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'json', 'yaml'])
  const plan = (await withHubApi(flags, context, api =>
    api.call('rollbackApplication', { path: { name }, body: { ...body, dryRun: true } }, what(name)),
  )) as JsonObject
  const permitted = plan['permitted'] === true
  if (format !== 'table') {
    const { printData } = await import('../output/data.ts')
    printData(context, format, plan)
    return permitted ? 0 : 1
  }
  const { printChanges } = await import('./print-changes.ts')
  const to = textAt(plan, 'to', 'revision').slice(0, 12)
  context.stdout.write(`${name} would go back to ${printable(to)} (${printable(textAt(plan, 'to', 'digest'))})\n`)
  const changes = listAt(plan, 'changes')
  printChanges(context, changes)
  const cut = numberAt(plan, 'cut')
  if (cut > 0) context.stderr.write(`${cut} differences are too many to show\n`)
  if (changes.length === 0) context.stderr.write('nothing differs from what was last synced\n')
  if (!permitted) context.stderr.write(`it would be refused now: ${printable(textAt(plan, 'refusal', 'message'))}\n`)
  context.stderr.write('nothing was done\n')
  return permitted ? 0 : 1
}

/** Syncs another revision than Git says, and holds it there. @throws CliError */
export async function syncRevision(
  context: CliContext,
  flags: PinFlags & { readonly revision: string },
  name: string,
): Promise<ExitCode> {
  const { reason, revision, prune, force } = flags
  const body = { reason, revision, prune: prune === true, force: force === true }
  return await started(context, flags, name, `sync ${name} to ${revision} and hold it there`, api =>
    api.call('syncApplication', { path: { name }, body }, what(name)),
  )
}

/** Holds an Application to a revision; starts nothing. @throws CliError */
export async function pin(context: CliContext, flags: PinFlags, name: string): Promise<ExitCode> {
  if (!flags.yes) return untold(context, `hold ${name} to ${targetText(flags, 'what it is now')}`)
  const { revision } = flags
  const body = { ...bodyOf(context, flags), ...(revision !== undefined && { revision }) }
  const held = await withHubApi(flags, context, api => api.call('pinApplication', { path: { name }, body }, what(name)))
  const [pinned] = listAt(held as never, 'interventions')
  context.stdout.write(`${name} is held to ${printable(textAt(pinned, 'revision'))}\n`)
  return 0
}

/** Lets Git say again what is wanted. @throws CliError */
export async function unpin(context: CliContext, flags: PinFlags, name: string): Promise<ExitCode> {
  if (!flags.yes) return untold(context, `let go of ${name}: what Git says is wanted again`)
  const body = { reason: flags.reason }
  await withHubApi(flags, context, api => api.call('unpinApplication', { path: { name }, body }, what(name)))
  context.stdout.write(`${name} follows Git again\n`)
  return 0
}

/** Leaves an Application alone: nothing of it starts by itself. @throws CliError */
export async function pause(context: CliContext, flags: PinFlags, name: string): Promise<ExitCode> {
  if (!flags.yes) return untold(context, `pause ${name}: nothing of it starts by itself, and nothing is healed`)
  const { until, reason } = flags
  const body = { reason, ...(until !== undefined && { until: endOf(context, until) }) }
  await withHubApi(flags, context, api => api.call('pauseApplication', { path: { name }, body }, what(name)))
  context.stdout.write(`${name} is paused${body.until === undefined ? '' : ` until ${body.until}`}\n`)
  return 0
}

/** {@link pause} for many Applications, by name or selector: the plan first. @throws CliError */
export async function pauseMany(context: CliContext, flags: ManyFlags, names: readonly string[]): Promise<ExitCode> {
  const until = flags.until === undefined ? {} : { until: endOf(context, flags.until) }
  return await operateOnMany(context, { ...flags, ...until, wait: '0' }, 'pause', names)
}

/** {@link resume} for many. @throws CliError */
export async function resumeMany(context: CliContext, flags: ManyFlags, names: readonly string[]): Promise<ExitCode> {
  return await operateOnMany(context, { ...flags, wait: '0' }, 'resume', names)
}

/** Whether more than one Application may be meant: by several names, or by a selector. */
export function isOfMany({ selector, project, cluster, set }: ManyFlags, names: readonly string[]): boolean {
  return names.length !== 1 || [selector, project, cluster, set].some(each => each !== undefined)
}

/** Lets an Application that was paused go on. @throws CliError */
export async function resume(context: CliContext, flags: PinFlags, name: string): Promise<ExitCode> {
  if (!flags.yes) return untold(context, `let ${name} go on: it syncs and heals by itself again, where it is to`)
  const body = { reason: flags.reason }
  await withHubApi(flags, context, api => api.call('resumeApplication', { path: { name }, body }, what(name)))
  context.stdout.write(`${name} goes on\n`)
  return 0
}

type Api = Parameters<Parameters<typeof withHubApi>[2]>[0]

async function started(
  context: CliContext,
  flags: PinFlags,
  name: string,
  plan: string,
  ask: (api: Api) => Promise<{ readonly id: string }>,
): Promise<ExitCode> {
  if (!flags.yes) return untold(context, plan)
  const waitMs = wholeNumber('--wait', flags.wait ?? '60', 0, 86_400) * 1000
  return await withHubApi(flags, context, async (api): Promise<ExitCode> => {
    const { id } = await ask(api)
    if (waitMs === 0) {
      context.stdout.write(`${name}: operation ${id}\n`)
      return 0
    }
    const ended = await follow(api, context, id, waitMs)
    const state = textAt(ended, 'state')
    context.stdout.write(`${name} ${state} ${printable(textAt(ended, 'message'))}\n`)
    return state === 'succeeded' ? 0 : 1
  })
}

function untold(context: CliContext, plan: string): ExitCode {
  context.stdout.write(`would ${plan}\n`)
  context.stderr.write('nothing was done; --yes to do it\n')
  return 1
}

function targetText({ operation, digest, revision }: PinFlags, otherwise: string): string {
  return operation === undefined ? (digest ?? revision ?? otherwise) : `operation ${operation}`
}

function bodyOf(context: CliContext, { operation, digest, until, reason }: PinFlags) {
  return {
    reason,
    ...(operation !== undefined && { operation }),
    ...(digest !== undefined && { digest }),
    ...(until !== undefined && { until: endOf(context, until) }),
  }
}

/** @throws CliError 2 */
function endOf(context: CliContext, text: string): string {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  if (count !== undefined && unit !== undefined) return isoTime(context.clock.now() + Number(count) * UNITS[unit]!)
  const at = Date.parse(text)
  if (Number.isNaN(at))
    throw usageError(`--until ${text} is no time`, 'an instant such as 2026-12-24T12:00:00Z, or 30m, 12h, 3d')
  return isoTime(at)
}

function what(name: string): string {
  return `Application "${name}"`
}
