import { type KubernetesObject, keyOf, type ObjectKey, objectKeyText } from '../model/kubernetes-object.ts'
import { comparePlaces } from '../plan/plan-order.ts'
import { HOOK_FINALIZER } from '../plan/read-hook.ts'
import type { HookAction, SyncPlan } from '../plan/sync-plan.ts'
import { isOver, stateOf, whoseRun } from './hook-run.ts'
import type { SyncProgress } from './sync-progress.ts'

/** One live object of a hook. */
export interface HookRef {
  readonly key: ObjectKey
  readonly uid: string
  /** It is being deleted already. */
  readonly deleting: boolean
  /** It bears our finalizer, which has to go before it can. */
  readonly held: boolean
}

export function hookRef(object: KubernetesObject): HookRef {
  const { uid = '', deletionTimestamp, finalizers } = object.metadata
  return {
    key: keyOf(object),
    uid,
    deleting: deletionTimestamp !== undefined,
    held: finalizers?.includes(HOOK_FINALIZER) ?? false,
  }
}

interface HookInput {
  readonly operationId: string
  readonly plan: SyncPlan
  readonly live: ReadonlyMap<string, KubernetesObject>
  readonly progress: SyncProgress
}

/**
 * Live objects that stand in the way of hooks that are to be made: those of an earlier time, where their policy is
 * BeforeHookCreation, and those of an earlier run of the same turn. `foreign`: sentences about what is not ours.
 */
export function hooksInTheWay(
  { operationId, plan, live, progress }: HookInput,
  actions: readonly HookAction[],
): { readonly remove: readonly HookRef[]; readonly foreign: readonly string[] } {
  const remove: HookRef[] = []
  const foreign: string[] = []
  for (const action of actions) {
    const { state, attempt } = stateOf(progress, action)
    const object = live.get(objectKeyText(action.key))
    if (!object || state !== 'Pending') continue
    const whose = whoseRun(object, operationId, plan.application.id, action, attempt)
    if (whose === 'this') continue
    if (whose === 'foreign') {
      foreign.push(`${objectKeyText(action.key)} exists already and is no hook of this Application`)
      continue
    }
    const ref = hookRef(object)
    if (ref.deleting || whose === 'turn' || action.hook.deletePolicies.includes('BeforeHookCreation')) remove.push(ref)
  }
  return { remove, foreign }
}

/** Hooks that are over: those that still bear our finalizer, and those that go at the end of their phase. */
export function hooksToFree({ plan, live, progress }: HookInput): {
  readonly free: readonly HookRef[]
  readonly remove: readonly HookRef[]
} {
  const free: HookRef[] = []
  const remove: HookRef[] = []
  for (const action of plan.actions) {
    if (action.kind !== 'hook') continue
    const state = stateOf(progress, action)
    const object = live.get(objectKeyText(action.key))
    if (!object || !isOver(state)) continue
    const ref = hookRef(object)
    if (ref.held) free.push(ref)
    else if (!ref.deleting && state.state === 'Succeeded' && goesWithPhase(action, progress)) remove.push(ref)
  }
  return { free, remove }
}

function goesWithPhase({ hook, phase, wave }: HookAction, { performed }: SyncProgress): boolean {
  if (hook.deleteAt !== 'phase' || !hook.deletePolicies.includes('HookSucceeded') || !performed) return false
  return performed.phase !== phase && comparePlaces(performed, { phase, wave }) > 0
}
