import type { Bundle } from '@flotilla/core/model/bundle'
import {
  compareNumbers,
  type GrantPayload,
  type OfferPayload,
  type TombstonePayload,
} from '@flotilla/core/protocol/documents'
import { mayGoOn, replacesPaused } from '@flotilla/core/protocol/may-go-on'
import { type ContinueAnswer, mayContinue, mayStart } from '@flotilla/core/protocol/may-start'
import type { ApplicationState } from './application-state.ts'
import { endOperation } from './end-operation.ts'
import type { Engine } from './engine.ts'
import { ASK_AGAIN_MS, type GoOnInput, goOn, LONGEST_WAIT_MS, runOf } from './go-on.ts'
import type { Look } from './look.ts'
import {
  endMessage,
  isFinished,
  isTerminating,
  type OperationRecord,
  type PinnedOffer,
  terminatedBy,
  termsOf,
} from './operation-record.ts'
import { settleGrant } from './settle-grant.ts'

export interface OperationProgress {
  /** An operation has begun and not ended. */
  readonly underWay: boolean
  /** Objects may have changed: what was seen before is old. */
  readonly wrote: boolean
  readonly againInMs: number | undefined
}

const NOTHING: OperationProgress = { underWay: false, wrote: false, againInMs: undefined }

/** Goes on with the Application's operation, or starts the one that a Grant permits. */
export async function runOperation(
  engine: Engine,
  state: ApplicationState,
  offer: OfferPayload,
  bundle: Bundle,
  seen: Look,
  /** Says how an operation ended, before another takes its place in the report. */
  sayEnd: () => Promise<void>,
): Promise<OperationProgress> {
  const running = engine.operations.running(offer.application.id)
  if (running) {
    const why = whyOver(engine, running, offer)
    if (why === undefined) {
      const mayContinue = () => continueAnswer(engine, offer, running.grant)
      return goOn({ engine, state, offer, bundle, seen, record: running, mayContinue })
    }
    const pinned = await pinnedOperation(engine, state, running, offer)
    if (pinned) return goOn(pinned)
    await endOperation(engine, running, endMessage(running, why), terminatedBy(running))
    await sayEnd()
  }
  const started = await startGranted(engine, state, offer, newRecord(engine, offer))
  if (started.kind === 'waits') return { ...NOTHING, againInMs: started.againInMs }
  const { record } = started
  return goOn({
    engine,
    state,
    offer,
    bundle,
    seen,
    record,
    mayContinue: () => continueAnswer(engine, offer, record.grant),
  })
}

/**
 * An operation keeps to what it was started for. A newer Offer alone does not end it; one that may start does, once
 * the operation only waits, or as its options say. Undefined: it is to end now.
 */
async function pinnedOperation(
  engine: Engine,
  state: ApplicationState,
  record: OperationRecord,
  held: OfferPayload,
): Promise<GoOnInput | undefined> {
  const { grant, pinned, progress } = record
  if (!pinned || isTerminating(record) || record.kind !== 'sync') return undefined
  const { supersede } = runOf(pinned)
  const hooksRun = progress?.hooks.some(hook => hook.state === 'Running') ?? false
  if (mayStartAnother(engine, held, grant) && (supersede === 'always' || (supersede === 'whenWaiting' && !hooksRun))) {
    return undefined
  }
  const bundle = await engine.link.bundle(record.report.digest)
  if (!bundle) return undefined
  // What the newer Offer forbids is forbidden at once.
  const options = { ...pinned.options, prune: pinned.options.prune && held.options.prune }
  const offer = { ...held, ...pinned, options, digest: record.report.digest }
  const mayContinue = () => gateAnswer(engine, engine.link.held().get(held.application.id), grant)
  return { engine, state, offer, bundle, record, mayContinue }
}

function mayStartAnother({ link, operations }: Engine, held: OfferPayload, running: GrantPayload): boolean {
  const question = { held, calendar: link.calendar(), now: link.hubTime() }
  return link.grants().some(grant => {
    if (grant.application !== held.application.id || grant.id === running.id) return false
    return mayStart({ ...question, grant, operationExists: operations.get(grant.id) !== undefined }).kind === 'start'
  })
}

