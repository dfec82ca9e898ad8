import { randomBytes } from 'node:crypto'
import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { Json, JsonObject } from '@flotilla/core/json/json'
import { listAt, objectAt, textAt, valueAt } from '@flotilla/core/json/read-json'
import { createRandom } from '@flotilla/core/ports/create-random'
import type { Operations } from '@flotilla/hub/client/operations'
import { wholeNumber } from '../commands/numbers.ts'
import type { CliContext, ExitCode } from '../context.ts'
import { usageError } from '../errors.ts'
import { formatOf, type GlobalOptions, type OutputFormat } from '../output/formats.ts'
import { printable } from '../output/table.ts'
import type { HubApi } from './hub-api.ts'
import { type HubConnectionOptions, withHubApi } from './open-hub-api.ts'
import { type Column, column, printRows } from './print-rows.ts'

interface Flags extends GlobalOptions, HubConnectionOptions {
  readonly reason: string
  readonly yes?: boolean
  readonly wait: string
}

export interface ManyFlags extends Flags {
  readonly selector?: string
  readonly project?: string
  readonly cluster?: string
  readonly set?: string
  readonly dryRun?: boolean
  readonly prune?: boolean
  readonly force?: boolean
  readonly resource?: readonly string[]
  readonly retryLimit?: string
  readonly retryBackoffDuration?: string
  readonly retryBackoffFactor?: string
  readonly retryBackoffMaxDuration?: string
  /** Of a pause; an instant. */
  readonly until?: string
}

/** What is done to many Applications at once. */
export type ManyVerb = 'sync' | 'terminate' | 'pause' | 'resume'

export interface ObjectFlags extends Flags {
  readonly replicas?: string
}

