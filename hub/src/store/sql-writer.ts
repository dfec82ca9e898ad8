import assert from 'node:assert/strict'
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
import { decodeRow, encodeRow } from './encode-row.ts'
import { firstHeard, isNewerReport, withoutLoweredNumber } from './row-rules.ts'
import { SqlJournal } from './sql-journal.ts'
import { insertRow } from './store-sql.ts'

/** The port's changes in SQL, row by row. */
export class SqlWriter extends SqlJournal implements StoreWriter {
  async putSetting(key: string, value: JsonObject): Promise<void> {
    await this.upsert('settings', ['key'], { key, body: encodeRow(value) })
  }

  async putSource(row: SourceRow): Promise<void> {
    await this.upsert('sources', ['name'], { name: row.name, body: encodeRow(row) })
  }

  async deleteSource(name: string): Promise<void> {
    this.count(await this.sql.deleteFrom('sources').where('name', '=', name).execute())
  }

  async putSourceDocuments(source: string, rows: readonly SourceDocumentRow[]): Promise<void> {
    const kept = new Set<string>()
    for (const row of rows) {
      assert.equal(row.source, source, 'a document belongs to another source')
      const place = `${row.index} ${row.file}`
      assert(!kept.has(place), `${row.file} has document ${row.index} twice`)
      kept.add(place)
    }
    const query = this.sql.selectFrom('source_documents').select(['file', 'position']).where('source', '=', source)
    for (const { file, position } of await query.execute()) {
      if (kept.has(`${position} ${file}`)) continue
      const gone = this.sql.deleteFrom('source_documents').where('source', '=', source)
      this.count(await gone.where('file', '=', file).where('position', '=', position).execute())
    }
    for (const row of rows) {
      await this.upsert('source_documents', ['source', 'file', 'position'], {
        source,
        file: row.file,
        position: row.index,
        body: encodeRow(row),
      })
    }
  }

  async putSet(row: SetRow): Promise<void> {
    await this.upsert('sets', ['key'], { key: row.key, body: encodeRow(row) })
  }

  async deleteSet(key: string): Promise<void> {
    this.count(await this.sql.deleteFrom('sets').where('key', '=', key).execute())
  }

  async putApplication(row: ApplicationRow): Promise<void> {
    await this.upsert('applications', ['id'], {
      id: row.id,
      name: row.name,
      cluster_id: row.clusterId ?? null,
      set_name: row.set ?? null,
      source: row.source,
      digest: row.digest ?? null,
      body: encodeRow(row),
    })
  }

  async deleteApplication(id: string): Promise<void> {
    this.count(await this.sql.deleteFrom('applications').where('id', '=', id).execute())
  }

  async putCluster(row: ClusterRow): Promise<void> {
    const namesake = await this.clusterByName(row.name)
    assert(namesake === undefined || namesake.id === row.id, `cluster ${row.name} has another id`)
    const stored = namesake ?? (await this.cluster(row.id))
    const kept = withoutLoweredNumber(row, stored)
    if (stored !== undefined && stored.admission !== row.admission) {
      this.count(await this.sql.deleteFrom('offered').where('cluster_id', '=', row.id).execute())
    }
    await this.upsert('clusters', ['id'], {
      id: kept.id,
      name: kept.name,
      epoch: kept.epoch,
      last_number: kept.lastNumber,
      body: encodeRow(kept),
    })
  }

  /** Documents and Grants name it, and the database refuses to leave them behind. */
  async deleteCluster(id: string): Promise<void> {
    this.count(await this.sql.deleteFrom('offered').where('cluster_id', '=', id).execute())
    this.count(await this.sql.deleteFrom('clusters').where('id', '=', id).execute())
  }

  async nextNumber(clusterId: string): Promise<DocumentNumber> {
    const row = await this.cluster(clusterId)
    assert(row !== undefined, `no cluster ${clusterId}`)
    const n = row.lastNumber + 1
    const text = 'update clusters set last_number = ?, body = ? where id = ?'
    this.rowsChanged += this.run(text, n, encodeRow({ ...row, lastNumber: n }), clusterId)
    return { epoch: row.epoch, n }
  }

  async putJoinToken(row: JoinTokenRow): Promise<void> {
    await this.upsert('join_tokens', ['id'], { id: row.id, body: encodeRow(row) })
  }

  async putEnrolment(row: EnrolmentRow): Promise<void> {
    await this.upsert('enrolments', ['id'], { id: row.id, token_id: row.tokenId, body: encodeRow(row) })
  }

