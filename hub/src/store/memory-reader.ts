import assert from 'node:assert/strict'
import type { ActivityEntry } from '@flotilla/core/activity/activity-entry'
import type { AuditHead } from '@flotilla/core/audit/audit-entry'
import type { Digest } from '@flotilla/core/json/canonical-json'
import type { JsonObject } from '@flotilla/core/json/json'
import type { DeletionPlan } from '@flotilla/core/model/deletion-plan'
import type { PersonRow, SessionRow, SignedOutRow } from '@flotilla/core/ports/sign-in-rows'
import type {
  AlertRow,
  ApplicationFilter,
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
  MessageState,
  OperationRow,
  OverrideRow,
  ReportRow,
  SetRow,
  SourceDocumentRow,
  SourceRow,
  StoreReader,
  TokenRow,
} from '@flotilla/core/ports/store'
import { compareNumbers, type DocumentNumber } from '@flotilla/core/protocol/documents'
import { type MemoryTable, type Overlay, TableView } from './memory-table.ts'
import { compositeKey, type MemoryTables, type Overlays } from './memory-tables.ts'
import {
  AUDIT_HEAD,
  auditHeadOf,
  byApplicationId,
  byApplicationName,
  byAsking,
  byCalendarName,
  byClusterName,
  byCreation,
  byDocumentNumber,
  byFileAndIndex,
  byId,
  byMaking,
  byPlanAge,
  byRequest,
  bySetKey,
  bySourceName,
  digestsHeld,
  HISTORY_DIGESTS,
  incumbent,
} from './row-rules.ts'

type RowOf<Name extends keyof MemoryTables> = MemoryTables[Name] extends MemoryTable<infer Row> ? Row : never

/** The port's questions over the tables as one transaction sees them. */
export class MemoryReader implements StoreReader {
  private readonly tables: MemoryTables
  private readonly overlays: Overlays
  private ended = false

  constructor(tables: MemoryTables, overlays: Overlays) {
    this.tables = tables
    this.overlays = overlays
  }

  /** After its work a transaction can no longer be used; a forgotten `await` shows at once. */
  end(): void {
    this.ended = true
  }

  protected view<Name extends keyof MemoryTables>(name: Name): TableView<RowOf<Name>> {
    assert(!this.ended, 'a store transaction was used after its work had ended')
    const table = this.tables[name] as unknown as MemoryTable<object>
    let overlay = this.overlays.get(table)
    if (overlay === undefined) {
      overlay = new Map()
      this.overlays.set(table, overlay)
    }
    return new TableView(table as unknown as MemoryTable<RowOf<Name>>, overlay as unknown as Overlay<RowOf<Name>>)
  }

  async setting(key: string): Promise<JsonObject | undefined> {
    return this.view('settings').get(key)?.value
  }

  async sources(): Promise<readonly SourceRow[]> {
    return this.view('sources').all().sort(bySourceName)
  }

  async sourceDocuments(source: string): Promise<readonly SourceDocumentRow[]> {
    return this.view('sourceDocuments').where('source', source).sort(byFileAndIndex)
  }

  async sets(): Promise<readonly SetRow[]> {
    return this.view('sets').all().sort(bySetKey)
  }

  async set(key: string): Promise<SetRow | undefined> {
    return this.view('sets').get(key)
  }

  async applications(filter: ApplicationFilter = {}): Promise<readonly ApplicationRow[]> {
    const view = this.view('applications')
    const { clusterId, set, source } = filter
    const rows =
      clusterId !== undefined
        ? view.where('cluster', clusterId)
        : set !== undefined
          ? view.where('set', set)
          : source !== undefined
            ? view.where('source', source)
            : view.all()
    return rows
      .filter(row => (set === undefined || row.set === set) && (source === undefined || row.source === source))
      .sort(byApplicationName)
  }

  async application(id: string): Promise<ApplicationRow | undefined> {
    return this.view('applications').get(id)
  }

  async applicationByName(name: string): Promise<ApplicationRow | undefined> {
    return incumbent(this.view('applications').where('name', name))
  }

  async clusters(): Promise<readonly ClusterRow[]> {
    return this.view('clusters').all().sort(byClusterName)
  }

  async cluster(id: string): Promise<ClusterRow | undefined> {
    return this.view('clusters').get(id)
  }

  async clusterByName(name: string): Promise<ClusterRow | undefined> {
    return this.view('clusters').where('name', name)[0]
  }

