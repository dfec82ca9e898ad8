import type { Principal } from '../access/principal.ts'
import type { ActivityEntry, ActivityNote } from '../activity/activity-entry.ts'
import type { AuditEntry, AuditHead, AuditNote } from '../audit/audit-entry.ts'
import type { DeletionBudget } from '../decide/deletion-guard.ts'
import type { Digest } from '../json/canonical-json.ts'
import type { JsonObject } from '../json/json.ts'
import type { DeletionPlan, RemovalPolicy } from '../model/deletion-plan.ts'
import type { Hold } from '../model/hold.ts'
import type { Pause } from '../model/pause.ts'
import type { Pin } from '../model/pin.ts'
import type { DocumentNumber } from '../protocol/documents.ts'
import type { Cloned, Speaker } from '../protocol/order-incarnation.ts'
import type { ClusterRecovery } from '../protocol/recovery.ts'
import type { OperationReport, ReportEntry } from '../protocol/report.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import type { BulkItemRow, BulkOperationRow } from './bulk-operation-row.ts'
import type { EnrolmentRow, RegisteredCluster } from './enrolment-row.ts'
import type { CalendarRow, MadeGateRow, OverrideRow } from './gate-rows.ts'
import type { CommandRow, GrantRow } from './grant-rows.ts'
import type { KeptAnswerRow } from './kept-answer.ts'
import type { AlertRow, IncidentRow, MessageRow, MessageState } from './notification-rows.ts'
import type { Identity, PersonRow, SessionRow, SignedOutRow, TokenScope } from './sign-in-rows.ts'

/**
 * The hub's memory. One write at a time; what `write` resolved for is durable and seen by every later read. A write
 * whose work throws leaves nothing behind. Rows are plain values; nothing here is SQLite's alone.
 */
export interface Store {
  read<T>(work: (rows: StoreReader) => Promise<T>): Promise<T>
  /** @throws StoreError `STORE_FULL`, `STORE_CORRUPT`, `STORE_UNAVAILABLE` */
  write<T>(work: (rows: StoreWriter) => Promise<T>): Promise<T>
  /** Rows written since the start, for the test that cost follows the change. */
  readonly counters: { readonly rowsWritten: number; readonly transactions: number }
  close(): Promise<void>
}

