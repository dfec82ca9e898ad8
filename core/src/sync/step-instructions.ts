import { sha256 } from '../json/canonical-json.ts'
import { objectKeyText } from '../model/kubernetes-object.ts'
import type { HookAction, SyncAction } from '../plan/sync-plan.ts'
import type { Instruction, Step, StepInput } from './step-types.ts'
import type { Blocking } from './wave-gate.ts'

/** Something is to be done now. */
export function instruct(input: StepInput, instruction: Instruction, message: string): Step {
  return { instruction, progress: input.progress, phase: 'Running', message }
}

/**
 * Nothing can be done now; it is looked at again when the cluster changes, after `againInMs`, and when the operation's
 * time is over. What is waited for is remembered with the moment since when it has been just this.
 */
export function waitFor(input: StepInput, message: string, blocking: readonly Blocking[], againInMs?: number): Step {
  const { now, startedAt, run } = input
  const { progress } = goingOn(input)
  // Of a thousand objects that block, the record keeps one line.
  const mark = sha256([message, ...blocking.map(one => `${objectKeyText(one.key)} ${one.message}`)].join('\n'))
  const waitingFor = progress.waitingFor?.mark === mark ? progress.waitingFor : { text: message, mark, since: now }
  const leftMs = startedAt + progress.pausedMs + run.timeoutMs - now
  return {
    instruction: { kind: 'wait', againInMs: Math.max(1, Math.min(againInMs ?? leftMs, leftMs)) },
    progress: { ...progress, waitingFor },
    phase: 'Running',
    message,
    blocking,
  }
}

/** A pause, if there was one, is over and does not count. */
export function goingOn(input: StepInput): StepInput {
  const { pausedSince, ...progress } = input.progress
  if (pausedSince === undefined) return input
  return { ...input, progress: { ...progress, pausedMs: progress.pausedMs + Math.max(0, input.now - pausedSince) } }
}

export function isHook(action: SyncAction): action is HookAction {
  return action.kind === 'hook'
}