  async joinToken(id: string): Promise<JoinTokenRow | undefined> {
    return this.view('joinTokens').get(id)
  }

  async joinTokens(): Promise<readonly JoinTokenRow[]> {
    return this.view('joinTokens').all().sort(byCreation)
  }

  async enrolments(tokenId?: string): Promise<readonly EnrolmentRow[]> {
    const view = this.view('enrolments')
    return (tokenId === undefined ? view.all() : [...view.where('token', tokenId)]).sort(byAsking)
  }

  async enrolment(id: string): Promise<EnrolmentRow | undefined> {
    return this.view('enrolments').get(id)
  }

  async documents(clusterId: string, after?: DocumentNumber): Promise<readonly DocumentRow[]> {
    return this.view('documents')
      .where('cluster', clusterId)
      .filter(row => after === undefined || compareNumbers(row.number, after) > 0)
      .sort(byDocumentNumber)
  }

  async document(clusterId: string, key: string): Promise<DocumentRow | undefined> {
    return this.view('documents').get(compositeKey(clusterId, key))
  }

  async offersDigest(clusterId: string, digest: Digest): Promise<boolean> {
    return this.view('offered').get(compositeKey(clusterId, digest)) !== undefined
  }

  async openGrants(clusterId: string): Promise<readonly GrantRow[]> {
    return this.view('grants').where('open', clusterId).sort(byCreation)
  }

  async grant(id: string): Promise<GrantRow | undefined> {
    return this.view('grants').get(id)
  }

