import { createHash } from 'node:crypto'
import type { ClusterRow, EnrolmentRow, JoinTokenRow } from '../ports/store.ts'
import type { EpochMs } from '../time/epoch-ms.ts'

/** How many enrolments of one address may wait at once: a rack of shops behind one router, not a flood. */
export const MOST_WAITING_PER_ADDRESS = 200

/**
 * The id of an enrolment: of one token and one key there is one, however often it is asked for. Short, because people
 * type it.
 */
export function enrolmentId(tokenId: string, key: string): string {
  return createHash('sha256').update(`${tokenId} ${key}`).digest('hex').slice(0, 20)
}

/** What is known when an agent asks to be admitted; the request's own signature holds already. */
export interface EnrolmentFacts {
  readonly now: EpochMs
  readonly key: string
  readonly uid: string
  /** The token that the request names; undefined where there is none, or its secret does not hold. */
  readonly token: JoinTokenRow | undefined
  /** The Cluster that a bound token names, or that this enrolment was approved for. */
  readonly cluster: ClusterRow | undefined
  /** The enrolment of this token and key, if there is one. */
  readonly enrolment: EnrolmentRow | undefined
  /** The key was revoked before. */
  readonly revokedKey: boolean
  /** Another Cluster has this very key. */
  readonly keyElsewhere: boolean
  /** Enrolments that came with this token, whatever became of them. */
  readonly ofToken: number
  /** Enrolments that wait and came from this address. */
  readonly ofAddress: number
}

export type EnrolmentDecision =
  /** Admits the key under the token's name, as the same agent (`again`) or under a new admission. */
  | { readonly kind: 'admit'; readonly as: 'same' | 'new' }
  /** It was admitted before: the same answer once more. */
  | { readonly kind: 'again' }
  /** Waits for a person. `note`: what has to be written down. */
  | { readonly kind: 'wait'; readonly note: 'new' | 'asked' | 'nothing' }
  /** Unknown, expired, revoked or used up: one text for all. */
  | { readonly kind: 'refused' }
  /** The token is good and the key is not: the agent makes another one and asks again. */
  | { readonly kind: 'new-key'; readonly code: 'KEY_REVOKED' | 'KEY_CLONED' }
  /** The name belongs to another key or cluster; a person sees both and decides. */
  | { readonly kind: 'taken'; readonly note: 'new' | 'asked' | 'nothing' }
  /** Too many of this address wait. */
  | { readonly kind: 'busy' }

/** An enrolment that is asked for again is written down again only after so long. */
const ASKED_EVERY_MS = 60 * 60_000

/**
 * Decides on a request to be admitted (protocol.md 2). The same token with the same key gets the same answer for ever,
 * whatever was lost on its way; nothing that an agent proposes of itself counts here.
 */
export function decideEnrolment(facts: EnrolmentFacts): EnrolmentDecision {
  const { token } = facts
  if (!token || token.revokedAt !== undefined) return { kind: 'refused' }
  return token.pending ? decidePending(facts, token) : decideBound(facts, token)
}

function decidePending(facts: EnrolmentFacts, token: JoinTokenRow): EnrolmentDecision {
  const { enrolment, cluster, key, now } = facts
  // A machine image that was copied with its key: each of the copies needs one of its own.
  if (enrolment && enrolment.uid !== facts.uid) return { kind: 'new-key', code: 'KEY_CLONED' }
  switch (enrolment?.state) {
    case 'approved': {
      const good = cluster?.agentKey === key && cluster.revokedAt === undefined
      return { kind: good ? 'again' : 'refused' }
    }
    case 'rejected':
      return { kind: 'refused' }
    case 'waiting':
      return { kind: 'wait', note: noteAsking(enrolment, now) }
    case undefined:
      break
  }
  if (now >= token.expiresAt) return { kind: 'refused' }
  if (facts.revokedKey) return { kind: 'new-key', code: 'KEY_REVOKED' }
  if (facts.keyElsewhere) return { kind: 'new-key', code: 'KEY_CLONED' }
  if (facts.ofToken >= (token.pending?.max ?? 0)) return { kind: 'refused' }
  return facts.ofAddress >= MOST_WAITING_PER_ADDRESS ? { kind: 'busy' } : { kind: 'wait', note: 'new' }
}