/** One object of a cluster. */
export type ObjectName = {
  readonly group: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

const FORMATS = ['table', 'json', 'yaml', 'name'] as const
const LOOK_MS = 300
const MOST_AT_ONCE = 20
/** Over: nothing more becomes of it. */
const ENDED: ReadonlySet<string> = new Set(['succeeded', 'failed', 'refused', 'lapsed', 'cancelled', 'unknown'])

const COLUMNS: readonly Column[] = [
  column('APPLICATION', 'application'),
  column('CLUSTER', 'cluster'),
  column('STATUS', 'status'),
  column('OPERATION', 'id'),
  column('MESSAGE', 'message'),
]

/**
 * Does one thing to Applications by name or selector: shows what would become of each, and with `--yes` does it and
 * waits for the ends, where it has some. 1 when any was refused or did not succeed.
 *
 * @throws CliError
 */
export async function operateOnMany(
  context: CliContext,
  flags: ManyFlags,
  verb: ManyVerb,
  names: readonly string[],
): Promise<ExitCode> {
  const format = formatOf(flags, FORMATS)
  const waitMs = wholeNumber('--wait', flags.wait, 0, 86_400) * 1000
  const { selector, project, cluster, set } = flags
  if (names.length === 0 && [selector, project, cluster, set].every(each => each === undefined)) {
    throw usageError('say which Applications', 'give names, or one of -l, --project, --cluster and --set')
  }
  const resources = (flags.resource ?? []).map(text => parseObject(text, '--resource'))
  const retry = retryOf(flags)
  const body = {
    action: verb,
    applications: [...names],
    ...(selector !== undefined && { labels: selector }),
    ...(project !== undefined && { project }),
    ...(cluster !== undefined && { cluster }),
    ...(set !== undefined && { set }),
    ...(verb === 'sync' && {
      sync: {
        dryRun: flags.dryRun === true,
        prune: flags.prune === true,
        force: flags.force === true,
        resources: [...resources],
        ...(retry && { retry }),
      },
    }),
    ...(flags.until !== undefined && { until: flags.until }),
    reason: flags.reason,
  } as Operations['operateOnMany']['body']
  return await withHubApi(flags, context, async api => {
    const asked = { body: { ...body, dryRun: flags.yes !== true } }
    // With a key it is done once, however often the connection breaks: who asks again is told the same id.
    const random = createRandom(randomBytes)
    const key = flags.yes === true ? { idempotencyKey: uuidV7(context.clock.now(), random.bytes(10)) } : {}
    const done = await api.call('operateOnMany', asked, undefined, key)
    const answered = listAt(done, 'items') as readonly JsonObject[]
    // A hub that ended in the middle answers what it had begun: what became of it is asked for.
    const isOpen = answered.some(each => textAt(each, 'status') === 'pending')
    const items = isOpen ? await itemsOf(api, context, textAt(done, 'id'), waitMs) : answered
    if (items.length === 0) {
      context.stderr.write('no Application is chosen by that\n')
      return 1
    }
    const refused = items.some(each => textAt(each, 'status') === 'refused')
    if (flags.yes !== true) {
      await print(context, flags, format, items, done)
      const able = items.filter(each => textAt(each, 'status') === 'planned').length
      context.stderr.write(`nothing was done; --yes to ${verb} ${able === 1 ? 'it' : `these ${able}`}\n`)
      return 1
    }
    const isAccepted = (each: JsonObject): boolean => textAt(each, 'status') === 'accepted' && waitMs > 0
    // All together are asked after, and each but once when all of it is over.
    if (items.some(isAccepted)) await follow(api, context, textAt(done, 'id'), waitMs)
    const ended: JsonObject[] = []
    for (let at = 0; at < items.length; at += MOST_AT_ONCE) {
      const told = items.slice(at, at + MOST_AT_ONCE).map(async each => {
        if (!isAccepted(each)) return each
        const followed = await follow(api, context, textAt(each, 'id'), 0)
        return { ...each, status: textAt(followed, 'state'), message: textAt(followed, 'message'), operation: followed }
      })
      ended.push(...(await Promise.all(told)))
    }
    await print(context, flags, format, ended, { ...done, items: ended })
    if (flags.dryRun === true && format === 'table') for (const each of ended) printDryRun(context, each)
    if (format === 'table') for (const each of ended) printHookLogs(context, each)
    const good = (each: JsonObject): boolean =>
      ['succeeded', 'accepted', 'done', 'cancelled'].includes(textAt(each, 'status'))
    return refused || !ended.every(good) ? 1 : 0
  })
}

/**
 * Does something to one object of an Application: shows what it is now, as its agent sees it, and with `--yes` does it
 * to exactly that object. @throws CliError
 */
export async function operateOnObject(
  context: CliContext,
  flags: ObjectFlags,
  verb: 'restart' | 'scale' | 'suspend' | 'resume' | 'delete-resource',
  name: string,
  objectText: string,
): Promise<ExitCode> {
  const format = formatOf(flags, FORMATS)
  const waitMs = Math.max(1000, wholeNumber('--wait', flags.wait, 0, 86_400) * 1000)
  const object = parseObject(objectText, 'the object')
  const replicas = flags.replicas === undefined ? undefined : wholeNumber('--replicas', flags.replicas, 0, 1_000_000)
  const what = `Application "${name}"`
  return await withHubApi(flags, context, async api => {
    const asked = await api.call('actOnObject', { path: { name, action: 'inspect' }, body: object }, what)
    const seen = await follow(api, context, textAt(asked, 'id'), waitMs)
    const uid = textAt(seen, 'result', 'uid')
    if (textAt(seen, 'state') !== 'succeeded') {
      await print(context, flags, format, [shown(name, seen)], seen)
      return 1
    }
    if (flags.yes !== true) {
      await print(context, flags, format, [shown(name, seen)], seen)
      context.stdout.write(format === 'table' ? `\n${describe(verb, objectText, seen, replicas)}\n` : '')
      context.stderr.write('nothing was done; --yes to do it\n')
      return 1
    }
    const accepted =
      verb === 'delete-resource'
        ? await api.call('deleteResource', { path: { name }, query: { ...object, uid, reason: flags.reason } }, what)
        : await api.call(
            'actOnObject',
            {
              path: { name, action: verb },
              body: { ...object, ...(replicas !== undefined && { replicas }), reason: flags.reason },
            },
            what,
          )
    const ended = await follow(api, context, textAt(accepted, 'id'), waitMs)
    await print(context, flags, format, [shown(name, ended)], ended)
    return textAt(ended, 'state') === 'succeeded' ? 0 : 1
  })
}

/** Looks until it is over or the time is; what it was last. @throws CliError */
export async function follow(api: HubApi, context: CliContext, id: string, waitMs: number): Promise<JsonObject> {
  const { clock } = context
  const deadline = clock.monotonicMs() + waitMs
  for (;;) {
    const followed = await api.call('getOperation', { path: { id } }, `operation "${id}"`)
    if (ENDED.has(textAt(followed, 'state')) || clock.monotonicMs() >= deadline) return followed
    await clock.sleep(LOOK_MS)
  }
}

/** What became of each of many, as it would have been answered. @throws CliError */
async function itemsOf(api: HubApi, context: CliContext, id: string, waitMs: number): Promise<readonly JsonObject[]> {
  const followed = await follow(api, context, id, waitMs)
  return (listAt(followed, 'items') as readonly JsonObject[]).map(({ state = '', ...each }) => ({
    ...each,
    status: state,
  }))
}

function shown(application: string, followed: JsonObject): JsonObject {
  const { id = '', cluster = '', message = '' } = followed
  return { application, cluster, status: textAt(followed, 'state'), id, message }
}

async function print(
  context: CliContext,
  flags: Flags,
  format: OutputFormat,
  items: readonly JsonObject[],
  whole: JsonObject,
): Promise<void> {
  const rows = format === 'name' ? items.map(each => ({ ...each, name: textAt(each, 'application') })) : items
  await printRows(context, flags, format, { items: rows, whole }, COLUMNS)
}

/** As Argo CD's flags say it; undefined: as the Application says. @throws CliError 2 */
function retryOf(flags: ManyFlags): JsonObject | undefined {
  const { retryLimit, retryBackoffDuration, retryBackoffFactor, retryBackoffMaxDuration } = flags
  const backoff = {
    ...(retryBackoffDuration !== undefined && { duration: retryBackoffDuration }),
    ...(retryBackoffFactor !== undefined && {
      factor: wholeNumber('--retry-backoff-factor', retryBackoffFactor, 1, 100),
    }),
    ...(retryBackoffMaxDuration !== undefined && { maxDuration: retryBackoffMaxDuration }),
  }
  if (retryLimit === undefined) {
    if (Object.keys(backoff).length === 0) return undefined
    throw usageError('say how often it is tried again', 'add --retry-limit')
  }
  const limit = retryLimit === '-1' ? -1 : wholeNumber('--retry-limit', retryLimit, 0, 1000)
  return { limit, ...(Object.keys(backoff).length > 0 && { backoff }) }
}

/** Why hooks failed, and the last that they said. */
function printHookLogs(context: CliContext, item: JsonObject): void {
  for (const result of listAt(item, 'operation', 'results')) {
    const log = objectAt(result, 'log')
    if (valueAt(result, 'log') === undefined) continue
    const exitCode = valueAt(log, 'exitCode')
    const ended = [textAt(log, 'reason'), typeof exitCode === 'number' ? `exit code ${exitCode}` : '']
    const why = ended.filter(each => each !== '').join(', ')
    const said = [textAt(log, 'message'), textAt(log, 'note')].filter(each => each !== '').join('; ')
    const head = `${textAt(item, 'application')}: hook ${objectName(objectAt(result, 'key'))}`
    context.stdout.write(printable(`\n${head}${why === '' ? '' : ` ended: ${why}`}${said === '' ? '' : `: ${said}`}\n`))
    const lines = textAt(log, 'text').split('\n').slice(-MOST_LOG_LINES)
    for (const line of lines) if (line !== '') context.stdout.write(printable(`  ${line}\n`))
  }
}

/** Of a hook's log, on a terminal; `-o json` has the rest. */
const MOST_LOG_LINES = 40

/** What a dry run found that would change. */
function printDryRun(context: CliContext, item: JsonObject): void {
  const results = listAt(item, 'operation', 'results').filter(each => textAt(each, 'outcome') !== 'unchanged')
  const name = textAt(item, 'application')
  if (results.length === 0) context.stdout.write(printable(`${name}: nothing would change\n`))
  for (const each of results) {
    context.stdout.write(printable(`${name}: would ${textAt(each, 'message')} ${objectName(objectAt(each, 'key'))}\n`))
  }
}

function objectName(key: Json | undefined): string {
  const kind = textAt(key, 'group') === '' ? textAt(key, 'kind') : `${textAt(key, 'group')}/${textAt(key, 'kind')}`
  const place =
    textAt(key, 'namespace') === '' ? textAt(key, 'name') : `${textAt(key, 'namespace')}/${textAt(key, 'name')}`
  return `${kind} ${place}`
}

function describe(verb: string, object: string, seen: JsonObject, replicas: number | undefined): string {
  const uid = textAt(seen, 'result', 'uid')
  const now = valueAt(seen, 'result', 'replicas')
  if (verb === 'delete-resource') return printable(`would delete ${object} (uid ${uid})`)
  if (verb === 'scale') return printable(`would scale ${object} from ${now ?? 'its default'} to ${replicas} replicas`)
  return printable(`would ${verb} ${object}`)
}

/** `apps/Deployment shop/web`, `ConfigMap shop/settings`, `Namespace shop`. @throws CliError 2 */
export function parseObject(text: string, what: string): ObjectName {
  const match = /^(?:([a-z0-9.-]+)\/)?([A-Za-z][A-Za-z0-9]*)\s+(?:([a-z0-9-]+)\/)?(\S+)$/.exec(text.trim())
  if (!match) {
    throw usageError(
      `${what}: "${text}" names no object`,
      'write GROUP/KIND NAMESPACE/NAME: "apps/Deployment shop/web"',
    )
  }
  const [, group = '', kind = '', namespace = '', name = ''] = match
  return { group, kind, namespace, name }
}
