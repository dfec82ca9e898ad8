import type { Kysely } from 'kysely'
import type { StoreSchema } from './schema.ts'

export type SqlValue = string | number | null

/**
 * A connection as the store asks it. What is asked all day is text, `?` for each value, and prepared once; building and
 * compiling the same question again costs several times what the database needs for its answer. What is asked now and
 * then, or in many forms, is built.
 */
export interface StoreSql {
  readonly build: Kysely<StoreSchema>
  rows<Row>(text: string, values: readonly SqlValue[]): readonly Row[]
  /** @returns How many rows it changed. */
  run(text: string, values?: readonly SqlValue[]): number
}

type Table = keyof StoreSchema
type Columns = Readonly<Record<string, SqlValue>>

/** `select body … where a = ? and b = ?` */
export function selectBodies(table: Table, where: readonly string[]): string {
  return `select body from ${table}${whereAll(where)}`
}

export function insertRow(table: Table, columns: readonly string[]): string {
  return `insert into ${table} (${columns.map(quoted).join(', ')}) values (${columns.map(() => '?').join(', ')})`
}

const upserts = new Map<Table, string>()

/**
 * `insert … on conflict (key) do update set … where table.compared <> excluded.compared`: a row that equals the stored
 * one is not written, and the database says so by counting no change. A table always gets the same columns in the same
 * order, so that its text is made once.
 */
export function upsertWhenChanged(table: Table, key: readonly string[], columns: Columns, compared: string): string {
  const known = upserts.get(table)
  if (known !== undefined) return known
  const names = Object.keys(columns)
  const updated = names.filter(name => !key.includes(name)).map(name => `${quoted(name)} = excluded.${quoted(name)}`)
  const differs = `${table}.${quoted(compared)} <> excluded.${quoted(compared)}`
  const conflict = `on conflict (${key.map(quoted).join(', ')}) do update set ${updated.join(', ')} where ${differs}`
  const text = `${insertRow(table, names)} ${conflict}`
  upserts.set(table, text)
  return text
}

function whereAll(columns: readonly string[]): string {
  return columns.length === 0 ? '' : ` where ${columns.map(column => `${quoted(column)} = ?`).join(' and ')}`
}

/** `key` and `until` are words of SQL. */
function quoted(column: string): string {
  return `"${column}"`
}