  async deleteEnrolment(id: string): Promise<void> {
    this.count(await this.sql.deleteFrom('enrolments').where('id', '=', id).execute())
  }

  async putDocument(row: DocumentRow): Promise<void> {
    const text = 'select epoch, n from documents where cluster_id = ? and "key" = ?'
    const [stored] = this.rows<DocumentNumber>(text, row.clusterId, row.key)
    assert(stored === undefined || compareNumbers(row.number, stored) >= 0, `the number of ${row.key} would go back`)
    await this.upsert('documents', ['cluster_id', 'key'], {
      cluster_id: row.clusterId,
      key: row.key,
      epoch: row.number.epoch,
      n: row.number.n,
      digest: row.digest ?? null,
      body: encodeRow(row),
    })
    if (row.digest === undefined) return
    const insertion = insertRow('offered', ['cluster_id', 'digest'])
    this.rowsChanged += this.run(`${insertion} on conflict do nothing`, row.clusterId, row.digest)
  }

  async deleteDocument(clusterId: string, key: string): Promise<void> {
    const query = this.sql.deleteFrom('documents').where('cluster_id', '=', clusterId)
    this.count(await query.where('key', '=', key).execute())
  }

  async putGrant(row: GrantRow): Promise<void> {
    await this.upsert('grants', ['id'], {
      id: row.id,
      cluster_id: row.clusterId,
      state: row.state,
      body: encodeRow(row),
    })
  }

  async putCommand(row: CommandRow): Promise<void> {
    await this.upsert('commands', ['id'], {
      id: row.id,
      cluster_id: row.clusterId,
      state: row.state,
      created_at: row.createdAt,
      body: encodeRow(row),
    })
  }

  async putBulkOperation(row: BulkOperationRow): Promise<void> {
    const { id, madeAt, endedAt } = row
    const open = endedAt === undefined ? 1 : 0
    await this.upsert('bulk_operations', ['id'], { id, made_at: Math.floor(madeAt), open, body: encodeRow(row) })
    if (open === 0) this.count(await this.sql.deleteFrom('bulk_items').where('bulk', '=', id).execute())
  }

  async putBulkItem(row: BulkItemRow): Promise<void> {
    const { bulk, place } = row
    await this.upsert('bulk_items', ['bulk', 'place'], { bulk, place, body: encodeRow(row) })
  }

  async deleteBulkOperations(madeBefore: EpochMs): Promise<number> {
    const before = this.rowsChanged
    this.count(await this.sql.deleteFrom('bulk_operations').where('made_at', '<', madeBefore).execute())
    return this.rowsChanged - before
  }

  async putKeptAnswer(row: KeptAnswerRow): Promise<void> {
    const { principal, key, expiresAt } = row
    await this.upsert('kept_answers', ['principal', 'key'], {
      ...{ principal, key, expires_at: expiresAt, body: encodeRow(row) },
    })
  }

  async deleteKeptAnswer(principal: string, key: string): Promise<void> {
    const query = this.sql.deleteFrom('kept_answers').where('principal', '=', principal)
    this.count(await query.where('key', '=', key).execute())
  }

  async deleteKeptAnswers(expiredBefore: EpochMs): Promise<number> {
    return await this.deleted(this.sql.deleteFrom('kept_answers').where('expires_at', '<', expiredBefore).execute())
  }

  async deleteCommands(madeBefore: EpochMs): Promise<number> {
    const query = this.sql.deleteFrom('commands').where('state', '<>', 'open')
    return await this.deleted(query.where('created_at', '<', madeBefore).execute())
  }

  async putReport(row: ReportRow): Promise<boolean> {
    const stored = await this.report(row.applicationId)
    if (stored !== undefined && !isNewerReport(row, stored)) return false
    await this.upsert('reports', ['application_id'], {
      application_id: row.applicationId,
      cluster_id: row.clusterId,
      held: row.entry.held ?? null,
      last_succeeded: row.entry.lastSucceeded ?? null,
      operating: row.entry.operation?.digest ?? null,
      body: encodeRow(row),
    })
    return true
  }

  async deleteReport(applicationId: string): Promise<void> {
    this.count(await this.sql.deleteFrom('reports').where('application_id', '=', applicationId).execute())
  }

