import type { Migration } from 'kysely/migration'
import type { StoreDialect } from '../store-dialect.ts'
import { firstTables } from './0001-first-tables.ts'
import { deletionPlans } from './0002-deletion-plans.ts'
import { gatesAndAuditChain } from './0003-gates-and-audit-chain.ts'
import { enrolments } from './0004-enrolments.ts'
import { commands } from './0005-commands.ts'
import { activity } from './0006-activity.ts'
import { notifications } from './0007-notifications.ts'
import { signIn } from './0008-sign-in.ts'
import { keptAnswers } from './0009-kept-answers.ts'
import { bulkOperations } from './0010-bulk-operations.ts'
import { bulkItems } from './0011-bulk-items.ts'
import { grantsInOrder } from './0012-grants-in-order.ts'

/**
 * Every migration, in order of name. A released one is never changed, moved or removed: a correction is a new one.
 * The imports are static, so that a bundled hub carries them.
 */
export function storeMigrations(dialect: StoreDialect): Readonly<Record<string, Migration>> {
  return {
    '0001-first-tables': firstTables(dialect),
    '0002-deletion-plans': deletionPlans(dialect),
    '0003-gates-and-audit-chain': gatesAndAuditChain(dialect),
    '0004-enrolments': enrolments(dialect),
    '0005-commands': commands(dialect),
    '0006-activity': activity(dialect),
    '0008-sign-in': signIn(dialect),
    '0007-notifications': notifications(dialect),
    '0009-kept-answers': keptAnswers(dialect),
    '0010-bulk-operations': bulkOperations(dialect),
    '0011-bulk-items': bulkItems(dialect),
    '0012-grants-in-order': grantsInOrder,
  }
}
