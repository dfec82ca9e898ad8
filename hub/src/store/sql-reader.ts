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
import type { DocumentNumber } from '@flotilla/core/protocol/documents'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { Kysely } from 'kysely'
import { decodeRow } from './encode-row.ts'
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
  HISTORY_DIGESTS,
  incumbent,
} from './row-rules.ts'
import type { StoreSchema } from './schema.ts'
import { type SqlValue, type StoreSql, selectBodies } from './store-sql.ts'

/**
 * The port's questions in SQL that every database of ours understands.
 *
 * The transaction is a function so that its owner decides what using it too late means.
 */
export class SqlReader implements StoreReader {
  private readonly transaction: () => StoreSql

  constructor(transaction: () => StoreSql) {
    this.transaction = transaction
  }

  protected get sql(): Kysely<StoreSchema> {
    return this.transaction().build
  }

  protected rows<Row>(text: string, ...values: readonly SqlValue[]): readonly Row[] {
    return this.transaction().rows(text, values)
  }

  /** @returns How many rows it changed. */
  protected run(text: string, ...values: readonly SqlValue[]): number {
    return this.transaction().run(text, values)
  }

  /** The rows of a table by some of its columns: nearly every question. */
  private bodies<Row>(table: keyof StoreSchema, where: Readonly<Record<string, SqlValue>> = {}): Row[] {
    return all<Row>(this.rows<Bodied>(selectBodies(table, Object.keys(where)), ...Object.values(where)))
  }

  private body<Row>(table: keyof StoreSchema, where: Readonly<Record<string, SqlValue>>): Row | undefined {
    return this.bodies<Row>(table, where)[0]
  }

  async setting(key: string): Promise<JsonObject | undefined> {
    return this.body('settings', { key })
  }

  async sources(): Promise<readonly SourceRow[]> {
    return this.bodies<SourceRow>('sources').sort(bySourceName)
  }

  async sourceDocuments(source: string): Promise<readonly SourceDocumentRow[]> {
    return this.bodies<SourceDocumentRow>('source_documents', { source }).sort(byFileAndIndex)
  }

  async sets(): Promise<readonly SetRow[]> {
    return this.bodies<SetRow>('sets').sort(bySetKey)
  }

  async set(key: string): Promise<SetRow | undefined> {
    return this.body('sets', { key })
  }

  async applications(filter: ApplicationFilter = {}): Promise<readonly ApplicationRow[]> {
    const { clusterId, set, source } = filter
    const where = {
      ...(clusterId !== undefined && { cluster_id: clusterId }),
      ...(set !== undefined && { set_name: set }),
      ...(source !== undefined && { source }),
    }
    return this.bodies<ApplicationRow>('applications', where).sort(byApplicationName)
  }

  async application(id: string): Promise<ApplicationRow | undefined> {
    return this.body('applications', { id })
  }

  async applicationByName(name: string): Promise<ApplicationRow | undefined> {
    return incumbent(this.bodies('applications', { name }))
  }

  async clusters(): Promise<readonly ClusterRow[]> {
    return this.bodies<ClusterRow>('clusters').sort(byClusterName)
  }

  async cluster(id: string): Promise<ClusterRow | undefined> {
    return this.body('clusters', { id })
  }

  async clusterByName(name: string): Promise<ClusterRow | undefined> {
    return this.body('clusters', { name })
  }

  async joinToken(id: string): Promise<JoinTokenRow | undefined> {
    return this.body('join_tokens', { id })
  }

  async joinTokens(): Promise<readonly JoinTokenRow[]> {
    return this.bodies<JoinTokenRow>('join_tokens').sort(byCreation)
  }

  async enrolments(tokenId?: string): Promise<readonly EnrolmentRow[]> {
    return this.bodies<EnrolmentRow>('enrolments', tokenId === undefined ? {} : { token_id: tokenId }).sort(byAsking)
  }

  async enrolment(id: string): Promise<EnrolmentRow | undefined> {
    return this.body('enrolments', { id })
  }

  async documents(clusterId: string, after?: DocumentNumber): Promise<readonly DocumentRow[]> {
    const ofCluster = selectBodies('documents', ['cluster_id'])
    const later = ' and (epoch > ? or (epoch = ? and n > ?))'
    const found = after
      ? this.rows<Bodied>(`${ofCluster}${later}`, clusterId, after.epoch, after.epoch, after.n)
      : this.rows<Bodied>(ofCluster, clusterId)
    return all<DocumentRow>(found).sort(byDocumentNumber)
  }

  async document(clusterId: string, key: string): Promise<DocumentRow | undefined> {
    return this.body('documents', { cluster_id: clusterId, key })
  }

  async offersDigest(clusterId: string, digest: Digest): Promise<boolean> {
    return this.rows('select 1 from offered where cluster_id = ? and digest = ?', clusterId, digest).length > 0
  }

