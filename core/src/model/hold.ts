import type { EpochMs } from '../time/epoch-ms.ts'

/** Why an Application is not released. Every code is explained in docs/holds.md. */
export type HoldCode =
  | 'UNSUPPORTED_SOURCE'
  | 'UNSUPPORTED_STRATEGY'
  | 'UNSUPPORTED_OPTION'
  | 'UNSUPPORTED_GATE'
  | 'PROJECT_MISSING'
  | 'PROJECT_REMOVED'
  | 'SOURCE_FORBIDDEN'
  | 'DESTINATION_FORBIDDEN'
  | 'SERVICE_ACCOUNT_MISSING'
  | 'NAMESPACE_METADATA_FORBIDDEN'
  | 'KIND_FORBIDDEN'
  | 'CLUSTER_UNKNOWN'
  | 'CLUSTER_REMOVED'
  | 'CLUSTER_NOT_JOINED'
  | 'CLUSTER_CLONED'
  | 'DESTINATION_CHANGED'
  | 'SOURCE_REMOVED'
  | 'REPOSITORY_UNAVAILABLE'
  | 'REVISION_MISSING'
  | 'PATH_MISSING'
  | 'SIGNATURE_MISSING'
  | 'SIGNATURE_REFUSED'
  | 'SIGNATURE_UNCHECKED'
  | 'RENDER_FAILED'
  | 'MANIFEST_INVALID'
  | 'NAME_TAKEN'
  | 'DELETION_BUDGET'
  | 'SET_REMOVED'
  | 'EMPTY_BUNDLE'
  | 'ADOPTION'
  | 'BROUGHT_TOO_DEEP'
  | 'SKIP_RECONCILE'
  | 'SYNC_NOT_AUTOMATED'
  | 'PIN_UNAVAILABLE'
  | 'STORE_BEHIND'
  | 'RECOVERY_UNPROVED'
  | 'RECOVERY_UNACKNOWLEDGED'
  | 'FROZEN'
  | 'WINDOW_CLOSED'
  | 'GATE_INDETERMINATE'
  | 'HUB_CLOCK_SUSPECT'

export interface Hold {
  readonly code: HoldCode
  /** A sentence for people: what is held, and how to mend it. */
  readonly reason: string
  /** When the Application may go on by itself; absent when only a change can release it. */
  readonly nextOpening?: EpochMs
  /** Of gates: everything that holds, and when each lets go. */
  readonly blockers?: readonly HoldBlocker[]
  /** The file and line to look at, where there is one. */
  readonly at?: { readonly file: string; readonly line: number; readonly column: number }
}

/** One rule of those that hold something up. */
export interface HoldBlocker {
  /** `FreezePeriod/year-end`. */
  readonly rule: string
  /** With a digest of its content. */
  readonly ruleId: string
  readonly kind: 'SyncWindow' | 'FreezePeriod'
  readonly code: string
  readonly reason: string
  /** When it lets go by itself; absent when not within 400 days. */
  readonly opensAt?: EpochMs
}
