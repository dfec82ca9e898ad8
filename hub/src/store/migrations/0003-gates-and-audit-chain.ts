import { type AuditNote, chainEntry, EMPTY_HEAD } from '@flotilla/core/audit/audit-entry'
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { decodeRow, encodeRow } from '../encode-row.ts'
import { AUDIT_HEAD } from '../row-rules.ts'
import type { StoreSchema } from '../schema.ts'
import type { StoreDialect } from '../store-dialect.ts'

/** Gates made through the API, overrides, imported calendars; and the audit log becomes a chain from its first entry. */
export function gatesAndAuditChain(dialect: StoreDialect): Migration {
  return {
    async up(database: Kysely<unknown>): Promise<void> {
      const bodies = async (name: string, key: string): Promise<void> => {
        const builder = database.schema.createTable(name)
        await (dialect.tableEnd === undefined ? builder : builder.modifyEnd(dialect.tableEnd))
          .addColumn(key, 'text', column => column.primaryKey().notNull())
          .addColumn('body', 'text', column => column.notNull())
          .execute()
      }
      await bodies('made_gates', 'id')
      await bodies('overrides', 'id')
      await bodies('calendars', 'name')
      await chainEntries(database as Kysely<StoreSchema>)
    },
  }
}

/** Entries of before are taken as they are: the chain says what happens to them from now on. */
async function chainEntries(database: Kysely<StoreSchema>): Promise<void> {
  let head = EMPTY_HEAD
  for (;;) {
    const found = await database
      .selectFrom('audit')
      .select(['sequence', 'body'])
      .where('sequence', '>', head.sequence)
      .orderBy('sequence')
      .limit(500)
      .execute()
    if (found.length === 0) break
    for (const { sequence, body } of found) {
      // A gap among them stays one: nobody can say any more what was there.
      const entry = chainEntry({ sequence: sequence - 1, hash: head.hash }, decodeRow<AuditNote>(body))
      const { sequence: _, ...row } = entry
      await database
        .updateTable('audit')
        .set({ body: encodeRow(row) })
        .where('sequence', '=', sequence)
        .execute()
      head = { sequence, hash: entry.hash }
    }
  }
  if (head.sequence === 0) return
  await database
    .insertInto('settings')
    .values({ key: AUDIT_HEAD, body: encodeRow(head) })
    .execute()
}
