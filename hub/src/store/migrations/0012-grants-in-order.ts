import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Grants of a cluster by their ids, which are in the order of time. */
export const grantsInOrder: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema.createIndex('grants_in_order').on('grants').columns(['cluster_id', 'id']).execute()
  },
}
