import type { StoreWriter } from '@flotilla/core/ports/store'
import { recoveredEpoch } from '@flotilla/core/protocol/recovery'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { putRecoveryState, readRecoveryState } from './recovery-state.ts'

/** What a recovery did. */
export interface Recovered {
  readonly epoch: number
  readonly clusters: number
  /** What is void from now on. */
  readonly joinTokens: number
  readonly tombstones: number
  readonly grants: number
}

/**
 * `hub recover` (protocol.md 5.7): a new epoch for every cluster, above all that was stored or proved. Join tokens,
 * stored Tombstones and Grants are void; Offers and calendars of earlier epochs are not handed out any more, and are
 * issued again once their cluster's agent has shown what it holds. Nothing of an Application is touched.
 */
export async function recoverStore(rows: StoreWriter, by: string, now: EpochMs): Promise<Recovered> {
  const before = await readRecoveryState(rows)
  const clusters = await rows.clusters()
  const stored = clusters.map(({ epoch }) => epoch)
  if (before.kind !== 'behind' && before.epoch !== undefined) stored.push(before.epoch)
  const epoch = recoveredEpoch(stored, before.kind === 'behind' ? before.provedEpoch : undefined, now)
  let tombstones = 0
  let grants = 0
  for (const cluster of clusters) {
    for (const { key, typ } of await rows.documents(cluster.id)) {
      if (typ !== 'tombstone') continue
      await rows.deleteDocument(cluster.id, key)
      tombstones++
    }
    for (const grant of await rows.openGrants(cluster.id)) {
      await rows.putGrant({ ...grant, state: 'void', reason: 'the hub was recovered' })
      grants++
    }
    await rows.putCluster({ ...cluster, epoch, recovery: 'unproved' })
  }
  let joinTokens = 0
  for (const token of await rows.joinTokens()) {
    if (token.revokedAt !== undefined || token.expiresAt <= now) continue
    await rows.putJoinToken({ ...token, revokedAt: now })
    joinTokens++
  }
  const recovered: Recovered = { epoch, clusters: clusters.length, joinTokens, tombstones, grants }
  await putRecoveryState(rows, { kind: 'recovered', since: now, by, epoch })
  await rows.appendAudit({
    at: now,
    actor: by,
    action: 'hub.recover',
    subject: 'hub',
    detail: { ...recovered, was: before.kind === 'behind' ? before.reason : before.kind },
  })
  return recovered
}
