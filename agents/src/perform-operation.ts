import { widenInventory } from '@flotilla/core/inventory/inventory'
import { type KubernetesObject, type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { heldPrunes } from '@flotilla/core/plan/held-prunes'
import { planWrites, type SyncPlan } from '@flotilla/core/plan/sync-plan'
import type { ContinueAnswer } from '@flotilla/core/protocol/may-start'
import type { ObjectResult, OperationReport, StalledReport } from '@flotilla/core/protocol/report'
import type { RunOptions } from '@flotilla/core/sync/run-options'
import type { Step } from '@flotilla/core/sync/step-types'
import type { SyncProgress } from '@flotilla/core/sync/sync-progress'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { ApplicationState } from './application-state.ts'
import { type Driven, driveSync } from './drive-sync.ts'
import type { Engine } from './engine.ts'
import { hookLogInput, withHookLog } from './hook-logs.ts'
import type { Look } from './look.ts'
import { cutResults } from './operation-record.ts'
import { writerOf } from './writer-of.ts'

export interface PerformInput {
  readonly engine: Engine
  readonly state: ApplicationState
  readonly id: string
  readonly startedAt: EpochMs
  readonly look: Look
  readonly run: RunOptions
  readonly progress: SyncProgress
  readonly results: readonly ObjectResult[]
  readonly mayContinue: () => ContinueAnswer
}

/**
 * Takes a heal as far as it can come now. Nothing of it is stored: after a restart it is planned anew.
 *
 * @throws KubernetesError for what may pass by itself.
 */
export async function performOnce(input: PerformInput): Promise<Driven> {
  const { engine, state, id, look, run, mayContinue, startedAt, progress, results } = input
  return await driveSync({
    engine,
    state,
    writer: writerOf(engine.client, look.intent),
    operationId: id,
    startedAt,
    run,
    sight: { plan: look.plan, live: look.observation.live },
    // A later wave waits for the next look, which asks anew.
    lookAgain: async () => ({ plan: look.plan, live: look.observation.live }),
    progress,
    results,
    mayContinue,
    terminate: () => undefined,
    mayRetry: false,
    beforeWrites: plan => widen(engine, plan, look),
    onApplied: rememberApplied(state, look),
    withHookLog: (...hook) => withHookLog(hookLogInput(engine, look), ...hook),
    save: async () => undefined,
  })
}

/** First of two steps: whatever happens from here on, nothing that we apply is forgotten. */
export async function widen(
  { inventories }: Pick<Engine, 'inventories'>,
  plan: SyncPlan,
  { intent, observation }: Look,
): Promise<void> {
  if (!planWrites(plan)) return
  // The destination's namespace belongs to no Application.
  const untracked = intent.prepared.targets
    .filter(target => target.destinationNamespace)
    .map(({ key }) => objectKeyText(key))
  const ours = plan.actions
    .filter(({ kind }) => kind === 'create' || kind === 'update' || kind === 'keep')
    .map(({ key }) => key)
    .filter(key => !untracked.includes(objectKeyText(key)))
  const known = await inventories.read(plan.application.id)
  const waits = heldPrunes(plan.actions) !== undefined
  const settled = waits ? (inventories.settled(plan.application.id) ?? known.length) : undefined
  await inventories.write(plan.application, widenInventory([...known, ...observation.inventory], ours), {
    proved: ours,
    settled,
  })
}

/** What was written need not be read again, nor asked about. */
export function rememberApplied(state: ApplicationState, { intent }: Look) {
  const targets = new Map(intent.prepared.targets.map(target => [objectKeyText(target.key), target]))
  return (key: ObjectKey, live: KubernetesObject): void => {
    const { name, contentKey } = state.observed.set(key, live)
    const target = targets.get(name)
    if (target) state.predictions.applied(target, contentKey)
  }
}

/** The operation's report after a step. */
export function reportOf(
  report: OperationReport,
  { step, results }: Pick<Driven, 'step' | 'results'>,
  now: EpochMs,
  stalled: StalledReport | undefined,
): OperationReport {
  const { resumesAt: _r, retryAt: _t, stalled: _s, finishedAt: _f, attempts: _a, ...stable } = report
  const { attempt, retryAt } = step.progress
  return {
    ...stable,
    phase: step.phase,
    message: step.message,
    ...(isOver(step) ? { finishedAt: now } : {}),
    ...(step.resumesAt === undefined ? {} : { resumesAt: step.resumesAt }),
    ...(attempt > 1 ? { attempts: attempt } : {}),
    ...(retryAt === undefined ? {} : { retryAt }),
    ...(stalled ? { stalled } : {}),
    ...cutResults(results),
  }
}

export function isOver({ instruction }: Step): boolean {
  return instruction.kind === 'end'
}