/** Why an operation that runs is to end now, if it is: somebody said so, or what is held wants something else. */
export function whyOver(
  engine: Engine,
  running: OperationRecord,
  held: OfferPayload | TombstonePayload,
): string | undefined {
  const { kind, grant, report, terms } = running
  if (isTerminating(running)) return report.message
  const begun = { kind, grant, digest: report.digest, ...(terms !== undefined && { terms }) }
  const answer = mayGoOn(begun, held, held.typ === 'offer' ? termsOf(held) : undefined)
  if (answer.kind === 'end') return answer.message
  if (continueAnswer(engine, held, grant).kind !== 'pause') return undefined
  const { link, operations } = engine
  const question = { held, calendar: link.calendar(), now: link.hubTime() }
  const replacement = link.grants().find(later => {
    if (!replacesPaused(grant, later)) return false
    return (
      mayStart({ ...question, grant: later, operationExists: operations.get(later.id) !== undefined }).kind === 'start'
    )
  })
  return replacement && `paused, and operation ${replacement.id} takes its place`
}

function newRecord({ clock }: Engine, offer: OfferPayload) {
  return (grant: GrantPayload): OperationRecord => ({
    grant,
    kind: 'sync',
    terms: termsOf(offer),
    pinned: pinnedOf(offer),
    application: { id: offer.application.id, name: offer.application.name },
    report: {
      id: grant.id,
      trigger: grant.trigger,
      by: grant.by,
      phase: 'Running',
      message: 'started',
      digest: offer.digest,
      revision: grant.options.revision || offer.revision,
      startedAt: clock.now(),
      results: [],
      resultsCut: 0,
    },
  })
}

function pinnedOf({ namespace, options, ignoreDifferences, revision, run }: OfferPayload): PinnedOffer {
  return { namespace, options, ignoreDifferences, revision, ...(run ? { run } : {}) }
}

export type Started =
  | { readonly kind: 'started'; readonly record: OperationRecord }
  | { readonly kind: 'waits'; readonly againInMs: number | undefined }

/**
 * Looks at the Application's Grants, oldest first. The record is created in the cluster before anything is written; if
 * it exists, the Grant is used up, whoever used it. A sync looks first: its record is created when it has something to
 * write, something to wait for, or nothing to do; only then the Grant is told to have started.
 */
export async function startGranted(
  engine: Engine,
  state: ApplicationState,
  held: OfferPayload | TombstonePayload,
  newRecord: (grant: GrantPayload) => OperationRecord,
): Promise<Started> {
  const { link, operations, healing, log } = engine
  let againInMs: number | undefined
  for (const grant of link.grants().filter(({ application }) => application === held.application.id)) {
    const now = link.hubTime()
    const operationExists = operations.get(grant.id) !== undefined
    const answer = mayStart({ grant, held, calendar: link.calendar(), now, operationExists })
    if (answer.kind === 'wait') {
      // Of everything else it waits for, news come; a gate says when it opens.
      const opensInMs = answer.until === undefined || now === undefined ? LONGEST_WAIT_MS : answer.until - now
      const waitMs = Math.min(LONGEST_WAIT_MS, opensInMs)
      againInMs = Math.min(againInMs ?? waitMs, waitMs)
      continue
    }
    if (answer.kind === 'refuse') {
      // Used means started, here or before a restart: the hub has not heard of it yet.
      if (answer.code === 'USED') await settleGrant(engine, state, grant.id, 'started')
      else await settleGrant(engine, state, grant.id, answer.code === 'LATE' ? 'lapsed' : 'refused', answer.message)
      continue
    }
    if (!engine.mayWrite()) return { kind: 'waits', againInMs: ASK_AGAIN_MS }
    const record = newRecord(grant)
    if (record.kind === 'sync') operations.begin(record)
    else if ((await operations.create(record)) === 'exists') {
      await settleGrant(engine, state, grant.id, 'started')
      const known = operations.get(grant.id)
      if (known && !isFinished(known)) return { kind: 'started', record: known }
      continue
    }
    healing.reset(held.application.id)
    state.heal = undefined
    if (record.kind !== 'sync') await settleGrant(engine, state, grant.id, 'started')
    log.info('operation started', { application: held.application.name, operation: grant.id, trigger: grant.trigger })
    return { kind: 'started', record }
  }
  return { kind: 'waits', againInMs }
}

/** Asked before each wave: gates may have closed, or the Offer may have moved on. */
export function continueAnswer(
  engine: Engine,
  document: OfferPayload | TombstonePayload,
  grant: GrantPayload,
): ContinueAnswer {
  const held = engine.link.held().get(document.application.id)
  if (!held || compareNumbers(held.number, document.number) !== 0) {
    return { kind: 'pause', message: 'a newer document has arrived' }
  }
  return gateAnswer(engine, held, grant)
}

function gateAnswer(
  { link }: Engine,
  held: OfferPayload | TombstonePayload | undefined,
  grant: GrantPayload,
): ContinueAnswer {
  return mayContinue({ grant, held, calendar: link.calendar(), now: link.hubTime() })
}
