import assert from 'node:assert/strict'
import { type ActivityNote, mergeActivity } from '@flotilla/core/activity/activity-entry'
import { activityOfAudit } from '@flotilla/core/activity/activity-of-audit'
import { type AuditNote, chainEntry } from '@flotilla/core/audit/audit-entry'
import type { Digest } from '@flotilla/core/json/canonical-json'
import type { JsonObject } from '@flotilla/core/json/json'
import type { DeletionPlan } from '@flotilla/core/model/deletion-plan'
import type { PersonRow, SessionRow, SignedOutRow } from '@flotilla/core/ports/sign-in-rows'
import type {
  AlertRow,
  ApplicationRow,
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
  StoreWriter,
  TokenRow,
} from '@flotilla/core/ports/store'
import { compareNumbers, type DocumentNumber } from '@flotilla/core/protocol/documents'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { MemoryReader } from './memory-reader.ts'
import { compositeKey } from './memory-tables.ts'
import { AUDIT_HEAD, firstHeard, isNewerReport, withoutLoweredNumber } from './row-rules.ts'

/** The port's changes; they go into the transaction's overlay and are committed by the store, or not at all. */
export class MemoryWriter extends MemoryReader implements StoreWriter {
  /** Rows that really differ from what was there. */
  rowsChanged = 0

  private changed(really: boolean): void {
    if (really) this.rowsChanged += 1
  }

  async putSetting(key: string, value: JsonObject): Promise<void> {
    this.changed(this.view('settings').put({ key, value }))
  }

  async putSource(row: SourceRow): Promise<void> {
    this.changed(this.view('sources').put(row))
  }

  async deleteSource(name: string): Promise<void> {
    this.changed(this.view('sources').delete(name))
  }

  async putSourceDocuments(source: string, rows: readonly SourceDocumentRow[]): Promise<void> {
    const view = this.view('sourceDocuments')
    const kept = new Set<string>()
    for (const row of rows) {
      assert.equal(row.source, source, 'a document belongs to another source')
      const key = compositeKey(row.source, row.file, row.index)
      assert(!kept.has(key), `${row.file} has document ${row.index} twice`)
      kept.add(key)
    }
    for (const row of view.where('source', source)) {
      const key = compositeKey(row.source, row.file, row.index)
      if (!kept.has(key)) this.changed(view.delete(key))
    }
    for (const row of rows) this.changed(view.put(row))
  }

  async putSet(row: SetRow): Promise<void> {
    this.changed(this.view('sets').put(row))
  }

  async deleteSet(key: string): Promise<void> {
    this.changed(this.view('sets').delete(key))
  }

  async putApplication(row: ApplicationRow): Promise<void> {
    this.changed(this.view('applications').put(row))
  }

  async deleteApplication(id: string): Promise<void> {
    this.changed(this.view('applications').delete(id))
  }

  async putCluster(row: ClusterRow): Promise<void> {
    const view = this.view('clusters')
    const namesake = view.where('name', row.name)[0]
    assert(namesake === undefined || namesake.id === row.id, `cluster ${row.name} has another id`)
    const stored = view.get(row.id)
    this.changed(view.put(withoutLoweredNumber(row, stored)))
    if (stored === undefined || stored.admission === row.admission) return
    this.forgetOffered(row.id)
  }

  async deleteCluster(id: string): Promise<void> {
    // Rare: a table is walked where a database has an index of who names whom.
    const documents = this.view('documents').where('cluster', id)
    const grants = [...this.view('grants').all()].filter(row => row.clusterId === id)
    const commands = [...this.view('commands').all()].filter(row => row.clusterId === id)
    assert(documents.length + grants.length + commands.length === 0, `cluster ${id} has documents`)
    this.forgetOffered(id)
    this.changed(this.view('clusters').delete(id))
  }

  async nextNumber(clusterId: string): Promise<DocumentNumber> {
    const view = this.view('clusters')
    const row = view.get(clusterId)
    assert(row !== undefined, `no cluster ${clusterId}`)
    const n = row.lastNumber + 1
    this.changed(view.put({ ...row, lastNumber: n }))
    return { epoch: row.epoch, n }
  }

  async putJoinToken(row: JoinTokenRow): Promise<void> {
    this.changed(this.view('joinTokens').put(row))
  }

