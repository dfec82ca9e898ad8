import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { StoreSchema } from '../schema.ts'
import type { StoreDialect } from '../store-dialect.ts'

/** Commands to agents; which Bundles a cluster was ever offered; and the Bundle of the operation that a report tells of. */
export function commands(dialect: StoreDialect): Migration {
  return {
    async up(database: Kysely<unknown>): Promise<void> {
      const table = (name: string) => {
        const builder = database.schema.createTable(name)
        return dialect.tableEnd === undefined ? builder : builder.modifyEnd(dialect.tableEnd)
      }
      await table('commands')
        .addColumn('id', 'text', column => column.primaryKey().notNull())
        .addColumn('cluster_id', 'text', column => column.notNull().references('clusters.id'))
        .addColumn('state', 'text', column => column.notNull())
        .addColumn('created_at', dialect.integer, column => column.notNull())
        .addColumn('body', 'text', column => column.notNull())
        .execute()
      await database.schema.createIndex('commands_by_state').on('commands').columns(['cluster_id', 'state']).execute()
      await table('offered')
        .addColumn('cluster_id', 'text', column => column.notNull())
        .addColumn('digest', 'text', column => column.notNull())
        .addPrimaryKeyConstraint('offered_key', ['cluster_id', 'digest'])
        .execute()
      await database.schema.createIndex('offered_by_digest').on('offered').columns(['digest']).execute()
      await database.schema.alterTable('reports').addColumn('operating', 'text').execute()
      // What is offered now is what is known of before.
      const typed = database as Kysely<StoreSchema>
      const current = typed
        .selectFrom('documents')
        .select(['cluster_id', 'digest'])
        .distinct()
        .where('digest', 'is not', null)
      for (const { cluster_id, digest } of await current.execute()) {
        if (digest !== null) await typed.insertInto('offered').values({ cluster_id, digest }).execute()
      }
    },
  }
}
