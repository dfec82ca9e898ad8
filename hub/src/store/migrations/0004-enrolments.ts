import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { StoreDialect } from '../store-dialect.ts'

/** Agents that ask to be admitted and wait for a person. */
export function enrolments(dialect: StoreDialect): Migration {
  return {
    async up(database: Kysely<unknown>): Promise<void> {
      const builder = database.schema.createTable('enrolments')
      await (dialect.tableEnd === undefined ? builder : builder.modifyEnd(dialect.tableEnd))
        .addColumn('id', 'text', column => column.primaryKey().notNull())
        .addColumn('token_id', 'text', column => column.notNull())
        .addColumn('body', 'text', column => column.notNull())
        .execute()
      await database.schema.createIndex('enrolments_by_token').on('enrolments').columns(['token_id']).execute()
    },
  }
}
