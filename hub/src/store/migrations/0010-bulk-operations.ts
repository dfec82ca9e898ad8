import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { StoreDialect } from '../store-dialect.ts'

/** What was asked of many Applications at once. */
export function bulkOperations(dialect: StoreDialect): Migration {
  return {
    async up(database: Kysely<unknown>): Promise<void> {
      const builder = database.schema.createTable('bulk_operations')
      const table = dialect.tableEnd === undefined ? builder : builder.modifyEnd(dialect.tableEnd)
      await table
        .addColumn('id', 'text', column => column.notNull().primaryKey())
        .addColumn('made_at', dialect.integer, column => column.notNull())
        .addColumn('body', 'text', column => column.notNull())
        .execute()
      await database.schema.createIndex('bulk_operations_by_age').on('bulk_operations').columns(['made_at']).execute()
    },
  }
}
