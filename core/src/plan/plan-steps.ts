import { isDefinition, kindRank } from './kind-order.ts'
import type { SyncAction } from './sync-plan.ts'

/** What may be written at the same time. */
export interface PlanStep {
  readonly actions: readonly SyncAction[]
  /** Definitions: the next step waits until they are established (or active). */
  readonly barrier: boolean
}

/** Cuts the actions of one wave, in the plan's order, into steps: neighbours of one side and one place among kinds. */
export function stepsOf(actions: readonly SyncAction[]): readonly PlanStep[] {
  const steps: SyncAction[][] = []
  for (const action of actions) {
    const last = steps.at(-1)
    const before = last?.[0]
    const together =
      before && (before.kind === 'prune') === (action.kind === 'prune') && kindRank(before.key) === kindRank(action.key)
    if (last && together) last.push(action)
    else steps.push([action])
  }
  return steps.map(step => ({
    actions: step,
    barrier: step.some(({ kind, key }) => kind !== 'prune' && isDefinition(key)),
  }))
}
