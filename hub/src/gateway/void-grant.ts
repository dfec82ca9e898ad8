import { isJsonObject } from '@flotilla/core/json/json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { GrantRow, StoreWriter } from '@flotilla/core/ports/store'
import type { CalendarPayload } from '@flotilla/core/protocol/documents'
import { readJws } from '@flotilla/core/protocol/jws'
import { CALENDAR_LINE } from '@flotilla/core/protocol/take-document'
import type { HubKeys } from './hub-keys.ts'
import { issueCalendar } from './issue-documents.ts'

/**
 * Takes a Grant back: its row says so, and so does the cluster's calendar from now on, because the agent may hold it
 * already (protocol.md 5.5). An agent that begins it before it hears of that has begun it; its report settles that.
 */
export async function voidGrant(
  writer: StoreWriter,
  keys: HubKeys,
  clock: Clock,
  grant: GrantRow,
  reason: string,
): Promise<void> {
  await writer.putGrant({ ...grant, state: 'void', reason })
  const current = await writer.document(grant.clusterId, CALENDAR_LINE)
  const calendar = current && readCalendar(current.jws)
  if (!calendar || calendar.void.includes(grant.id)) return
  const now = Math.floor(clock.now())
  const { intervals, groups, until } = calendar
  await issueCalendar(writer, keys, clock, grant.clusterId, {
    intervals,
    ...(groups !== undefined && { groups }),
    void: [...calendar.void, grant.id],
    horizonMs: Math.max(0, until - now),
    renew: true,
  })
}

/** A calendar of our own; it was signed here, so its signature is not asked again. */
function readCalendar(jws: string): CalendarPayload | undefined {
  const read = readJws(jws)
  return read.kind === 'unverified' && isJsonObject(read.payload)
    ? (read.payload as unknown as CalendarPayload)
    : undefined
}
