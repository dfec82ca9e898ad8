import { type ActivityEntry, type ActivityNote, mergeActivity } from '@flotilla/core/activity/activity-entry'
import { activityOfAudit } from '@flotilla/core/activity/activity-of-audit'
import { type AuditNote, chainEntry } from '@flotilla/core/audit/audit-entry'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { decodeRow, encodeRow } from './encode-row.ts'
import { AUDIT_HEAD } from './row-rules.ts'
import { SqlChanges } from './sql-changes.ts'
import { upsertWhenChanged } from './upsert-when-changed.ts'

/** What is added to in order: the chain of the audit log, and the feed of what happened. */
export abstract class SqlJournal extends SqlChanges {
  async appendAudit(note: AuditNote): Promise<void> {
    const { sequence, ...entry } = chainEntry(await this.auditHead(), note)
    await this.sql
      .insertInto('audit')
      .values({ sequence, body: encodeRow(entry) })
      .execute()
    const head = encodeRow({ sequence, hash: entry.hash })
    await this.sql.executeQuery(
      upsertWhenChanged(this.sql, 'settings', ['key'], { key: AUDIT_HEAD, body: head }, 'body'),
    )
    this.rowsChanged += 1
    const told = activityOfAudit(note)
    if (told) await this.appendActivity(told)
  }

  async appendActivity(note: ActivityNote): Promise<void> {
    const query = this.sql.selectFrom('activity').select(['sequence', 'body'])
    const [earlier] = note.key === undefined ? [] : await query.where('key', '=', note.key).execute()
    this.rowsChanged += 1
    if (earlier === undefined) {
      const { at, key } = note
      const { sequence: _, ...body } = note as ActivityEntry
      await this.sql
        .insertInto('activity')
        .values({ at: Math.floor(at), key: key ?? null, body: encodeRow(body) })
        .execute()
      return
    }
    const merged = encodeRow(mergeActivity(decodeRow<ActivityNote>(earlier.body), note))
    if (merged === earlier.body) this.rowsChanged -= 1
    else await this.sql.updateTable('activity').set({ body: merged }).where('sequence', '=', earlier.sequence).execute()
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
