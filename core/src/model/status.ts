export type SyncStatus = 'Synced' | 'OutOfSync' | 'Unknown'

/** Best to worst. */
export const HEALTH_STATUSES = ['Healthy', 'Suspended', 'Progressing', 'Missing', 'Degraded', 'Unknown'] as const
export type HealthStatus = (typeof HEALTH_STATUSES)[number]

export interface Health {
  readonly status: HealthStatus
  readonly message?: string
}

/** The worse of two, in the order of {@link HEALTH_STATUSES}. */
export function worseHealth(a: HealthStatus, b: HealthStatus): HealthStatus {
  return HEALTH_STATUSES.indexOf(a) >= HEALTH_STATUSES.indexOf(b) ? a : b
}

export type OperationPhase = 'Running' | 'Terminating' | 'Succeeded' | 'Failed' | 'Error'

/** Why one object is not Synced. */
export type OutOfSyncReason =
  | 'Modified'
  | 'Missing'
  | 'Extra'
  | 'NotPermitted'
  | 'OwnedByOther'
  | 'DiffUnavailable'
  | 'DiffUnauthorised'