  async openGrants(clusterId: string): Promise<readonly GrantRow[]> {
    return this.bodies<GrantRow>('grants', { cluster_id: clusterId, state: 'open' }).sort(byCreation)
  }

  async grant(id: string): Promise<GrantRow | undefined> {
    return this.body('grants', { id })
  }

  async grantsAfter(clusterId: string, id: string): Promise<readonly GrantRow[]> {
    return all(this.rows('select body from grants where cluster_id = ? and id > ? order by id', clusterId, id))
  }

  async openCommands(clusterId: string): Promise<readonly CommandRow[]> {
    return this.bodies<CommandRow>('commands', { cluster_id: clusterId, state: 'open' }).sort(byCreation)
  }

  async keptAnswer(principal: string, key: string): Promise<KeptAnswerRow | undefined> {
    return this.body('kept_answers', { principal, key })
  }

  async bulkOperation(id: string): Promise<BulkOperationRow | undefined> {
    return this.body('bulk_operations', { id })
  }

  async openBulkOperations(): Promise<readonly BulkOperationRow[]> {
    const query = this.sql.selectFrom('bulk_operations').select('body').where('open', '=', 1)
    return all<BulkOperationRow>(await query.orderBy('id').execute())
  }

  async bulkItems(bulk: string): Promise<readonly BulkItemRow[]> {
    const query = this.sql.selectFrom('bulk_items').select('body').where('bulk', '=', bulk)
    return all<BulkItemRow>(await query.orderBy('place').execute())
  }

  async command(id: string): Promise<CommandRow | undefined> {
    return this.body('commands', { id })
  }

  async reports(clusterId?: string): Promise<readonly ReportRow[]> {
    return this.bodies<ReportRow>('reports', clusterId === undefined ? {} : { cluster_id: clusterId }).sort(
      byApplicationId,
    )
  }

  async report(applicationId: string): Promise<ReportRow | undefined> {
    return this.body('reports', { application_id: applicationId })
  }

  async operations(
    applicationId: string,
    page: { readonly limit: number; readonly before?: number },
  ): Promise<readonly OperationRow[]> {
    const text = 'select sequence, body from operations where application_id = ? and sequence < ?'
    const { limit, before = Number.MAX_SAFE_INTEGER } = page
    const found = this.rows<Numbered>(`${text} order by sequence desc limit ?`, applicationId, before, limit)
    return found.map(withSequence<OperationRow>)
  }

  async operationsAfter(
    applicationId: string,
    { limit, after }: { readonly limit: number; readonly after: number },
  ): Promise<readonly OperationRow[]> {
    const text = 'select sequence, body from operations where application_id = ? and sequence > ?'
    const found = this.rows<Numbered>(`${text} order by sequence limit ?`, applicationId, after, limit)
    return found.map(withSequence<OperationRow>)
  }

  async countOperations(applicationId: string): Promise<number> {
    const text = 'select count(*) as found from operations where application_id = ?'
    return this.rows<{ readonly found: number }>(text, applicationId)[0]!.found
  }

  async operation(clusterId: string, id: string): Promise<OperationRow | undefined> {
    const text = 'select sequence, body from operations where cluster_id = ? and id = ?'
    return this.rows<Numbered>(text, clusterId, id).map(withSequence<OperationRow>)[0]
  }

  async renderMemo(key: string): Promise<Digest | undefined> {
    return this.rows<{ readonly digest: Digest }>('select digest from render_memos where "key" = ?', key)[0]?.digest
  }

  async bundle(digest: Digest): Promise<BundleRow | undefined> {
    return this.body('bundles', { digest })
  }

  async referencedDigests(since?: EpochMs): Promise<ReadonlySet<Digest>> {
    const named = await this.sql
      .selectFrom('documents')
      .select('digest')
      .union(this.sql.selectFrom('applications').select('digest'))
      .union(this.sql.selectFrom('reports').select('held as digest'))
      .union(this.sql.selectFrom('reports').select('last_succeeded as digest'))
      .union(this.sql.selectFrom('reports').select('operating as digest'))
      .execute()
    const digests = new Set<Digest>()
    for (const { digest } of named) if (digest !== null) digests.add(digest as Digest)
    for (const digest of await this.recentDigests()) digests.add(digest)
    if (since === undefined) return digests
    const late = this.sql
      .selectFrom('operations')
      .select('digest')
      .distinct()
      .where('heard_at', '>=', Math.floor(since))
    for (const { digest } of await late.execute()) digests.add(digest as Digest)
    return digests
  }

  async deletionPlans(): Promise<readonly DeletionPlan[]> {
    return this.bodies<DeletionPlan>('deletion_plans').sort(byPlanAge)
  }

  async deletionPlan(id: string): Promise<DeletionPlan | undefined> {
    return this.body('deletion_plans', { id })
  }

  async token(id: string): Promise<TokenRow | undefined> {
    return this.body('tokens', { id })
  }

