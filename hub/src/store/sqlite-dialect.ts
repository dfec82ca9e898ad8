import type { Database } from 'better-sqlite3'
import { Kysely, type SqliteDatabase, SqliteDialect, type SqliteStatement, sql } from 'kysely'
import type { StoreSchema } from './schema.ts'
import type { StoreDialect } from './store-dialect.ts'
import type { SqlValue, StoreSql } from './store-sql.ts'

/** STRICT: a column holds what its type says, and a mistake of ours is refused instead of stored. */
export const sqliteStoreDialect: StoreDialect = {
  integer: 'integer',
  tableEnd: sql`strict`,
  numbered: column => column.primaryKey().autoIncrement(),
}

/** One connection, with its prepared statements kept: preparing costs more than a point read. */
export function sqlOver(connection: Database): StoreSql {
  const kept = keepingStatements(connection)
  return {
    build: kyselyOver(kept),
    rows: <Row>(text: string, values: readonly SqlValue[]) => kept.prepare(text).all(values) as Row[],
    run: (text, values = []) => Number(kept.prepare(text).run(values).changes),
  }
}

export function kyselyOver(database: SqliteDatabase): Kysely<StoreSchema> {
  return new Kysely<StoreSchema>({ dialect: new SqliteDialect({ database }) })
}

/** Texts are ours and few; the limit is for questions with a varying number of parameters. */
const STATEMENTS_KEPT = 200

function keepingStatements(connection: Database): SqliteDatabase {
  const kept = new Map<string, SqliteStatement>()
  return {
    prepare(text: string): SqliteStatement {
      const known = kept.get(text)
      if (known !== undefined) return known
      const statement = connection.prepare(text) as unknown as SqliteStatement
      if (kept.size >= STATEMENTS_KEPT) kept.clear()
      kept.set(text, statement)
      return statement
    },
    close(): void {
      kept.clear()
      connection.close()
    },
  }
}
