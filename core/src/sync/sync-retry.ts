import { retryDelayMs } from '../decide/retry-delay.ts'
import { comparePlaces } from '../plan/plan-order.ts'
import type { SyncPlan } from '../plan/sync-plan.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import type { RunOptions } from './run-options.ts'
import { retrying } from './sync-messages.ts'
import type { Ending, HookState, SyncProgress } from './sync-progress.ts'

interface RetryInput {
  readonly plan: SyncPlan
  readonly progress: SyncProgress
  readonly run: RunOptions
  readonly now: EpochMs
  readonly mayRetry: boolean
  readonly jitter: number
}

export type AfterEnding =
  | { readonly kind: 'over'; readonly progress: SyncProgress }
  | { readonly kind: 'retry'; readonly progress: SyncProgress; readonly message: string; readonly waitMs: number }

/** Whether an operation that has come to an end is tried again, and from where. */
export function afterEnding(input: RetryInput, ending: Ending): AfterEnding {
  const { progress, run, now } = input
  const over = { kind: 'over', progress } as const
  if (ending.phase === 'Succeeded' || ending.final || !input.mayRetry) return over
  const waitMs = retryDelayMs(run.retry, progress.attempt, input.jitter)
  if (waitMs === undefined) return over
  const retryAt = now + waitMs
  const message = retrying(ending.message, progress.attempt, retryAt)
  const next = nextAttempt(input.plan, progress, retryAt)
  return {
    kind: 'retry',
    message,
    waitMs,
    progress: { ...next, retryAt, waitingFor: { text: message, mark: '', since: now } },
  }
}

/**
 * The next attempt goes on at the wave that failed; hooks that succeeded are not run a second time, unless they ask for
 * it: then everything from the first wave on is looked at again.
 */
function nextAttempt(plan: SyncPlan, progress: SyncProgress, at: EpochMs): SyncProgress {
  const rerun = new Set<HookState>()
  for (const action of plan.actions) {
    if (action.kind !== 'hook' || !action.hook.rerunOnRetry) continue
    for (const state of progress.hooks) {
      if (state.phase === action.phase && state.key.name === action.key.name && state.state === 'Succeeded')
        rerun.add(state)
    }
  }
  const { passed } = progress
  const again = passed && [...rerun].some(state => comparePlaces(state, passed) <= 0)
  const hooks = progress.hooks.map((state): HookState => {
    if (state.state === 'Succeeded' && state.phase !== 'SyncFail' && !rerun.has(state)) return state
    const { message: _message, startedAt: _startedAt, ...rest } = state
    // A run that never began keeps its number; every other run has one of its own.
    const attempt = state.state === 'Pending' ? state.attempt : state.attempt + 1
    return { ...rest, state: 'Pending', attempt, failures: 0 }
  })
  return {
    hooks,
    attempt: progress.attempt + 1,
    pausedMs: progress.pausedMs,
    ...(passed && !again ? { passed, performed: { ...passed, at, wrote: false } } : {}),
  }
}
