import { objectKeyText } from '../model/kubernetes-object.ts'
import { stateOf } from './hook-run.ts'
import { type HookRef, hookRef } from './hook-steps.ts'
import { instruct, isHook, waitFor } from './step-instructions.ts'
import type { Step, StepInput } from './step-types.ts'
import type { Ending } from './sync-progress.ts'
import { afterEnding } from './sync-retry.ts'

/** The end is decided. */
export function end(input: StepInput, ending: Ending): Step {
  return finish({ ...input, progress: { ...input.progress, ending } }, ending)
}

/** An end that comes from outside: hooks that run are ended, what was applied stays as it is, and nothing is tried again. */
export function abort(input: StepInput, message: string): Step {
  const { progress } = input
  const hooks = progress.hooks.map(hook => (hook.state === 'Running' ? { ...hook, message: CUT_SHORT } : hook))
  return end({ ...input, progress: { ...progress, hooks } }, { phase: 'Failed', message, final: true, abort: true })
}

/** Of a hook that runs while its operation is ended. */
export const CUT_SHORT = 'was still running when the operation was ended'

/** Clears away hooks as their policies say, then ends or waits for the next attempt. */
export function finish(input: StepInput, ending: Ending): Step {
  const hooks = hooksAtEnd(input, ending)
  if (hooks.length > 0) {
    const step = instruct(input, { kind: 'remove', hooks }, ending.message)
    return ending.abort ? { ...step, phase: 'Terminating' } : step
  }
  const after = afterEnding(input, ending)
  if (after.kind === 'over') {
    return { instruction: { kind: 'end' }, progress: after.progress, phase: ending.phase, message: ending.message }
  }
  return waitFor({ ...input, progress: after.progress }, after.message, [], after.waitMs)
}

function hooksAtEnd({ plan, live, progress }: StepInput, ending: Ending): readonly HookRef[] {
  const policy = ending.phase === 'Succeeded' ? 'HookSucceeded' : 'HookFailed'
  return plan.actions.filter(isHook).flatMap(action => {
    const { state } = stateOf(progress, action)
    const object = live.get(objectKeyText(action.key))
    if (!object || state === 'Pending') return []
    const ref = hookRef(object)
    const aborted = ending.abort && state === 'Running'
    const goes = aborted || (action.hook.deletePolicies.includes(policy) && state !== 'Running')
    return goes && (!ref.deleting || ref.held) ? [ref] : []
  })
}
