import type { EpochMs } from '@flotilla/core/time/epoch-ms'

export const GATE_EVENTS = [
  'freeze.made',
  'freeze.announced',
  'freeze.started',
  'freeze.edited',
  'freeze.ended',
  'window.made',
  'window.edited',
  'window.removed',
  'window.opening',
  'window.opened',
  'window.closing',
  'window.closed',
  'window.missed',
  'sync.blocked',
  'rule.indeterminate',
  'override.requested',
  'override.approved',
  'override.used',
  'override.expired',
  'override.revoked',
  'override.reviewed',
  'calendar.failed',
  'calendar.loaded',
] as const

/** Something about a gate that people want to be told, whoever tells them. */
export interface GateEvent {
  readonly kind: (typeof GATE_EVENTS)[number]
  /** `FreezePeriod/year-end`, `Override/…`, `Calendar/bank-holidays-de`. */
  readonly subject: string
  readonly at: EpochMs
  readonly by: string
  readonly message: string
  /** Teams whose rules are concerned: they are told at once. */
  readonly owners?: readonly string[]
  /** It stands in the feed already: it was written there together with what it tells of. */
  readonly kept?: true
}

export interface GateEvents {
  emit(event: GateEvent): void
}
