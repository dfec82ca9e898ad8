import type { Digest } from '../json/canonical-json.ts'
import type { EpochMs } from '../time/epoch-ms.ts'

/** What becomes of the objects in the cluster when an Application goes. */
export type RemovalPolicy = 'prune' | 'detach'

/** One Application that a plan would take away. */
export interface PlannedRemoval {
  readonly id: string
  readonly name: string
  readonly project: string
  readonly cluster: string
  readonly namespace: string
  /** `prune`: its objects are deleted; `detach`: they stay, and nobody looks after them any more. */
  readonly policy: RemovalPolicy
}

/** How many of how many. */
export interface RemovalCount {
  readonly removed: number
  readonly total: number
}

/**
 * A removal that waits for a person, or that one has decided on. It is the same plan, under the same id, as long as its
 * list is the same; another list is another plan.
 */
export interface DeletionPlan {
  readonly id: string
  /** Whose Applications: `set/<source>/<name>`, or `documents/<source>/<project>` for those written by hand. */
  readonly claimant: string
  readonly source: string
  /** Absent for Applications written by hand. */
  readonly set?: string
  /** `shrink`: its owner does not yield them any more. `set-removed`: the set itself is gone. */
  readonly kind: 'shrink' | 'set-removed'
  /** Of the list: whoever approves says by it what was shown. */
  readonly digest: Digest
  /** Every one of them, by name. */
  readonly applications: readonly PlannedRemoval[]
  /** Of the set, or of the source's documents in one Project. */
  readonly count: RemovalCount
  readonly projects: readonly (RemovalCount & { readonly project: string })[]
  /** A sentence for people: why it waits. */
  readonly reason: string
  readonly since: EpochMs
  /**
   * `held` waits. `rejected`: the Applications stay until the list changes. `approved`: they were let go.
   * `superseded`: the list changed before anybody decided.
   */
  readonly state: 'held' | 'rejected' | 'approved' | 'superseded'
  readonly decision?: {
    readonly by: string
    readonly at: EpochMs
    readonly reason: string
  }
}
