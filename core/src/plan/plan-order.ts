import { listAt, textAt } from '../json/read-json.ts'
import type { KubernetesObject, ObjectKey } from '../model/kubernetes-object.ts'
import { compareInWave, compareText } from './kind-order.ts'
import type { HookTarget, Target } from './prepare-targets.ts'
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
        comparePlaces(a.action, b.action) ||
        sideRank(a.side) - sideRank(b.side) ||
        (a.side === 'prune' ? compareInWave(b.action.key, a.action.key) : compareInWave(a.action.key, b.action.key)) ||
        compareText(a.action.kind, b.action.kind),
    )
    .map(({ action }) => action)
}

/** Where something runs. */
export interface Place {
  readonly phase: PlanPhase
  readonly wave: number
}

const PHASES: readonly PlanPhase[] = ['PreDelete', 'PreSync', 'Sync', 'PostSync', 'SyncFail', 'PostDelete']

/** Negative when `a` runs before `b`. */
export function comparePlaces(a: Place, b: Place): number {
  return PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase) || a.wave - b.wave
}

function sideRank(side: PlacedAction['side']): number {
  return side === 'prune' ? 0 : 1
}

/**
 * The place of each target: its own, unless something that needs it comes earlier. A Namespace moves before the first
 * object or hook in it, a definition before the first of its kind, into that one's phase and wave.
 */
export function placesOf(
  targets: readonly Target[],
  hooks: readonly HookTarget[],
): ReadonlyMap<Target, Place & { readonly hoistedFrom?: string }> {
  const first = new Map<string, Place>()
  const note = ({ group, kind, namespace }: ObjectKey, place: Place) => {
    for (const need of namespace === ''
      ? [`kind ${group}/${kind}`]
      : [`namespace ${namespace}`, `kind ${group}/${kind}`]) {
      const known = first.get(need)
      if (!known || comparePlaces(place, known) < 0) first.set(need, place)
    }
  }
  for (const target of targets) note(target.key, ownPlace(target))
  for (const { key, hook, options } of hooks) {
    for (const phase of hook.phases) if (!isOfRemoval(phase)) note(key, { phase, wave: options.wave })
  }
  return new Map(
    targets.map(target => {
      const own = ownPlace(target)
      const need = neededAs(target)
      const wanted = need === undefined ? undefined : first.get(need)
      if (!wanted || comparePlaces(wanted, own) >= 0) return [target, own] as const
      return [target, { ...wanted, hoistedFrom: `${own.phase}/${own.wave}` }] as const
    }),
  )
}

/** The destination's namespace comes before the Sync phase, whatever is in it. */
function ownPlace({ destinationNamespace, options }: Target): Place {
  return destinationNamespace ? { phase: 'PreSync', wave: 0 } : { phase: 'Sync', wave: options.wave }
}

/**
 * The waves of objects that go, as if they were applied: a Namespace or definition takes the wave of the first object
 * that needs it, so that in the mirror it goes after the last.
 */
export function wavesAsApplied(
  going: readonly { readonly key: ObjectKey; readonly wave: number; readonly live: KubernetesObject | undefined }[],
): ReadonlyMap<ObjectKey, number> {
  const first = new Map<string, number>()
  for (const { key, wave } of going) {
    for (const need of [`namespace ${key.namespace}`, `kind ${key.group}/${key.kind}`]) {
      first.set(need, Math.min(wave, first.get(need) ?? wave))
    }
  }
  return new Map(
    going.map(({ key, wave, live }) => {
      const need = live && neededAs({ key, object: live })
      return [key, Math.min(wave, (need === undefined ? undefined : first.get(need)) ?? wave)]
    }),
  )
}

export function isOfRemoval(phase: PlanPhase): boolean {
  return phase === 'PreDelete' || phase === 'PostDelete'
}

function neededAs({ key, object }: Pick<Target, 'key' | 'object'>): string | undefined {
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
