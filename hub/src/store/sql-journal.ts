import { type ActivityEntry, type ActivityNote, mergeActivity } from '@flotilla/core/activity/activity-entry'
import { activityOfAudit } from '@flotilla/core/activity/activity-of-audit'
import { type AuditNote, chainEntry } from '@flotilla/core/audit/audit-entry'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { decodeRow, encodeRow } from './encode-row.ts'
import { AUDIT_HEAD } from './row-rules.ts'
import { SqlChanges } from './sql-changes.ts'
import { insertRow } from './store-sql.ts'

/** What is added to in order: the chain of the audit log, and the feed of what happened. */
export abstract class SqlJournal extends SqlChanges {
  async appendAudit(note: AuditNote): Promise<void> {
    const { sequence, ...entry } = chainEntry(await this.auditHead(), note)
    this.run(insertRow('audit', ['sequence', 'body']), sequence, encodeRow(entry))
    await this.upsert('settings', ['key'], { key: AUDIT_HEAD, body: encodeRow({ sequence, hash: entry.hash }) })
    const told = activityOfAudit(note)
    if (told) await this.appendActivity(told)
  }

  async appendActivity(note: ActivityNote): Promise<void> {
    const { at, key } = note
    const text = 'select sequence, body from activity where "key" = ?'
    const [earlier] = key === undefined ? [] : this.rows<{ sequence: number; body: string }>(text, key)
    if (earlier === undefined) {
      const { sequence: _, ...body } = note as ActivityEntry
      return this.insert('activity', { at: Math.floor(at), key: key ?? null, body: encodeRow(body) })
    }
    const merged = encodeRow(mergeActivity(decodeRow<ActivityNote>(earlier.body), note))
    if (merged === earlier.body) return
    this.rowsChanged += this.run('update activity set body = ? where sequence = ?', merged, earlier.sequence)
  }

  async trimActivity({ keep, since }: { readonly keep: number; readonly since: EpochMs }): Promise<number> {
    const newest = this.sql.selectFrom('activity').select('sequence').orderBy('sequence', 'desc')
    const [last] = await newest.offset(keep).limit(1).execute()
    const before = this.rowsChanged
    if (last) this.count(await this.sql.deleteFrom('activity').where('sequence', '<=', last.sequence).execute())
    this.count(await this.sql.deleteFrom('activity').where('at', '<', Math.floor(since)).execute())
    return this.rowsChanged - before
  }
}
