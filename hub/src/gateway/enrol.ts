import { timingSafeEqual } from 'node:crypto'
import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { Clock } from '@flotilla/core/ports/clock'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { Random } from '@flotilla/core/ports/random'
import type {
  ClusterRow,
  EnrolmentRow,
  JoinTokenRow,
  Store,
  StoreReader,
  StoreWriter,
} from '@flotilla/core/ports/store'
import {
  decideEnrolment,
  type EnrolmentDecision,
  type EnrolmentFacts,
  enrolmentId,
  underNextAdmission,
} from '@flotilla/core/protocol/decide-enrolment'
import type { AdmissionPayload } from '@flotilla/core/protocol/documents'
import { type EnrolmentRequest, enrolmentSecret, readEnrolment } from '@flotilla/core/protocol/enrolment'
import { joinSecretHash } from '@flotilla/core/protocol/join-token'
import { addressKey } from '../limits/address-key.ts'
import { epochNow, readRecoveryState } from '../recovery/recovery-state.ts'
import type { HubKeys } from './hub-keys.ts'
import { isClusterName, readLabels } from './proposed-names.ts'
import { refuse, respond, retryAfter } from './respond.ts'
import type { Revocations } from './revocations.ts'

export interface EnrolOptions {
  readonly store: Store
  readonly keys: HubKeys
  readonly clock: Clock
  readonly random: Random
  readonly revocations?: Revocations
}

export type Enrolment =
  | { readonly kind: 'admitted'; readonly clusterId: string; readonly response: HubResponse }
  /** A person decides; `enrolment` is new to those who look. */
  | { readonly kind: 'waiting'; readonly enrolment: string; readonly isNew: boolean; readonly response: HubResponse }
  | { readonly kind: 'refused'; readonly code: string; readonly response: HubResponse }

/** How long an agent that waits for a person waits before it asks again; the same again is added by chance. */
const ASK_AGAIN_MS = 30_000
/** Who has not asked for so long does not wait any more: its machine is gone, or was given another token. */
const FORGOTTEN_AFTER_MS = 14 * 24 * 60 * 60_000

/**
 * Admits an agent by its join token (protocol.md 2), or lets it wait for a person. The same token with the same key
 * again gets the same answer, so a lost one costs nothing; every other misuse of a token gets one text.
 */
export async function enrol(
  body: Uint8Array | undefined,
  remoteAddress: string,
  options: EnrolOptions,
): Promise<Enrolment> {
  const request = readEnrolment(Buffer.from(body ?? []).toString('utf8'))
  if (!request || request.aud !== options.keys.hubId) return badToken()
  const asked: Asked = { request, remoteAddress, options, now: Math.floor(options.clock.now()) }
  // Most of those who ask wait, and ask again: nothing is written for them.
  const looked = await options.store.read(async rows => {
    const facts = await gatherFacts(rows, asked)
    const decision = decideEnrolment(facts)
    return writes(decision) ? undefined : answer(decision, facts, asked)
  })
  return looked ?? (await options.store.write(rows => perform(rows, asked)))
}

interface Asked {
  readonly request: EnrolmentRequest
  readonly remoteAddress: string
  readonly options: EnrolOptions
  readonly now: number
}

function writes(decision: EnrolmentDecision): boolean {
  if (decision.kind === 'wait' || decision.kind === 'taken') return decision.note !== 'nothing'
  return decision.kind === 'admit'
}

