import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { ClusterRow, Store } from '@flotilla/core/ports/store'
import {
  type AssertionClaims,
  type AssertionRefusal,
  checkAssertion,
  readAssertion,
} from '@flotilla/core/protocol/assertion'
import { importPublicKey } from '@flotilla/core/protocol/ed25519'
import {
  commonVersion,
  INCARNATION_HEADER,
  PROTOCOL_HEADER,
  PROTOCOL_VERSIONS,
  parseVersions,
  versionText,
} from '@flotilla/core/protocol/versions'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { refuse, respond } from './respond.ts'

export interface RequestHead {
  readonly method: string
  /** Path with query, as asserted. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

/** Who asks, proved. */
export interface Caller {
  readonly cluster: ClusterRow
  readonly claims: AssertionClaims
}

export type Authentication =
  | { readonly kind: 'caller'; readonly caller: Caller }
  | { readonly kind: 'refused'; readonly response: HubResponse; readonly code: string; readonly cluster?: string }

/**
 * Finds out whose request this is, before its body is read (protocol.md 3). A new incarnation is stored, because every
 * later one of a lower number has to be refused, after a restart of the hub too.
 */
export async function authenticate(
  head: RequestHead,
  hub: { readonly store: Store; readonly hubId: string; readonly now: EpochMs },
): Promise<Authentication> {
  const read = readAssertion(head.headers['authorization'])
  if (read.kind === 'refused') return unauthorised(read.code)
  const { claims } = read
  const cluster = await hub.store.read(rows => rows.cluster(claims.iss))
  const key = cluster?.agentKey === undefined ? undefined : importPublicKey(cluster.agentKey)
  if (!cluster || !key || cluster.revokedAt !== undefined) return unauthorised('UNKNOWN_CLUSTER')
  const refusal = checkAssertion(read, {
    hubId: hub.hubId,
    admission: cluster.admission,
    now: hub.now,
    method: head.method,
    path: head.path,
    key,
  })
  if (refusal) return unauthorised(refusal.code, cluster.id)
  const offered = head.headers[PROTOCOL_HEADER]
  const theirs = parseVersions(offered)
  if (offered !== undefined && (!theirs || commonVersion(PROTOCOL_VERSIONS, theirs) === undefined)) {
    const message = `this hub speaks protocol ${versionText(PROTOCOL_VERSIONS)}`
    return { kind: 'refused', code: 'PROTOCOL', cluster: cluster.id, response: refuse(426, 'PROTOCOL', message) }
  }
  return await orderIncarnation(hub.store, cluster, claims)
}

async function orderIncarnation(store: Store, cluster: ClusterRow, claims: AssertionClaims): Promise<Authentication> {
  const refused = outranked(cluster, claims)
  if (refused) return refused
  if (claims.inc === cluster.incarnation && claims.inst === cluster.instance) {
    return { kind: 'caller', caller: { cluster, claims } }
  }
  return await store.write(async rows => {
    const current = await rows.cluster(cluster.id)
    if (!current || current.agentKey !== cluster.agentKey || current.admission !== claims.adm) {
      return unauthorised('UNKNOWN_CLUSTER')
    }
    const late = outranked(current, claims)
    if (late) return late
    const raised: ClusterRow = { ...current, incarnation: claims.inc, instance: claims.inst }
    await rows.putCluster(raised)
    return { kind: 'caller', caller: { cluster: raised, claims } } as const
  })
}

/** A refusal names the highest incarnation known; whoever holds the agent's Lease raises its own above that. */
function outranked(cluster: ClusterRow, claims: AssertionClaims): Authentication | undefined {
  const highestInc = cluster.incarnation
  if (claims.inc < highestInc) {
    const message = 'a newer start of this agent is known'
    return conflict('INCARNATION', message, highestInc, cluster.id)
  }
  if (claims.inc === highestInc && cluster.instance !== undefined && claims.inst !== cluster.instance) {
    const message = 'two instances of this agent use one incarnation'
    return conflict('CLONED', message, highestInc, cluster.id)
  }
  return undefined
}

function conflict(code: string, message: string, highestInc: number, cluster: string): Authentication {
  const headers = { [INCARNATION_HEADER]: String(highestInc) }
  const response = respond(409, { code, message, highestInc }, headers)
  return { kind: 'refused', code, cluster, response }
}

/** One text for all, so that a stranger learns nothing; the code goes to the log and the counters. */
function unauthorised(code: AssertionRefusal | 'UNKNOWN_CLUSTER', cluster?: string): Authentication {
  const response = refuse(401, 'UNAUTHORISED', 'the assertion of this request does not hold')
  return { kind: 'refused', code, response, ...(cluster !== undefined && { cluster }) }
}
