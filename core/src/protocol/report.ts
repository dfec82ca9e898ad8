import type { Digest } from '../json/canonical-json.ts'
import type { ObjectKey } from '../model/kubernetes-object.ts'
import type { HealthStatus, OperationPhase, OutOfSyncReason, SyncStatus } from '../model/status.ts'
import type { OrphanReport } from '../orphans/orphan-report.ts'
import type { Adoption } from '../plan/adoptions.ts'
import type { HeldPrunes } from '../plan/held-prunes.ts'
import type { HookPhase } from '../plan/read-hook.ts'
import type { HookLog } from '../sync/hook-log.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import type { DocumentNumber, GrantTrigger } from './documents.ts'

/** What became of one object in an operation. Result words are the field's: created, configured, unchanged. */
export interface ObjectResult {
  readonly key: ObjectKey
  readonly wave: number
  readonly phase: HookPhase
  readonly outcome: 'created' | 'configured' | 'unchanged' | 'pruned' | 'skipped' | 'failed' | 'pending'
  /** How far a hook has come; absent for ordinary objects. */
  readonly hook?: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Error'
  readonly message?: string
  /** Of a hook that failed: why its container ended, and the end of what it printed. */
  readonly log?: HookLog
}

/** What an operation waits for without any change for long. */
export interface StalledReport {
  readonly since: EpochMs
  readonly blocking: readonly { readonly key: ObjectKey; readonly message: string }[]
}

export interface OperationReport {
  /** The Grant's id; `heal-…` for a self-heal, scoped to the cluster. */
  readonly id: string
  readonly trigger: GrantTrigger | 'heal'
  readonly by: string
  readonly phase: OperationPhase
  readonly message: string
  readonly digest: Digest
  readonly revision: string
  readonly startedAt: EpochMs
  readonly finishedAt?: EpochMs
  /** While `Paused`: when the gate that closed opens again, as far as is known. */
  readonly resumesAt?: EpochMs
  /** How often it was tried, this time included; absent: once. */
  readonly attempts?: number
  /** While it waits to be tried again: when that is. */
  readonly retryAt?: EpochMs
  readonly stalled?: StalledReport
  /** Who ended it; such an operation is not tried again. */
  readonly terminatedBy?: string
  readonly results: readonly ObjectResult[]
  /** How many results were left out because of the limit. */
  readonly resultsCut: number
}

export interface ObjectState {
  readonly key: ObjectKey
  readonly version: string
  readonly sync: SyncStatus
  readonly reason?: OutOfSyncReason
  readonly health?: HealthStatus
  readonly message?: string
}

/** An agent's whole state for one Application (protocol.md 7); numbered by (incarnation, n), the newest wins. */
export interface ReportEntry {
  readonly application: string
  readonly inc: number
  readonly n: number
  /** The Application is gone from the cluster: an end is said, never left out. */
  readonly gone: boolean
  /** The document that this state answers; with `gone`, the Tombstone whose removal is complete. */
  readonly document?: DocumentNumber
  readonly held?: Digest
  readonly lastSucceeded?: Digest
  readonly sync: { readonly status: SyncStatus; readonly message?: string }
  readonly health: { readonly status: HealthStatus; readonly message?: string; readonly since: EpochMs }
  readonly operation?: OperationReport
  /** Objects that are not Synced and Healthy, cut at a limit; the rest is counted. */
  readonly objects: readonly ObjectState[]
  readonly objectsCut: number
  readonly objectCount: number
  /** Prunes that wait for a person; absent: none. */
  readonly heldPrunes?: HeldPrunes
  /** Objects of other tools that would be taken over if somebody agreed; absent: none. */
  readonly adoptions?: readonly Adoption[]
  /** Objects in its namespace that no Application declares; absent: its Project does not ask, or it was not looked at. */
  readonly orphans?: OrphanReport
  readonly images: readonly string[]
  readonly inventory?: Digest
  readonly observedAt: EpochMs
}
