import type { RetryPolicy } from '@flotilla/core/decide/retry-delay'
import type { Bundle } from '@flotilla/core/model/bundle'
import { objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { heldPrunes } from '@flotilla/core/plan/held-prunes'
import { type PlanChoices, planSync } from '@flotilla/core/plan/plan-sync'
import type { SyncPlan } from '@flotilla/core/plan/sync-plan'
import { stretchesWithin } from '@flotilla/core/protocol/calendar-intervals'
import type { GrantPayload, OfferPayload } from '@flotilla/core/protocol/documents'
import type { ContinueAnswer } from '@flotilla/core/protocol/may-start'
import { DEFAULT_RUN, type RunOptions } from '@flotilla/core/sync/run-options'
import type { Step } from '@flotilla/core/sync/step-types'
import { FRESH_PROGRESS } from '@flotilla/core/sync/sync-progress'
import type { ApplicationState } from './application-state.ts'
import { driveSync } from './drive-sync.ts'
import { type Engine, lookAt } from './engine.ts'
import { hookLogInput, withHookLog } from './hook-logs.ts'
import type { Look } from './look.ts'
import { cutResults, isWhole, type OperationRecord, terminationOf, withTerminator } from './operation-record.ts'
import { isOver, rememberApplied, reportOf, widen } from './perform-operation.ts'
import { hoistText } from './perform-wave.ts'
import { isKeptHook } from './removal-hooks.ts'
import type { OperationProgress } from './run-operation.ts'
import { settleGrant } from './settle-grant.ts'
import { stalledReport, untilStalled } from './stalled.ts'
import { writerOf } from './writer-of.ts'

/** Hooks are read, and what no watch tells of is looked at, this often while an operation runs. */
export const ASK_AGAIN_MS = 2_000
/** Where watches tell of all that an operation waits for: only for what they might have missed. */
const WATCHED_MS = 60_000
/** Where a time is known before which nothing happens, it is asked again this often: clocks are put right meanwhile. */
export const LONGEST_WAIT_MS = 30_000

export interface GoOnInput {
  readonly engine: Engine
  readonly state: ApplicationState
  /** With the terms that the operation was started for. */
  readonly offer: OfferPayload
  readonly bundle: Bundle
  /** The look that has just been made of this Bundle, if there was one. */
  readonly seen?: Look
  readonly record: OperationRecord
  readonly mayContinue: () => ContinueAnswer
}

/** Takes an operation of a sync as far as it can come now. */
export async function goOn(input: GoOnInput): Promise<OperationProgress> {
  const { engine, state, offer, record, mayContinue } = input
  const { operations, clock, log, client } = engine
  const { grant } = record
  let current = record
  const store = async (changed: OperationRecord): Promise<void> => {
    current = changed
    await operations.update(changed)
    await settleGrant(engine, state, grant.id, 'started')
  }
  const look = () => lookForOperation({ ...input, record: current })
  // What was seen a moment ago need not be read again.
  let first = replanned(input) ?? (await look())
  if (isConfirmedNow(input, first)) {
    await store({ ...record, confirmed: true })
    first = { ...first, plan: planSync(first.intent, first.observation, choicesOf({ ...input, record: current })) }
  }
  if (grant.options.dryRun) {
    await store({ ...record, report: dryRunReport(record, first, clock.now()) })
    return { underWay: false, wrote: false, againInMs: undefined }
  }
  const run = { ...runOf(offer), retry: retryOf(grant, offer) }
  let seen = first
  let remember = rememberApplied(state, first)
  const keepRemovalHooks = async () => {
    if (current.removalHooks !== undefined || !isWhole(grant)) return
    const kept = operations.of(offer.application.id).some(({ removalHooks }) => removalHooks === 'kept')
    const { hooks } = seen.intent.prepared
    // What is kept of it is a write, too.
    if (!operations.isStored(grant.id) && (kept || hooks.some(isKeptHook))) await store(current)
    const any = await engine.removalHooks.write(record.application, hooks, kept)
    current = { ...current, removalHooks: any ? 'kept' : 'none' }
  }
  const driven = await driveSync({
    engine,
    state,
    writer: writerOf(client, first.intent),
    operationId: grant.id,
    startedAt: record.report.startedAt,
    run,
    sight: sightOf(first, grant),
    lookAgain: async names => {
      state.predictions.forget(names)
      seen = await look()
      remember = rememberApplied(state, seen)
      return sightOf(seen, grant)
    },
    progress: record.progress ?? FRESH_PROGRESS,
    results: record.report.results,
    mayContinue,
    terminate: () => terminationOf(operations.get(grant.id)),
    mayRetry: true,
    beforeWrites: async plan => {
      await widen(engine, plan, seen)
      await keepRemovalHooks()
    },
    onApplied: (key, live) => remember(key, live),
    withHookLog: (...hook) => withHookLog(hookLogInput(engine, first), ...hook),
    save: async (step, results) => {
      const report = reportOf(current.report, { step, results }, clock.now(), current.report.stalled)
      await store({ ...current, report, progress: step.progress })
    },
    stored: operations.isStored(grant.id),
  })
  const { step } = driven
  // Also where nothing had to be written.
  if (isOver(step) && step.phase === 'Succeeded') await keepRemovalHooks()
  const now = clock.now()
  const stalled = await stalledReport(client, step, run, current.report.stalled, now)
  const report = withTerminator(reportOf(current.report, driven, now, stalled), operations.get(grant.id))
  const changed = !operations.isStored(grant.id) || JSON.stringify(report) !== JSON.stringify(current.report)
  if (changed || JSON.stringify(step.progress) !== JSON.stringify(current.progress ?? FRESH_PROGRESS)) {
    await store({ ...current, report, progress: step.progress })
  }
  if (!isOver(step)) {
    const wait = step.instruction.kind === 'wait' ? step.instruction.againInMs : undefined
    // Nothing happens before the next attempt, or before a gate opens that says when.
    const quietMs = step.progress.retryAt === undefined ? untilOpen(engine, step.resumesAt) : wait
    // No watch tells that something has been waited for too long, or that a gate has closed, which may end it.
    const untold = [untilStalled(step, run, now), untilCloses(engine, offer.application.id)]
    const watchedMs = Math.min(WATCHED_MS, ...untold.filter(ms => ms !== undefined))
    const soonMs = isWatched(engine, step, seen) ? watchedMs : ASK_AGAIN_MS
    const againInMs = quietMs === undefined ? Math.min(soonMs, wait ?? soonMs) : Math.min(LONGEST_WAIT_MS, quietMs)
    return { underWay: true, wrote: driven.wrote, againInMs }
  }
  state.driven = undefined
  const { phase, message } = report
  log.info('operation ended', { application: offer.application.name, operation: grant.id, phase, message })
  await operations.sweep(offer.application.id)
  return { underWay: false, wrote: true, againInMs: undefined }
}

function lookForOperation(input: GoOnInput): Promise<Look> {
  const { engine, state, offer, bundle } = input
  return lookAt(engine, state, { ...offer, options: optionsOf(input) }, bundle, choicesOf(input))
}

/** The same sight under the operation's own choices, where its options are the Offer's. */
function replanned(input: GoOnInput): Look | undefined {
  const { seen, offer } = input
  const { prune, force } = optionsOf(input)
  if (!seen || prune !== offer.options.prune || force !== offer.options.force) return undefined
  return { ...seen, plan: planSync(seen.intent, seen.observation, choicesOf(input)) }
}

/** A person who asks for prunes by hand has confirmed them; a Grant never widens what an automated sync may remove. */
function optionsOf({ offer, record: { grant } }: GoOnInput): OfferPayload['options'] {
  const prune = isConfirmed(grant) || (grant.options.prune && offer.options.prune)
  return { ...offer.options, prune, ...(grant.options.force && { force: true }) }
}

/** Whether what is held is just what somebody has confirmed; afterwards less of it is left. */
function isConfirmedNow({ record }: GoOnInput, { plan }: Look): boolean {
  const { confirms } = record.grant.options
  return confirms !== undefined && record.confirmed === undefined && heldPrunes(plan.actions)?.digest === confirms
}

function choicesOf({ record: { grant, report, progress, confirmed } }: GoOnInput): PlanChoices {
  const waves = progress?.waves
  return {
    confirmed: grant.options.confirms === undefined ? isConfirmed(grant) : confirmed === true,
    hooks: grant.options.resources === undefined && grant.options.skipHooks !== true,
    operation: { revision: report.revision, startedAt: report.startedAt },
    ...(waves ? { waves } : {}),
  }
}

function isConfirmed({ options, trigger }: GrantPayload): boolean {
  return options.prune && trigger !== 'automated'
}

export function runOf(offer: Pick<OfferPayload, 'run'>): RunOptions {
  return { ...DEFAULT_RUN, ...offer.run }
}

const NO_RETRY: RetryPolicy = { ...DEFAULT_RUN.retry, limit: 0 }

/** Nobody waits for an automated sync; who syncs by hand has it tried again where somebody said so: here, or in the Application. */
function retryOf({ trigger, options }: GrantPayload, offer: Pick<OfferPayload, 'run'>): RetryPolicy {
  if (trigger === 'automated') return runOf(offer).retry
  return options.retry ?? offer.run?.retry ?? NO_RETRY
}

/** Whether watches tell of every change that can take a waiting operation further: hooks and other kinds are asked after. */
function isWatched({ watch }: Engine, { instruction, progress }: Step, { intent }: Look): boolean {
  if (instruction.kind !== 'wait' || progress.hooks.some(({ state }) => state === 'Running')) return false
  return intent.prepared.targets.every(
    ({ key, destinationNamespace }) => destinationNamespace || watch.isFollowing(key),
  )
}

function untilOpen({ link }: Engine, resumesAt: number | undefined): number | undefined {
  const now = link.hubTime()
  return resumesAt === undefined || now === undefined ? undefined : Math.max(1, resumesAt - now)
}

/** How long until the next gate of an Application closes, of those that do so soon. */
function untilCloses({ link }: Engine, applicationId: string): number | undefined {
  const [calendar, now] = [link.calendar(), link.hubTime()]
  if (!calendar || now === undefined) return undefined
  const soon = stretchesWithin(calendar, applicationId, now, now + WATCHED_MS).filter(({ from }) => from > now)
  return soon.length === 0 ? undefined : Math.min(...soon.map(({ from }) => from)) - now
}

/** A partial sync does only what was chosen. */
function sightOf({ plan, observation }: Look, { options }: GrantPayload) {
  const { resources } = options
  if (!resources) return { plan, live: observation.live }
  const chosen = new Set(resources.map(objectKeyText))
  const actions = plan.actions.filter(({ key }) => chosen.has(objectKeyText(key)))
  const problems = plan.problems.filter(({ key }) => !key || chosen.has(objectKeyText(key)))
  const selected: SyncPlan = { ...plan, actions, problems }
  return { plan: selected, live: observation.live }
}

function dryRunReport({ report }: OperationRecord, { plan }: Look, now: number) {
  const results = plan.actions.map(action => {
    const { key, phase, wave } = action
    return {
      key,
      phase,
      wave,
      outcome: action.kind === 'keep' ? ('unchanged' as const) : ('pending' as const),
      message: [
        action.kind === 'update' && action.recreates ? 'delete and create again' : action.kind,
        ...hoistText(action),
      ].join(' '),
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
