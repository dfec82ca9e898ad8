import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { StoreDialect } from '../store-dialect.ts'

/** Removals that wait for approval, and what was decided on them. */
export function deletionPlans(dialect: StoreDialect): Migration {
  return {
    async up(database: Kysely<unknown>): Promise<void> {
      const builder = database.schema.createTable('deletion_plans')
      await (dialect.tableEnd === undefined ? builder : builder.modifyEnd(dialect.tableEnd))
        .addColumn('id', 'text', column => column.primaryKey().notNull())
        .addColumn('body', 'text', column => column.notNull())
        .execute()
    },
  }
}
