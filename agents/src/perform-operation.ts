import { widenInventory } from '@flotilla/core/inventory/inventory'
import { type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import type { OperationPhase } from '@flotilla/core/model/status'
import { planErrors, planWrites, type SyncPlan } from '@flotilla/core/plan/sync-plan'
import type { Clock } from '@flotilla/core/ports/clock'
import type { ContinueAnswer } from '@flotilla/core/protocol/may-start'
import type { ObjectResult, OperationReport } from '@flotilla/core/protocol/report'
import type { ApplicationState } from './application-state.ts'
import { type ApplyOutcome, applyPlan, mergeResults } from './apply.ts'
import type { InventoryStore } from './inventory-store.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import type { Look } from './look.ts'
import { cutResults } from './operation-record.ts'

/** An operation that has not ended by then has failed. */
export const OPERATION_TIMEOUT_MS = 30 * 60 * 1000

export interface PerformInput {
  readonly client: KubernetesClient
  readonly clock: Clock
  readonly inventories: InventoryStore
  readonly state: ApplicationState
  readonly look: Look
  readonly mayContinue: () => ContinueAnswer
  readonly mayWrite: () => boolean
  readonly signal: AbortSignal
}

/**
 * Performs what a look planned: widens the Inventory, then writes. Called again until it is no longer `waiting`.
 *
 * @throws KubernetesError for what may pass by itself.
 */
export async function performPlan(input: PerformInput): Promise<ApplyOutcome> {
  const { look, state, inventories } = input
  const { plan, intent, observation } = look
  const errors = planErrors(plan)
  if (errors.length > 0) {
    const messages = errors.map(({ code, key, message }) => `${code}: ${key ? `${objectKeyText(key)} ` : ''}${message}`)
    const shown = [...new Set(messages)].slice(0, 10).join('; ')
    return { kind: 'failed', message: `one or more objects are not valid: ${shown}`, results: [] }
  }
  if (plan.actions.some(({ kind }) => kind === 'hook')) {
    return { kind: 'failed', message: 'hooks are planned, and performing them is not built yet', results: [] }
  }
  const targets = new Map(intent.prepared.targets.map(target => [objectKeyText(target.key), target]))
  // First of two steps: whatever happens from here on, nothing that we apply is forgotten.
  if (planWrites(plan)) {
    const widened = widenInventory(observation.inventory, appliedKeys(plan))
    await inventories.write(plan.application, widened)
  }
  return applyPlan({
    client: input.client,
    plan,
    live: observation.live,
    mayContinue: input.mayContinue,
    mayWrite: input.mayWrite,
    signal: input.signal,
    onApplied: (key, live) => {
      const { contentKey } = state.observed.set(key, live)
      const target = targets.get(objectKeyText(key))
      if (target) state.predictions.applied(target, contentKey)
    },
  })
}

/** What the plan makes or keeps ours; the destination's namespace belongs to no Application. */
function appliedKeys(plan: SyncPlan): readonly ObjectKey[] {
  return plan.actions
    .filter(({ kind, phase }) => phase === 'Sync' && (kind === 'create' || kind === 'update' || kind === 'keep'))
    .map(({ key }) => key)
}

/** The operation's report after one more call. */
export function progressOf(report: OperationReport, outcome: ApplyOutcome, clock: Clock): OperationReport {
  const results: readonly ObjectResult[] = mergeResults(report.results, outcome.results)
  const now = clock.now()
  const timedOut = outcome.kind === 'waiting' && now - report.startedAt > OPERATION_TIMEOUT_MS
  const phase: OperationPhase =
    outcome.kind === 'done' ? 'Succeeded' : outcome.kind === 'failed' || timedOut ? 'Failed' : 'Running'
  const message = timedOut
    ? `not ended within ${OPERATION_TIMEOUT_MS / 60_000} min: ${outcome.message}`
    : outcome.message
  return {
    ...report,
    phase,
    message,
    ...(phase === 'Running' ? {} : { finishedAt: now }),
    ...cutResults(results),
  }
}
