import { type Digest, sha256 } from '../json/canonical-json.ts'
import { objectKeyText } from '../model/kubernetes-object.ts'
import type { SyncAction } from './sync-plan.ts'

/** Prunes that wait for a person. */
export interface HeldPrunes {
  readonly count: number
  /** Of exactly these objects: a confirmation is of this list and of no other. */
  readonly digest: Digest
  /** Why the first of them waits. */
  readonly reason: string
}

/** What of a plan waits to be confirmed; undefined when nothing does. */
export function heldPrunes(actions: readonly SyncAction[]): HeldPrunes | undefined {
  const held = actions.filter(
    action => action.kind === 'hold' && (action.code === 'PRUNE_GUARD' || action.code === 'PRUNE_CONFIRMATION'),
  )
  const [first] = held
  if (first?.kind !== 'hold') return undefined
  const names = held.map(({ key }) => objectKeyText(key)).sort()
  return { count: held.length, digest: sha256(names.join('\n')), reason: first.reason }
}
