import type { ObjectKey } from '../model/kubernetes-object.ts'
import type { Place } from '../plan/plan-order.ts'
import type { HookPhase } from '../plan/read-hook.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import type { HookLog } from './hook-log.ts'
import { failedToApply } from './sync-messages.ts'

/** How far one hook has come in one of its phases. */
export interface HookState {
  readonly key: ObjectKey
  readonly phase: HookPhase
  readonly wave: number
  readonly state: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Error'
  /** Which run of it this is, from 1. */
  readonly attempt: number
  /** Runs of this attempt of the operation that failed before. */
  readonly failures: number
  readonly startedAt?: EpochMs
  readonly message?: string
  /** Of its last run that failed. */
  readonly log?: HookLog
}

/** An end that is decided, while what is left behind is being cleared away. */
export interface Ending {
  readonly phase: 'Succeeded' | 'Failed' | 'Error'
  readonly message: string
  /** `final`: not tried again, whatever retries are left. */
  readonly final: boolean
  /** Running hooks are ended too. */
  readonly abort: boolean
}

/**
 * All that a sync has to remember between two steps. It is stored in the cluster, so that whoever goes on after a
 * restart comes to the same end. Ordinary objects need nothing here: what was applied is planned as `keep`.
 */
export interface SyncProgress {
  /** Something has been written: the pre-flight is over. */
  readonly begun?: true
  /** Waves as they were when it began: prunes are mirrored over these. */
  readonly waves?: readonly number[]
  /** The last phase and wave that was performed, and from when on it has been waited for. */
  readonly performed?: Place & { readonly at: EpochMs; readonly wrote: boolean }
  /** The last one that had become healthy; a retry goes on after it. */
  readonly passed?: Place
  readonly hooks: readonly HookState[]
  /** Why it fails; hooks of the phase SyncFail run now, or have run. */
  readonly failure?: { readonly phase: 'Failed' | 'Error'; readonly message: string }
  readonly ending?: Ending
  /** From 1. */
  readonly attempt: number
  readonly retryAt?: EpochMs
  /** For how long it was paused before now. */
  readonly pausedMs: number
  readonly pausedSince?: EpochMs
  /** Since when something of the wave has been Degraded. */
  readonly degradedSince?: EpochMs
  /** What it waits for, a mark of every object that blocks, and since when that has been the same. */
  readonly waitingFor?: { readonly text: string; readonly mark: string; readonly since: EpochMs }
}

export const FRESH_PROGRESS: SyncProgress = { hooks: [], attempt: 1, pausedMs: 0 }

export function hookStateOf(
  progress: SyncProgress,
  { key, phase }: { readonly key: ObjectKey; readonly phase: HookPhase },
): HookState | undefined {
  return progress.hooks.find(hook => hook.phase === phase && sameKey(hook.key, key))
}

/** The progress with this state of a hook in the place of an earlier one. */
export function withHookState(progress: SyncProgress, state: HookState): SyncProgress {
  const others = progress.hooks.filter(hook => hook.phase !== state.phase || !sameKey(hook.key, state.key))
  return { ...progress, hooks: [...others, state] }
}

function sameKey(a: ObjectKey, b: ObjectKey): boolean {
  return a.name === b.name && a.kind === b.kind && a.namespace === b.namespace && a.group === b.group
}

/** What has to be stored before going on; the rest is told anew after a restart. */
export function durableText({ waitingFor: _waitingFor, ...durable }: SyncProgress): string {
  return JSON.stringify(durable)
}

/** What the shell did of one wave. */
export interface Performed {
  readonly place: Place
  /** Hooks that were made, each with the attempt that it is. */
  readonly hooks: readonly Pick<HookState, 'key' | 'phase' | 'wave'>[]
  /** Sentences about what was refused. */
  readonly failures: readonly string[]
  readonly now: EpochMs
}

/** The progress after a wave was performed, as far as it came. */
export function afterPerforming(progress: SyncProgress, { place, hooks, failures, now }: Performed): SyncProgress {
  let next: SyncProgress = { ...progress, begun: true }
  for (const { key, phase, wave } of hooks) {
    const before = hookStateOf(next, { key, phase })
    const { attempt = 1, failures: failed = 0, log } = before ?? {}
    const running = { key, phase, wave, state: 'Running', attempt, failures: failed, startedAt: now } as const
    // What the run before left behind is shown until this one has succeeded.
    next = withHookState(next, log ? { ...running, log } : running)
  }
  if (failures.length > 0) {
    const failure = progress.failure
    // A hook of SyncFail that cannot be made: both messages are told.
    const message = failure ? `${failure.message}\n${failedToApply(failures)}` : failedToApply(failures)
    const unmade = { ...next, failure: { phase: failure?.phase ?? 'Failed', message } as const }
    if (!failure) return unmade
    return { ...unmade, ending: { phase: failure.phase, message, final: false, abort: false } }
  }
  const again = progress.performed && place.phase === progress.performed.phase && place.wave === progress.performed.wave
  if (again || place.phase === 'SyncFail') return next
  return { ...next, performed: { ...place, at: now, wrote: true } }
}