  async grantsAfter(clusterId: string, id: string): Promise<readonly GrantRow[]> {
    const later = this.view('grants')
      .where('cluster', clusterId)
      .filter(row => row.id > id)
    return later.sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  async openCommands(clusterId: string): Promise<readonly CommandRow[]> {
    return this.view('commands').where('open', clusterId).sort(byCreation)
  }

  async keptAnswer(principal: string, key: string): Promise<KeptAnswerRow | undefined> {
    return this.view('keptAnswers').get(compositeKey(principal, key))
  }

  async bulkOperation(id: string): Promise<BulkOperationRow | undefined> {
    return this.view('bulkOperations').get(id)
  }

  async openBulkOperations(): Promise<readonly BulkOperationRow[]> {
    return this.view('bulkOperations')
      .all()
      .filter(({ endedAt }) => endedAt === undefined)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  async bulkItems(bulk: string): Promise<readonly BulkItemRow[]> {
    return this.view('bulkItems')
      .where('bulk', bulk)
      .sort((a, b) => a.place - b.place)
  }

  async command(id: string): Promise<CommandRow | undefined> {
    return this.view('commands').get(id)
  }

  async reports(clusterId?: string): Promise<readonly ReportRow[]> {
    const view = this.view('reports')
    return (clusterId === undefined ? view.all() : view.where('cluster', clusterId)).sort(byApplicationId)
  }

  async report(applicationId: string): Promise<ReportRow | undefined> {
    return this.view('reports').get(applicationId)
  }

  async operations(
    applicationId: string,
    page: { readonly limit: number; readonly before?: number },
  ): Promise<readonly OperationRow[]> {
    return newestFirst(this.view('operations').where('application', applicationId), page)
  }

  async operationsAfter(
    applicationId: string,
    { limit, after }: { readonly limit: number; readonly after: number },
  ): Promise<readonly OperationRow[]> {
    const found = this.view('operations').where('application', applicationId)
    return found
      .filter(({ sequence }) => sequence > after)
      .sort((a, b) => a.sequence - b.sequence)
      .slice(0, limit)
  }

  async countOperations(applicationId: string): Promise<number> {
    return this.view('operations').where('application', applicationId).length
  }

  async operation(clusterId: string, id: string): Promise<OperationRow | undefined> {
    return this.view('operations').get(compositeKey(clusterId, id))
  }

  async renderMemo(key: string): Promise<Digest | undefined> {
    return this.view('renderMemos').get(key)?.digest
  }

  async bundle(digest: Digest): Promise<BundleRow | undefined> {
    return this.view('bundles').get(digest)
  }

  async referencedDigests(since = Number.POSITIVE_INFINITY): Promise<ReadonlySet<Digest>> {
    const digests = new Set<Digest>()
    for (const row of this.view('documents').all()) if (row.digest !== undefined) digests.add(row.digest)
    for (const row of this.view('applications').all()) if (row.digest !== undefined) digests.add(row.digest)
    for (const row of this.view('reports').all()) for (const digest of digestsHeld(row)) digests.add(digest)
    const recent = new Map<string, Set<Digest>>()
    for (const row of this.view('operations')
      .all()
      .sort((a, b) => b.sequence - a.sequence)) {
      const seen = recent.get(row.applicationId) ?? new Set()
      recent.set(row.applicationId, seen)
      const heardAt = Math.floor(row.firstHeardAt ?? row.operation.startedAt)
      if (seen.size < HISTORY_DIGESTS) seen.add(row.operation.digest)
      if (heardAt >= Math.floor(since)) digests.add(row.operation.digest)
    }
    for (const seen of recent.values()) for (const digest of seen) digests.add(digest)
    return digests
  }

  async deletionPlans(): Promise<readonly DeletionPlan[]> {
    return this.view('deletionPlans').all().sort(byPlanAge)
  }

  async deletionPlan(id: string): Promise<DeletionPlan | undefined> {
    return this.view('deletionPlans').get(id)
  }

  async token(id: string): Promise<TokenRow | undefined> {
    return this.view('tokens').get(id)
  }

  async tokens(): Promise<readonly TokenRow[]> {
    return this.view('tokens').all().sort(byCreation)
  }

  async session(id: string): Promise<SessionRow | undefined> {
    return this.view('sessions').get(id)
  }

  async sessions(owner?: string): Promise<readonly SessionRow[]> {
    const view = this.view('sessions')
    return (owner === undefined ? view.all() : [...view.where('owner', owner)]).sort(byCreation)
  }

  async person(id: string): Promise<PersonRow | undefined> {
    return this.view('people').get(id)
  }

  async signedOut(id: Digest): Promise<SignedOutRow | undefined> {
    return this.view('signedOut').get(id)
  }

  async freezes(): Promise<readonly MadeGateRow[]> {
    return this.view('madeGates').where('kind', 'FreezePeriod').sort(byMaking)
  }

  async windows(): Promise<readonly MadeGateRow[]> {
    return this.view('madeGates').where('kind', 'SyncWindow').sort(byMaking)
  }

  async overrides(): Promise<readonly OverrideRow[]> {
    return this.view('overrides').all().sort(byRequest)
  }

  async override(id: string): Promise<OverrideRow | undefined> {
    return this.view('overrides').get(id)
  }

  async calendars(): Promise<readonly CalendarRow[]> {
    return this.view('calendars').all().sort(byCalendarName)
  }

  async alerts(): Promise<readonly AlertRow[]> {
    return this.view('alerts').all().sort(byId)
  }

  async incidents(): Promise<readonly IncidentRow[]> {
    return this.view('incidents').all().sort(byId)
  }

  async messages(state?: MessageState): Promise<readonly MessageRow[]> {
    const view = this.view('messages')
    return (state === undefined ? view.all() : view.where('state', state)).sort(byId)
  }

  async message(id: string): Promise<MessageRow | undefined> {
    return this.view('messages').get(id)
  }

  async audit(page: { readonly limit: number; readonly before?: number }): Promise<readonly AuditRow[]> {
    return newestFirst(this.view('audit').all(), page)
  }

  async auditAfter({ limit, after }: { readonly limit: number; readonly after: number }): Promise<readonly AuditRow[]> {
    const rows = this.view('audit').all()
    return rows
      .filter(({ sequence }) => sequence > after)
      .sort((a, b) => a.sequence - b.sequence)
      .slice(0, limit)
  }

  async auditHead(): Promise<AuditHead> {
    return auditHeadOf(await this.setting(AUDIT_HEAD))
  }

  async activity(page: { readonly limit: number; readonly before?: number }): Promise<readonly ActivityEntry[]> {
    return newestFirst(this.view('activity').all(), page)
  }

  async activityAfter(page: { readonly limit: number; readonly after: number }): Promise<readonly ActivityEntry[]> {
    const { limit, after } = page
    const later = this.view('activity')
      .all()
      .filter(({ sequence }) => sequence > after)
    return later.sort((a, b) => a.sequence - b.sequence).slice(0, limit)
  }
}

function newestFirst<Row extends { readonly sequence: number }>(
  rows: Row[],
  page: { readonly limit: number; readonly before?: number },
): Row[] {
  const { limit, before = Number.POSITIVE_INFINITY } = page
  return rows
    .filter(row => row.sequence < before)
    .sort((a, b) => b.sequence - a.sequence)
    .slice(0, limit)
}