  async putEnrolment(row: EnrolmentRow): Promise<void> {
    this.changed(this.view('enrolments').put(row))
  }

  async deleteEnrolment(id: string): Promise<void> {
    this.changed(this.view('enrolments').delete(id))
  }

  async putDocument(row: DocumentRow): Promise<void> {
    this.assertCluster(row.clusterId)
    const view = this.view('documents')
    const stored = view.get(compositeKey(row.clusterId, row.key))
    assert(
      stored === undefined || compareNumbers(row.number, stored.number) >= 0,
      `the number of ${row.key} would go back`,
    )
    this.changed(view.put(row))
    if (row.digest !== undefined) {
      this.changed(this.view('offered').put({ clusterId: row.clusterId, digest: row.digest }))
    }
  }

  async deleteDocument(clusterId: string, key: string): Promise<void> {
    this.changed(this.view('documents').delete(compositeKey(clusterId, key)))
  }

  async putGrant(row: GrantRow): Promise<void> {
    this.assertCluster(row.clusterId)
    this.changed(this.view('grants').put(row))
  }

  async putCommand(row: CommandRow): Promise<void> {
    this.assertCluster(row.clusterId)
    this.changed(this.view('commands').put(row))
  }

  async putBulkOperation(row: BulkOperationRow): Promise<void> {
    this.changed(this.view('bulkOperations').put(row))
    if (row.endedAt === undefined) return
    const items = this.view('bulkItems')
    for (const { bulk, place } of items.where('bulk', row.id)) {
      this.changed(items.delete(compositeKey(bulk, String(place))))
    }
  }

  async putBulkItem(row: BulkItemRow): Promise<void> {
    this.changed(this.view('bulkItems').put(row))
  }

  async deleteBulkOperations(madeBefore: EpochMs): Promise<number> {
    const view = this.view('bulkOperations')
    const old = view.all().filter(({ madeAt }) => madeAt < madeBefore)
    for (const { id } of old) this.changed(view.delete(id))
    return old.length
  }

  async putKeptAnswer(row: KeptAnswerRow): Promise<void> {
    this.changed(this.view('keptAnswers').put(row))
  }

  async deleteKeptAnswer(principal: string, key: string): Promise<void> {
    this.changed(this.view('keptAnswers').delete(compositeKey(principal, key)))
  }

  async deleteKeptAnswers(expiredBefore: EpochMs): Promise<number> {
    const view = this.view('keptAnswers')
    const old = view.all().filter(({ expiresAt }) => expiresAt < expiredBefore)
    for (const { principal, key } of old) this.changed(view.delete(compositeKey(principal, key)))
    return old.length
  }

  async deleteCommands(madeBefore: EpochMs): Promise<number> {
    const view = this.view('commands')
    const old = view.all().filter(({ state, createdAt }) => state !== 'open' && createdAt < madeBefore)
    for (const { id } of old) this.changed(view.delete(id))
    return old.length
  }

  async putReport(row: ReportRow): Promise<boolean> {
    const view = this.view('reports')
    const stored = view.get(row.applicationId)
    if (stored !== undefined && !isNewerReport(row, stored)) return false
    this.changed(view.put(row))
    return true
  }

  async deleteReport(applicationId: string): Promise<void> {
    this.changed(this.view('reports').delete(applicationId))
  }

  async putOperation(row: Omit<OperationRow, 'sequence'>): Promise<void> {
    const view = this.view('operations')
    const stored = view.get(compositeKey(row.clusterId, row.id))
    const sequence = stored?.sequence ?? this.nextSequence('operations')
    this.changed(view.put({ ...firstHeard(row, stored), sequence }))
  }

  async putRenderMemo(key: string, digest: Digest): Promise<void> {
    this.changed(this.view('renderMemos').put({ key, digest }))
  }

  async putBundle(row: BundleRow): Promise<void> {
    this.changed(this.view('bundles').put(row))
  }

  async deleteBundle(digest: Digest): Promise<void> {
    const memos = this.view('renderMemos')
    for (const memo of memos.where('digest', digest)) this.changed(memos.delete(memo.key))
    const offered = this.view('offered')
    for (const { clusterId } of offered.where('digest', digest)) {
      this.changed(offered.delete(compositeKey(clusterId, digest)))
    }
    this.changed(this.view('bundles').delete(digest))
  }