export interface StoreReader {
  setting(key: string): Promise<JsonObject | undefined>
  sources(): Promise<readonly SourceRow[]>
  sourceDocuments(source: string): Promise<readonly SourceDocumentRow[]>
  sets(): Promise<readonly SetRow[]>
  set(key: string): Promise<SetRow | undefined>
  applications(filter?: ApplicationFilter): Promise<readonly ApplicationRow[]>
  application(id: string): Promise<ApplicationRow | undefined>
  applicationByName(name: string): Promise<ApplicationRow | undefined>
  clusters(): Promise<readonly ClusterRow[]>
  cluster(id: string): Promise<ClusterRow | undefined>
  clusterByName(name: string): Promise<ClusterRow | undefined>
  joinToken(id: string): Promise<JoinTokenRow | undefined>
  joinTokens(): Promise<readonly JoinTokenRow[]>
  /** Agents that wait or were decided on, oldest first; with a token's id, those that came with it. */
  enrolments(tokenId?: string): Promise<readonly EnrolmentRow[]>
  enrolment(id: string): Promise<EnrolmentRow | undefined>
  /** The current documents of a cluster; with `after`, only those with a higher number, in order of number. */
  documents(clusterId: string, after?: DocumentNumber): Promise<readonly DocumentRow[]>
  document(clusterId: string, key: string): Promise<DocumentRow | undefined>
  /**
   * Whether this cluster was ever offered that Bundle under its present admission: the right to fetch it. An agent that
   * lost its folder has to keep its last success so, though a newer one is offered.
   */
  offersDigest(clusterId: string, digest: Digest): Promise<boolean>
  /** Grants that are neither started, refused, lapsed nor void. */
  openGrants(clusterId: string): Promise<readonly GrantRow[]>
  grant(id: string): Promise<GrantRow | undefined>
  /** Grants of a cluster whose ids come after this one, whatever became of them, in the order of their ids. */
  grantsAfter(clusterId: string, id: string): Promise<readonly GrantRow[]>
  /** Commands without an answer, in order of making. */
  openCommands(clusterId: string): Promise<readonly CommandRow[]>
  command(id: string): Promise<CommandRow | undefined>
  reports(clusterId?: string): Promise<readonly ReportRow[]>
  report(applicationId: string): Promise<ReportRow | undefined>
  operations(
    applicationId: string,
    page: { readonly limit: number; readonly before?: number },
  ): Promise<readonly OperationRow[]>
  /** Oldest first, those after a number. */
  operationsAfter(
    applicationId: string,
    page: { readonly limit: number; readonly after: number },
  ): Promise<readonly OperationRow[]>
  countOperations(applicationId: string): Promise<number>
  operation(clusterId: string, id: string): Promise<OperationRow | undefined>
  renderMemo(key: string): Promise<Digest | undefined>
  bundle(digest: Digest): Promise<BundleRow | undefined>
  /**
   * Every digest that a row still names: current documents, held Applications, recent history.
   *
   * @param since History from then on counts whole; before that, the last twenty of each Application.
   */
  referencedDigests(since?: EpochMs): Promise<ReadonlySet<Digest>>
  token(id: string): Promise<TokenRow | undefined>
  tokens(): Promise<readonly TokenRow[]>
  session(id: string): Promise<SessionRow | undefined>
  /** Sessions that stand or have run out, oldest first; with an owner, theirs alone. */
  sessions(owner?: string): Promise<readonly SessionRow[]>
  person(id: string): Promise<PersonRow | undefined>
  signedOut(id: Digest): Promise<SignedOutRow | undefined>
  /** Removals that wait or were decided, oldest first. */
  deletionPlans(): Promise<readonly DeletionPlan[]>
  deletionPlan(id: string): Promise<DeletionPlan | undefined>
  /** FreezePeriods made through the API, ended ones too, in order of making. */
  freezes(): Promise<readonly MadeGateRow[]>
  /** SyncWindows made through the API, ended ones too, in order of making. */
  windows(): Promise<readonly MadeGateRow[]>
  /** Every break-glass ever asked for, in order of asking. */
  overrides(): Promise<readonly OverrideRow[]>
  override(id: string): Promise<OverrideRow | undefined>
  /** Imported iCalendars in order of name. */
  calendars(): Promise<readonly CalendarRow[]>
  /** What notification routes know of their subjects, in order of id. */
  alerts(): Promise<readonly AlertRow[]>
  /** Incidents that routes tell of, in order of opening. */
  incidents(): Promise<readonly IncidentRow[]>
  /** Messages to people, the oldest first. */
  messages(state?: MessageState): Promise<readonly MessageRow[]>
  message(id: string): Promise<MessageRow | undefined>
  keptAnswer(principal: string, key: string): Promise<KeptAnswerRow | undefined>
  bulkOperation(id: string): Promise<BulkOperationRow | undefined>
  /** Those without an end, in order of id. */
  openBulkOperations(): Promise<readonly BulkOperationRow[]>
  /** What was decided so far of one that is open, in order of place. */
  bulkItems(bulk: string): Promise<readonly BulkItemRow[]>
  /** Newest first. */
  audit(page: { readonly limit: number; readonly before?: number }): Promise<readonly AuditRow[]>
  /** Oldest first, those after a number: for exports. */
  auditAfter(page: { readonly limit: number; readonly after: number }): Promise<readonly AuditRow[]>
  /** What was appended last; it does not go back when entries are lost. */
  auditHead(): Promise<AuditHead>
  /** What happened, newest first. */
  activity(page: { readonly limit: number; readonly before?: number }): Promise<readonly ActivityEntry[]>
  /** What happened, oldest first, those after a number: for whoever tells of each. */
  activityAfter(page: { readonly limit: number; readonly after: number }): Promise<readonly ActivityEntry[]>
}

