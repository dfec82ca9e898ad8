import { type KubernetesObject, objectKeyText } from '../model/kubernetes-object.ts'
import type { Health } from '../model/status.ts'
import { HOOK_RUN_ANNOTATION, readHook } from '../plan/read-hook.ts'
import type { HookAction } from '../plan/sync-plan.ts'
import { APPLICATION_LABEL, trackedBy } from '../plan/tracking.ts'
import type { EpochMs } from '../time/epoch-ms.ts'
import { argoName } from './sync-messages.ts'
import { type HookState, hookStateOf, type SyncProgress } from './sync-progress.ts'

/** Assesses one live object; the cluster's own rules may stand behind it. */
export type Assess = (live: KubernetesObject) => Health | null

/** Names one run of a hook: whatever process looks at the object knows whose it is. */
export function hookRun(operationId: string, { phase }: Pick<HookAction, 'phase'>, attempt: number): string {
  return `${operationId}/${phase}/${attempt}`
}

/** The object as it is made, marked with its run. */
export function hookObject(operationId: string, action: HookAction, attempt: number): KubernetesObject {
  const { metadata } = action.object
  const annotations = { ...metadata.annotations, [HOOK_RUN_ANNOTATION]: hookRun(operationId, action, attempt) }
  return { ...action.object, metadata: { ...metadata, annotations } }
}

export function stateOf(progress: SyncProgress, action: HookAction): HookState {
  const { key, phase, wave } = action
  return hookStateOf(progress, action) ?? { key, phase, wave, state: 'Pending', attempt: 1, failures: 0 }
}

export function isOver({ state }: HookState): boolean {
  return state === 'Succeeded' || state === 'Failed' || state === 'Error'
}

/**
 * Which run made a live object: this one, an earlier one of this very turn, or another time altogether.
 * `foreign`: it is no hook of ours, and is not to be touched.
 */
export function whoseRun(
  live: KubernetesObject,
  operationId: string,
  applicationId: string,
  action: HookAction,
  attempt: number,
): 'this' | 'turn' | 'earlier' | 'foreign' {
  const run = live.metadata.annotations?.[HOOK_RUN_ANNOTATION]
  if (run === hookRun(operationId, action, attempt)) return 'this'
  if (run?.startsWith(`${operationId}/${action.phase}/`)) return 'turn'
  if (live.metadata.labels?.[APPLICATION_LABEL] === applicationId && run !== undefined) return 'earlier'
  // An object of this Application that became a hook, or a hook that Argo CD or Helm left.
  if (trackedBy(live) === applicationId) return 'earlier'
  return run === undefined && trackedBy(live) === undefined && readHook(live).hook ? 'earlier' : 'foreign'
}

/** A status may hold anything; it stands in the operation's record. */
const MOST_MESSAGE = 1_000

/** What has become of a running hook, by its live object. */
export function observeHook(
  state: HookState,
  action: HookAction,
  operationId: string,
  live: KubernetesObject | undefined,
  now: EpochMs,
  assess: Assess,
): HookState {
  // Somebody else's object of that name is not this run either.
  if (!live || live.metadata.annotations?.[HOOK_RUN_ANNOTATION] !== hookRun(operationId, action, state.attempt)) {
    const message = `resource ${argoName(action.key)} is missing, it might have been deleted`
    return { ...state, state: 'Error', message }
  }
  const health = assess(live)
  const name = objectKeyText(action.key)
  if (!health || health.status === 'Healthy') return ended(state, 'Succeeded', health?.message)
  if (health.status === 'Degraded' || health.status === 'Unknown') {
    return ended(state, 'Failed', health.message ?? `${name} is ${health.status}`)
  }
  const { timeoutMs } = action.hook
  if (timeoutMs !== undefined && state.startedAt !== undefined && now - state.startedAt >= timeoutMs) {
    return ended(state, 'Failed', `${name} has not ended within ${timeoutMs / 1000} s`)
  }
  const { message: _, ...rest } = state
  return health.message === undefined ? rest : { ...rest, message: health.message.slice(0, MOST_MESSAGE) }
}

function ended(state: HookState, word: 'Succeeded' | 'Failed', message: string | undefined): HookState {
  const { message: _, log, ...rest } = state
  const left = word === 'Failed' && log ? { log } : {}
  return {
    ...rest,
    ...left,
    state: word,
    ...(message === undefined ? {} : { message: message.slice(0, MOST_MESSAGE) }),
  }
}
