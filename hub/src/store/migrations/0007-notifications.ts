import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { StoreDialect } from '../store-dialect.ts'

/** What notification routes know, what they tell of, and the messages that are to be sent or were. */
export function notifications(dialect: StoreDialect): Migration {
  return {
    async up(database: Kysely<unknown>): Promise<void> {
      const table = (name: string) => {
        const builder = database.schema.createTable(name)
        return (dialect.tableEnd === undefined ? builder : builder.modifyEnd(dialect.tableEnd))
          .addColumn('id', 'text', column => column.primaryKey().notNull())
          .addColumn('body', 'text', column => column.notNull())
      }
      await table('alerts').execute()
      await table('incidents').execute()
      await table('messages')
        .addColumn('state', 'text', column => column.notNull())
        .execute()
      await database.schema.createIndex('messages_by_state').on('messages').columns(['state']).execute()
    },
  }
}
