import type { ActivityEntry } from '@flotilla/core/activity/activity-entry'
import type { Digest } from '@flotilla/core/json/canonical-json'
import type { JsonObject } from '@flotilla/core/json/json'
import type { DeletionPlan } from '@flotilla/core/model/deletion-plan'
import type { PersonRow, SessionRow, SignedOutRow } from '@flotilla/core/ports/sign-in-rows'
import type {
  AlertRow,
  ApplicationRow,
  AuditRow,
  BulkItemRow,
  BulkOperationRow,
  BundleRow,
  CalendarRow,
  ClusterRow,
  CommandRow,
  DocumentRow,
  EnrolmentRow,
  GrantRow,
  IncidentRow,
  JoinTokenRow,
  KeptAnswerRow,
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
import { MemoryTable, type Overlay } from './memory-table.ts'

/** Joins the parts of a composite key; no part holds U+0000. */
export function compositeKey(...parts: readonly (string | number)[]): string {
  return parts.join('\u0000')
}

/** One table for each kind of row, with the look-ups that the port's questions need. */
export function createTables() {
  return {
    settings: new MemoryTable<{ readonly key: string; readonly value: JsonObject }>({ key: row => row.key }),
    sequences: new MemoryTable<{ readonly name: string; readonly last: number }>({ key: row => row.name }),
    sources: new MemoryTable<SourceRow>({ key: row => row.name }),
    sourceDocuments: new MemoryTable<SourceDocumentRow>({
      key: row => compositeKey(row.source, row.file, row.index),
      lookups: { source: row => row.source },
    }),
    sets: new MemoryTable<SetRow>({ key: row => row.key }),
    applications: new MemoryTable<ApplicationRow>({
      key: row => row.id,
      lookups: { name: row => row.name, cluster: row => row.clusterId, set: row => row.set, source: row => row.source },
    }),
    clusters: new MemoryTable<ClusterRow>({ key: row => row.id, lookups: { name: row => row.name } }),
    joinTokens: new MemoryTable<JoinTokenRow>({ key: row => row.id }),
    enrolments: new MemoryTable<EnrolmentRow>({ key: row => row.id, lookups: { token: row => row.tokenId } }),
    documents: new MemoryTable<DocumentRow>({
      key: row => compositeKey(row.clusterId, row.key),
      lookups: { cluster: row => row.clusterId },
    }),
    grants: new MemoryTable<GrantRow>({
      key: row => row.id,
      lookups: {
        open: row => (row.state === 'open' ? row.clusterId : undefined),
        cluster: row => row.clusterId,
      },
    }),
    commands: new MemoryTable<CommandRow>({
      key: row => row.id,
      lookups: { open: row => (row.state === 'open' ? row.clusterId : undefined) },
    }),
    offered: new MemoryTable<{ readonly clusterId: string; readonly digest: Digest }>({
      key: row => compositeKey(row.clusterId, row.digest),
      lookups: { cluster: row => row.clusterId, digest: row => row.digest },
    }),
    reports: new MemoryTable<ReportRow>({ key: row => row.applicationId, lookups: { cluster: row => row.clusterId } }),
    operations: new MemoryTable<OperationRow>({
      key: row => compositeKey(row.clusterId, row.id),
      lookups: { application: row => row.applicationId },
    }),
    renderMemos: new MemoryTable<{ readonly key: string; readonly digest: Digest }>({
      key: row => row.key,
      lookups: { digest: row => row.digest },
    }),
    bundles: new MemoryTable<BundleRow>({ key: row => row.digest }),
    tokens: new MemoryTable<TokenRow>({ key: row => row.id }),
    sessions: new MemoryTable<SessionRow>({ key: row => row.id, lookups: { owner: row => row.owner } }),
    people: new MemoryTable<PersonRow>({ key: row => row.id }),
    signedOut: new MemoryTable<SignedOutRow>({ key: row => row.id }),
    deletionPlans: new MemoryTable<DeletionPlan>({ key: row => row.id }),
    madeGates: new MemoryTable<MadeGateRow>({ key: row => row.id, lookups: { kind: row => row.kind } }),
    overrides: new MemoryTable<OverrideRow>({ key: row => row.id }),
    calendars: new MemoryTable<CalendarRow>({ key: row => row.name }),
    alerts: new MemoryTable<AlertRow>({ key: row => row.id }),
    incidents: new MemoryTable<IncidentRow>({ key: row => row.id }),
    messages: new MemoryTable<MessageRow>({ key: row => row.id, lookups: { state: row => row.state } }),
    keptAnswers: new MemoryTable<KeptAnswerRow>({ key: row => compositeKey(row.principal, row.key) }),
    bulkOperations: new MemoryTable<BulkOperationRow>({ key: row => row.id }),
    bulkItems: new MemoryTable<BulkItemRow>({
      key: row => compositeKey(row.bulk, String(row.place)),
      lookups: { bulk: row => row.bulk },
    }),
    audit: new MemoryTable<AuditRow>({ key: row => String(row.sequence) }),
    activity: new MemoryTable<ActivityEntry>({ key: row => String(row.sequence), lookups: { key: row => row.key } }),
  }
}

export type MemoryTables = ReturnType<typeof createTables>

/** One transaction's differences, by table. */
export type Overlays = Map<MemoryTable<object>, Overlay<object>>
