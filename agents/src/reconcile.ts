import { inventoryDigest } from '@flotilla/core/inventory/inventory'
import type { Digest } from '@flotilla/core/json/canonical-json'
import { extractImages } from '@flotilla/core/manifest/extract-images'
import type { Bundle } from '@flotilla/core/model/bundle'
import { type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { heldPrunes } from '@flotilla/core/plan/held-prunes'
import type { SyncPlan } from '@flotilla/core/plan/sync-plan'
import type { OfferPayload } from '@flotilla/core/protocol/documents'
import { mayHeal } from '@flotilla/core/protocol/may-heal'
import type { OperationReport } from '@flotilla/core/protocol/report'
import { FRESH_PROGRESS } from '@flotilla/core/sync/sync-progress'
import type { ApplicationState, HealRun } from './application-state.ts'
import { FIRST_STATUS_MS } from './assessor.ts'
import { type Engine, emptyFindings, lookAt } from './engine.ts'
import { findState } from './find-state.ts'
import { runOf } from './go-on.ts'
import type { Look } from './look.ts'
import { rebuildIfLost } from './lost-inventory.ts'
import { termsOf } from './operation-record.ts'
import { isOver, performOnce, reportOf } from './perform-operation.ts'
import type { Findings } from './report.ts'
import { runOperation } from './run-operation.ts'

/** Everything is read again after this, watches or not; jittered. */
const WHOLE_LOOK_EVERY_MS = 10 * 60 * 1000
/** Something is under way that no watch may tell of. */
const SOON_MS = 2_000
/** After writes of what goes on: what was seen of them since, no watch tells once more. */
const WROTE_MS = 50
/** Kinds that cannot be watched, or that we may not watch, are asked after. */
const UNWATCHED_MS = 15_000
const BUNDLE_RETRY_MS = 5_000
/** A missing object counts for health after this: a sync may take as long. */
const MISSING_GRACE_MS = 60_000

/**
 * One look at one Application that has an Offer: goes on with its operation, starts what a Grant permits, heals what
 * drifted, and reports what it found.
 *
 * @returns milliseconds until the next look is due at the latest.
 * @throws KubernetesError and others for what may pass; the caller looks again, later each time.
 */
export async function reconcileOffer(engine: Engine, state: ApplicationState, offer: OfferPayload): Promise<number> {
  const { clock, link, random } = engine
  const nowMs = clock.monotonicMs()
  if (nowMs - state.wholeLookAtMs > WHOLE_LOOK_EVERY_MS * (0.8 + 0.2 * random.fraction())) {
    state.observed.clear()
    state.predictions.forgetRefusals()
    state.wholeLookAtMs = nowMs
  }
  // Who tries again has to ask again.
  const waitsToRetry = engine.operations.running(offer.application.id)?.report.retryAt !== undefined
  if (waitsToRetry || mayBegin(engine, offer)) state.predictions.forgetRefusals()
  engine.log.debug('looking at an application', { application: offer.application.name })
  const bundle = await link.bundle(offer.digest)
  state.lacksBundle = bundle === undefined
  if (!bundle) {
    await engine.reporter.report({
      ...emptyFindings(engine, offer),
      sync: { status: 'Unknown', message: 'its Bundle has not arrived yet' },
    })
    return BUNDLE_RETRY_MS
  }
  let seen = await lookAt(engine, state, offer, bundle, { hooks: false })
  if (await rebuildIfLost(engine, offer, seen)) seen = await lookAt(engine, state, offer, bundle, { hooks: false })
  engine.followKinds()
  const sayEnd = async (look: Look) => {
    const ended = findState(look, state.assessor.assess, name => missingTooLong(engine, state, name))
    await engine.reporter.report(await findingsOf(engine, state, offer, bundle, ended))
  }
  const before = seen
  const progress = await runOperation(engine, state, offer, bundle, seen, () => sayEnd(before))
  if (progress.wrote) seen = await lookAt(engine, state, offer, bundle, { hooks: false })
  if (progress.wrote && !progress.underWay) {
    // Before a heal takes its place in the report: the end of what was granted is always said.
    await sayEnd(seen)
    engine.orphans.soon(offer.application.id)
  }
  const healIn = progress.underWay ? undefined : await heal(engine, state, offer, bundle, seen)
  if (healIn === 0) seen = await lookAt(engine, state, offer, bundle, { hooks: false })
  if (!progress.underWay) await shrinkInventory(engine, state, offer, seen)
  const found = findState(seen, state.assessor.assess, name => missingTooLong(engine, state, name))
  noteMissing(engine, state, seen)
  await engine.reporter.report(await findingsOf(engine, state, offer, bundle, found))
  state.waitsForNoGate = !progress.underWay && isInPlace(engine, offer, seen)
  const waits = [WHOLE_LOOK_EVERY_MS, progress.againInMs, healIn === 0 ? WROTE_MS : healIn]
  if (progress.underWay && progress.againInMs === undefined) waits.push(SOON_MS)
  if (progress.underWay && progress.wrote) waits.push(WROTE_MS)
  if (!isFollowed(engine, seen)) waits.push(UNWATCHED_MS)
  // No watch tells that a group is served again.
  if (seen.observation.unknown?.size) waits.push(UNWATCHED_MS)
  if (state.missingSinceMs.size > 0) waits.push(MISSING_GRACE_MS)
  if (state.assessor.awaitsStatus) waits.push(FIRST_STATUS_MS)
  return Math.min(...waits.filter(wait => wait !== undefined))
}

/** Whether a Grant waits that has not been used: a new attempt, which is not to fail for an old reason. */
function mayBegin({ link, operations }: Engine, { application }: OfferPayload): boolean {
  return link.grants().some(grant => grant.application === application.id && operations.get(grant.id) === undefined)
}

/**
 * Puts right what differs from the last success, if it may.
 *
 * @returns 0 when something was written; the wait until healing may go on; undefined when there is nothing to heal.
 */
async function heal(
  engine: Engine,
  state: ApplicationState,
  offer: OfferPayload,
  bundle: Bundle,
  seen: Look,
): Promise<number | undefined> {
  const { link, operations, healing, clock } = engine
  const id = offer.application.id
  const { lastSucceeded, lastSucceededRevision, lastSucceededTerms, laterFailed } = operations.lastOutcome(id)
  // Another namespace or other options under the same digest: nobody has granted that.
  if (lastSucceededTerms !== termsOf(offer)) return undefined
  const question = { held: offer, lastSucceeded, laterFailed, calendar: link.calendar(), now: link.hubTime() }
  const answer = mayHeal(question)
  if (answer.kind === 'no') {
    state.healRun = undefined
    // No event tells that a gate has opened.
    const opensIn = answer.until !== undefined && question.now !== undefined ? answer.until - question.now : undefined
    return opensIn !== undefined && isDrifted(seen.plan) ? opensIn : undefined
  }
  const hooks = runOf(offer).healHooks
  const wanted =
    answer.digest === bundle.digest && !hooks
      ? { look: seen }
      : await lookAtDigest(engine, state, offer, answer.digest, hooks)
  if (!wanted) return BUNDLE_RETRY_MS
  const begun = state.healRun?.digest === answer.digest ? state.healRun : undefined
  const plan = healingPlan(wanted.look.plan)
  if (!begun) {
    if (!isDrifted(plan)) return undefined
    const waitMs = healing.waitMs(id)
    if (waitMs > 0) return waitMs
  }
  const heal = begun ?? newHeal(engine, answer.digest)
  const driven = await performOnce({
    engine,
    state,
    id: heal.id,
    startedAt: heal.startedAt,
    progress: heal.progress,
    results: heal.results,
    look: { ...wanted.look, plan },
    run: runOf(offer),
    mayContinue: () => continueHealing(mayHeal({ ...question, calendar: link.calendar(), now: link.hubTime() }).kind),
  }).catch((error: unknown) => {
    state.healRun = undefined
    healing.ended(id)
    throw error
  })
  const { step, results } = driven
  const over = isOver(step)
  state.healRun = over ? undefined : { ...heal, progress: step.progress, results }
  if (over) healing.ended(id)
  const { finishedAt: _, ...report } = reportOf(
    { ...HEAL, id: heal.id, digest: answer.digest, revision: lastSucceededRevision, startedAt: heal.startedAt },
    driven,
    clock.now(),
    undefined,
  )
  state.heal = over ? { ...report, finishedAt: clock.now() } : report
  if (over) {
    engine.log.info('drift corrected', {
      application: offer.application.name,
      objects: results
        .filter(({ outcome }) => outcome === 'created' || outcome === 'configured')
        .map(({ key }) => objectKeyText(key))
        .slice(0, 10),
      outcome: step.phase,
    })
  }
  return over || driven.wrote ? 0 : HEAL_AGAIN_MS
}

const HEAL_AGAIN_MS = 2_000

const HEAL = {
  trigger: 'heal',
  by: 'self-heal',
  phase: 'Running',
  message: 'started',
  results: [],
  resultsCut: 0,
} as const satisfies Partial<OperationReport>

function newHeal({ clock, random }: Engine, digest: Digest): HealRun {
  const id = `heal-${clock.now().toString(36)}-${Math.floor(random.fraction() * 1e9).toString(36)}`
  return { id, digest, startedAt: clock.now(), progress: FRESH_PROGRESS, results: [] }
}

/** Only what is missing or differs in known fields; healing deletes nothing and does not guess. */
function healingPlan(plan: SyncPlan): SyncPlan {
  const actions = plan.actions.filter(action => {
    if (action.kind === 'hook') return action.phase === 'Sync'
    if (action.kind === 'create' || action.kind === 'keep') return true
    return action.kind === 'update' && (action.changes.length > 0 || action.takeOver.length > 0)
  })
  return { ...plan, actions }
}

/** What succeeded last is what is wanted, and nothing of it has to be put right. */
function isInPlace({ operations }: Engine, { application, digest }: OfferPayload, { plan }: Look): boolean {
  return operations.lastOutcome(application.id).lastSucceeded === digest && !isDrifted(plan)
}

function isDrifted(plan: SyncPlan): boolean {
  return healingPlan(plan).actions.some(({ kind }) => kind === 'create' || kind === 'update')
}

function continueHealing(kind: 'heal' | 'no') {
  return kind === 'heal'
    ? ({ kind: 'continue' } as const)
    : ({ kind: 'pause', message: 'the calendar closed' } as const)
}

async function lookAtDigest(
  engine: Engine,
  state: ApplicationState,
  offer: OfferPayload,
  digest: Digest,
  hooks: boolean,
) {
  const bundle = await engine.link.bundle(digest)
  return bundle && { look: await lookAt(engine, state, { ...offer, digest }, bundle, { hooks }) }
}

/** Second of two steps: what is neither wanted nor there any more leaves the Inventory. */
async function shrinkInventory(
  engine: Engine,
  state: ApplicationState,
  offer: OfferPayload,
  seen: Look,
): Promise<void> {
  const { inventories, operations } = engine
  const { lastSucceeded } = operations.lastOutcome(offer.application.id)
  // While another digest is in force its objects are wanted as well, and this look did not ask for them.
  if (lastSucceeded !== undefined && lastSucceeded !== seen.plan.digest) return
  const targets = new Set(seen.intent.prepared.targets.map(({ key }) => objectKeyText(key)))
  const entries = seen.observation.inventory.filter(key => {
    const name = objectKeyText(key)
    return targets.has(name) || seen.observation.live.has(name) || seen.observation.unknown?.has(name)
  })
  if (entries.length === seen.observation.inventory.length) return
  const settled = heldPrunes(seen.plan.actions) ? inventories.settled(offer.application.id) : undefined
  if (engine.mayWrite()) await inventories.write(offer.application, entries, { settled })
  const names = new Set([...targets, ...entries.map(objectKeyText)])
  state.observed.retain(names)
  state.predictions.retain(names)
}

function isFollowed({ watch }: Engine, seen: Look): boolean {
  return seen.intent.prepared.targets.every(
    ({ key, destinationNamespace }) => destinationNamespace || watch.isFollowing(key),
  )
}

function noteMissing(engine: Engine, state: ApplicationState, seen: Look): void {
  const nowMs = engine.clock.monotonicMs()
  for (const { key } of seen.intent.prepared.targets) {
    const name = objectKeyText(key)
    if (seen.observation.live.has(name)) state.missingSinceMs.delete(name)
    else if (!state.missingSinceMs.has(name)) state.missingSinceMs.set(name, nowMs)
  }
}

function missingTooLong({ clock }: Engine, state: ApplicationState, name: string): boolean {
  const since = state.missingSinceMs.get(name)
  return since !== undefined && clock.monotonicMs() - since > MISSING_GRACE_MS
}

async function findingsOf(
  engine: Engine,
  state: ApplicationState,
  offer: OfferPayload,
  bundle: Bundle,
  found: ReturnType<typeof findState>,
): Promise<Findings> {
  const base = emptyFindings(engine, offer)
  const operation = newer(base.operation, state.heal)
  const inventory: readonly ObjectKey[] = await engine.inventories.read(offer.application.id)
  return {
    ...base,
    ...found,
    ...(operation ? { operation } : {}),
    images: extractImages(bundle.objects),
    inventory: inventoryDigest(inventory),
  }
}

function newer(a: OperationReport | undefined, b: OperationReport | undefined): OperationReport | undefined {
  if (!a || !b) return a ?? b
  return b.startedAt >= a.startedAt ? b : a
}
