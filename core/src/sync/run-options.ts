import type { RetryPolicy } from '../decide/retry-delay.ts'

/** How an operation is run, as against what it applies. A change of these needs no new Grant. */
export interface RunOptions {
  /** An operation that has not ended by then has failed; time in which it was paused does not count. */
  readonly timeoutMs: number
  /** How long a wave may take to become healthy; absent: as long as the operation. */
  readonly waveTimeoutMs?: number
  /** How long a wave's object may be Degraded before the operation fails; 0: it fails at once, as in Argo CD. */
  readonly degradedGraceMs: number
  /** `waves`: a wave is waited for when another comes after it. `final`: the last one as well. */
  readonly waitForHealth: 'waves' | 'final'
  /** In one wave, a kind that fails keeps the later kinds from being applied. */
  readonly failFast: boolean
  /** When no object has changed for so long, the report says what blocks. */
  readonly stallAfterMs: number
  /** When a newer Offer that may start ends this operation: while it only waits, at any time, or never. */
  readonly supersede: 'whenWaiting' | 'always' | 'never'
  /** Of automated operations; those of people only where the Application itself or who asked says so. */
  readonly retry: RetryPolicy
  /** An Ingress is healthy without an address: for controllers that never say one. */
  readonly ignoreIngressAddress: boolean
  /** Heals run the hooks of the Sync phase as well. */
  readonly healHooks: boolean
}

export const DEFAULT_RUN: RunOptions = {
  timeoutMs: 30 * 60_000,
  degradedGraceMs: 0,
  waitForHealth: 'waves',
  failFast: true,
  stallAfterMs: 5 * 60_000,
  supersede: 'whenWaiting',
  retry: { limit: 5, firstDelayMs: 5_000, factor: 2, longestDelayMs: 180_000 },
  ignoreIngressAddress: false,
  healHooks: false,
}
