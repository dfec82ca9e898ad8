import type { Hold } from '@flotilla/core/model/hold'
import type { ClusterRow } from '@flotilla/core/ports/store'
import { mayNotRemove } from '@flotilla/core/protocol/recovery'
import type { Recovery } from './recovery.ts'

type Doubts = Pick<Recovery, 'behind' | 'unacknowledged'> | undefined

/** Why nothing is offered to a cluster now, if that comes of a lost or outdated store (protocol.md 5.7). */
export function offerHold(recovery: Doubts, cluster: ClusterRow | undefined): Hold | undefined {
  if (recovery?.behind) {
    const reason =
      'the hub does not know all that it has issued, so it issues nothing; clusters keep what they have. Run: flotilla hub recover'
    return { code: 'STORE_BEHIND', reason }
  }
  if (cluster?.recovery === 'unproved') {
    const reason = `since the hub was recovered, or copies of the cluster were told apart, the agent of "${cluster.name}" has not shown what it holds; it does by itself as soon as it is connected`
    return { code: 'RECOVERY_UNPROVED', reason }
  }
  return undefined
}

/** Why no automated sync starts on a cluster now, if that comes of a recovery. */
export function grantHold(recovery: Doubts, cluster: ClusterRow): Hold | undefined {
  const held = offerHold(recovery, cluster)
  if (held) return held
  if (cluster.recovery === 'proved') {
    const reason = `since the hub was recovered, or copies of the cluster were told apart, "${cluster.name}" has not reported on all of its Applications; it does by itself`
    return { code: 'RECOVERY_UNPROVED', reason }
  }
  if (!recovery?.unacknowledged) return undefined
  const reason =
    'the hub was recovered, and nobody has acknowledged the clusters and interventions that it remembers. Look at them and let automated syncs go on with: flotilla hub recover --acknowledge'
  return { code: 'RECOVERY_UNACKNOWLEDGED', reason }
}

/** Whether a Tombstone may be issued, and whether a removal may be granted. */
export function removalDoubt(
  recovery: Doubts,
  cluster: ClusterRow,
  everySetFresh: boolean,
): 'issue-nothing' | 'grant-nothing' | undefined {
  if (recovery?.behind || mayNotRemove(cluster.recovery, everySetFresh) !== undefined) return 'issue-nothing'
  return recovery?.unacknowledged ? 'grant-nothing' : undefined
}
