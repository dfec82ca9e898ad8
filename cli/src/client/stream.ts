import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import { numberAt, objectAt, textAt } from '@flotilla/core/json/read-json'
import { parseBoundedJson } from '@flotilla/core/protocol/bounded-json'
import { MAX_RECORD_BYTES } from '@flotilla/core/protocol/stream-records'
import { wholeNumber } from '../commands/numbers.ts'
import type { CliContext, ExitCode } from '../context.ts'
import { failure, usageError } from '../errors.ts'
import { formatOf, type GlobalOptions } from '../output/formats.ts'
import { printable } from '../output/table.ts'
import { type HubConnectionOptions, withHubApi } from './open-hub-api.ts'

export interface StreamFlags extends GlobalOptions, HubConnectionOptions {
  readonly object?: string
  readonly container?: string
  readonly tail?: string
  readonly since?: string
  readonly follow?: boolean
  readonly previous?: boolean
  readonly timestamps?: boolean
}

const FORMATS = ['table', 'json'] as const
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/**
 * Prints logs or events while they come; with `-o json` one object a line. What is said about the stream goes to stderr.
 * 1 when it did not come to its end.
 *
 * @throws CliError
 */
export async function printStream(
  context: CliContext,
  flags: StreamFlags,
  verb: 'logs' | 'events',
  name: string,
): Promise<ExitCode> {
  const format = formatOf(flags, FORMATS)
  const { object, container } = flags
  const operation = verb === 'logs' ? 'getApplicationLogs' : 'getApplicationEvents'
  const query = {
    object,
    container,
    tail: flags.tail === undefined ? undefined : String(wholeNumber('--tail', flags.tail, 0, 1_000_000)),
    since: flags.since === undefined ? undefined : String(seconds(flags.since)),
    follow: flags.follow === true ? 'true' : undefined,
    previous: flags.previous === true ? 'true' : undefined,
  }
  return await withHubApi(flags, context, async api => {
    for await (const line of api.lines(
      operation,
      { path: { name }, query },
      'application/x-ndjson',
      `Application "${name}"`,
    )) {
      const record = parseBoundedJson(line, 2 * MAX_RECORD_BYTES)
      if (!isJsonObject(record)) throw failure('the hub sent something that is no record of a stream')
      if (textAt(record, 'kind') === 'end') return ended(context, record)
      if (format === 'json') context.stdout.write(`${line}\n`)
      else if (textAt(record, 'kind') === 'note') context.stderr.write(`${printable(textAt(record, 'text'))}\n`)
      else context.stdout.write(`${rowOf(record, flags)}\n`)
      await context.stdout.drained?.()
    }
    throw failure('the stream broke off')
  })
}

function ended(context: CliContext, record: JsonObject): ExitCode {
  const reason = textAt(record, 'reason')
  if (reason === 'complete') return 0
  context.stderr.write(`${printable(textAt(record, 'text'))}\n`)
  return reason === 'forbidden' ? 3 : 1
}

function rowOf(record: JsonObject, flags: StreamFlags): string {
  if (textAt(record, 'kind') === 'log') {
    const at = flags.timestamps === true ? `${textAt(record, 'at')} ` : ''
    return printable(`${at}${textAt(record, 'pod')} ${textAt(record, 'container')} ${textAt(record, 'text')}`)
  }
  const about = objectAt(record, 'object')
  const times = numberAt(record, 'count') > 1 ? ` (${numberAt(record, 'count')} times)` : ''
  const words = [textAt(record, 'lastAt') || '-', textAt(record, 'type'), textAt(record, 'reason')]
  return printable(
    `${words.join(' ')} ${textAt(about, 'kind')}/${textAt(about, 'name')} ${textAt(record, 'message')}${times}`,
  )
}

/** `10m`, `2h`, `30s`, `1d`, or seconds. @throws CliError 2 */
function seconds(text: string): number {
  const match = /^(\d{1,8})([smhd]?)$/.exec(text)
  const value = Number(match?.[1]) * (UNITS[match?.[2] || 's'] ?? 1)
  if (!match || value > 31_622_400) throw usageError(`--since takes 30s, 10m, 2h or 1d, not "${text}"`)
  return value
}
