import { canonicalJson, type Digest, sha256 } from '@flotilla/core/json/canonical-json'
import type { JsonObject } from '@flotilla/core/json/json'
import type { Pause } from '@flotilla/core/model/pause'
import type { Pin } from '@flotilla/core/model/pin'
import type { StoreReader } from '@flotilla/core/ports/store'
import { keyThumbprint } from '@flotilla/core/protocol/ed25519'
import type { ClusterRecovery } from '@flotilla/core/protocol/recovery'
import { isoTime } from '@flotilla/core/time/epoch-ms'

/** A cluster as the store knows it: what an operator compares with what there is. */
export interface ListedCluster {
  readonly name: string
  readonly id: string
  readonly admission: number
  /** Thumbprint of the agent's key; absent while nobody is admitted. */
  readonly key?: string
  readonly uid?: string
  readonly joinedAt?: string
  readonly revoked: boolean
  /** Applications that the store binds to it. */
  readonly applications: number
}

/** Something that a person decided, or has to: the store may have forgotten a newer decision, or remember an old one. */
export interface ListedIntervention {
  readonly kind: 'freeze' | 'window' | 'override' | 'deletion' | 'pin' | 'pause'
  readonly name: string
  readonly state: string
  readonly by?: string
  readonly reason?: string
  readonly until?: string
}

/** What an operator acknowledges after a recovery (protocol.md 5.7). Equal content has one digest. */
export interface RecoveryList {
  readonly clusters: readonly ListedCluster[]
  readonly interventions: readonly ListedIntervention[]
  readonly digest: Digest
}

/** How far clusters have come, which changes by itself and is no part of what is acknowledged. */
export interface RecoveryProgress {
  readonly total: number
  readonly unproved: readonly string[]
  readonly unreported: readonly string[]
}

export async function readRecoveryList(rows: StoreReader): Promise<RecoveryList> {
  const counts = new Map<string, number>()
  for (const { clusterName } of await rows.applications()) counts.set(clusterName, (counts.get(clusterName) ?? 0) + 1)
  const clusters = (await rows.clusters()).map(
    (row): ListedCluster => ({
      name: row.name,
      id: row.id,
      admission: row.admission,
      ...(row.agentKey !== undefined && { key: keyThumbprint(row.agentKey) }),
      ...(row.uid !== undefined && { uid: row.uid }),
      ...(row.joinedAt !== undefined && { joinedAt: isoTime(row.joinedAt) }),
      revoked: row.revokedAt !== undefined,
      applications: counts.get(row.name) ?? 0,
    }),
  )
  const interventions = await readInterventions(rows)
  const digest = sha256(canonicalJson({ clusters, interventions } as unknown as JsonObject))
  return { clusters, interventions, digest }
}

export async function readRecoveryProgress(rows: StoreReader): Promise<RecoveryProgress> {
  const clusters = await rows.clusters()
  const at = (stage: ClusterRecovery): readonly string[] =>
    clusters.filter(row => row.recovery === stage && row.agentKey !== undefined).map(({ name }) => name)
  return { total: clusters.length, unproved: at('unproved'), unreported: at('proved') }
}

/** Everything that people decided through the API and that is not over, as far as this store remembers it. */
async function readInterventions(rows: StoreReader): Promise<readonly ListedIntervention[]> {
  const made = [...(await rows.freezes()), ...(await rows.windows())]
  const gates = made.map(
    ({ kind, name, madeBy, revision, ended }): ListedIntervention => ({
      kind: kind === 'FreezePeriod' ? 'freeze' : 'window',
      name,
      state: ended ? 'ended' : `in force, revision ${revision}`,
      by: ended?.by ?? madeBy,
      ...(ended && { reason: ended.reason }),
    }),
  )
  const overrides = (await rows.overrides()).map(
    ({ id, requestedBy, reason, until, revoked, approvals, approvalsNeeded }): ListedIntervention => ({
      kind: 'override',
      name: id,
      state: revoked ? 'revoked' : `${approvals.length} of ${approvalsNeeded} approvals`,
      by: revoked?.by ?? requestedBy,
      reason: revoked?.reason ?? reason,
      until: isoTime(until),
    }),
  )
  const deletions = (await rows.deletionPlans()).map(
    ({ id, state, reason, decision }): ListedIntervention => ({
      kind: 'deletion',
      name: id,
      state,
      ...(decision && { by: decision.by }),
      reason,
    }),
  )
  const laid = (await rows.applications()).flatMap(({ name, pin, pause }): readonly ListedIntervention[] => [
    ...(pin ? [laidOver('pin', name, `to ${pin.revision.slice(0, 12)}`, pin)] : []),
    ...(pause ? [laidOver('pause', name, 'in force', pause)] : []),
  ])
  return [...gates, ...overrides, ...deletions, ...laid]
}

function laidOver(kind: 'pin' | 'pause', name: string, state: string, laid: Pin | Pause): ListedIntervention {
  const { by, reason, until } = laid
  return { kind, name, state, by, reason, ...(until !== undefined && { until: isoTime(until) }) }
}