  async putToken(row: TokenRow): Promise<void> {
    this.changed(this.view('tokens').put(row))
  }

  async deleteToken(id: string): Promise<void> {
    this.changed(this.view('tokens').delete(id))
  }

  async putSession(row: SessionRow): Promise<void> {
    this.changed(this.view('sessions').put(row))
  }

  async deleteSession(id: string): Promise<void> {
    this.changed(this.view('sessions').delete(id))
  }

  async putPerson(row: PersonRow): Promise<void> {
    this.changed(this.view('people').put(row))
  }

  async putSignedOut(row: SignedOutRow): Promise<void> {
    this.changed(this.view('signedOut').put(row))
  }

  async deleteSignedOut(until: EpochMs): Promise<number> {
    const view = this.view('signedOut')
    const ended = view.all().filter(row => row.until < until)
    for (const { id } of ended) this.changed(view.delete(id))
    return ended.length
  }

  async putDeletionPlan(plan: DeletionPlan): Promise<void> {
    this.changed(this.view('deletionPlans').put(plan))
  }

  async deleteDeletionPlan(id: string): Promise<void> {
    this.changed(this.view('deletionPlans').delete(id))
  }

  async putMadeGate(row: MadeGateRow): Promise<void> {
    this.changed(this.view('madeGates').put(row))
  }

  async putOverride(row: OverrideRow): Promise<void> {
    this.changed(this.view('overrides').put(row))
  }

  async putCalendar(row: CalendarRow): Promise<void> {
    this.changed(this.view('calendars').put(row))
  }

  async deleteCalendar(name: string): Promise<void> {
    this.changed(this.view('calendars').delete(name))
  }

  async putAlert(row: AlertRow): Promise<void> {
    this.changed(this.view('alerts').put(row))
  }

  async deleteAlert(id: string): Promise<void> {
    this.changed(this.view('alerts').delete(id))
  }

  async putIncident(row: IncidentRow): Promise<void> {
    this.changed(this.view('incidents').put(row))
  }

  async deleteIncident(id: string): Promise<void> {
    this.changed(this.view('incidents').delete(id))
  }

  async putMessage(row: MessageRow): Promise<void> {
    this.changed(this.view('messages').put(row))
  }

  async deleteMessage(id: string): Promise<void> {
    this.changed(this.view('messages').delete(id))
  }

  async appendAudit(note: AuditNote): Promise<void> {
    const entry = chainEntry(await this.auditHead(), note)
    this.changed(this.view('audit').put(entry))
    this.view('settings').put({ key: AUDIT_HEAD, value: { sequence: entry.sequence, hash: entry.hash } })
    const told = activityOfAudit(note)
    if (told) await this.appendActivity(told)
  }

  async appendActivity(note: ActivityNote): Promise<void> {
    const view = this.view('activity')
    const earlier = note.key === undefined ? undefined : view.where('key', note.key)[0]
    if (earlier === undefined) this.changed(view.put({ ...note, sequence: this.nextSequence('activity') }))
    else this.changed(view.put({ ...mergeActivity(earlier, note), sequence: earlier.sequence }))
  }

  async trimActivity({ keep, since }: { readonly keep: number; readonly since: EpochMs }): Promise<number> {
    const view = this.view('activity')
    const rows = view.all().sort((a, b) => b.sequence - a.sequence)
    const old = rows.filter(({ at }, index) => index >= keep || Math.floor(at) < Math.floor(since))
    for (const { sequence } of old) this.changed(view.delete(String(sequence)))
    return old.length
  }

  private forgetOffered(clusterId: string): void {
    const offered = this.view('offered')
    for (const { digest } of offered.where('cluster', clusterId)) {
      this.changed(offered.delete(compositeKey(clusterId, digest)))
    }
  }

  private nextSequence(name: string): number {
    const view = this.view('sequences')
    const last = (view.get(name)?.last ?? 0) + 1
    view.put({ name, last })
    return last
  }

  private assertCluster(clusterId: string): void {
    assert(this.view('clusters').get(clusterId) !== undefined, `no cluster ${clusterId}`)
  }
}