function decideBound(facts: EnrolmentFacts, token: JoinTokenRow): EnrolmentDecision {
  const { cluster, enrolment, key, uid, now } = facts
  if (token.usedBy !== undefined) {
    const again = token.usedBy === key && cluster?.agentKey === key && cluster.revokedAt === undefined
    return { kind: again && !cluster.cloned ? 'again' : 'refused' }
  }
  if (now >= token.expiresAt || enrolment?.state === 'rejected') return { kind: 'refused' }
  if (facts.revokedKey) return { kind: 'new-key', code: 'KEY_REVOKED' }
  if (facts.keyElsewhere) return { kind: 'new-key', code: 'KEY_CLONED' }
  // Revoking a cluster revokes its tokens: this one was made by somebody who knew.
  if (cluster?.agentKey === undefined || cluster.revokedAt !== undefined) return { kind: 'admit', as: 'new' }
  if (cluster.agentKey === key) {
    if (cluster.cloned || cluster.uid !== uid) return { kind: 'new-key', code: 'KEY_CLONED' }
    return { kind: 'admit', as: 'same' }
  }
  if (enrolment) return { kind: 'taken', note: noteAsking(enrolment, now) }
  return facts.ofAddress >= MOST_WAITING_PER_ADDRESS ? { kind: 'busy' } : { kind: 'taken', note: 'new' }
}

function noteAsking(enrolment: EnrolmentRow, now: EpochMs): 'asked' | 'nothing' {
  return now - enrolment.askedAt >= ASKED_EVERY_MS ? 'asked' : 'nothing'
}

export type ApprovalDecision =
  | { readonly kind: 'admit'; readonly as: 'new' | 'replacement' }
  /** It was approved before, for this very cluster. */
  | { readonly kind: 'again' }
  /** It was rejected, or approved as another Cluster. */
  | { readonly kind: 'decided' }
  /** The name belongs to a living agent; `--replace` would end that one. */
  | { readonly kind: 'taken'; readonly uid: string; readonly enrolledUid: string }

/**
 * Decides on an approval. An agent that waits gets the name of a Cluster without one; where there is one already, only
 * a replacement that was asked for in so many words takes its place.
 */
export function decideApproval(facts: {
  readonly enrolment: EnrolmentRow
  /** The Cluster of that name, if it has a record. */
  readonly cluster: ClusterRow | undefined
  readonly replace: boolean
}): ApprovalDecision {
  const { enrolment, cluster, replace } = facts
  if (enrolment.state === 'approved' && cluster !== undefined && enrolment.clusterId === cluster.id) {
    return { kind: 'again' }
  }
  if (enrolment.state !== 'waiting') return { kind: 'decided' }
  const free = cluster?.agentKey === undefined || cluster.revokedAt !== undefined
  if (free) return { kind: 'admit', as: 'new' }
  if (replace) return { kind: 'admit', as: 'replacement' }
  return { kind: 'taken', uid: cluster.uid ?? '', enrolledUid: enrolment.uid }
}

/** Who is admitted. */
export interface Admitted {
  readonly key: string
  readonly uid: string
  readonly versions: { readonly [key: string]: string }
  readonly hubKid: string
}

/**
 * A Cluster's record under its next admission: id and numbers go on, so that its Applications stay the same; whatever
 * an earlier agent did, was or knew does not count any more.
 */
export function underNextAdmission(cluster: ClusterRow, admitted: Admitted, now: EpochMs): ClusterRow {
  const { id, name, epoch, lastNumber, admission, registered, recovery, cloned } = cluster
  return {
    id,
    name,
    epoch,
    lastNumber,
    admission: admission + 1,
    agentKey: admitted.key,
    uid: admitted.uid,
    incarnation: 0,
    joinedAt: now,
    keySince: now,
    versions: admitted.versions,
    hubKid: admitted.hubKid,
    ...(registered && { registered }),
    // Whoever it is, the store has not heard of what it holds since it was recovered, or heard it of a copy of it.
    ...((recovery || cloned) && { recovery: 'unproved' as const }),
  }
}
