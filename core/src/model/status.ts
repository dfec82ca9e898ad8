export type SyncStatus = 'Synced' | 'OutOfSync' | 'Unknown'

/** Best to worst. */
export const HEALTH_STATUSES = ['Healthy', 'Suspended', 'Progressing', 'Missing', 'Degraded', 'Unknown'] as const
export type HealthStatus = (typeof HEALTH_STATUSES)[number]

export interface Health {
  readonly status: HealthStatus
  readonly message?: string
}

/**
 * `Paused`: a gate closed; it goes on when that opens. `Failed`: the cluster said no; `Error`: it could not even be tried,
 * or what it made went away.
 */
export type OperationPhase = 'Running' | 'Paused' | 'Terminating' | 'Succeeded' | 'Failed' | 'Error'

/** Why one object is not Synced. */
export type OutOfSyncReason =
  | 'Modified'
  | 'Missing'
  | 'Extra'
  | 'NotPermitted'
  | 'OwnedByOther'
  | 'DiffUnavailable'
  | 'DiffUnauthorised'
