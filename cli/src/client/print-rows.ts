import type { Json, JsonObject } from '@flotilla/core/json/json'
import { textAt, valueAt } from '@flotilla/core/json/read-json'
import type { CliContext } from '../context.ts'
import { coloursOf } from '../output/colours.ts'
import type { GlobalOptions, OutputFormat } from '../output/formats.ts'
import { table } from '../output/table.ts'

/** A column of a table: its heading, what stands in it, and whether `-o wide` alone shows it. */
export interface Column {
  readonly heading: string
  readonly text: (row: JsonObject) => string
  readonly wide?: true
}

/** `column('HEALTH', 'health', 'status')`: the text at a path; what is not there is a dash. */
export function column(heading: string, ...path: readonly string[]): Column {
  return { heading, text: row => shown(valueAt(row, ...path)) }
}

export function wideColumn(heading: string, ...path: readonly string[]): Column {
  return { ...column(heading, ...path), wide: true }
}

/**
 * Prints rows in the format that was asked for: `name` gives one name a line.
 *
 * @param nothing What people are told, beside the table's head, when there is no row.
 */
export async function printRows(
  context: CliContext,
  options: GlobalOptions,
  format: OutputFormat,
  rows: { readonly items: readonly JsonObject[]; readonly whole: Json },
  columns: readonly Column[],
  nothing = 'there is none',
): Promise<void> {
  if (format === 'json' || format === 'yaml') {
    const { printData } = await import('../output/data.ts')
    printData(context, format, rows.whole)
  } else if (format === 'name') {
    context.stdout.write(rows.items.map(row => `${textAt(row, 'name')}\n`).join(''))
  } else {
    const chosen = columns.filter(each => format === 'wide' || each.wide !== true)
    const cells = rows.items.map(row => chosen.map(each => each.text(row)))
    const headings = chosen.map(each => each.heading)
    context.stdout.write(table(headings, cells, coloursOf(context, context.stdout, options)))
    if (rows.items.length === 0 && !options.quiet) context.stderr.write(`${nothing}\n`)
  }
}

function shown(value: Json | undefined): string {
  if (value === null || value === undefined || value === '') return '-'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'object')
    return Array.isArray(value) ? value.map(shown).join(',') : labelsText(value as JsonObject)
  return String(value)
}

function labelsText(labels: JsonObject): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${shown(value)}`)
  return pairs.length === 0 ? '-' : pairs.join(',')
}
