import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { StoreDialect } from '../store-dialect.ts'

/** Progress of what was asked of many: which of them are open, and what became of each item so far. */
export function bulkItems(dialect: StoreDialect): Migration {
  return {
    async up(database: Kysely<unknown>): Promise<void> {
      await database.schema
        .alterTable('bulk_operations')
        .addColumn('open', dialect.integer, column => column.notNull().defaultTo(0))
        .execute()
      const builder = database.schema.createTable('bulk_items')
      const table = dialect.tableEnd === undefined ? builder : builder.modifyEnd(dialect.tableEnd)
      await table
        .addColumn('bulk', 'text', column => column.notNull())
        .addColumn('place', dialect.integer, column => column.notNull())
        .addColumn('body', 'text', column => column.notNull())
        .addPrimaryKeyConstraint('bulk_items_key', ['bulk', 'place'])
        .execute()
    },
  }
}
