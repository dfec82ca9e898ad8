import { objectKeyText } from '../model/kubernetes-object.ts'
import { comparePlaces } from '../plan/plan-order.ts'
import type { HookAction } from '../plan/sync-plan.ts'
import { isOver, observeHook, stateOf } from './hook-run.ts'
import { hooksInTheWay, hooksToFree } from './hook-steps.ts'
import { end } from './step-end.ts'
import { instruct, isHook, waitFor } from './step-instructions.ts'
import type { Step, StepInput } from './step-types.ts'
import { unsuccessful, waiting } from './sync-messages.ts'
import { type HookState, type SyncProgress, withHookState } from './sync-progress.ts'

/** Looks at what became of every running hook; one that failed and has runs left is to run again. */
export function observeHooks({ operationId, plan, live, progress, now, assess }: StepInput): SyncProgress {
  // They are being ended: that they go is no news of theirs.
  if (progress.ending?.abort) return progress
  let observed = progress
  for (const action of plan.actions.filter(isHook)) {
    const state = stateOf(observed, action)
    if (state.state !== 'Running') continue
    const object = live.get(objectKeyText(action.key))
    const seen = observeHook(state, action, operationId, object, now, assess)
    const again = seen.state === 'Failed' && seen.failures < action.hook.retries
    const next: HookState = again
      ? { ...seen, state: 'Pending', attempt: seen.attempt + 1, failures: seen.failures + 1 }
      : seen
    if (JSON.stringify(next) !== JSON.stringify(state)) observed = withHookState(observed, next)
  }
  return observed
}

/** Hooks whose result is stored lose our finalizer, and go with their phase where they ask for it. */
export function freeHooks(input: StepInput): Step | undefined {
  const { free, remove } = hooksToFree(input)
  const message = input.progress.waitingFor?.text ?? 'hooks have ended'
  if (free.length > 0) return instruct(input, { kind: 'free', hooks: free }, message)
  return remove.length > 0 ? instruct(input, { kind: 'remove', hooks: remove }, message) : undefined
}

/** What hooks of the wave that was performed still ask for; undefined when all have succeeded. */
export function waitForHooks(input: StepInput, hooks: readonly HookAction[]): Step | undefined {
  const running = waitForRunning(input, hooks)
  if (running) return running
  const states = hooks.map(action => stateOf(input.progress, action))
  const failed = states.filter(({ state }) => state === 'Failed' || state === 'Error')
  if (failed.length === 0) {
    const again = hooks.filter(action => stateOf(input.progress, action).state === 'Pending')
    return again.length === 0 ? undefined : makeHooks(input, again)
  }
  const missing = failed.find(({ state }) => state === 'Error')
  return missing
    ? fail(input, 'Error', missing.message ?? '')
    : fail(input, 'Failed', unsuccessful(failed.map(reasonOf)))
}

function waitForRunning(input: StepInput, hooks: readonly HookAction[]): Step | undefined {
  const running = hooks.filter(action => stateOf(input.progress, action).state === 'Running')
  if (running.length === 0) return undefined
  const blocking = running.map(action => {
    const { key, message } = stateOf(input.progress, action)
    return { key, message: message ?? 'is running' }
  })
  const timeouts = running.flatMap(action => {
    const { startedAt } = stateOf(input.progress, action)
    const { timeoutMs } = action.hook
    return timeoutMs === undefined || startedAt === undefined ? [] : [Math.max(1, startedAt + timeoutMs - input.now)]
  })
  const againInMs = timeouts.length > 0 ? Math.min(...timeouts) : undefined
  const keys = running.map(({ key }) => key)
  return waitFor(input, waiting('completion of hook', keys, 'hooks'), blocking, againInMs)
}

/** Makes hooks, once what stands in their way is gone. */
function makeHooks(input: StepInput, hooks: readonly HookAction[]): Step {
  const cleared = clearTheWay(input, hooks)
  if (cleared) return cleared
  const { phase, wave } = hooks[0]!
  return instruct(input, { kind: 'perform', work: { place: { phase, wave }, actions: hooks } }, 'running hooks')
}

/** Removes what bears the names of hooks that are to be made; undefined when nothing does. */
export function clearTheWay(input: StepInput, hooks: readonly HookAction[]): Step | undefined {
  const { remove, foreign } = hooksInTheWay(input, hooks)
  if (foreign.length > 0) return fail(input, 'Failed', unsuccessful(foreign))
  if (remove.length === 0) return undefined
  const keys = remove.map(({ key }) => key)
  const message = waiting('deletion of hook', keys, 'hooks')
  const now = remove.filter(({ deleting, held }) => !deleting || held)
  if (now.length > 0) return instruct(input, { kind: 'remove', hooks: now }, message)
  return waitFor(
    input,
    message,
    keys.map(key => ({ key, message: 'is being deleted' })),
  )
}

/** A failure is decided: hooks that run come to their end, those of SyncFail run, then it ends. */
export function fail(input: StepInput, phase: 'Failed' | 'Error', message: string): Step {
  const { waitingFor: _, ...progress } = input.progress
  const failure = progress.failure ?? { phase, message }
  return runFailureHooks({ ...input, progress: { ...progress, failure } }, failure)
}

export function runFailureHooks(input: StepInput, failure: NonNullable<SyncProgress['failure']>): Step {
  const all = input.plan.actions.filter(isHook)
  const running = waitForRunning(input, all)
  if (running) return running
  const hooks = all.filter(({ phase }) => phase === 'SyncFail')
  const states = hooks.map(action => stateOf(input.progress, action))
  const failed = states.filter(({ state }) => state === 'Failed' || state === 'Error')
  const pending = hooks.filter(action => !isOver(stateOf(input.progress, action)))
  const [first] = pending
  if (first && failed.length === 0) {
    return makeHooks(
      input,
      pending.filter(action => comparePlaces(action, first) === 0),
    )
  }
  // Both are told: what went wrong, and what went wrong with saying so.
  const message = failed.length === 0 ? failure.message : `${failure.message}\n${unsuccessful(failed.map(reasonOf))}`
  return end(input, { phase: failure.phase, message, final: false, abort: false })
}

function reasonOf({ key, message }: HookState): string {
  return message ?? `${objectKeyText(key)} failed`
}
