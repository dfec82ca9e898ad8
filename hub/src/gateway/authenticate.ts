import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { ClusterRow, Store } from '@flotilla/core/ports/store'
import { AGENT_KEY_PATH } from '@flotilla/core/protocol/agent-key'
import {
  type AssertionClaims,
  type AssertionRefusal,
  checkAssertion,
  type ReadAssertion,
  readAssertion,
} from '@flotilla/core/protocol/assertion'
import { importPublicKey } from '@flotilla/core/protocol/ed25519'
import {
  type IncarnationVerdict,
  orderIncarnation,
  type SpeakingState,
} from '@flotilla/core/protocol/order-incarnation'
import {
  INCARNATION_HEADER,
  PROTOCOL_HEADER,
  SERVED_VERSIONS,
  type ServedVersions,
  type Service,
  serviceFor,
  versionText,
} from '@flotilla/core/protocol/versions'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { refuse, respond } from './respond.ts'
import type { Revocations } from './revocations.ts'

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
  /** The key that signed the assertion: the agent's; for a change of it also the one before. */
  readonly provedBy: string
  /** In full, or, an agent that is too old, for its upgrade alone. */
  readonly service: Exclude<Service, { readonly kind: 'none' }>
}

export type Authentication =
  | { readonly kind: 'caller'; readonly caller: Caller }
  | { readonly kind: 'refused'; readonly response: HubResponse; readonly code: string; readonly cluster?: string }

export interface AuthenticatingHub {
  readonly store: Store
  readonly hubId: string
  readonly now: EpochMs
  readonly revocations?: Revocations
  /** The protocol versions that are spoken here. Default: this program's. */
  readonly served?: ServedVersions | undefined
  /** Two agents were found to speak for one cluster. */
  readonly cloned?: (cluster: ClusterRow) => void
}

/**
 * Finds out whose request this is, before its body is read (protocol.md 3). A new incarnation is stored, because every
 * later one of a lower number has to be refused, after a restart of the hub too.
 */
export async function authenticate(head: RequestHead, hub: AuthenticatingHub): Promise<Authentication> {
  const read = readAssertion(head.headers['authorization'])
  if (read.kind === 'refused') return unauthorised(read.code)
  const cluster = await hub.store.read(rows => rows.cluster(read.claims.iss))
  if (!cluster || cluster.revokedAt !== undefined) return unauthorised('UNKNOWN_CLUSTER')
  const proof = proveKey(read, head, cluster, hub)
  if (proof.kind === 'refused') return unauthorised(proof.code, cluster.id)
  const served = hub.served ?? SERVED_VERSIONS
  const service = serviceFor(served, head.headers[PROTOCOL_HEADER])
  if (service.kind === 'none') {
    const message = `this hub speaks protocol ${versionText(served)}`
    return { kind: 'refused', code: 'PROTOCOL', cluster: cluster.id, response: refuse(426, 'PROTOCOL', message) }
  }
  return await takeTurn(hub, { cluster, claims: read.claims, provedBy: proof.key, service })
}

type Proof =
  | { readonly kind: 'proved'; readonly key: string }
  | { readonly kind: 'refused'; readonly code: AssertionRefusal | 'UNKNOWN_CLUSTER' }

/** Which key of this cluster signed; the one before the last change counts where that change is asked for again. */
function proveKey(read: ReadAssertion, head: RequestHead, cluster: ClusterRow, hub: AuthenticatingHub): Proof {
  const { agentKey, previousKey } = cluster
  const asksForChange = head.method === 'POST' && head.path === AGENT_KEY_PATH
  let refused: Proof = { kind: 'refused', code: 'UNKNOWN_CLUSTER' }
  for (const text of asksForChange ? [agentKey, previousKey] : [agentKey]) {
    const key = text === undefined || hub.revocations?.hasKey(text) ? undefined : importPublicKey(text)
    if (!key || text === undefined) continue
    const { method, path } = head
    const expected = { hubId: hub.hubId, admission: cluster.admission, now: hub.now, method, path, key }
    const refusal = checkAssertion(read, expected)
    if (!refusal) return { kind: 'proved', key: text }
    refused = refusal
  }
  return refused
}

/** Orders this start of the agent among the others; what is new about them is written down first. */
async function takeTurn(hub: AuthenticatingHub, caller: Caller): Promise<Authentication> {
  const { cluster, claims } = caller
  const verdict = orderIncarnation(cluster, claims, hub.now)
  if (!verdict.changed) return answerOf(verdict, caller)
  const written = await hub.store.write(async rows => {
    const current = await rows.cluster(cluster.id)
    const same = current?.agentKey === cluster.agentKey && current?.admission === claims.adm
    if (!current || !same || current.revokedAt !== undefined) return undefined
    const turn = orderIncarnation(current, claims, hub.now)
    if (!turn.changed) return { turn, row: current, found: false }
    const row = withSpeaking(current, turn.state)
    await rows.putCluster(row)
    const found = !current.cloned && turn.state.cloned !== undefined
    if (found) {
      await rows.appendAudit({
        at: Math.floor(hub.now),
        actor: 'flotilla',
        action: 'cluster.cloned',
        subject: row.name,
        detail: { cluster: row.id, admission: row.admission, why: turn.state.cloned.why },
      })
    }
    return { turn, row, found }
  })
  if (!written) return unauthorised('UNKNOWN_CLUSTER', cluster.id)
  if (written.found) hub.cloned?.(written.row)
  return answerOf(written.turn, { ...caller, cluster: written.row })
}

function withSpeaking(row: ClusterRow, state: SpeakingState): ClusterRow {
  const { incarnation, instance, speakers, overtakings, cloned } = state
  return {
    ...row,
    incarnation,
    ...(instance !== undefined && { instance }),
    ...(speakers && { speakers }),
    ...(overtakings && { overtakings }),
    ...(cloned && { cloned }),
  }
}

/** A refusal names the highest incarnation known; whoever holds the agent's Lease raises its own above that. */
function answerOf(verdict: IncarnationVerdict, caller: Caller): Authentication {
  const { id } = caller.cluster
  switch (verdict.kind) {
    case 'speaks':
      return { kind: 'caller', caller }
    case 'outranked': {
      const { highestInc } = verdict
      const headers = { [INCARNATION_HEADER]: String(highestInc) }
      const message = 'a newer start of this agent is known'
      const response = respond(409, { code: 'INCARNATION', message, highestInc }, headers)
      return { kind: 'refused', code: 'INCARNATION', cluster: id, response }
    }
    case 'cloned': {
      const message = 'two agents speak for this cluster; an operator has to say which of them is the right one'
      return { kind: 'refused', code: 'CLONED', cluster: id, response: refuse(409, 'CLONED', message) }
    }
  }
}

/** One text for all, so that a stranger learns nothing; the code goes to the log and the counters. */
function unauthorised(code: AssertionRefusal | 'UNKNOWN_CLUSTER', cluster?: string): Authentication {
  const response = refuse(401, 'UNAUTHORISED', 'the assertion of this request does not hold')
  return { kind: 'refused', code, response, ...(cluster !== undefined && { cluster }) }
}
