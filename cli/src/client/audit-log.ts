import { ChainVerifier } from '@flotilla/core/audit/verify-chain'
import type { Digest } from '@flotilla/core/json/canonical-json'
import type { Json, JsonObject } from '@flotilla/core/json/json'
import { isJsonObject } from '@flotilla/core/json/json'
import { textAt, valueAt } from '@flotilla/core/json/read-json'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import type { CliContext, ExitCode } from '../context.ts'
import { CliError, failure, usageError } from '../errors.ts'
import { coloursOf } from '../output/colours.ts'
import { formatOf } from '../output/formats.ts'
import { printable } from '../output/table.ts'
import { AUDIT_COLUMNS } from './gate-columns.ts'
import type { Flags } from './gates.ts'
import { withHubApi } from './open-hub-api.ts'
import { printRows } from './print-rows.ts'

/** The newest entries that the filters let pass. @throws CliError */
export async function listAudit(
  context: CliContext,
  flags: Flags & { readonly limit: number },
  query: {
    readonly [name in 'actor' | 'action' | 'subject' | 'since' | 'until' | 'outcome' | 'q']?: string | undefined
  } & { readonly reads?: 'only' | 'without' | undefined },
): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'wide', 'json', 'yaml', 'name'])
  const { items, head } = await withHubApi(flags, context, async api => {
    const found: JsonObject[] = []
    let cursor: string | undefined
    let last: Json | undefined
    do {
      const limit = Math.min(1_000, flags.limit - found.length)
      const page = await api.call('listAudit', { query: { ...query, limit, cursor } })
      found.push(...((page['items'] ?? []) as readonly JsonObject[]))
      last = page['head']
      cursor = textAt(page, 'next') || undefined
    } while (cursor !== undefined && found.length < flags.limit)
    return { items: found, head: last ?? null }
  })
  const rows = format === 'name' ? items.map(each => ({ ...each, name: String(each['sequence']) })) : items
  await printRows(
    context,
    flags,
    format,
    { items: rows, whole: { items, head } },
    AUDIT_COLUMNS,
    'there is no such entry',
  )
  if ((format === 'table' || format === 'wide') && flags.quiet !== true) {
    context.stderr.write(`head: entry ${String(valueAt(head, 'sequence'))}, ${textAt(head, 'hash')}\n`)
  }
  return 0
}

const LINES = 5_000

/** The log as JSON lines on standard output, oldest first; its head is told beside it, to be kept elsewhere. */
export async function exportAudit(context: CliContext, flags: Flags, after: number): Promise<ExitCode> {
  return await withHubApi(flags, context, async (api): Promise<ExitCode> => {
    let last = after
    for (;;) {
      const { text, headers } = await api.text('exportAudit', { query: { after: last, limit: LINES } })
      context.stdout.write(text)
      const lines = text.split('\n').filter(line => line !== '')
      const end = lines.at(-1)
      if (end === undefined || lines.length < LINES) {
        context.stderr.write(`head: ${printable(headers['flotilla-audit-head'] ?? 'unknown')}\n`)
        return 0
      }
      const entry: unknown = JSON.parse(end)
      const sequence = isJsonObject(entry as Json) ? (entry as JsonObject)['sequence'] : undefined
      if (typeof sequence !== 'number' || sequence <= last)
        throw new CliError(3, 'the hub does not answer as a hub does')
      last = sequence
    }
  })
}

export interface VerifyOptions {
  readonly head?: string
  readonly after?: string
  readonly part?: boolean
}

const DIGEST = /^sha256:[0-9a-f]{64}$/

/** Whether an export is what the hub wrote; without a hub. 1 when it is not. @throws CliError */
export async function verifyAudit(
  context: CliContext,
  flags: Flags & VerifyOptions,
  lines: AsyncIterable<string>,
): Promise<ExitCode> {
  const format = formatOf(flags, ['table', 'json', 'yaml'])
  for (const name of ['head', 'after'] as const) {
    const given = flags[name]
    if (given !== undefined && !DIGEST.test(given))
      throw usageError(`--${name} takes "sha256:" and 64 hexadecimal digits`)
  }
  if (flags.after !== undefined && flags.part === true) throw usageError('--after or --part, not both')
  const after = flags.part === true ? 'any' : (flags.after as Digest | undefined)
  const verifier = new ChainVerifier({
    ...(after !== undefined && { after }),
    ...(flags.head !== undefined && { head: flags.head as Digest }),
  })
  try {
    for await (const line of lines) verifier.take(line)
  } catch (error) {
    throw failure(
      `the file cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      undefined,
      error,
    )
  }
  const report = verifier.report()
  if (format !== 'table') {
    const { printData } = await import('../output/data.ts')
    printData(context, format, report as unknown as Json)
    return report.intact ? 0 : 1
  }
  const { green, red } = coloursOf(context, context.stdout, flags)
  const { first, last, entries, mistakes } = report
  const range =
    first && last ? `, ${first.sequence} to ${last.sequence}, ${isoTime(first.at)} to ${isoTime(last.at)}` : ''
  const verdict = report.intact ? green('intact') : red('broken')
  context.stdout.write(`${verdict}: ${entries} ${entries === 1 ? 'entry' : 'entries'}${range}\n`)
  for (const { line, sequence, kind, message } of mistakes) {
    const which = sequence === undefined ? '' : ` entry ${sequence}`
    context.stdout.write(`line ${line}:${which} ${kind}: ${printable(message)}\n`)
  }
  if (last !== undefined) context.stdout.write(`head: ${last.sequence} ${last.hash}\n`)
  if (report.intact && flags.head === undefined && flags.quiet !== true) {
    context.stderr.write(
      'whether anything was cut off its end is known only with --head, from a place that keeps heads\n',
    )
  }
  return report.intact ? 0 : 1
}
