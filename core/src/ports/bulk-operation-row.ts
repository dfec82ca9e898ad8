import type { EpochMs } from '../time/epoch-ms.ts'

/** What somebody asked of many Applications at once, and what became of the asking; kept so that it can be followed. */
export interface BulkOperationRow {
  readonly id: string
  readonly action: 'sync' | 'terminate' | 'pause' | 'resume'
  readonly by: string
  readonly reason: string
  readonly madeAt: EpochMs
  readonly items: readonly BulkOperationItem[]
}

export interface BulkOperationItem {
  /** As it was called when it was asked for. */
  readonly application: string
  readonly cluster: string
  /** Absent where there was none of that name, or none that may be seen. */
  readonly applicationId?: string
  /** `done`: it was over with the asking, and there is nothing to follow. */
  readonly status: 'accepted' | 'done' | 'cancelled' | 'refused'
  /** The operation or command; absent where it was refused, or done. */
  readonly operation?: string
  readonly code?: string
  readonly message: string
}
