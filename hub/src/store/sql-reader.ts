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

/**
 * The port's questions in SQL that every database of ours understands.
 *
 * The transaction is a function so that its owner decides what using it too late means.
 */
export class SqlReader implements StoreReader {
  private readonly transaction: () => Kysely<StoreSchema>

  constructor(transaction: () => Kysely<StoreSchema>) {
    this.transaction = transaction
  }

  protected get sql(): Kysely<StoreSchema> {
    return this.transaction()
  }

  async setting(key: string): Promise<JsonObject | undefined> {
    return one(await this.sql.selectFrom('settings').select('body').where('key', '=', key).execute())
  }

  async sources(): Promise<readonly SourceRow[]> {
    return all<SourceRow>(await this.sql.selectFrom('sources').select('body').execute()).sort(bySourceName)
  }

  async sourceDocuments(source: string): Promise<readonly SourceDocumentRow[]> {
    const found = await this.sql.selectFrom('source_documents').select('body').where('source', '=', source).execute()
    return all<SourceDocumentRow>(found).sort(byFileAndIndex)
  }

  async sets(): Promise<readonly SetRow[]> {
    return all<SetRow>(await this.sql.selectFrom('sets').select('body').execute()).sort(bySetKey)
  }

  async set(key: string): Promise<SetRow | undefined> {
    return one(await this.sql.selectFrom('sets').select('body').where('key', '=', key).execute())
  }

  async applications(filter: ApplicationFilter = {}): Promise<readonly ApplicationRow[]> {
    let query = this.sql.selectFrom('applications').select('body')
    if (filter.clusterId !== undefined) query = query.where('cluster_id', '=', filter.clusterId)
    if (filter.set !== undefined) query = query.where('set_name', '=', filter.set)
    if (filter.source !== undefined) query = query.where('source', '=', filter.source)
    return all<ApplicationRow>(await query.execute()).sort(byApplicationName)
  }

  async application(id: string): Promise<ApplicationRow | undefined> {
    return one(await this.sql.selectFrom('applications').select('body').where('id', '=', id).execute())
  }

  async applicationByName(name: string): Promise<ApplicationRow | undefined> {
    return incumbent(all(await this.sql.selectFrom('applications').select('body').where('name', '=', name).execute()))
  }

  async clusters(): Promise<readonly ClusterRow[]> {
    return all<ClusterRow>(await this.sql.selectFrom('clusters').select('body').execute()).sort(byClusterName)
  }

  async cluster(id: string): Promise<ClusterRow | undefined> {
    return one(await this.sql.selectFrom('clusters').select('body').where('id', '=', id).execute())
  }

  async clusterByName(name: string): Promise<ClusterRow | undefined> {
    return one(await this.sql.selectFrom('clusters').select('body').where('name', '=', name).execute())
  }

  async joinToken(id: string): Promise<JoinTokenRow | undefined> {
    return one(await this.sql.selectFrom('join_tokens').select('body').where('id', '=', id).execute())
  }

  async joinTokens(): Promise<readonly JoinTokenRow[]> {
    return all<JoinTokenRow>(await this.sql.selectFrom('join_tokens').select('body').execute()).sort(byCreation)
  }

  async enrolments(tokenId?: string): Promise<readonly EnrolmentRow[]> {
    const query = this.sql.selectFrom('enrolments').select('body')
    const asked = tokenId === undefined ? query : query.where('token_id', '=', tokenId)
    return all<EnrolmentRow>(await asked.execute()).sort(byAsking)
  }

  async enrolment(id: string): Promise<EnrolmentRow | undefined> {
    return one(await this.sql.selectFrom('enrolments').select('body').where('id', '=', id).execute())
  }

