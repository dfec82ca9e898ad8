import { listAt, textAt } from '../json/read-json.ts'
import { compareInWave, compareText } from './kind-order.ts'
import type { Target } from './prepare-targets.ts'
import type { PlanPhase, SyncAction } from './sync-plan.ts'

/** An action with what decides its place and is of no use afterwards. */
export interface PlacedAction {
  readonly action: SyncAction
  /** Deletions, done or not, come before what is applied. */
  readonly side: 'prune' | 'apply'
}

/** Phase, wave, prunes in reverse kind order, applies in kind order. Total: no two objects of a plan have one place. */
export function orderActions(placed: readonly PlacedAction[]): readonly SyncAction[] {
  return [...placed]
    .sort(
      (a, b) =>
        phaseRank(a.action.phase) - phaseRank(b.action.phase) ||
        a.action.wave - b.action.wave ||
        sideRank(a.side) - sideRank(b.side) ||
        (a.side === 'prune' ? compareInWave(b.action.key, a.action.key) : compareInWave(a.action.key, b.action.key)) ||
        compareText(a.action.kind, b.action.kind),
    )
    .map(({ action }) => action)
}

function phaseRank(phase: PlanPhase): number {
  return phase === 'PreSync' ? 0 : 1
}

function sideRank(side: PlacedAction['side']): number {
  return side === 'prune' ? 0 : 1
}

/**
 * The wave of each target: its own, unless something that needs it comes earlier. A Namespace moves before the first
 * object in it, a definition before the first object of its kind.
 */
export function wavesOf(targets: readonly Target[]): ReadonlyMap<Target, number> {
  const firstIn = new Map<string, number>()
  const note = (need: string, wave: number) => firstIn.set(need, Math.min(wave, firstIn.get(need) ?? wave))
  for (const { key, options } of targets) {
    if (key.namespace !== '') note(`namespace ${key.namespace}`, options.wave)
    note(`kind ${key.group}/${key.kind}`, options.wave)
  }
  return new Map(
    targets.map(target => {
      const need = neededAs(target)
      const wanted = need === undefined ? undefined : firstIn.get(need)
      return [target, Math.min(target.options.wave, wanted ?? target.options.wave)] as const
    }),
  )
}

function neededAs({ key, object }: Target): string | undefined {
  if (key.group === '' && key.kind === 'Namespace') return `namespace ${key.name}`
  if (key.group === 'apiextensions.k8s.io' && key.kind === 'CustomResourceDefinition') {
    const spec = object['spec']
    return listAt(spec, 'versions').length === 0
      ? undefined
      : `kind ${textAt(spec, 'group')}/${textAt(spec, 'names', 'kind')}`
  }
  return undefined
}

/**
 * Prunes run in the mirror image of the order of applies: what is applied last is pruned first. The mirror is over all
 * waves of the operation.
 *
 * @example
 * mirrorWave(2, [0, 1, 2]) // => 0
 */
export function mirrorWave(wave: number, waves: readonly number[]): number {
  const distinct = [...new Set(waves)].sort((a, b) => a - b)
  return distinct[distinct.length - 1 - distinct.indexOf(wave)] ?? wave
}
