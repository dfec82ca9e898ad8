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
import { type Engine, lookAt } from './engine.ts'
import type { Look } from './look.ts'
import { cutResults, isFinished, isTerminating, type OperationRecord, termsOf } from './operation-record.ts'
import { performPlan, progressOf } from './perform-operation.ts'

export interface OperationProgress {
  /** An operation has begun and not ended. */
  readonly underWay: boolean
  /** Objects may have changed: what was seen before is old. */
  readonly wrote: boolean
  readonly againInMs: number | undefined
}

const NOTHING: OperationProgress = { underWay: false, wrote: false, againInMs: undefined }
const ASK_AGAIN_MS = 2_000

/** Goes on with the Application's operation, or starts the one that a Grant permits. */
export async function runOperation(
  engine: Engine,
  state: ApplicationState,
  offer: OfferPayload,
  bundle: Bundle,
  seen: Look,
): Promise<OperationProgress> {
  const running = engine.operations.running(offer.application.id)
  if (running) {
    const why = whyOver(engine, running, offer)
    if (why === undefined) return goOn(engine, state, offer, bundle, seen, running)
    await endSuperseded(engine, running, why)
  }
  const started = await startGranted(engine, state, offer, newRecord(engine, offer))
  if (started.kind === 'waits') return { ...NOTHING, againInMs: started.againInMs }
  return goOn(engine, state, offer, bundle, seen, started.record)
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

export type Started =
  | { readonly kind: 'started'; readonly record: OperationRecord }
  | { readonly kind: 'waits'; readonly againInMs: number | undefined }

/**
 * Looks at the Application's Grants, oldest first. The record is created in the cluster before anything is written; if
 * it exists, the Grant is used up, whoever used it.
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
      againInMs = Math.min(
        againInMs ?? ASK_AGAIN_MS,
        answer.until === undefined || now === undefined ? ASK_AGAIN_MS : answer.until - now,
      )
      continue
    }
    if (answer.kind === 'refuse') {
      // Used means started, here or before a restart: the hub has not heard of it yet.
      if (answer.code === 'USED') await settle(engine, state, grant.id, 'started')
      else await settle(engine, state, grant.id, answer.code === 'LATE' ? 'lapsed' : 'refused', answer.message)
      continue
    }
    if (!engine.mayWrite()) return { kind: 'waits', againInMs: ASK_AGAIN_MS }
    const record = newRecord(grant)
    if ((await operations.create(record)) === 'exists') {
      await settle(engine, state, grant.id, 'started')
      const known = operations.get(grant.id)
      if (known && !isFinished(known)) return { kind: 'started', record: known }
      continue
    }
    healing.reset(held.application.id)
    state.heal = undefined
    await settle(engine, state, grant.id, 'started')
    log.info('operation started', { application: held.application.name, operation: grant.id, trigger: grant.trigger })
    return { kind: 'started', record }
  }
  return { kind: 'waits', againInMs }
}

async function settle(
  { link }: Engine,
  state: ApplicationState,
  id: string,
  outcome: 'started' | 'refused' | 'lapsed',
  reason?: string,
): Promise<void> {
  const name = `${id} ${outcome}`
  if (state.settled.has(name)) return
  await link.settleGrant(id, outcome, reason)
  state.settled.add(name)
}

async function goOn(
  engine: Engine,
  state: ApplicationState,
  offer: OfferPayload,
  bundle: Bundle,
  seen: Look,
  record: OperationRecord,
): Promise<OperationProgress> {
  const { operations, clock, log } = engine
  const { grant } = record
  if (grant.options.dryRun) {
    await operations.update({ ...record, report: dryRunReport(record, seen, clock.now()) })
    return NOTHING
  }
  // A person who asks for prunes by hand has confirmed them; an Offer whose Grant leaves them out keeps them.
  const confirmed = grant.options.prune && grant.trigger !== 'automated'
  // A Grant never widens what the Offer lets an automated sync remove.
  const options = { ...offer.options, prune: confirmed || (grant.options.prune && offer.options.prune) }
  const same = !confirmed && options.prune === offer.options.prune
  const look = same ? seen : await lookAt(engine, state, { ...offer, options }, bundle, confirmed)
  const outcome = await performPlan({
    ...engine,
    state,
    look,
    mayContinue: () => continueAnswer(engine, offer, grant),
  })
  const report = progressOf(record.report, outcome, clock)
  if (JSON.stringify(report) !== JSON.stringify(record.report)) await operations.update({ ...record, report })
  if (report.phase === 'Running') return { underWay: true, wrote: true, againInMs: ASK_AGAIN_MS }
  log.info('operation ended', {
    application: offer.application.name,
    operation: grant.id,
    phase: report.phase,
    message: report.message,
  })
  await operations.sweep(offer.application.id)
  return { underWay: false, wrote: true, againInMs: undefined }
}

/** Asked before each wave: gates may have closed, or the Offer may have moved on. */
export function continueAnswer(
  { link, operations }: Engine,
  document: OfferPayload | TombstonePayload,
  grant: GrantPayload,
): ContinueAnswer {
  if (operations.terminating(grant.id)) {
    const message = operations.get(grant.id)?.report.message ?? 'terminated'
    return { kind: 'abort', message, rule: 'terminate', gracePeriodMs: 0 }
  }
  const held = link.held().get(document.application.id)
  if (!held || compareNumbers(held.number, document.number) !== 0) {
    return { kind: 'pause', message: 'a newer document has arrived' }
  }
  return mayContinue({ grant, held, calendar: link.calendar(), now: link.hubTime() })
}

export async function endSuperseded(engine: Engine, record: OperationRecord, message: string): Promise<void> {
  const report = { ...record.report, phase: 'Failed' as const, message, finishedAt: engine.clock.now() }
  await engine.operations.update({ ...record, report })
}

function dryRunReport({ report }: OperationRecord, { plan }: Look, now: number) {
  const results = plan.actions.map(action => {
    const { key, phase, wave } = action
    return {
      key,
      phase,
      wave,
      outcome: action.kind === 'keep' ? ('unchanged' as const) : ('pending' as const),
      message: action.kind,
    }
  })
  return {
    ...report,
    phase: 'Succeeded' as const,
    message: 'dry run: nothing was written',
    finishedAt: now,
    ...cutResults(results),
  }
}
