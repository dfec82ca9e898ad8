import { textAt } from '../json/read-json.ts'
import { objectKeyText } from '../model/kubernetes-object.ts'
import type { HoldAction, SyncAction } from '../plan/sync-plan.ts'

/** Nothing is written while any of these stands: an operation is not begun that is known to fail half-way. */
const REFUSED: ReadonlySet<string> = new Set(['PREDICTION_REFUSED', 'PREDICTION_UNAUTHORISED'])
/** These fail the operation when the rest is done: an object of somebody else is in nobody's way. */
const FAILING: ReadonlySet<string> = new Set([...REFUSED, 'OWNED_BY_OTHER'])

/** What is not as it should be after everything else was done, as sentences. */
export function leftUndone(actions: readonly SyncAction[]): readonly string[] {
  return actions.flatMap(action => (action.kind === 'hold' && FAILING.has(action.code) ? [sentence(action)] : []))
}

function sentence({ code, key, reason }: HoldAction): string {
  return `${code}: ${objectKeyText(key)} ${reason}`
}

/**
 * What the server has refused already, as sentences.
 *
 * @param pending Actions whose definitions may still change what the server says of their kinds: those are left out,
 *   and asked for again just before their own wave.
 */
export function refusedByPlan(actions: readonly SyncAction[], pending: readonly SyncAction[]): readonly string[] {
  const changing = new Set(pending.flatMap(definedKind))
  return actions.flatMap(action => {
    if (action.kind !== 'hold' || !REFUSED.has(action.code)) return []
    const ownKind = `${action.key.group}/${action.key.kind}`
    if (action.code === 'PREDICTION_REFUSED' && changing.has(ownKind)) return []
    return [sentence(action)]
  })
}

function definedKind(action: SyncAction): readonly string[] {
  if (action.kind !== 'create' && action.kind !== 'update') return []
  if (action.key.kind !== 'CustomResourceDefinition') return []
  const spec = action.object['spec']
  return [`${textAt(spec, 'group')}/${textAt(spec, 'names', 'kind')}`]
}