  async tokens(): Promise<readonly TokenRow[]> {
    return this.bodies<TokenRow>('tokens').sort(byCreation)
  }

  async session(id: string): Promise<SessionRow | undefined> {
    return this.body('sessions', { id })
  }

  async sessions(owner?: string): Promise<readonly SessionRow[]> {
    return this.bodies<SessionRow>('sessions', owner === undefined ? {} : { owner }).sort(byCreation)
  }

  async person(id: string): Promise<PersonRow | undefined> {
    return this.body('people', { id })
  }

  async signedOut(id: Digest): Promise<SignedOutRow | undefined> {
    return this.body('signed_out', { id })
  }

  async freezes(): Promise<readonly MadeGateRow[]> {
    return await this.madeGates('FreezePeriod')
  }

  async windows(): Promise<readonly MadeGateRow[]> {
    return await this.madeGates('SyncWindow')
  }

  async overrides(): Promise<readonly OverrideRow[]> {
    return this.bodies<OverrideRow>('overrides').sort(byRequest)
  }

  async override(id: string): Promise<OverrideRow | undefined> {
    return this.body('overrides', { id })
  }

  async calendars(): Promise<readonly CalendarRow[]> {
    return this.bodies<CalendarRow>('calendars').sort(byCalendarName)
  }

  async alerts(): Promise<readonly AlertRow[]> {
    return this.bodies<AlertRow>('alerts').sort(byId)
  }

  async incidents(): Promise<readonly IncidentRow[]> {
    return this.bodies<IncidentRow>('incidents').sort(byId)
  }

  async messages(state?: MessageState): Promise<readonly MessageRow[]> {
    return this.bodies<MessageRow>('messages', state === undefined ? {} : { state }).sort(byId)
  }

  async message(id: string): Promise<MessageRow | undefined> {
    return this.body('messages', { id })
  }

  async audit(page: { readonly limit: number; readonly before?: number }): Promise<readonly AuditRow[]> {
    let query = this.sql.selectFrom('audit').select(['sequence', 'body'])
    if (page.before !== undefined) query = query.where('sequence', '<', page.before)
    return (await query.orderBy('sequence', 'desc').limit(page.limit).execute()).map(withSequence<AuditRow>)
  }

  async auditAfter({ limit, after }: { readonly limit: number; readonly after: number }): Promise<readonly AuditRow[]> {
    const query = this.sql.selectFrom('audit').select(['sequence', 'body']).where('sequence', '>', after)
    return (await query.orderBy('sequence', 'asc').limit(limit).execute()).map(withSequence<AuditRow>)
  }

  async auditHead(): Promise<AuditHead> {
    return auditHeadOf(await this.setting(AUDIT_HEAD))
  }

  async activity(page: { readonly limit: number; readonly before?: number }): Promise<readonly ActivityEntry[]> {
    let query = this.sql.selectFrom('activity').select(['sequence', 'body'])
    if (page.before !== undefined) query = query.where('sequence', '<', page.before)
    return (await query.orderBy('sequence', 'desc').limit(page.limit).execute()).map(withSequence<ActivityEntry>)
  }

  async activityAfter(page: { readonly limit: number; readonly after: number }): Promise<readonly ActivityEntry[]> {
    const query = this.sql.selectFrom('activity').select(['sequence', 'body']).where('sequence', '>', page.after)
    return (await query.orderBy('sequence', 'asc').limit(page.limit).execute()).map(withSequence<ActivityEntry>)
  }

  private async madeGates(kind: MadeGateRow['kind']): Promise<readonly MadeGateRow[]> {
    const found = this.bodies<MadeGateRow>('made_gates')
    return found.filter(row => row.kind === kind).sort(byMaking)
  }

  /** The last distinct digests of each Application's history. */
  private async recentDigests(): Promise<readonly Digest[]> {
    const ranked = await this.sql
      .selectFrom('operations')
      .select(['application_id', 'digest', grouped => grouped.fn.max('sequence').as('newest')])
      .groupBy(['application_id', 'digest'])
      .orderBy('newest', 'desc')
      .execute()
    const counts = new Map<string, number>()
    const recent: Digest[] = []
    for (const { application_id: applicationId, digest } of ranked) {
      const count = counts.get(applicationId) ?? 0
      counts.set(applicationId, count + 1)
      if (count < HISTORY_DIGESTS) recent.push(digest as Digest)
    }
    return recent
  }
}

interface Bodied {
  readonly body: string
}

interface Numbered extends Bodied {
  readonly sequence: number
}

function all<Row>(found: readonly Bodied[]): Row[] {
  return found.map(({ body }) => decodeRow<Row>(body))
}

/** The database gives the number, so it is not in the body. */
function withSequence<Row extends { readonly sequence: number }>(found: Numbered): Row {
  return { ...decodeRow<Omit<Row, 'sequence'>>(found.body), sequence: found.sequence } as Row
}
