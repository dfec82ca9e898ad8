import { objectKeyText } from '@flotilla/core/model/kubernetes-object'
import type { SyncAction } from '@flotilla/core/plan/sync-plan'
import type { ObjectResult } from '@flotilla/core/protocol/report'
import type { KubernetesError } from './kubernetes/kubernetes-error.ts'

/** As many as one connection pool keeps busy without crowding out the cluster's own controllers. */
export const CONCURRENT_WRITES = 16

/** The agent lost the right to write in the middle of something. */
export class WritingForbidden extends Error {
  readonly code = 'WRITING_FORBIDDEN'
  constructor() {
    super('another process may be the agent of this cluster now; nothing more is written')
    this.name = 'WritingForbidden'
  }
}

/** What will pass without anybody changing a manifest; the operation waits for it instead of failing. */
export function mayPass(error: KubernetesError): boolean {
  switch (error.code) {
    case 'CLUSTER_UNREACHABLE':
    case 'SERVER_ERROR':
    case 'THROTTLED':
    case 'UNAUTHENTICATED':
    case 'KIND_UNKNOWN':
      return true
    default:
      return false
  }
}

export function initialResult(action: SyncAction): ObjectResult {
  const { key, phase, wave } = action
  switch (action.kind) {
    case 'keep':
      return { key, phase, wave, outcome: 'unchanged' }
    case 'hold': {
      // What a guard holds back is for a person to confirm; the rest is as good as done.
      const outcome = action.code === 'PRUNE_GUARD' || action.code === 'PRUNE_CONFIRMATION' ? 'skipped' : 'failed'
      return { key, phase, wave, outcome, message: `${action.code}: ${objectKeyText(key)} ${action.reason}` }
    }
    case 'skip':
      return { key, phase, wave, outcome: 'skipped', message: action.reason }
    default:
      return { key, phase, wave, outcome: 'pending' }
  }
}

/** Results of an earlier call, with those of a later one over them: created stays created when it is then kept. */
export function mergeResults(
  earlier: readonly ObjectResult[],
  later: readonly ObjectResult[],
): readonly ObjectResult[] {
  const merged = new Map(earlier.map(result => [objectKeyText(result.key), result]))
  for (const result of later) {
    const name = objectKeyText(result.key)
    const before = merged.get(name)?.outcome
    const done = before === 'created' || before === 'configured' || before === 'pruned'
    if (done && (result.outcome === 'unchanged' || result.outcome === 'skipped')) continue
    merged.set(name, result)
  }
  return [...merged.values()]
}
