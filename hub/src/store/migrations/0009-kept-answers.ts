import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { StoreDialect } from '../store-dialect.ts'

/** Answers to writes that came with an Idempotency-Key. */
export function keptAnswers(dialect: StoreDialect): Migration {
  return {
    async up(database: Kysely<unknown>): Promise<void> {
      const builder = database.schema.createTable('kept_answers')
      const table = dialect.tableEnd === undefined ? builder : builder.modifyEnd(dialect.tableEnd)
      await table
        .addColumn('principal', 'text', column => column.notNull())
        .addColumn('key', 'text', column => column.notNull())
        .addColumn('expires_at', dialect.integer, column => column.notNull())
        .addColumn('body', 'text', column => column.notNull())
        .addPrimaryKeyConstraint('kept_answers_key', ['principal', 'key'])
        .execute()
      await database.schema.createIndex('kept_answers_by_end').on('kept_answers').columns(['expires_at']).execute()
    },
  }
}
