import { isDefinition, kindRank } from './kind-order.ts'
import type { CreateAction, PlanPhase, PruneAction, SyncPlan, UpdateAction } from './sync-plan.ts'

export type WriteAction = CreateAction | UpdateAction | PruneAction

/** Writes that may be done at the same time. */
export interface PlanStep {
  readonly kind: 'prune' | 'apply'
  readonly actions: readonly WriteAction[]
  /** Definitions: the next step waits until they are established (or active). */
  readonly barrier: boolean
}

/** Steps that belong together; between waves, what was applied has to become healthy. */
export interface PlanWave {
  readonly phase: PlanPhase
  readonly wave: number
  readonly steps: readonly PlanStep[]
}

/** Cuts a plan's writes into waves and steps, in the plan's order. What writes nothing is left out. */
export function planWaves(plan: SyncPlan): readonly PlanWave[] {
  const waves: { phase: PlanPhase; wave: number; steps: { kind: PlanStep['kind']; actions: WriteAction[] }[] }[] = []
  for (const action of plan.actions) {
    if (action.kind !== 'create' && action.kind !== 'update' && action.kind !== 'prune') continue
    let wave = waves.at(-1)
    if (wave?.phase !== action.phase || wave.wave !== action.wave) {
      wave = { phase: action.phase, wave: action.wave, steps: [] }
      waves.push(wave)
    }
    const kind = action.kind === 'prune' ? 'prune' : 'apply'
    const step = wave.steps.at(-1)
    const before = step?.actions.at(-1)
    if (step?.kind === kind && before && kindRank(before.key) === kindRank(action.key)) step.actions.push(action)
    else wave.steps.push({ kind, actions: [action] })
  }
  return waves.map(({ phase, wave, steps }) => ({
    phase,
    wave,
    steps: steps.map(({ kind, actions }) => ({
      kind,
      actions,
      barrier: kind === 'apply' && actions.some(({ key }) => isDefinition(key)),
    })),
  }))
}
