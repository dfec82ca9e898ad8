import type { Digest } from '../json/canonical-json.ts'
import { type KubernetesObject, type ObjectKey, objectKeyText, versionOf } from '../model/kubernetes-object.ts'
import { heldPrunes } from './held-prunes.ts'
import { readObjectOptions } from './object-options.ts'
import { hookAction, type RunningOperation } from './plan-hooks.ts'
import { isOfRemoval, orderActions, type PlacedAction, wavesAsApplied } from './plan-order.ts'
import type { HookTarget } from './prepare-targets.ts'
import type { SyncAction, SyncPlan } from './sync-plan.ts'
import { ownerOf } from './tracking.ts'

export interface RemovalInput {
  readonly application: { readonly id: string; readonly name: string }
  /** The digest that was last held; for the record. */
  readonly digest: Digest
  readonly inventory: readonly ObjectKey[]
  /** Of it, what is known from its marks alone, by key text. */
  readonly unproved?: ReadonlySet<string>
  /** By {@link objectKeyText}. */
  readonly live: ReadonlyMap<string, KubernetesObject>
  /** Objects of which it cannot be told whether they are there, each with the reason. */
  readonly unknown?: ReadonlyMap<string, string>
  /** For objects that do not say themselves whether they go. */
  readonly deletion?: 'no' | 'confirm' | undefined
  /** Somebody approved the removal by name: `Delete=confirm` is passed. */
  readonly approved: boolean
  /** What was approved: deletions that wait with exactly this digest ({@link heldPrunes}); absent: all. */
  readonly confirms?: Digest | undefined
  /** Hooks of the phases PreDelete and PostDelete. */
  readonly hooks?: readonly HookTarget[]
  readonly operation?: RunningOperation
}

/**
 * What goes when an Application is removed: all that both witnesses call ours, the highest wave first, in reverse
 * kind order. Definitions stay, because with them would go every object of their kind, whoever made it.
 */
export function planRemoval(input: RemovalInput): SyncPlan {
  const { approved, confirms, ...rest } = input
  if (!approved || confirms === undefined) return planAll(input)
  const waiting = planAll({ ...rest, approved: false })
  return heldPrunes(waiting.actions)?.digest === confirms ? planAll({ ...rest, approved }) : waiting
}

function planAll(input: RemovalInput): SyncPlan {
  const placed: PlacedAction[] = []
  const seen = new Set<string>()
  for (const key of input.inventory) {
    const name = objectKeyText(key)
    const live = input.live.get(name)
    const unknown = input.unknown?.get(name)
    if (seen.has(name) || (!live && unknown === undefined)) continue
    seen.add(name)
    if (!live) {
      const reason = `cannot be told whether it is there: ${unknown}`
      placed.push({
        side: 'prune',
        action: { kind: 'skip', key, phase: 'Sync', wave: 0, code: 'KIND_UNKNOWN', reason },
      })
      continue
    }
    placed.push({ side: 'prune', action: planOne(input, key, live) })
  }
  // Plans run from low to high, removals from high to low.
  const waves = wavesAsApplied(
    placed.map(({ action: { key, wave } }) => ({ key, wave: -wave, live: input.live.get(objectKeyText(key)) })),
  )
  const hoisted = placed.map(({ action, side }) => {
    return { side, action: { ...action, wave: 0 - (waves.get(action.key) ?? -action.wave) } }
  })
  const hooks = (input.hooks ?? []).flatMap(target =>
    target.hook.phases
      .filter(isOfRemoval)
      .map((phase): PlacedAction => ({ side: 'apply', action: hookAction(target, phase, true, input.operation) })),
  )
  return {
    application: input.application,
    digest: input.digest,
    namespace: '',
    actions: orderActions([...hooks, ...hoisted]),
    problems: [],
  }
}

function planOne(
  { application, approved, unproved, deletion }: RemovalInput,
  key: ObjectKey,
  live: KubernetesObject,
): SyncAction {
  const { options } = readObjectOptions(live)
  // Plans run from low to high, removals from high to low.
  const place = { key, phase: 'Sync' as const, wave: 0 - options.wave }
  if (ownerOf(live, application.id, true).kind !== 'ours') {
    const reason = 'ownership changed: the live object no longer bears our marks'
    return { kind: 'skip', ...place, code: 'OWNERSHIP_CHANGED', reason }
  }
  if (key.group === 'apiextensions.k8s.io' && key.kind === 'CustomResourceDefinition') {
    return { kind: 'skip', ...place, code: 'PRUNE_FORBIDDEN', reason: 'definitions are never removed' }
  }
  const wish = options.deletion ?? deletion
  if (wish === 'no') {
    return { kind: 'skip', ...place, code: 'PRUNE_FORBIDDEN', reason: 'asks to be kept (Delete=false)' }
  }
  if (wish === 'confirm' && !approved) {
    return { kind: 'hold', ...place, code: 'PRUNE_CONFIRMATION', reason: 'asks for a confirmation (Delete=confirm)' }
  }
  if (unproved?.has(objectKeyText(key)) && !approved) {
    const reason = 'the Inventory was lost, and its own marks alone say that it is ours'
    return { kind: 'hold', ...place, code: 'PRUNE_CONFIRMATION', reason }
  }
  if (live.metadata.deletionTimestamp !== undefined) {
    return { kind: 'skip', ...place, code: 'BEING_DELETED', reason: 'is being deleted already' }
  }
  const uid = live.metadata.uid ?? ''
  return { kind: 'prune', ...place, version: versionOf(live.apiVersion), uid, propagation: 'foreground' }
}
