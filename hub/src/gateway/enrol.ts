import { timingSafeEqual } from 'node:crypto'
import { uuidV7 } from '@flotilla/core/identity/uuid'
import type { Clock } from '@flotilla/core/ports/clock'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { Random } from '@flotilla/core/ports/random'
import type { ClusterRow, JoinTokenRow, Store, StoreWriter } from '@flotilla/core/ports/store'
import type { AdmissionPayload } from '@flotilla/core/protocol/documents'
import { type EnrolmentRequest, enrolmentSecret, readEnrolment } from '@flotilla/core/protocol/enrolment'
import { joinSecretHash } from '@flotilla/core/protocol/join-token'
import type { HubKeys } from './hub-keys.ts'
import { refuse, respond } from './respond.ts'

export interface EnrolOptions {
  readonly store: Store
  readonly keys: HubKeys
  readonly clock: Clock
  readonly random: Random
}

export type Enrolment =
  | { readonly kind: 'admitted'; readonly clusterId: string; readonly response: HubResponse }
  | { readonly kind: 'refused'; readonly code: string; readonly response: HubResponse }

/**
 * Admits an agent by its join token (protocol.md 2). The same token with the same key again gets the same answer, so
 * a lost one costs nothing; every other misuse of a token gets one text.
 */
export async function enrol(body: Uint8Array | undefined, options: EnrolOptions): Promise<Enrolment> {
  const request = readEnrolment(Buffer.from(body ?? []).toString('utf8'))
  if (!request || request.aud !== options.keys.hubId) return badToken()
  return await options.store.write(rows => admit(rows, request, options))
}

async function admit(rows: StoreWriter, request: EnrolmentRequest, options: EnrolOptions): Promise<Enrolment> {
  const now = Math.floor(options.clock.now())
  const token = await rows.joinToken(request.token)
  if (token?.clusterName === undefined || token.revokedAt !== undefined || !secretMatches(token, request))
    return badToken()
  const { clusterName } = token
  const cluster = await rows.clusterByName(clusterName)
  if (token.usedBy !== undefined) {
    const again = token.usedBy === request.key && cluster?.agentKey === request.key
    return again ? admitted(cluster, request, options) : badToken()
  }
  if (now >= token.expiresAt) return badToken()
  if (cluster?.agentKey !== undefined && (cluster.agentKey !== request.key || cluster.uid !== request.uid)) {
    const message = `the name "${token.clusterName}" belongs to another agent; an operator has to approve its replacement`
    return { kind: 'refused', code: 'NAME_TAKEN', response: refuse(409, 'NAME_TAKEN', message) }
  }
  const joined = joinedRow(cluster, clusterName, request, options)
  await rows.putCluster(joined)
  await rows.putJoinToken({ ...token, usedAt: now, usedBy: request.key })
  await rows.appendAudit({
    at: now,
    actor: `join-token/${token.id}`,
    action: 'cluster.join',
    subject: clusterName,
    detail: { cluster: joined.id, admission: joined.admission, uid: request.uid },
  })
  return admitted(joined, request, options)
}

function joinedRow(
  cluster: ClusterRow | undefined,
  name: string,
  request: EnrolmentRequest,
  { clock, random }: EnrolOptions,
): ClusterRow {
  const now = Math.floor(clock.now())
  const versions = request.versions
  if (!cluster) {
    return {
      id: uuidV7(now, random.bytes(10)),
      name,
      admission: 1,
      agentKey: request.key,
      uid: request.uid,
      incarnation: 0,
      epoch: 1,
      lastNumber: 0,
      joinedAt: now,
      versions,
    }
  }
  const same = cluster.agentKey === request.key
  const { instance, revokedAt: _, ...kept } = cluster
  return {
    ...kept,
    admission: same ? cluster.admission : cluster.admission + 1,
    agentKey: request.key,
    uid: request.uid,
    incarnation: same ? cluster.incarnation : 0,
    ...(same && instance !== undefined && { instance }),
    joinedAt: now,
    versions,
  }
}

function admitted(cluster: ClusterRow, request: EnrolmentRequest, { keys, clock }: EnrolOptions): Enrolment {
  const payload: AdmissionPayload = {
    typ: 'admission',
    cluster: cluster.id,
    clusterName: cluster.name,
    adm: cluster.admission,
    agentKey: request.key,
    hubId: keys.hubId,
    hubKeys: keys.links,
    iat: Math.floor(clock.now()),
  }
  return {
    kind: 'admitted',
    clusterId: cluster.id,
    response: respond(200, { admission: keys.sign('admission', payload) }),
  }
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
