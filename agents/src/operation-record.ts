import { canonicalJson, type Digest, sha256 } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { numberAt, objectAt, textAt } from '@flotilla/core/json/read-json'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { GrantPayload, OfferPayload } from '@flotilla/core/protocol/documents'
import type { ObjectResult, OperationReport } from '@flotilla/core/protocol/report'
import type { SyncProgress } from '@flotilla/core/sync/sync-progress'
import { labelValue, RECORD_LABEL, RECORD_OF_LABEL, recordName } from './records.ts'

/** An operation under a Grant, as it stands in the cluster. */
export interface OperationRecord {
  readonly grant: GrantPayload
  readonly kind: 'sync' | 'removal'
  readonly application: { readonly id: string; readonly name: string }
  readonly report: OperationReport
  /** Of the Offer it was started for, see {@link termsOf}; healing keeps to them. */
  readonly terms?: Digest
  /** What of that Offer it keeps to until it ends, whatever is offered meanwhile. */
  readonly pinned?: PinnedOffer
  /** What it has to remember between two steps; absent before the first. */
  readonly progress?: SyncProgress
  /** Somebody confirmed the prunes that were held when it began: what is left of them is not held again. */
  readonly confirmed?: true
  /** Whether hooks of the Application's removal were kept beside it. */
  readonly removalHooks?: 'kept' | 'none'
}

export type PinnedOffer = Pick<OfferPayload, 'namespace' | 'options' | 'ignoreDifferences' | 'revision' | 'run'>

/** Where and how an Offer's objects are applied: a change of these needs a Grant, just as a change of the digest does. */
export function termsOf(offer: OfferPayload): Digest {
  const known = knownTerms.get(offer)
  if (known) return known
  const { namespace, options, ceiling, ignoreDifferences } = offer
  // Whether to heal at all is decided by the Offer that is held, and healing prunes nothing.
  const { selfHeal: _selfHeal, prune: _prune, ...others } = options
  const terms = sha256(canonicalJson({ namespace, options: others, ceiling, ignoreDifferences } as unknown as Json))
  knownTerms.set(offer, terms)
  return terms
}

/** An Offer does not change, and is asked for its terms at each look. */
const knownTerms = new WeakMap<OfferPayload, Digest>()

/** More results than this are counted only; what failed is kept first. */
const MOST_RESULTS = 300
const MOST_MESSAGE = 300

/** Cuts a list of results to what a record and a report carry. */
export function cutResults(results: readonly ObjectResult[]): Pick<OperationReport, 'results' | 'resultsCut'> {
  const shortened = results.map(result =>
    result.message !== undefined && result.message.length > MOST_MESSAGE
      ? { ...result, message: `${result.message.slice(0, MOST_MESSAGE)}…` }
      : result,
  )
  if (shortened.length <= MOST_RESULTS) return { results: shortened, resultsCut: 0 }
  const failed = shortened.filter(({ outcome }) => outcome === 'failed')
  const done = shortened.filter(({ outcome }) => outcome !== 'failed' && outcome !== 'unchanged')
  const unchanged = shortened.filter(({ outcome }) => outcome === 'unchanged')
  const kept = [...failed, ...done, ...unchanged].slice(0, MOST_RESULTS)
  return { results: kept, resultsCut: results.length - kept.length }
}

/** Somebody has asked it to end, and it has not yet. */
export function isTerminating({ report }: OperationRecord): boolean {
  return report.phase === 'Terminating'
}

/** Whether the sync of a Grant is of everything: a dry run and a choice of objects are no success of the whole. */
export function isWhole({ options }: GrantPayload): boolean {
  return !options.dryRun && options.resources === undefined
}

export function isFinished({ report }: OperationRecord): boolean {
  return report.phase === 'Succeeded' || report.phase === 'Failed' || report.phase === 'Error'
}

export function encodeOperation(record: OperationRecord, namespace: string): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: recordName('flotilla-operation', record.grant.id),
      namespace,
      labels: { [RECORD_LABEL]: 'operation', [RECORD_OF_LABEL]: labelValue(record.application.id) },
    },
    // Phase and message a second time, for whoever looks with kubectl.
    data: {
      phase: record.report.phase,
      message: record.report.message,
      application: record.application.name,
      operation: stringifyJson({ format: 1, ...record } as unknown as Json),
    },
  }
}

/** Undefined for what is not a record of ours or of a format that we do not know. */
export function decodeOperation(object: KubernetesObject): OperationRecord | undefined {
  let parsed: Json
  try {
    parsed = parseJson(textAt(object['data'], 'operation'))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
  const report = objectAt(parsed, 'report')
  const known =
    numberAt(parsed, 'format') === 1 &&
    textAt(parsed, 'grant', 'id') !== '' &&
    textAt(parsed, 'application', 'id') !== '' &&
    textAt(report, 'phase') !== '' &&
    (textAt(report, 'digest') as Digest).startsWith('sha256:')
  return known ? (parsed as unknown as OperationRecord) : undefined
}

/** How one ends that somebody asked to end: Argo CD's words, and who it was. */
export function terminationOf(record: OperationRecord | undefined): { readonly message: string } | undefined {
  return record && isTerminating(record) ? { message: `Operation ${record.report.message}` } : undefined
}

/** @param why Of one that nobody asked to end. */
export function endMessage(record: OperationRecord, why: string): string {
  return terminationOf(record)?.message ?? why
}

export function terminatedBy(record: OperationRecord): string | undefined {
  return isTerminating(record) ? record.report.message.replace(/^terminated by /, '') : undefined
}

/** The report of an operation that ended because somebody said so says who it was. */
export function withTerminator(report: OperationReport, stored: OperationRecord | undefined): OperationReport {
  const by = stored && terminatedBy(stored)
  const endedByIt = report.finishedAt !== undefined && report.message === terminationOf(stored)?.message
  return by !== undefined && endedByIt ? { ...report, terminatedBy: by } : report
}
