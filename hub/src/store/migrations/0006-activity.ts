import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { decodeRow } from '../encode-row.ts'
import type { StoreDialect } from '../store-dialect.ts'

/** The fleet's feed, and when an operation was first heard of: what says how long its Bundle is kept. */
export function activity(dialect: StoreDialect): Migration {
  return {
    async up(database: Kysely<unknown>): Promise<void> {
      const builder = database.schema.createTable('activity')
      await (dialect.tableEnd === undefined ? builder : builder.modifyEnd(dialect.tableEnd))
        .addColumn('sequence', dialect.integer, column => dialect.numbered(column))
        .addColumn('at', dialect.integer, column => column.notNull())
        .addColumn('key', 'text')
        .addColumn('body', 'text', column => column.notNull())
        .execute()
      await database.schema.createIndex('activity_by_key').on('activity').columns(['key']).execute()
      await database.schema.alterTable('operations').addColumn('heard_at', dialect.integer).execute()
      const typed = database as Kysely<{
        operations: { sequence: number; heard_at: number | null; body: string }
      }>
      let last = 0
      for (;;) {
        const found = await typed
          .selectFrom('operations')
          .select(['sequence', 'body'])
          .where('sequence', '>', last)
          .orderBy('sequence')
          .limit(500)
          .execute()
        if (found.length === 0) break
        for (const { sequence, body } of found) {
          const row = decodeRow<{ firstHeardAt?: number; operation: { startedAt: number } }>(body)
          const at = Math.floor(row.firstHeardAt ?? row.operation.startedAt)
          await typed.updateTable('operations').set({ heard_at: at }).where('sequence', '=', sequence).execute()
          last = sequence
        }
      }
    },
  }
}
