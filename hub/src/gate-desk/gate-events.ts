import type { EpochMs } from '@flotilla/core/time/epoch-ms'

/** Something about a gate that people want to be told, whoever tells them. */
export interface GateEvent {
  readonly kind:
    | 'freeze.made'
    | 'freeze.announced'
    | 'freeze.started'
    | 'freeze.edited'
    | 'freeze.ended'
    | 'window.opening'
    | 'window.opened'
    | 'window.closing'
    | 'window.closed'
    | 'window.missed'
    | 'sync.blocked'
    | 'rule.indeterminate'
    | 'override.requested'
    | 'override.approved'
    | 'override.used'
    | 'override.expired'
    | 'override.revoked'
    | 'override.reviewed'
    | 'calendar.failed'
    | 'calendar.loaded'
  /** `FreezePeriod/year-end`, `Override/…`, `Calendar/bank-holidays-de`. */
  readonly subject: string
  readonly at: EpochMs
  readonly by: string
  readonly message: string
  /** Teams whose rules are concerned: they are told at once. */
  readonly owners?: readonly string[]
}

export interface GateEvents {
  emit(event: GateEvent): void
}
