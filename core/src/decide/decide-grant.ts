import type { Digest } from '../json/canonical-json.ts'
import type { Hold } from '../model/hold.ts'
import { compareNumbers, type DocumentNumber } from '../protocol/documents.ts'
import type { OperationReport, ReportEntry } from '../protocol/report.ts'
import type { OnFailure } from '../sync/read-run-options.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import { type RetryPolicy, retryDelayMs } from './retry-delay.ts'

/** How long after it was given a Grant may still start its sync. */
export const GRANT_LIFETIME_MS = 10 * 60_000

/** An operation as reported, with the document that its Grant was given for, where that is known. */
export type PastOperation = OperationReport & { readonly document?: DocumentNumber }

export interface GrantSubject {
  /** Whether the Application syncs by itself. */
  readonly automated: boolean
  /** Why it does not, where that is not its document's doing. */
  readonly unautomated?: string
  readonly digest: Digest
  /** Number of the current Offer. */
  readonly offer: DocumentNumber
  /** The Offer since which a success counts: what it asks for besides the digest changed there. */
  readonly syncFrom?: DocumentNumber
  /** Under the cluster's current admission. */
  readonly report?: ReportEntry
  /** Grants that the agent has not answered yet. */
  readonly open: readonly { readonly document: DocumentNumber; readonly startBefore: EpochMs }[]
  /** Newest first. */
  readonly operations: readonly PastOperation[]
  readonly retry: RetryPolicy
  /** Absent: every ten minutes where this digest was in force before, else not at all. */
  readonly onFailure?: OnFailure | undefined
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
 * What succeeded is never granted again: keeping it so is self-heal's work, which needs no Grant. An Offer that failed
 * is tried again as the retry policy says, then stays failed until something changes: a revision that does not work
 * must not be hammered into every cluster. A success stands only while nothing came after it: an attempt at another
 * digest that failed half-way leaves neither in force, and nothing heals.
 */
export function decideGrant(subject: GrantSubject, now: EpochMs): GrantDecision {
  const { digest, offer } = subject
  const history = subject.operations.filter(operation => operation.trigger !== 'heal')
  if (succeeded(subject, history[0])) return { kind: 'none' }
  const latest = history.find(operation => isOfOffer(operation, digest, offer))
  if (latest && latest === history[0] && latest.finishedAt === undefined) return { kind: 'none' }
  if (!subject.automated) {
    return {
      kind: 'hold',
      hold: {
        code: 'SYNC_NOT_AUTOMATED',
        reason: subject.unautomated ?? 'automated sync is off: the change is offered and waits for someone to start it',
      },
    }
  }
  const open = subject.open.filter(grant => compareNumbers(grant.document, offer) === 0 && grant.startBefore > now)
  if (open.length > 0) return { kind: 'none', at: Math.min(...open.map(grant => grant.startBefore)) }
  const failures = consecutiveFailures(history, digest, offer)
  // Somebody ended it, and nobody but a person begins it again.
  if (latest !== undefined && latest === history[0] && latest.terminatedBy !== undefined) return { kind: 'none' }
  const delay = retryDelayMs(subject.retry, failures, subject.jitter) ?? laterDelayMs(subject, history)
  if (delay === undefined) return { kind: 'none' }
  const due = failures > 0 ? (latest?.finishedAt ?? now) + delay : now
  return due > now ? { kind: 'none', at: due } : { kind: 'grant', startBefore: now + GRANT_LIFETIME_MS }
}

const AGAIN_EVERY_MS = 10 * 60_000

/** What stays failed after its retries is left alone, unless it once worked or somebody asked for more. */
function laterDelayMs(
  { onFailure, digest, jitter }: GrantSubject,
  history: readonly PastOperation[],
): number | undefined {
  const worked = history.some(operation => operation.digest === digest && operation.phase === 'Succeeded')
  const intervalMs =
    onFailure?.kind === 'retry' ? onFailure.intervalMs : !onFailure && worked ? AGAIN_EVERY_MS : undefined
  return intervalMs === undefined ? undefined : Math.round(intervalMs * (1 + 0.2 * jitter))
}

function succeeded({ report, digest, syncFrom }: GrantSubject, last: PastOperation | undefined): boolean {
  if (report?.lastSucceeded !== digest || report.gone) return false
  if (!last) return syncFrom === undefined
  if (last.digest !== digest || last.phase !== 'Succeeded' || last.trigger === 'delete') return false
  return !syncFrom || !last.document || compareNumbers(last.document, syncFrom) >= 0
}

function isOfOffer(operation: PastOperation, digest: Digest, offer?: DocumentNumber): boolean {
  const { document, trigger } = operation
  if (operation.digest !== digest || trigger === 'delete') return false
  return !document || !offer || compareNumbers(document, offer) === 0
}

/** Failed attempts at this Offer since anything else was tried; an agent makes several of one operation. */
export function consecutiveFailures(
  operations: readonly PastOperation[],
  digest: Digest,
  offer?: DocumentNumber,
): number {
  let failures = 0
  for (const operation of operations) {
    if (operation.trigger === 'heal') continue
    if (!isOfOffer(operation, digest, offer) || operation.phase === 'Succeeded') break
    if (operation.phase === 'Failed' || operation.phase === 'Error') failures += operation.attempts ?? 1
  }
  return failures
}
