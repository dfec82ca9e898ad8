import type { AuditNote } from '@flotilla/core/ports/store'
import type { AuditTrail } from './audit-trail.ts'
import { type AuditStamp, runAsked, withStamp } from './audited-store.ts'

/** What a request would do, as far as it is known before it does it. */
export interface AskedRoute {
  /** `createJoinToken`: the action, where whoever does it writes no entry of its own. */
  readonly id: string
  /** Whether it may change anything. */
  readonly writes: boolean
  /** Of reads: whether each of them is written down, not one in so many. */
  readonly sensitive: boolean
  /** The path that was asked for. */
  readonly path: string
  /** What was asked of it, without what is secret. */
  readonly query: () => string
  /** Whether it only asks what would be done. Known once the body was read. */
  readonly plans?: () => boolean
  /** Told of each denial. */
  readonly denied?: () => void
}

const LONGEST_PATH = 300

/**
 * Does the work of one request so that the audit log has it: what was written with the request's address and id, what
 * wrote no entry of its own with one that says so, what was denied with the reason, and of reads as many as are wanted.
 * All requests of the API pass here, so none can be forgotten.
 *
 * @param codeOf Status and code of what was thrown.
 */
export async function auditRequest<Reply extends { readonly kind: string }>(
  trail: AuditTrail,
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
    await auditFailure(trail, route, stamp, status, code)
    throw error
  }
  if (!route.writes) {
    // What asks an agent (for logs) is an entry of its own.
    if (stamp.entries === 0) await trail.reads.record(readOf(trail, route, stamp, statusOf(reply)))
    return reply
  }
  if (route.plans?.() === true) return reply
  if (stamp.denials.length > 0) await appendDenials(trail, route, stamp)
  else if (stamp.entries === 0) await append(trail, [noteOf(trail, route, stamp, { detail: {} })])
  return reply
}

async function auditFailure(
  trail: AuditTrail,
  route: AskedRoute,
  stamp: AuditStamp,
  status: number,
  code: string,
): Promise<void> {
  if (isDenial(route, status)) {
    route.denied?.()
    if (stamp.denials.length > 0) return await appendDenials(trail, route, stamp)
    if (stamp.entries > 0 || trail.denials.admit(denierOf(route, stamp)) === 0) return
    const refused = noteOf(trail, route, stamp, { outcome: 'refused', detail: { status, code } })
    return await append(trail, [refused])
  }
  if (!route.writes && status === 404) {
    const read = readOf(trail, route, stamp, status, { outcome: 'refused', code })
    trail.reads.missed(read, () => trail.denials.admit(denierOf(route, stamp)) > 0)
  }
  // It was let through, and then could not be done: what failed may be the store itself.
  if (route.writes && status >= 500 && stamp.entries === 0) {
    trail.queue.put(noteOf(trail, route, stamp, { outcome: 'failed', detail: { status, code } }))
  }
}

/** What was said no to. A request that nobody could understand, or that came too often, was not decided on. */
function isDenial({ writes }: AskedRoute, status: number): boolean {
  return status === 403 || (writes && [404, 409, 410, 412, 422].includes(status))
}

function denierOf({ id }: AskedRoute, { actor, reader = actor, from }: AuditStamp) {
  return { principal: reader, actor, route: id, ...(from !== undefined && { from }) }
}

async function appendDenials(trail: AuditTrail, route: AskedRoute, stamp: AuditStamp): Promise<void> {
  const admitted = trail.denials.admit(denierOf(route, stamp), stamp.denials.length)
  const notes = stamp.denials.slice(0, admitted)
  if (notes.length > 0)
    await append(
      trail,
      notes.map(note => withStamp(note, stamp)),
    )
}

async function append({ ports }: AuditTrail, notes: readonly AuditNote[]): Promise<void> {
  await ports.store.write(async rows => {
    for (const note of notes) await rows.appendAudit(note)
  })
}

function noteOf(
  { ports }: AuditTrail,
  { id, path }: AskedRoute,
  stamp: AuditStamp,
  more: Pick<AuditNote, 'detail' | 'outcome'>,
): AuditNote {
  const what = { action: id, subject: path.slice(0, LONGEST_PATH) }
  return withStamp({ at: ports.clock.now(), actor: stamp.actor, ...what, ...more }, stamp)
}

function readOf(
  trail: AuditTrail,
  route: AskedRoute,
  stamp: AuditStamp,
  status: number,
  { outcome, code }: { readonly outcome?: 'refused'; readonly code?: string } = {},
) {
  const { id, sensitive } = route
  const note = (): AuditNote => {
    const query = route.query()
    const detail = { status, ...(code !== undefined && { code }), ...(query !== '' && { query }) }
    const read = noteOf(trail, route, stamp, { detail, ...(outcome !== undefined && { outcome }) })
    return { ...read, action: `read.${id}` }
  }
  return { route: id, sensitive, reader: stamp.reader ?? stamp.actor, note }
}

function statusOf(reply: { readonly kind: string }): number {
  return 'status' in reply && typeof reply.status === 'number' ? reply.status : 200
}