export interface StoreWriter extends StoreReader {
  putSetting(key: string, value: JsonObject): Promise<void>
  putSource(row: SourceRow): Promise<void>
  deleteSource(name: string): Promise<void>
  /** Replaces what is remembered of one source; rows that are equal are not written again. */
  putSourceDocuments(source: string, rows: readonly SourceDocumentRow[]): Promise<void>
  putSet(row: SetRow): Promise<void>
  deleteSet(key: string): Promise<void>
  putApplication(row: ApplicationRow): Promise<void>
  deleteApplication(id: string): Promise<void>
  putCluster(row: ClusterRow): Promise<void>
  /** For a record that nobody was ever admitted under; fails where documents or Grants name it. */
  deleteCluster(id: string): Promise<void>
  /** Takes the next document number of a cluster; never the same one twice, whatever crashes. */
  nextNumber(clusterId: string): Promise<DocumentNumber>
  putJoinToken(row: JoinTokenRow): Promise<void>
  putEnrolment(row: EnrolmentRow): Promise<void>
  deleteEnrolment(id: string): Promise<void>
  putDocument(row: DocumentRow): Promise<void>
  deleteDocument(clusterId: string, key: string): Promise<void>
  putGrant(row: GrantRow): Promise<void>
  putCommand(row: CommandRow): Promise<void>
  /** Deletes commands that were answered and made before; returns how many. */
  deleteCommands(madeBefore: EpochMs): Promise<number>
  /** Stores it if newer than what is there by (admission, inc, n); says whether it was. */
  putReport(row: ReportRow): Promise<boolean>
  deleteReport(applicationId: string): Promise<void>
  /** Adds or updates by id; assigns the sequence number at the first time. */
  putOperation(row: Omit<OperationRow, 'sequence'>): Promise<void>
  putRenderMemo(key: string, digest: Digest): Promise<void>
  putBundle(row: BundleRow): Promise<void>
  deleteBundle(digest: Digest): Promise<void>
  putToken(row: TokenRow): Promise<void>
  deleteToken(id: string): Promise<void>
  putSession(row: SessionRow): Promise<void>
  deleteSession(id: string): Promise<void>
  putPerson(row: PersonRow): Promise<void>
  putSignedOut(row: SignedOutRow): Promise<void>
  /** Forgets tokens that have ended by themselves meanwhile; returns how many. */
  deleteSignedOut(until: EpochMs): Promise<number>
  putDeletionPlan(plan: DeletionPlan): Promise<void>
  deleteDeletionPlan(id: string): Promise<void>
  putMadeGate(row: MadeGateRow): Promise<void>
  putOverride(row: OverrideRow): Promise<void>
  putCalendar(row: CalendarRow): Promise<void>
  deleteCalendar(name: string): Promise<void>
  putAlert(row: AlertRow): Promise<void>
  deleteAlert(id: string): Promise<void>
  putIncident(row: IncidentRow): Promise<void>
  deleteIncident(id: string): Promise<void>
  putMessage(row: MessageRow): Promise<void>
  deleteMessage(id: string): Promise<void>
  putKeptAnswer(row: KeptAnswerRow): Promise<void>
  deleteKeptAnswer(principal: string, key: string): Promise<void>
  /** Deletes those that expired before; returns how many. */
  deleteKeptAnswers(expiredBefore: EpochMs): Promise<number>
  /** One with an end keeps no items but its own. */
  putBulkOperation(row: BulkOperationRow): Promise<void>
  putBulkItem(row: BulkItemRow): Promise<void>
  /** Deletes those that were made before; returns how many. */
  deleteBulkOperations(madeBefore: EpochMs): Promise<number>
  /** Takes the next place in the chain; nothing of the log is ever changed or removed. */
  appendAudit(note: AuditNote): Promise<void>
  /** Adds to the feed; a note whose key is there already is added to that entry, which keeps its place. */
  appendActivity(note: ActivityNote): Promise<void>
  /** Forgets all but the newest `keep`, and what is older than `since`; returns how many. */
  trimActivity(bounds: { readonly keep: number; readonly since: EpochMs }): Promise<number>
}

export interface SourceRow {
  readonly name: string
  readonly repository: string
  readonly revision: string
  readonly path: string
  /** The commit whose documents are in force; absent before the first success. */
  readonly commit?: string
  readonly loadedAt?: EpochMs
  /** Diagnostics of the newest commit seen, and its id. */
  readonly seenCommit?: string
  readonly seenAt?: EpochMs
  readonly diagnostics: readonly JsonObject[]
  /** Documents that are not in force as written: which, why, and whether an earlier version is (decision 21). */
  readonly documents?: readonly JsonObject[]
  /** How many documents are in force. */
  readonly documentCount?: number
  /** Why the repository could not be read, while that is so. */
  readonly error?: { readonly code: string; readonly message: string; readonly since: EpochMs }
}

/** The last good version of one document (decision 21), as text, so that positions survive a restart. */
export interface SourceDocumentRow {
  readonly source: string
  readonly file: string
  readonly index: number
  readonly kind: string
  readonly name: string
  readonly startLine: number
  readonly text: string
  readonly commit: string
}

