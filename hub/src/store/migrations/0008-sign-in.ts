import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { StoreDialect } from '../store-dialect.ts'

/** Sessions, who has ever signed in, and tokens of the identity provider that were given back before their time. */
export function signIn(dialect: StoreDialect): Migration {
  return {
    async up(database: Kysely<unknown>): Promise<void> {
      const table = (name: string) => {
        const builder = database.schema.createTable(name)
        const begun = dialect.tableEnd === undefined ? builder : builder.modifyEnd(dialect.tableEnd)
        return begun.addColumn('id', 'text', column => column.primaryKey().notNull())
      }
      await table('sessions')
        .addColumn('owner', 'text', column => column.notNull())
        .addColumn('body', 'text', column => column.notNull())
        .execute()
      await database.schema.createIndex('sessions_by_owner').on('sessions').columns(['owner']).execute()
      await table('people')
        .addColumn('body', 'text', column => column.notNull())
        .execute()
      await table('signed_out')
        .addColumn('until', dialect.integer, column => column.notNull())
        .addColumn('body', 'text', column => column.notNull())
        .execute()
      await database.schema.createIndex('signed_out_by_end').on('signed_out').columns(['until']).execute()
    },
  }
}
