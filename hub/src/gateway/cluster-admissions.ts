import type { JsonObject } from '@flotilla/core/json/json'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import type { ClusterRow, EnrolmentRow, JoinTokenRow, Store, StoreWriter } from '@flotilla/core/ports/store'
import { decideApproval, underNextAdmission } from '@flotilla/core/protocol/decide-enrolment'
import { keyThumbprint } from '@flotilla/core/protocol/ed25519'
import { newCluster, voidResults } from './enrol.ts'
import type { HubKeys } from './hub-keys.ts'
import { isOpen, voidJoinTokens } from './join-tokens.ts'
import type { Revocation, Revocations } from './revocations.ts'

export interface ClusterAdmissionsOptions {
  readonly store: Store
  readonly keys: HubKeys
  readonly clock: Clock
  readonly random: Random
  readonly revocations: Revocations
  /** Whether a document declares this Cluster. */
  readonly declares: (name: string) => boolean
  /** Ends the connections of a cluster, now. */
  readonly closeCluster: (clusterId: string) => void
  /** The record of a cluster is another one. */
  readonly changed: (cluster: ClusterRow) => void
}

export interface Approval {
  /** What the Cluster is called from now on. */
  readonly name: string
  /** Id of the enrolment; without it the one that waits for this name. */
  readonly enrolment?: string
  /** Ends the agent that has the name now. */
  readonly replace: boolean
  /** Labels of a Cluster that no document declares, besides those of the token; without it those that it proposes. */
  readonly labels?: { readonly [key: string]: string }
  readonly by: string
}

export type ApprovalOutcome =
  | { readonly kind: 'approved'; readonly cluster: ClusterRow; readonly enrolment: EnrolmentRow }
  /** None, or several, wait for that name. */
  | { readonly kind: 'unknown'; readonly candidates: readonly EnrolmentRow[] }
  /** Its token is for another name. */
  | { readonly kind: 'other-name'; readonly enrolment: EnrolmentRow }
  | { readonly kind: 'decided'; readonly enrolment: EnrolmentRow }
  | { readonly kind: 'taken'; readonly cluster: ClusterRow; readonly enrolment: EnrolmentRow }

export type RevocationOutcome =
  | { readonly kind: 'revoked'; readonly cluster: ClusterRow; readonly tokens: number }
  | { readonly kind: 'unknown' }

/** What operators decide about who is a cluster of this fleet (protocol.md 2 and 3). Each is one transaction, audited. */
export class ClusterAdmissions {
  readonly #options: ClusterAdmissionsOptions

  constructor(options: ClusterAdmissionsOptions) {
    this.#options = options
  }

  /**
   * Admits an agent that waits; it hears of it when it asks again. The one that it replaces is cut.
   *
   * @throws HubKeyError when the key before could not be written beside `hub.key`; in this process it is refused.
   */
  async approve(approval: Approval): Promise<ApprovalOutcome> {
    const { store, changed, closeCluster, revocations, clock } = this.#options
    const { outcome, replaced } = await store.write(rows => this.#approve(rows, approval))
    if (outcome.kind !== 'approved') return outcome
    // An old backup would let the agent in again that was replaced.
    const at = Math.floor(clock.now())
    try {
      await revocations.add(replaced.map(id => ({ at, kind: 'agent-key', id, name: outcome.cluster.name })))
    } finally {
      closeCluster(outcome.cluster.id)
      changed(outcome.cluster)
    }
    return outcome
  }

  /** Says no: the agent's key is not admitted by this token any more. */
  async reject(id: string, by: string, reason?: string): Promise<EnrolmentRow | undefined> {
    const at = Math.floor(this.#options.clock.now())
    return await this.#options.store.write(async rows => {
      const enrolment = await rows.enrolment(id)
      if (enrolment?.state !== 'waiting') return enrolment
      const decision = { by, at, ...(reason !== undefined && { reason }) }
      const rejected: EnrolmentRow = { ...enrolment, state: 'rejected', decision }
      await rows.putEnrolment(rejected)
      await rows.appendAudit({
        at,
        actor: by,
        action: 'cluster.reject',
        subject: enrolment.clusterName ?? enrolment.proposedName ?? id,
        detail: { enrolment: id, uid: enrolment.uid, ...(reason !== undefined && { reason }) },
        ...{ before: { state: enrolment.state }, after: { state: rejected.state } },
      })
      return rejected
    })
  }

