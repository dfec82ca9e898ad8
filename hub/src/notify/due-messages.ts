import type { NotificationRouteSpec } from '@flotilla/core/notify/route'
import type { IncidentRow, MessageRow } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

export interface Due {
  /** What to say now; absent: nothing. */
  readonly kind?: Exclude<MessageRow['kind'], 'test'>
  /** What the incident is afterwards; `gone`: nobody was told of it, and it is over. */
  readonly after?: IncidentRow | 'gone'
}

/**
 * What an incident has to say now: its beginning once others had time to join it, now and then that it became more or
 * goes on, its end.
 *
 * @param size Subjects that are part of it now.
 */
export function dueOf(
  row: IncidentRow,
  size: number,
  isEvent: boolean,
  route: Pick<NotificationRouteSpec, 'groupWaitMs' | 'updateEveryMs' | 'repeatEveryMs' | 'resolved'>,
  now: EpochMs,
): Due {
  if (row.resolvedAt !== undefined) return {}
  const told: IncidentRow = { ...row, toldAt: now, toldTotal: row.total }
  if (row.toldAt === undefined) {
    if (!isEvent && size === 0) return { after: 'gone' }
    if (now < row.openedAt + route.groupWaitMs) return {}
    return { kind: isEvent ? 'event' : 'firing', after: told }
  }
  if (!isEvent && size === 0) {
    const after = { ...row, resolvedAt: now }
    return route.resolved ? { kind: 'resolved', after: { ...after, toldAt: now } } : { after }
  }
  const grown = row.total > (row.toldTotal ?? 0) && now >= row.toldAt + route.updateEveryMs
  const again = !isEvent && route.repeatEveryMs !== undefined && now >= row.toldAt + route.repeatEveryMs
  return grown || again ? { kind: isEvent ? 'event' : 'update', after: told } : {}
}
