import type { CompiledQuery, Kysely } from 'kysely'
import { CompiledQuery as Compiled } from 'kysely'
import type { StoreSchema } from './schema.ts'

type Columns = Readonly<Record<string, string | number | null>>

const compiled = new WeakMap<object, Map<string, string>>()

/**
 * `insert … on conflict (key) do update set … where table.compared <> excluded.compared`: a row that equals the stored
 * one is not written, and the database says so by counting no change.
 *
 * A table always gets the same columns in the same order, so the text is compiled once for each table and database:
 * building it through Kysely costs more than running it.
 */
export function upsertWhenChanged(
  database: Kysely<StoreSchema>,
  table: keyof StoreSchema,
  key: readonly string[],
  columns: Columns,
  compared: string,
): CompiledQuery {
  const executor = database.getExecutor().adapter
  let texts = compiled.get(executor)
  if (texts === undefined) {
    texts = new Map()
    compiled.set(executor, texts)
  }
  let text = texts.get(table)
  if (text === undefined) {
    text = compile(database, table, key, columns, compared)
    texts.set(table, text)
  }
  return Compiled.raw(text, Object.values(columns))
}

function compile(
  database: Kysely<StoreSchema>,
  table: string,
  key: readonly string[],
  columns: Columns,
  compared: string,
): string {
  // The schema's types cannot follow a table that is chosen at run time; the columns come from one place, SqlWriter.
  const untyped = database as unknown as Kysely<Record<string, Record<string, string | number | null>>>
  const updated = Object.keys(columns).filter(column => !key.includes(column))
  return untyped
    .insertInto(table)
    .values({ ...columns })
    .onConflict(conflict =>
      conflict
        .columns([...key])
        .doUpdateSet(values => Object.fromEntries(updated.map(column => [column, values.ref(`excluded.${column}`)])))
        .whereRef(`${table}.${compared}`, '<>', `excluded.${compared}`),
    )
    .compile().sql
}