/** An ApplicationSet's last good result, per generator. */
export interface SetRow {
  /** `source/name`. */
  readonly key: string
  readonly source: string
  readonly name: string
  readonly contentDigest: string
  /** Per generator entry: the Applications it last yielded, and whether that is stale. */
  readonly generators: readonly JsonObject[]
  readonly errors: readonly JsonObject[]
  readonly expandedAt: EpochMs
  /** Argo CD's conditions and `Ready`, and what its health is by them. */
  readonly conditions?: readonly JsonObject[]
  readonly health?: JsonObject
  /** What its document says of the end of it and of its Applications, for when the document is gone. */
  readonly ending?: {
    readonly applicationsSync?: string
    readonly deletion: RemovalPolicy
    readonly budget: DeletionBudget
  }
  /** Since when its document is gone, while Applications of it are still there. */
  readonly removedAt?: EpochMs
}

export interface ApplicationFilter {
  readonly clusterId?: string
  readonly set?: string
  readonly source?: string
}

export type ApplicationState = 'active' | 'withdrawn' | 'orphaned'

export interface ApplicationRow {
  /** UUIDv7, made once; kept while name and destination stay (decision 13). */
  readonly id: string
  readonly name: string
  readonly state: ApplicationState
  readonly project: string
  readonly set?: string
  readonly source: string
  /** The destination Cluster's name; empty while it could not be resolved. */
  readonly clusterName: string
  /** Id of that cluster's admission record; absent before it joined. */
  readonly clusterId?: string
  readonly namespace: string
  readonly labels: { readonly [key: string]: string }
  /** The Application document (metadata, spec). */
  readonly document: JsonObject
  readonly provenance: JsonObject
  /** What it is to hold; absent before the first render. */
  readonly digest?: Digest
  readonly size?: number
  readonly holdsSecrets?: boolean
  readonly revision?: string
  readonly renderKey?: string
  /** The Offer since which a success counts: what it asks for besides the digest (namespace, options) changed there. */
  readonly syncFrom?: DocumentNumber
  readonly images: readonly string[]
  /** Its Project warns of objects in its namespace that nobody declares. */
  readonly warnsOfOrphans?: true
  readonly hold?: Hold
  /** What a person holds it to; one that has lapsed goes with the next look. */
  readonly pin?: Pin
  /** A person wants it left alone; one that has lapsed goes with the next look. */
  readonly pause?: Pause
  /** Of a withdrawn Application: since when nobody wants it, and what becomes of its objects. */
  readonly removal?: {
    readonly since: EpochMs
    readonly policy: RemovalPolicy
    /** How long it has to be unwanted without a break before anything is removed; absent: the hub's setting. */
    readonly graceMs?: number
    /** The approved plan that let it go; absent within the budget. */
    readonly plan?: string
    /** Who let it delete what its agent held up, by the digest of that list. */
    readonly confirmed?: { readonly by: string; readonly at: EpochMs; readonly digest: Digest }
    /** Who let it go together with its cluster: without an agent that could be told, it is forgotten. */
    readonly released?: { readonly by: string; readonly at: EpochMs }
  }
  readonly createdAt: EpochMs
  readonly changedAt: EpochMs
}

export interface ClusterRow {
  /** UUIDv7. */
  readonly id: string
  readonly name: string
  readonly admission: number
  /** Raw Ed25519 public key, base64url; absent while nobody has joined or after revocation. */
  readonly agentKey?: string
  /** UID of the cluster's `kube-system` namespace. */
  readonly uid?: string
  readonly incarnation: number
  readonly instance?: string
  readonly epoch: number
  /** The highest number taken. */
  readonly lastNumber: number
  readonly joinedAt?: EpochMs
  readonly revokedAt?: EpochMs
  readonly versions: { readonly [key: string]: string }
  /** The agent key before the last rotation: good for nothing but asking for that rotation's answer again. */
  readonly previousKey?: string
  /** Since when the agent key is this one. */
  readonly keySince?: EpochMs
  /** How many keys the agent key followed under this admission: what tells an older one from a newer. Default: 0. */
  readonly keyNumber?: number
  /** The newest hub key that the agent said it knows. */
  readonly hubKid?: string
  /** Other instances of the agent heard lately, and how often one came back above another (order-incarnation.ts). */
  readonly speakers?: readonly Speaker[]
  readonly overtakings?: readonly EpochMs[]
  /** Two agents speak for it: no Grants until one of them is admitted anew. */
  readonly cloned?: Cloned
  /** A Cluster that no document declares: this hub's own record of what it is. */
  readonly registered?: RegisteredCluster
  /** How far it has come since `hub recover`; absent when there is nothing to wait for. */
  readonly recovery?: ClusterRecovery
}