  /**
   * Ends a cluster's right to speak: its sockets are closed, its next request is refused, and its open join tokens are
   * good no more. The workload stays as it is. What is revoked is on the disk beside `hub.key` first.
   *
   * @throws HubKeyError when that could not be written; in this process the agent is refused nevertheless.
   */
  async revoke(name: string, by: string, reason?: string): Promise<RevocationOutcome> {
    const { store, revocations, closeCluster, changed, clock } = this.#options
    const known = await store.read(rows => rows.clusterByName(name))
    if (!known) return { kind: 'unknown' }
    const at = Math.floor(clock.now())
    const tokens = await store.read(rows => rows.joinTokens())
    const open = tokens.filter(token => token.clusterName === name && isOpen(token))
    const listed: Revocation[] = [known.agentKey, known.previousKey]
      .filter(key => key !== undefined)
      .map(id => ({ at, kind: 'agent-key', id, name }))
    for (const { id } of open) listed.push({ at, kind: 'join-token', id, name })
    closeCluster(known.id)
    try {
      await revocations.add(listed)
    } finally {
      const cluster = await store.write(rows => this.#revoke(rows, known, { at, by, reason }))
      // Whoever connected between the two has gone as well.
      closeCluster(known.id)
      changed(cluster)
    }
    const row = await store.read(rows => rows.cluster(known.id))
    return { kind: 'revoked', cluster: row ?? known, tokens: open.length }
  }

  /** A join token is good no more, for those who wait by it too. */
  async revokeToken(id: string, by: string): Promise<JoinTokenRow | undefined> {
    const { store, revocations, clock } = this.#options
    const at = Math.floor(clock.now())
    const token = await store.read(rows => rows.joinToken(id))
    if (!token) return undefined
    await revocations.add([{ at, kind: 'join-token', id, name: token.clusterName ?? 'pending' }])
    return await store.write(async rows => {
      const current = (await rows.joinToken(id)) ?? token
      if (current.revokedAt !== undefined) return current
      const revoked: JoinTokenRow = { ...current, revokedAt: at }
      await rows.putJoinToken(revoked)
      const subject = token.clusterName ?? 'pending'
      const about = { actor: by, action: 'join-token.revoke', subject, detail: { id } }
      await rows.appendAudit({ at, ...about, before: { expiresAt: current.expiresAt }, after: { revokedAt: at } })
      return revoked
    })
  }

  async #approve(rows: StoreWriter, approval: Approval) {
    const { keys, random, clock, declares } = this.#options
    const { name, by, replace } = approval
    const now = Math.floor(clock.now())
    const found = await findEnrolment(rows, approval)
    if ('outcome' in found) return { outcome: found.outcome, replaced: [] }
    const { enrolment } = found
    const before = await rows.clusterByName(name)
    const decision = decideApproval({ enrolment, cluster: before, replace })
    const refused = (outcome: ApprovalOutcome) => ({ outcome, replaced: [] as string[] })
    if (decision.kind === 'decided') return refused({ kind: 'decided', enrolment })
    if (decision.kind === 'taken' && before) return refused({ kind: 'taken', cluster: before, enrolment })
    if (decision.kind !== 'admit') {
      return before
        ? refused({ kind: 'approved', cluster: before, enrolment })
        : refused({ kind: 'decided', enrolment })
    }
    const { key, uid, versions } = enrolment
    const admitted = underNextAdmission(
      before ?? (await newCluster(rows, name, now, random)),
      { key, uid, versions, hubKid: keys.newest },
      now,
    )
    const token = await rows.joinToken(enrolment.tokenId)
    const registered = declares(name)
      ? undefined
      : (before?.registered ?? registeredBy(approval, enrolment, token, now))
    const cluster: ClusterRow = { ...admitted, ...(registered && { registered }) }
    await rows.putCluster(cluster)
    await voidResults(rows, cluster.id)
    const approved: EnrolmentRow = { ...enrolment, state: 'approved', clusterId: cluster.id, decision: { by, at: now } }
    await rows.putEnrolment(approved)
    if (token?.clusterName !== undefined) await rows.putJoinToken({ ...token, usedAt: now, usedBy: key })
    const { agentKey, previousKey } = before ?? {}
    const replaced = [agentKey, previousKey].filter(old => old !== undefined && old !== key)
    await rows.appendAudit({
      at: now,
      actor: by,
      action: decision.as === 'replacement' ? 'cluster.replace' : 'cluster.approve',
      subject: name,
      detail: {
        cluster: cluster.id,
        admission: cluster.admission,
        enrolment: enrolment.id,
        uid,
        ...(before?.uid !== undefined && { replacedUid: before.uid }),
      },
      ...{ before: admissionOf(before), after: admissionOf(cluster) },
    })
    return { outcome: { kind: 'approved', cluster, enrolment: approved } as const, replaced: replaced as string[] }
  }

