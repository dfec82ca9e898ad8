import type { Clock } from '@flotilla/core/ports/clock'
import type { AuditNote, Store } from '@flotilla/core/ports/store'
import { type AuditStamp, runAsked, withStamp } from './audited-store.ts'

/** What a request would do, as far as it is known before it does it. */
export interface AskedRoute {
  /** `createJoinToken`: the action, where whoever does it writes no entry of its own. */
  readonly id: string
  /** Whether it may change anything. */
  readonly writes: boolean
  /** The path that was asked for. */
  readonly path: string
  /** Whether it only asks what would be done. Known once the body was read. */
  readonly plans?: () => boolean
  /** Told of each denial that is written down. */
  readonly denied?: () => void
}

const LONGEST_PATH = 300
/** Of one request: many Applications may be denied at once. */
const MOST_DENIALS = 1_000

/**
 * Does the work of one request so that the audit log has it: what was written with the request's address and id, what
 * wrote no entry of its own with one that says so, and what was denied with the reason. All writes of the API pass
 * here, so none can be forgotten.
 *
 * @param codeOf Status and code of what was thrown.
 */
export async function auditRequest<Reply>(
  ports: { readonly store: Store; readonly clock: Clock },
  route: AskedRoute,
  stamp: AuditStamp,
  codeOf: (error: unknown) => { readonly status: number; readonly code: string },
  work: () => Promise<Reply>,
): Promise<Reply> {
  let reply: Reply
  try {
    reply = await runAsked(stamp, work)
  } catch (error) {
    const { status, code } = codeOf(error)
    if (isDenial(route, status)) {
      route.denied?.()
      if (stamp.denials.length > 0) await appendDenials(ports, stamp)
      else if (stamp.entries === 0) await append(ports, route, stamp, { outcome: 'refused', detail: { status, code } })
    }
    throw error
  }
  if (!route.writes || route.plans?.() === true) return reply
  if (stamp.denials.length > 0) await appendDenials(ports, stamp)
  else if (stamp.entries === 0) await append(ports, route, stamp, { detail: {} })
  return reply
}

/** What was said no to. A request that nobody could understand, or that came too often, was not decided on. */
function isDenial({ writes }: AskedRoute, status: number): boolean {
  return status === 403 || (writes && [404, 409, 410, 412, 422].includes(status))
}

async function appendDenials({ store }: { readonly store: Store }, stamp: AuditStamp): Promise<void> {
  const notes = stamp.denials.slice(0, MOST_DENIALS)
  await store.write(async rows => {
    for (const note of notes) await rows.appendAudit(withStamp(note, stamp))
  })
}

async function append(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  { id, path }: AskedRoute,
  stamp: AuditStamp,
  more: Pick<AuditNote, 'detail' | 'outcome'>,
): Promise<void> {
  const note: AuditNote = {
    ...{ at: clock.now(), actor: stamp.actor, action: id, subject: path.slice(0, LONGEST_PATH) },
    ...more,
  }
  await store.write(rows => rows.appendAudit(withStamp(note, stamp)))
}
