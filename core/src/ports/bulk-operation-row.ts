import type { EpochMs } from '../time/epoch-ms.ts'

/** What somebody asked of many Applications at once, and what became of the asking; kept so that it can be followed. */
export interface BulkOperationRow {
  readonly id: string
  readonly action: 'sync' | 'terminate' | 'pause' | 'resume'
  readonly by: string
  readonly reason: string
  readonly madeAt: EpochMs
  /** While it is open as it was begun: what was decided since stands in {@link BulkItemRow}. */
  readonly items: readonly BulkOperationItem[]
  /** When each was decided, or nobody went on; absent while one after the other is. */
  readonly endedAt?: EpochMs
  /** Why nobody came to some of them. */
  readonly interrupted?: string
}

export interface BulkOperationItem {
  /** As it was called when it was asked for. */
  readonly application: string
  readonly cluster: string
  /** Absent where there was none of that name, or none that may be seen. */
  readonly applicationId?: string
  /**
   * `pending`: nobody has come to it yet. `done`: it was over with the asking, and there is nothing to follow. `failed`:
   * it could not be decided. `interrupted`: nobody will come to it; nothing was done to it.
   */
  readonly status: 'pending' | 'accepted' | 'done' | 'cancelled' | 'refused' | 'failed' | 'interrupted'
  /** The operation or command; absent where it was refused, or done. */
  readonly operation?: string
  readonly code?: string
  readonly message: string
}

/** What became of one of an open bulk operation, written in the transaction that does it. */
export interface BulkItemRow {
  readonly bulk: string
  /** Which of its items, from 0. */
  readonly place: number
  readonly item: BulkOperationItem
}