export interface JoinTokenRow {
  readonly id: string
  /** The one cluster that it admits; absent for a pending token. */
  readonly clusterName?: string
  /** A token for many, each of which waits for approval: at most so many may ask, and what their Clusters get. */
  readonly pending?: { readonly labels: { readonly [key: string]: string }; readonly max: number }
  readonly createdBy?: string
  /** `sha256:` of the secret part. */
  readonly secretHash: Digest
  readonly createdAt: EpochMs
  readonly expiresAt: EpochMs
  readonly usedAt?: EpochMs
  /** The key that used it: the same key may ask again. */
  readonly usedBy?: string
  readonly revokedAt?: EpochMs
}

export interface DocumentRow {
  readonly clusterId: string
  /** `application/<id>` for an Offer or Tombstone, `calendar`. One current document each. */
  readonly key: string
  readonly typ: 'offer' | 'tombstone' | 'calendar'
  readonly number: DocumentNumber
  readonly applicationId?: string
  readonly digest?: Digest
  /** Hash of the meaning, without number and time: equal meaning is not issued again. */
  readonly meaning: string
  readonly jws: string
  readonly issuedAt: EpochMs
}

export interface ReportRow {
  readonly applicationId: string
  readonly clusterId: string
  readonly admission: number
  readonly entry: ReportEntry
  /** SHA-256 of the entry as sent, for the `reported` digest. */
  readonly hash: Digest
  readonly receivedAt: EpochMs
}

export interface OperationRow {
  readonly sequence: number
  readonly id: string
  readonly applicationId: string
  readonly clusterId: string
  readonly operation: OperationReport
  /** When the hub first heard of it: what bounds history by the hour is not the agent's clock. */
  readonly firstHeardAt?: EpochMs
  /** Where its Bundle came from, as the Application's document said when that was what was wanted. */
  readonly source?: JsonObject
}

export interface BundleRow {
  readonly digest: Digest
  readonly format: number
  readonly size: number
  readonly objectCount: number
  readonly holdsSecrets: boolean
  readonly images: readonly string[]
  readonly createdAt: EpochMs
}

export interface TokenRow {
  readonly id: string
  readonly name: string
  /** `policy`: what the policy gives {@link TokenRow.principal} or whoever has made it, and nothing else. */
  readonly role: 'admin' | 'readonly' | 'policy'
  /** Whom the policy is asked about. Without it: the role, or with `policy` the one who has made it. */
  readonly principal?: Principal
  /** Who has made it, and where that was a token, who has made that one: it never may more than each of them at its use. */
  readonly makers?: readonly Identity[]
  /** All of them narrow it. */
  readonly scopes?: readonly TokenScope[]
  /** Of a token of a Project's role: `project` is good only while the Project's document lists its id. */
  readonly listedBy?: 'hub' | 'project'
  /** Whether a person shows it or a program; a program when absent. Programs approve nothing. */
  readonly kind?: 'person' | 'robot'
  /** Name of whoever made it. */
  readonly madeBy?: string
  readonly secretHash: Digest
  readonly createdAt: EpochMs
  readonly expiresAt?: EpochMs
  readonly lastUsedAt?: EpochMs
}

export type AuditRow = AuditEntry
export type { ActivityEntry, ActivityNote } from '../activity/activity-entry.ts'
export type { AuditHead, AuditNote } from '../audit/audit-entry.ts'
export type { BulkItemRow, BulkOperationItem, BulkOperationRow } from './bulk-operation-row.ts'
export type { EnrolmentRow, EnrolmentState, RegisteredCluster } from './enrolment-row.ts'
export type { CalendarRow, MadeGateRow, OverrideRow } from './gate-rows.ts'
export type { CommandRow, CommandState, GrantRow, GrantState } from './grant-rows.ts'
export type { KeptAnswerRow } from './kept-answer.ts'
export type { AlertRow, IncidentRow, MessageRow, MessageState } from './notification-rows.ts'
export type { Identity, KeptClaims, PersonRow, SessionRow, SignedOutRow, TokenScope } from './sign-in-rows.ts'
export { StoreError } from './store-error.ts'
