import type { ColumnDefinitionBuilder, RawBuilder } from 'kysely'

/** What a migration must say differently for each database; everything else in the store is the same SQL. */
export interface StoreDialect {
  /** A whole number of 64 bits. */
  readonly integer: 'integer' | 'bigint'
  /** Ends `create table`, where the database has something to add. */
  readonly tableEnd: RawBuilder<unknown> | undefined
  /** Makes a column the primary key that the database numbers upwards, never using a number twice. */
  numbered(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder
}