async function perform(rows: StoreWriter, asked: Asked): Promise<Enrolment> {
  const facts = await gatherFacts(rows, asked)
  const decision = decideEnrolment(facts)
  const { token } = facts
  if (!token || !writes(decision)) return answer(decision, facts, asked)
  if (decision.kind === 'admit' && token.clusterName !== undefined) {
    const joined = await admit(rows, token, token.clusterName, decision.as, facts, asked)
    return admitted(joined, asked)
  }
  const noted = noteOf(facts, token, asked)
  if (!facts.enrolment) await forgetSilent(rows, asked.now)
  await rows.putEnrolment(noted)
  if (!facts.enrolment) {
    await rows.appendAudit({
      at: asked.now,
      actor: `join-token/${token.id}`,
      action: 'cluster.ask',
      subject: noted.clusterName ?? noted.proposedName ?? noted.id,
      detail: { enrolment: noted.id, uid: noted.uid, address: noted.address, kind: noted.kind },
    })
  }
  return answer(decision, { ...facts, enrolment: noted }, asked)
}

async function gatherFacts(
  rows: Pick<StoreWriter, 'joinToken' | 'clusterByName' | 'cluster' | 'clusters' | 'enrolment' | 'enrolments'>,
  { request, remoteAddress, options, now }: Asked,
): Promise<EnrolmentFacts> {
  const { key, uid } = request
  const stored = await rows.joinToken(request.token)
  const good = stored && secretMatches(stored, request) && !options.revocations?.hasToken(stored.id)
  const token = good ? stored : undefined
  const enrolment = token && (await rows.enrolment(enrolmentId(token.id, key)))
  const { clusterName } = token ?? {}
  const cluster =
    clusterName !== undefined
      ? await rows.clusterByName(clusterName)
      : enrolment?.clusterId === undefined
        ? undefined
        : await rows.cluster(enrolment.clusterId)
  const isNew = token !== undefined && enrolment === undefined && token.usedBy === undefined
  const others = isNew ? await rows.enrolments() : []
  const from = addressKey(remoteAddress)
  return {
    now,
    key,
    uid,
    token,
    cluster,
    enrolment,
    revokedKey: options.revocations?.hasKey(key) ?? false,
    keyElsewhere: isNew && (await rows.clusters()).some(({ id, agentKey }) => agentKey === key && id !== cluster?.id),
    ofToken: others.filter(({ tokenId }) => tokenId === token?.id).length,
    ofAddress: others.filter(each => each.state === 'waiting' && addressKey(each.address) === from).length,
  }
}

async function admit(
  rows: StoreWriter,
  token: JoinTokenRow,
  name: string,
  as: 'same' | 'new',
  { cluster }: EnrolmentFacts,
  { request, options, now }: Asked,
): Promise<ClusterRow> {
  const { key, uid, versions } = request
  const before = cluster ?? (await newCluster(rows, name, now, options.random))
  const joined: ClusterRow =
    as === 'same'
      ? { ...before, joinedAt: now, versions }
      : underNextAdmission(before, { key, uid, versions, hubKid: options.keys.newest }, now)
  await rows.putCluster(joined)
  if (as === 'new') await voidResults(rows, joined.id)
  await rows.putJoinToken({ ...token, usedAt: now, usedBy: key })
  await rows.appendAudit({
    at: now,
    actor: `join-token/${token.id}`,
    action: 'cluster.join',
    subject: name,
    detail: { cluster: joined.id, admission: joined.admission, uid },
  })
  return joined
}

/** A Cluster's record before anyone has joined as it. */
export async function newCluster(rows: StoreReader, name: string, now: number, random: Random): Promise<ClusterRow> {
  const id = uuidV7(now, random.bytes(10))
  const epoch = epochNow(await readRecoveryState(rows))
  return { id, name, admission: 0, incarnation: 0, epoch, lastNumber: 0, versions: {} }
}

/** Another admission is another cluster: what the one before reported says nothing of it. */
export async function voidResults(rows: StoreWriter, clusterId: string): Promise<void> {
  for (const report of await rows.reports(clusterId)) await rows.deleteReport(report.applicationId)
  for (const grant of await rows.openGrants(clusterId)) {
    await rows.putGrant({ ...grant, state: 'void', reason: 'the cluster was admitted again' })
  }
}

