import type { Digest } from '../json/canonical-json.ts'
import type { Hold } from '../model/hold.ts'
import { compareNumbers, type DocumentNumber } from '../protocol/documents.ts'
import type { OperationReport, ReportEntry } from '../protocol/report.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import { type RetryPolicy, retryDelayMs } from './retry-delay.ts'

/** How long after it was given a Grant may still start its sync. */
export const GRANT_LIFETIME_MS = 10 * 60_000

export interface GrantSubject {
  /** Whether the Application syncs by itself. */
  readonly automated: boolean
  readonly digest: Digest
  /** Number of the current Offer. */
  readonly offer: DocumentNumber
  readonly report?: ReportEntry
  /** Grants that the agent has not answered yet. */
  readonly open: readonly { readonly document: DocumentNumber; readonly startBefore: EpochMs }[]
  /** Newest first. */
  readonly operations: readonly OperationReport[]
  readonly retry: RetryPolicy
  /** 0 to 1. */
  readonly jitter: number
}

export type GrantDecision =
  /** Give one now. */
  | { readonly kind: 'grant'; readonly startBefore: EpochMs }
  /** Nothing to start, or it has been permitted already; look again at `at`, when there is such a time. */
  | { readonly kind: 'none'; readonly at?: EpochMs }
  | { readonly kind: 'hold'; readonly hold: Hold }

/**
 * Whether an automated sync may start now (the hub's half of decision 5; the agent checks again).
 *
 * A digest that succeeded is never granted again: keeping it so is self-heal's work, which needs no Grant. One that
 * failed is tried again as the retry policy says, then stays failed until something changes: a revision that does not
 * work must not be hammered into every cluster.
 */
export function decideGrant(subject: GrantSubject, now: EpochMs): GrantDecision {
  const { report, digest } = subject
  if (report?.lastSucceeded === digest && !report.gone) return { kind: 'none' }
  if (!subject.automated) {
    return {
      kind: 'hold',
      hold: {
        code: 'SYNC_NOT_AUTOMATED',
        reason: 'automated sync is off: the change is offered and waits for someone to start it',
      },
    }
  }
  const open = subject.open.filter(
    grant => compareNumbers(grant.document, subject.offer) === 0 && grant.startBefore > now,
  )
  if (open.length > 0) return { kind: 'none', at: Math.min(...open.map(grant => grant.startBefore)) }
  // An agent has one operation of an Application at a time: whatever came before the newest is over, also where its
  // end was never told.
  const newest = subject.operations.find(operation => operation.trigger !== 'heal')
  const latest = newest?.digest === digest && newest.trigger !== 'delete' ? newest : undefined
  if (latest && latest.finishedAt === undefined) return { kind: 'none' }
  const failures = consecutiveFailures(subject.operations, digest)
  const delay = retryDelayMs(subject.retry, failures, subject.jitter)
  if (delay === undefined) return { kind: 'none' }
  const due = (latest?.finishedAt ?? now) + (failures > 0 ? delay : 0)
  return due > now ? { kind: 'none', at: due } : { kind: 'grant', startBefore: now + GRANT_LIFETIME_MS }
}

/** Failed attempts at this digest since anything else was tried. */
export function consecutiveFailures(operations: readonly OperationReport[], digest: Digest): number {
  let failures = 0
  for (const operation of operations) {
    if (operation.trigger === 'heal') continue
    if (operation.digest !== digest || operation.phase === 'Succeeded') break
    if (operation.phase === 'Failed' || operation.phase === 'Error') failures++
  }
  return failures
}
