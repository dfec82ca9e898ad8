import { type AuditHead, EMPTY_HEAD } from '@flotilla/core/audit/audit-entry'
import type { Digest } from '@flotilla/core/json/canonical-json'
import type { JsonObject } from '@flotilla/core/json/json'
import type { DeletionPlan } from '@flotilla/core/model/deletion-plan'
import type {
  AlertRow,
  ApplicationRow,
  CalendarRow,
  ClusterRow,
  CommandRow,
  DocumentRow,
  EnrolmentRow,
  GrantRow,
  IncidentRow,
  JoinTokenRow,
  MadeGateRow,
  MessageRow,
  OperationRow,
  OverrideRow,
  ReportRow,
  SetRow,
  SourceDocumentRow,
  SourceRow,
  TokenRow,
} from '@flotilla/core/ports/store'
import { compareNumbers } from '@flotilla/core/protocol/documents'

/**
 * What every Store decides alike, as pure functions: orders of lists, which of two rows wins. Lists are ordered here
 * and not by the database, because databases sort text by their own collations.
 */

/** How many distinct Bundles of an Application's history stay referenced (architecture.md, decision 29). */
export const HISTORY_DIGESTS = 20

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export const bySourceName = (a: SourceRow, b: SourceRow): number => byText(a.name, b.name)
export const bySetKey = (a: SetRow, b: SetRow): number => byText(a.key, b.key)
export const byPlanAge = (a: DeletionPlan, b: DeletionPlan): number => a.since - b.since || byText(a.id, b.id)
export const byFileAndIndex = (a: SourceDocumentRow, b: SourceDocumentRow): number =>
  byText(a.file, b.file) || a.index - b.index
export const byApplicationName = (a: ApplicationRow, b: ApplicationRow): number =>
  byText(a.name, b.name) || byText(a.id, b.id)
export const byClusterName = (a: ClusterRow, b: ClusterRow): number => byText(a.name, b.name)
export const byDocumentNumber = (a: DocumentRow, b: DocumentRow): number =>
  compareNumbers(a.number, b.number) || byText(a.key, b.key)
export const byApplicationId = (a: ReportRow, b: ReportRow): number => byText(a.applicationId, b.applicationId)
export const byCalendarName = (a: CalendarRow, b: CalendarRow): number => byText(a.name, b.name)
export const byMaking = (a: MadeGateRow, b: MadeGateRow): number => a.madeAt - b.madeAt || byText(a.id, b.id)
export const byRequest = (a: OverrideRow, b: OverrideRow): number => a.requestedAt - b.requestedAt || byText(a.id, b.id)
type Made = GrantRow | CommandRow | JoinTokenRow | TokenRow
export const byCreation = (a: Made, b: Made): number => a.createdAt - b.createdAt || byText(a.id, b.id)

export const byId = (a: AlertRow | IncidentRow | MessageRow, b: AlertRow | IncidentRow | MessageRow): number =>
  byText(a.id, b.id)

/** The setting that holds the end of the audit's chain, beside the rows: rows that are lost leave a gap. */
export const AUDIT_HEAD = 'audit.head'

export function auditHeadOf(setting: JsonObject | undefined): AuditHead {
  return setting === undefined ? EMPTY_HEAD : (setting as unknown as AuditHead)
}

export const byAsking = (a: EnrolmentRow, b: EnrolmentRow): number =>
  a.requestedAt - b.requestedAt || byText(a.id, b.id)

/**
 * Which row a name means when several carry it: the active one; of several active ones the incumbent, that is the
 * one made first; without an active one the latest that was there.
 */
export function incumbent(rows: readonly ApplicationRow[]): ApplicationRow | undefined {
  const active = rows.filter(row => row.state === 'active')
  const order = (a: ApplicationRow, b: ApplicationRow): number => a.createdAt - b.createdAt || byText(a.id, b.id)
  return active.length > 0 ? active.sort(order)[0] : [...rows].sort(order).at(-1)
}

/** A report replaces another when its (admission, inc, n) is higher; a repeat is not newer. */
export function isNewerReport(row: ReportRow, than: ReportRow): boolean {
  const order = row.admission - than.admission || row.entry.inc - than.entry.inc || row.entry.n - than.entry.n
  return order > 0
}

/**
 * The row to store for a cluster: a caller that read it before a number was taken must not give that number out
 * again, so (epoch, lastNumber) never goes back.
 */
export function withoutLoweredNumber(row: ClusterRow, stored: ClusterRow | undefined): ClusterRow {
  if (stored === undefined) return row
  const given = { epoch: row.epoch, n: row.lastNumber }
  const taken = { epoch: stored.epoch, n: stored.lastNumber }
  return compareNumbers(given, taken) >= 0 ? row : { ...row, epoch: stored.epoch, lastNumber: stored.lastNumber }
}

/** The Bundles that an agent may still run, as it said itself. */
export function digestsHeld(row: ReportRow): readonly Digest[] {
  const { held, lastSucceeded, operation } = row.entry
  return [held, lastSucceeded, operation?.digest].filter(digest => digest !== undefined)
}

/** An operation was first heard of when its row was made, whatever is written later. */
export function firstHeard(
  row: Omit<OperationRow, 'sequence'>,
  stored: Omit<OperationRow, 'sequence'> | undefined,
): Omit<OperationRow, 'sequence'> {
  const at = stored ? stored.firstHeardAt : row.firstHeardAt
  const source = stored?.source ?? row.source
  const { id, applicationId, clusterId, operation } = row
  return {
    ...{ id, applicationId, clusterId, operation },
    ...(at !== undefined && { firstHeardAt: at }),
    ...(source !== undefined && { source }),
  }
}