function noteOf({ enrolment }: EnrolmentFacts, token: JoinTokenRow, asked: Asked): EnrolmentRow {
  const { request, remoteAddress, now } = asked
  if (enrolment) return { ...enrolment, askedAt: now, address: remoteAddress }
  const { key, uid, versions, proposed } = request
  const { clusterName } = token
  return {
    id: enrolmentId(token.id, key),
    tokenId: token.id,
    kind: token.pending ? 'pending' : 'replacement',
    key,
    uid,
    versions,
    ...(clusterName !== undefined && { clusterName }),
    ...(token.pending && proposed && isClusterName(proposed.name) && { proposedName: proposed.name }),
    proposedLabels: (token.pending && proposed && readLabels(proposed.labels)) || {},
    address: remoteAddress,
    requestedAt: now,
    askedAt: now,
    state: 'waiting',
  }
}

async function forgetSilent(rows: StoreWriter, now: number): Promise<void> {
  for (const { id, state, askedAt } of await rows.enrolments()) {
    if (state === 'waiting' && now - askedAt > FORGOTTEN_AFTER_MS) await rows.deleteEnrolment(id)
  }
}

function answer(decision: EnrolmentDecision, facts: EnrolmentFacts, asked: Asked): Enrolment {
  switch (decision.kind) {
    case 'again':
    case 'admit':
      return facts.cluster ? admitted(facts.cluster, asked) : badToken()
    case 'wait': {
      const waitMs = ASK_AGAIN_MS * (1 + asked.options.random.fraction())
      const enrolment = facts.enrolment?.id ?? ''
      const response = respond(202, { code: 'WAITING', enrolment }, retryAfter(waitMs))
      return { kind: 'waiting', enrolment, isNew: decision.note === 'new', response }
    }
    case 'refused':
      return badToken()
    case 'new-key': {
      const message = 'this key is not good any more; the agent has to make another one'
      return { kind: 'refused', code: decision.code, response: refuse(409, decision.code, message) }
    }
    case 'taken': {
      const name = facts.token?.clusterName ?? ''
      const message = `the name "${name}" belongs to another agent; an operator has to approve its replacement`
      const enrolment = facts.enrolment?.id ?? ''
      return {
        kind: 'refused',
        code: 'NAME_TAKEN',
        response: respond(409, { code: 'NAME_TAKEN', message, enrolment }, retryAfter(ASK_AGAIN_MS)),
      }
    }
    case 'busy': {
      const message = 'too many agents of this address wait for approval'
      return { kind: 'refused', code: 'TOO_MANY', response: refuse(429, 'TOO_MANY', message, retryAfter(10 * 60_000)) }
    }
  }
}

function admitted(cluster: ClusterRow, { request, options, now }: Asked): Enrolment {
  const admission = signAdmission(cluster, request.key, options.keys, now)
  return { kind: 'admitted', clusterId: cluster.id, response: respond(200, { admission }) }
}

/** What tells an agent who it is, and by which keys its hub speaks. */
export function signAdmission(cluster: ClusterRow, agentKey: string, keys: HubKeys, now: number): string {
  const payload: AdmissionPayload = {
    typ: 'admission',
    cluster: cluster.id,
    clusterName: cluster.name,
    adm: cluster.admission,
    agentKey,
    ...(cluster.keyNumber !== undefined && { keyNumber: cluster.keyNumber }),
    epoch: cluster.epoch,
    hubId: keys.hubId,
    hubKeys: keys.links,
    iat: now,
  }
  return keys.sign('admission', payload)
}

function secretMatches(token: JoinTokenRow, request: EnrolmentRequest): boolean {
  const given = Buffer.from(joinSecretHash(enrolmentSecret(request)))
  const stored = Buffer.from(token.secretHash)
  return given.length === stored.length && timingSafeEqual(given, stored)
}

function badToken(): Enrolment {
  const message = 'the join token is unknown, expired, revoked or used up'
  return { kind: 'refused', code: 'JOIN_TOKEN', response: refuse(401, 'JOIN_TOKEN', message) }
}