  async putOperation(row: Omit<OperationRow, 'sequence'>): Promise<void> {
    const { id, applicationId, clusterId, operation } = row
    const text = 'select sequence, body from operations where cluster_id = ? and id = ?'
    const [earlier] = this.rows<{ readonly sequence: number; readonly body: string }>(text, clusterId, id)
    // Built member by member: a caller that hands in a whole OperationRow must not have its number stored.
    const kept = firstHeard(row, earlier && decodeRow<Omit<OperationRow, 'sequence'>>(earlier.body))
    const columns = {
      cluster_id: clusterId,
      id,
      application_id: applicationId,
      digest: operation.digest,
      heard_at: Math.floor(kept.firstHeardAt ?? operation.startedAt),
      body: encodeRow(kept),
    }
    if (earlier?.body === columns.body) return
    if (earlier === undefined) return this.insert('operations', columns)
    await this.sql.updateTable('operations').set(columns).where('sequence', '=', earlier.sequence).execute()
    this.rowsChanged += 1
  }

  async putRenderMemo(key: string, digest: Digest): Promise<void> {
    await this.upsert('render_memos', ['key'], { key, digest }, 'digest')
  }

  async putBundle(row: BundleRow): Promise<void> {
    await this.upsert('bundles', ['digest'], { digest: row.digest, body: encodeRow(row) })
  }

  async deleteBundle(digest: Digest): Promise<void> {
    this.count(await this.sql.deleteFrom('render_memos').where('digest', '=', digest).execute())
    this.count(await this.sql.deleteFrom('offered').where('digest', '=', digest).execute())
    this.count(await this.sql.deleteFrom('bundles').where('digest', '=', digest).execute())
  }

  async putToken(row: TokenRow): Promise<void> {
    await this.upsert('tokens', ['id'], { id: row.id, body: encodeRow(row) })
  }

  async deleteToken(id: string): Promise<void> {
    this.count(await this.sql.deleteFrom('tokens').where('id', '=', id).execute())
  }

  async putSession(row: SessionRow): Promise<void> {
    await this.upsert('sessions', ['id'], { id: row.id, owner: row.owner, body: encodeRow(row) })
  }

  async deleteSession(id: string): Promise<void> {
    this.count(await this.sql.deleteFrom('sessions').where('id', '=', id).execute())
  }

  async putPerson(row: PersonRow): Promise<void> {
    await this.upsert('people', ['id'], { id: row.id, body: encodeRow(row) })
  }

  async putSignedOut(row: SignedOutRow): Promise<void> {
    await this.upsert('signed_out', ['id'], { id: row.id, until: Math.ceil(row.until), body: encodeRow(row) })
  }

  async deleteSignedOut(until: EpochMs): Promise<number> {
    return await this.deleted(this.sql.deleteFrom('signed_out').where('until', '<', until).execute())
  }

  async putDeletionPlan(plan: DeletionPlan): Promise<void> {
    await this.upsert('deletion_plans', ['id'], { id: plan.id, body: encodeRow(plan) })
  }

  async deleteDeletionPlan(id: string): Promise<void> {
    this.count(await this.sql.deleteFrom('deletion_plans').where('id', '=', id).execute())
  }

  async putMadeGate(row: MadeGateRow): Promise<void> {
    await this.upsert('made_gates', ['id'], { id: row.id, body: encodeRow(row) })
  }

  async putOverride(row: OverrideRow): Promise<void> {
    await this.upsert('overrides', ['id'], { id: row.id, body: encodeRow(row) })
  }

  async putCalendar(row: CalendarRow): Promise<void> {
    await this.upsert('calendars', ['name'], { name: row.name, body: encodeRow(row) })
  }

  async deleteCalendar(name: string): Promise<void> {
    this.count(await this.sql.deleteFrom('calendars').where('name', '=', name).execute())
  }

  async putAlert(row: AlertRow): Promise<void> {
    await this.upsert('alerts', ['id'], { id: row.id, body: encodeRow(row) })
  }

  async deleteAlert(id: string): Promise<void> {
    this.count(await this.sql.deleteFrom('alerts').where('id', '=', id).execute())
  }

  async putIncident(row: IncidentRow): Promise<void> {
    await this.upsert('incidents', ['id'], { id: row.id, body: encodeRow(row) })
  }

  async deleteIncident(id: string): Promise<void> {
    this.count(await this.sql.deleteFrom('incidents').where('id', '=', id).execute())
  }

  async putMessage(row: MessageRow): Promise<void> {
    await this.upsert('messages', ['id'], { id: row.id, state: row.state, body: encodeRow(row) })
  }

  async deleteMessage(id: string): Promise<void> {
    this.count(await this.sql.deleteFrom('messages').where('id', '=', id).execute())
  }
}
