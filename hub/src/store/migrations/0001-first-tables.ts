import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { StoreDialect } from '../store-dialect.ts'

/** The tables of the first release: see schema.ts for what they hold. */
export function firstTables(dialect: StoreDialect): Migration {
  const { integer } = dialect
  return {
    async up(database: Kysely<unknown>): Promise<void> {
      const table = (name: string) => {
        const builder = database.schema.createTable(name)
        return dialect.tableEnd === undefined ? builder : builder.modifyEnd(dialect.tableEnd)
      }
      const bodies = async (name: string, key: string): Promise<void> => {
        await table(name)
          .addColumn(key, 'text', column => column.primaryKey().notNull())
          .addColumn('body', 'text', column => column.notNull())
          .execute()
      }
      const index = async (name: string, on: string, columns: string[]): Promise<void> => {
        await database.schema.createIndex(name).on(on).columns(columns).execute()
      }

      await bodies('settings', 'key')
      await bodies('sources', 'name')
      await bodies('sets', 'key')
      await bodies('join_tokens', 'id')
      await bodies('bundles', 'digest')
      await bodies('tokens', 'id')

      await table('source_documents')
        .addColumn('source', 'text', column => column.notNull())
        .addColumn('file', 'text', column => column.notNull())
        .addColumn('position', integer, column => column.notNull())
        .addColumn('body', 'text', column => column.notNull())
        .addPrimaryKeyConstraint('source_documents_key', ['source', 'file', 'position'])
        .execute()

      await table('applications')
        .addColumn('id', 'text', column => column.primaryKey().notNull())
        .addColumn('name', 'text', column => column.notNull())
        .addColumn('cluster_id', 'text')
        .addColumn('set_name', 'text')
        .addColumn('source', 'text', column => column.notNull())
        .addColumn('digest', 'text')
        .addColumn('body', 'text', column => column.notNull())
        .execute()
      await index('applications_by_name', 'applications', ['name'])
      await index('applications_by_cluster', 'applications', ['cluster_id'])
      await index('applications_by_set', 'applications', ['set_name'])
      await index('applications_by_source', 'applications', ['source'])

      await table('clusters')
        .addColumn('id', 'text', column => column.primaryKey().notNull())
        .addColumn('name', 'text', column => column.notNull().unique())
        .addColumn('epoch', integer, column => column.notNull())
        .addColumn('last_number', integer, column => column.notNull())
        .addColumn('body', 'text', column => column.notNull())
        .execute()

      await table('documents')
        .addColumn('cluster_id', 'text', column => column.notNull().references('clusters.id'))
        .addColumn('key', 'text', column => column.notNull())
        .addColumn('epoch', integer, column => column.notNull())
        .addColumn('n', integer, column => column.notNull())
        .addColumn('digest', 'text')
        .addColumn('body', 'text', column => column.notNull())
        .addPrimaryKeyConstraint('documents_key', ['cluster_id', 'key'])
        .execute()
      await index('documents_by_number', 'documents', ['cluster_id', 'epoch', 'n'])
      await index('documents_by_digest', 'documents', ['cluster_id', 'digest'])

      await table('grants')
        .addColumn('id', 'text', column => column.primaryKey().notNull())
        .addColumn('cluster_id', 'text', column => column.notNull().references('clusters.id'))
        .addColumn('state', 'text', column => column.notNull())
        .addColumn('body', 'text', column => column.notNull())
        .execute()
      await index('grants_by_state', 'grants', ['cluster_id', 'state'])

      await table('reports')
        .addColumn('application_id', 'text', column => column.primaryKey().notNull())
        .addColumn('cluster_id', 'text', column => column.notNull())
        .addColumn('held', 'text')
        .addColumn('last_succeeded', 'text')
        .addColumn('body', 'text', column => column.notNull())
        .execute()
      await index('reports_by_cluster', 'reports', ['cluster_id'])

      await table('operations')
        .addColumn('sequence', integer, column => dialect.numbered(column))
        .addColumn('cluster_id', 'text', column => column.notNull())
        .addColumn('id', 'text', column => column.notNull())
        .addColumn('application_id', 'text', column => column.notNull())
        .addColumn('digest', 'text', column => column.notNull())
        .addColumn('body', 'text', column => column.notNull())
        .addUniqueConstraint('operations_id', ['cluster_id', 'id'])
        .execute()
      await index('operations_by_application', 'operations', ['application_id', 'sequence'])
      await index('operations_by_digest', 'operations', ['application_id', 'digest', 'sequence'])

      await table('render_memos')
        .addColumn('key', 'text', column => column.primaryKey().notNull())
        .addColumn('digest', 'text', column => column.notNull())
        .execute()
      await index('render_memos_by_digest', 'render_memos', ['digest'])

      await table('audit')
        .addColumn('sequence', integer, column => dialect.numbered(column))
        .addColumn('body', 'text', column => column.notNull())
        .execute()
    },
  }
}