  async documents(clusterId: string, after?: DocumentNumber): Promise<readonly DocumentRow[]> {
    let query = this.sql.selectFrom('documents').select('body').where('cluster_id', '=', clusterId)
    if (after !== undefined) {
      query = query.where(is =>
        is.or([is('epoch', '>', after.epoch), is.and([is('epoch', '=', after.epoch), is('n', '>', after.n)])]),
      )
    }
    return all<DocumentRow>(await query.execute()).sort(byDocumentNumber)
  }

  async document(clusterId: string, key: string): Promise<DocumentRow | undefined> {
    const query = this.sql.selectFrom('documents').select('body').where('cluster_id', '=', clusterId)
    return one(await query.where('key', '=', key).execute())
  }

  async offersDigest(clusterId: string, digest: Digest): Promise<boolean> {
    const query = this.sql.selectFrom('offered').select('digest').where('cluster_id', '=', clusterId)
    return (await query.where('digest', '=', digest).limit(1).execute()).length > 0
  }

  async openGrants(clusterId: string): Promise<readonly GrantRow[]> {
    const query = this.sql.selectFrom('grants').select('body').where('cluster_id', '=', clusterId)
    return all<GrantRow>(await query.where('state', '=', 'open').execute()).sort(byCreation)
  }

  async grant(id: string): Promise<GrantRow | undefined> {
    return one(await this.sql.selectFrom('grants').select('body').where('id', '=', id).execute())
  }

  async voidGrants(clusterId: string, startBeforeAfter: EpochMs): Promise<readonly GrantRow[]> {
    const query = this.sql.selectFrom('grants').select('body').where('cluster_id', '=', clusterId)
    const rows = all<GrantRow>(await query.where('state', '=', 'void').execute())
    return rows.filter(({ payload }) => payload.startBefore > startBeforeAfter).sort(byCreation)
  }

  async openCommands(clusterId: string): Promise<readonly CommandRow[]> {
    const query = this.sql.selectFrom('commands').select('body').where('cluster_id', '=', clusterId)
    return all<CommandRow>(await query.where('state', '=', 'open').execute()).sort(byCreation)
  }

  async keptAnswer(principal: string, key: string): Promise<KeptAnswerRow | undefined> {
    const query = this.sql.selectFrom('kept_answers').select('body').where('principal', '=', principal)
    return one(await query.where('key', '=', key).execute())
  }

  async bulkOperation(id: string): Promise<BulkOperationRow | undefined> {
    return one(await this.sql.selectFrom('bulk_operations').select('body').where('id', '=', id).execute())
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
    return one(await this.sql.selectFrom('commands').select('body').where('id', '=', id).execute())
  }

  async reports(clusterId?: string): Promise<readonly ReportRow[]> {
    const query = this.sql.selectFrom('reports').select('body')
    const found = await (clusterId === undefined ? query : query.where('cluster_id', '=', clusterId)).execute()
    return all<ReportRow>(found).sort(byApplicationId)
  }

  async report(applicationId: string): Promise<ReportRow | undefined> {
    return one(
      await this.sql.selectFrom('reports').select('body').where('application_id', '=', applicationId).execute(),
    )
  }

  async operations(
    applicationId: string,
    page: { readonly limit: number; readonly before?: number },
  ): Promise<readonly OperationRow[]> {
    let query = this.sql
      .selectFrom('operations')
      .select(['sequence', 'body'])
      .where('application_id', '=', applicationId)
    if (page.before !== undefined) query = query.where('sequence', '<', page.before)
    return (await query.orderBy('sequence', 'desc').limit(page.limit).execute()).map(withSequence<OperationRow>)
  }

  async operation(clusterId: string, id: string): Promise<OperationRow | undefined> {
    const query = this.sql.selectFrom('operations').select(['sequence', 'body']).where('cluster_id', '=', clusterId)
    return (await query.where('id', '=', id).execute()).map(withSequence<OperationRow>)[0]
  }

  async renderMemo(key: string): Promise<Digest | undefined> {
    const found = await this.sql.selectFrom('render_memos').select('digest').where('key', '=', key).execute()
    return found[0]?.digest as Digest | undefined
  }

