import type { EpochMs } from '../time/epoch-ms.ts'
import type { GrantPayload } from './documents.ts'
import type { OperationReport } from './report.ts'

/**
 * Operations of one Application that history takes up in an hour besides those that the hub permitted itself. A heal
 * after a quiet hour comes at once, then after 2, 6, 18, 54, 162, 300 … s: fewer than twenty an hour.
 */
export const MOST_OPERATIONS_AN_HOUR = 30

const HOUR_MS = 60 * 60_000

/** Whom history names for an operation that no Grant of this hub is known of. */
export const UNKNOWN_ASKER = 'unknown'

/**
 * An operation as the hub tells it: who asked and by what right is the Grant's word, never the agent's. Without a Grant
 * of that Application it is the agent's own doing, or one that this store no longer remembers; then nobody is named.
 */
export function attributed(
  operation: OperationReport,
  application: string,
  grant: Pick<GrantPayload, 'id' | 'application' | 'trigger' | 'by'> | undefined,
): OperationReport {
  if (grant && grant.id === operation.id && grant.application === application) {
    return { ...operation, trigger: grant.trigger, by: grant.by }
  }
  return operation.trigger === 'heal' ? { ...operation, by: 'self-heal' } : { ...operation, by: UNKNOWN_ASKER }
}

/**
 * Whether history takes up an operation that it does not know: it is bounded by the hour, by the hub's clock.
 *
 * @param heardAt When the hub first heard of the latest operations that no Grant of its own is known of.
 */
export function historyTakes(permitted: boolean, heardAt: readonly EpochMs[], now: EpochMs): boolean {
  return permitted || heardAt.filter(at => at > now - HOUR_MS).length < MOST_OPERATIONS_AN_HOUR
}