  async #revoke(
    rows: StoreWriter,
    known: ClusterRow,
    { at, by, reason }: { readonly at: number; readonly by: string; readonly reason?: string },
  ): Promise<ClusterRow> {
    const current = (await rows.cluster(known.id)) ?? known
    const revoked: ClusterRow = { ...current, revokedAt: current.revokedAt ?? at }
    await rows.putCluster(revoked)
    await voidJoinTokens(rows, at, token => token.clusterName === known.name)
    for (const grant of await rows.openGrants(known.id)) {
      await rows.putGrant({ ...grant, state: 'void', reason: 'the cluster was revoked' })
    }
    await rows.appendAudit({
      at,
      actor: by,
      action: 'cluster.revoke',
      subject: known.name,
      detail: { cluster: known.id, admission: known.admission, ...(reason !== undefined && { reason }) },
      ...{ before: admissionOf(current), after: admissionOf(revoked) },
    })
    return revoked
  }
}

/** What an edit of who may speak for a cluster changes; nothing where nobody did. */
function admissionOf(row: ClusterRow | undefined): JsonObject {
  const { admission, uid, agentKey, joinedAt, revokedAt } = row ?? {}
  return {
    ...(admission !== undefined && { admission }),
    ...(uid !== undefined && { uid }),
    ...(agentKey !== undefined && { kid: keyThumbprint(agentKey) }),
    ...(joinedAt !== undefined && { joinedAt }),
    ...(revokedAt !== undefined && { revokedAt }),
  }
}

/** The enrolment that is meant: by its id, or the only one that waits for the name. */
async function findEnrolment(
  rows: Pick<StoreWriter, 'enrolment' | 'enrolments'>,
  { name, enrolment: id }: Approval,
): Promise<{ readonly enrolment: EnrolmentRow } | { readonly outcome: ApprovalOutcome }> {
  if (id !== undefined) {
    const enrolment = await rows.enrolment(id)
    if (!enrolment) return { outcome: { kind: 'unknown', candidates: [] } }
    const bound = enrolment.clusterName
    return bound === undefined || bound === name ? { enrolment } : { outcome: { kind: 'other-name', enrolment } }
  }
  const candidates = (await rows.enrolments()).filter(
    ({ state, clusterName, proposedName }) => state === 'waiting' && (clusterName ?? proposedName) === name,
  )
  const [enrolment, ...others] = candidates
  if (!enrolment || others.length > 0) return { outcome: { kind: 'unknown', candidates } }
  return { enrolment }
}

/** The token's labels stand above all: they were given by who made it, not by who asks. */
function registeredBy(
  { labels, by }: Approval,
  { proposedLabels }: EnrolmentRow,
  token: JoinTokenRow | undefined,
  at: number,
): NonNullable<ClusterRow['registered']> {
  return { labels: { ...(labels ?? proposedLabels), ...token?.pending?.labels }, at, by }
}
