import { type KubernetesObject, type ObjectKey, objectKeyText, versionOf } from '../model/kubernetes-object.ts'
import type { SyncOptions } from '../protocol/documents.ts'
import { type ObjectOptions, readObjectOptions } from './object-options.ts'
import type { Observation, SyncRequest } from './plan-sync.ts'
import { permissionProblem } from './prepare-targets.ts'
import type { HoldAction, PruneAction, SkipAction } from './sync-plan.ts'
import { ownerOf } from './tracking.ts'

/** Below this many objects a whole Application may change at once; above, more than half of it may not. */
const SMALL_INVENTORY = 10
const MOST_SHARE = 0.5

export interface PruneInput {
  readonly request: SyncRequest
  readonly observation: Observation
  /** Texts of the targets' keys. */
  readonly targetNames: ReadonlySet<string>
  /** Texts of the keys of hooks: whatever became one is not pruned. */
  readonly hookNames: ReadonlySet<string>
  readonly confirmed: boolean
}

export interface PlannedPrune {
  /** Its wave is the object's own; whoever orders the plan mirrors it. */
  readonly action: PruneAction | HoldAction | SkipAction
  /** `PruneLast`: after everything else. */
  readonly last: boolean
}

/**
 * What goes. Only what the Inventory says that we applied and the live object itself says is still ours: one witness
 * alone deletes nothing.
 */
export function planPrunes(input: PruneInput): readonly PlannedPrune[] {
  const { observation, targetNames, hookNames } = input
  const planned: PlannedPrune[] = []
  const seen = new Set<string>()
  for (const key of observation.inventory) {
    const name = objectKeyText(key)
    const live = observation.live.get(name)
    if (targetNames.has(name) || hookNames.has(name) || seen.has(name)) continue
    const unknown = observation.unknown?.get(name)
    if (!live && unknown === undefined) continue
    seen.add(name)
    if (!live) {
      const reason = `cannot be told whether it is there: ${unknown}`
      planned.push({ last: false, action: { kind: 'skip', key, phase: 'Sync', wave: 0, code: 'KIND_UNKNOWN', reason } })
      continue
    }
    const { options } = readObjectOptions(live)
    const last = options.pruneLast ?? input.request.options.pruneLast
    const unproved = observation.unproved?.has(name) ?? false
    planned.push({ action: planPrune(input, key, live, options, unproved), last })
  }
  return guard(input, planned)
}

function planPrune(
  { request, confirmed }: PruneInput,
  key: ObjectKey,
  live: KubernetesObject,
  options: ObjectOptions,
  unproved: boolean,
): PruneAction | HoldAction | SkipAction {
  const place = { key, phase: 'Sync' as const, wave: options.wave }
  const skip = (code: SkipAction['code'], reason: string): SkipAction => ({ kind: 'skip', ...place, code, reason })
  if (ownerOf(live, request.application.id, true).kind !== 'ours') {
    return skip('OWNERSHIP_CHANGED', 'ownership changed: the live object no longer bears our marks')
  }
  const forbidden = permissionProblem(request.ceiling, 'prune', key, key.namespace !== '')
  if (forbidden !== undefined) return skip('NOT_PERMITTED', forbidden)
  if (live.metadata.deletionTimestamp !== undefined) return skip('BEING_DELETED', 'is being deleted already')
  const prune = options.prune ?? request.options.pruneDefault
  if (prune === 'no') return skip('PRUNE_FORBIDDEN', 'ignored (no prune)')
  if (!request.options.prune) return skip('PRUNE_OFF', 'ignored (requires pruning)')
  if (prune === 'confirm' && !confirmed) {
    const reason = 'asks for a confirmation before it is pruned: sync by hand with prune'
    return { kind: 'hold', ...place, code: 'PRUNE_CONFIRMATION', reason }
  }
  if (unproved && !confirmed) {
    const reason =
      'the Inventory was lost, and its own marks alone say that it is ours: sync by hand with prune to confirm'
    return { kind: 'hold', ...place, code: 'PRUNE_CONFIRMATION', reason }
  }
  return {
    kind: 'prune',
    ...place,
    version: versionOf(live.apiVersion),
    uid: live.metadata.uid ?? '',
    propagation: request.options.prunePropagation,
  }
}

/** A mass prune is a mistake more often than a wish: it waits until a person asks for it. */
function guard(
  { request, observation, targetNames, confirmed }: PruneInput,
  planned: readonly PlannedPrune[],
): readonly PlannedPrune[] {
  const count = planned.filter(({ action }) => action.kind === 'prune').length
  if (confirmed || count === 0) return planned
  // While it waits nothing that is added makes the share smaller.
  const total = observation.settled ?? observation.inventory.length
  const reason = guardReason(count, total, wantsNothing(request, targetNames), request.options)
  if (reason === undefined) return planned
  return planned.map(({ action, last }): PlannedPrune => {
    if (action.kind !== 'prune') return { action, last }
    const { key, phase, wave } = action
    return { last, action: { kind: 'hold', key, phase, wave, code: 'PRUNE_GUARD', reason } }
  })
}

function guardReason(
  count: number,
  total: number,
  wantsNothing: boolean,
  { allowEmpty, maxPrune }: SyncOptions,
): string | undefined {
  const mend = 'sync by hand with prune to confirm'
  if (wantsNothing && !allowEmpty) return `every object would be pruned, and allowEmpty is off: ${mend}`
  // Who names a number means it, of nothing as of little.
  if (maxPrune) {
    const most = 'count' in maxPrune ? maxPrune.count : (total * maxPrune.percent) / 100
    const limit = 'count' in maxPrune ? `${maxPrune.count}` : `${maxPrune.percent} %`
    return count > most
      ? `${count} of ${total} objects would be pruned, more than MaxPrune=${limit}: ${mend}`
      : undefined
  }
  if (!wantsNothing && total >= SMALL_INVENTORY && count > total * MOST_SHARE) {
    return `${count} of ${total} objects would be pruned, more than half: ${mend}`
  }
  return undefined
}

/** The destination's namespace alone is nothing, unless it is among the manifests; and hooks keep nothing alive. */
function wantsNothing(request: SyncRequest, targetNames: ReadonlySet<string>): boolean {
  if (!request.options.createNamespace) return targetNames.size === 0
  const namespace = objectKeyText({ group: '', kind: 'Namespace', namespace: '', name: request.namespace })
  const isWritten = request.desired.some(({ kind, apiVersion, metadata }) => {
    return kind === 'Namespace' && apiVersion === 'v1' && metadata.name === request.namespace
  })
  return !isWritten && [...targetNames].every(name => name === namespace)
}