  async bundle(digest: Digest): Promise<BundleRow | undefined> {
    return one(await this.sql.selectFrom('bundles').select('body').where('digest', '=', digest).execute())
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
    return all<DeletionPlan>(await this.sql.selectFrom('deletion_plans').select('body').execute()).sort(byPlanAge)
  }

  async deletionPlan(id: string): Promise<DeletionPlan | undefined> {
    return one(await this.sql.selectFrom('deletion_plans').select('body').where('id', '=', id).execute())
  }

  async token(id: string): Promise<TokenRow | undefined> {
    return one(await this.sql.selectFrom('tokens').select('body').where('id', '=', id).execute())
  }

  async tokens(): Promise<readonly TokenRow[]> {
    return all<TokenRow>(await this.sql.selectFrom('tokens').select('body').execute()).sort(byCreation)
  }

  async session(id: string): Promise<SessionRow | undefined> {
    return one(await this.sql.selectFrom('sessions').select('body').where('id', '=', id).execute())
  }

  async sessions(owner?: string): Promise<readonly SessionRow[]> {
    const query = this.sql.selectFrom('sessions').select('body')
    const found = await (owner === undefined ? query : query.where('owner', '=', owner)).execute()
    return all<SessionRow>(found).sort(byCreation)
  }

  async person(id: string): Promise<PersonRow | undefined> {
    return one(await this.sql.selectFrom('people').select('body').where('id', '=', id).execute())
  }

  async signedOut(id: Digest): Promise<SignedOutRow | undefined> {
    return one(await this.sql.selectFrom('signed_out').select('body').where('id', '=', id).execute())
  }

  async freezes(): Promise<readonly MadeGateRow[]> {
    return await this.madeGates('FreezePeriod')
  }

  async windows(): Promise<readonly MadeGateRow[]> {
    return await this.madeGates('SyncWindow')
  }

  async overrides(): Promise<readonly OverrideRow[]> {
    return all<OverrideRow>(await this.sql.selectFrom('overrides').select('body').execute()).sort(byRequest)
  }

  async override(id: string): Promise<OverrideRow | undefined> {
    return one(await this.sql.selectFrom('overrides').select('body').where('id', '=', id).execute())
  }

  async calendars(): Promise<readonly CalendarRow[]> {
    return all<CalendarRow>(await this.sql.selectFrom('calendars').select('body').execute()).sort(byCalendarName)
  }

  async alerts(): Promise<readonly AlertRow[]> {
    return all<AlertRow>(await this.sql.selectFrom('alerts').select('body').execute()).sort(byId)
  }

  async incidents(): Promise<readonly IncidentRow[]> {
    return all<IncidentRow>(await this.sql.selectFrom('incidents').select('body').execute()).sort(byId)
  }

  async messages(state?: MessageState): Promise<readonly MessageRow[]> {
    const query = this.sql.selectFrom('messages').select('body')
    const asked = state === undefined ? query : query.where('state', '=', state)
    return all<MessageRow>(await asked.execute()).sort(byId)
  }

  async message(id: string): Promise<MessageRow | undefined> {
    return one(await this.sql.selectFrom('messages').select('body').where('id', '=', id).execute())
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
    const found = all<MadeGateRow>(await this.sql.selectFrom('made_gates').select('body').execute())
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

function one<Row>(found: readonly Bodied[]): Row | undefined {
  return found[0] === undefined ? undefined : decodeRow<Row>(found[0].body)
}

function all<Row>(found: readonly Bodied[]): Row[] {
  return found.map(({ body }) => decodeRow<Row>(body))
}

/** The database gives the number, so it is not in the body. */
function withSequence<Row extends { readonly sequence: number }>(found: {
  readonly sequence: number
  readonly body: string
}): Row {
  return { ...decodeRow<Omit<Row, 'sequence'>>(found.body), sequence: found.sequence } as Row
}
