import { objectKeyText } from '../model/kubernetes-object.ts'
import { comparePlaces, type Place } from '../plan/plan-order.ts'
import { planErrors, type SkipAction, type SyncAction, type SyncPlan } from '../plan/sync-plan.ts'
import type { ContinueAnswer } from '../protocol/may-start.ts'
import { isOver, stateOf } from './hook-run.ts'
import { leftUndone, refusedByPlan } from './refused-by-plan.ts'
import { abort, end, finish } from './step-end.ts'
import { clearTheWay, fail, freeHooks, observeHooks, runFailureHooks, waitForHooks } from './step-hooks.ts'
import { goingOn, instruct, isHook, waitFor } from './step-instructions.ts'
import type { Step, StepInput, WaveWork } from './step-types.ts'
import { failedDryRun, failedToApply, invalidTasks, unsuccessful, waiting } from './sync-messages.ts'
import { waveGate } from './wave-gate.ts'

/**
 * One step of a sync: what is known → what to do next. Called again and again, with the progress that it returned; a
 * restart at any point goes on from the stored progress and comes to the same end. Pure.
 */
export function stepSync(input: StepInput): Step {
  const observed = { ...input, progress: observeHooks(input) }
  const freed = freeHooks(observed)
  if (freed) return freed
  const { progress } = observed
  const { mayContinue, now, run } = input
  if (progress.ending) return finish(observed, progress.ending)
  if (input.terminate) return abort(observed, input.terminate.message)
  if (mayContinue.kind === 'abort') return abort(observed, `Operation terminated: ${mayContinue.message}`)
  if (timedOut(observed)) {
    const what = progress.waitingFor ? `${progress.waitingFor.text}, ` : ''
    return abort(observed, `${what}triggered by the operation's time-out of ${run.timeoutMs / 60_000} min`)
  }
  const { retryAt, waitingFor, ...resumed } = progress
  if (retryAt !== undefined && now < retryAt) return waitFor(observed, waitingFor?.text ?? '', [], retryAt - now)
  if (progress.failure) return runFailureHooks(observed, progress.failure)
  return goOn(retryAt === undefined ? observed : { ...observed, progress: resumed })
}

function goOn(input: StepInput): Step {
  const { plan, progress, run } = input
  const errors = planErrors(plan)
  if (errors.length > 0) {
    const reasons = errors.map(({ code, key, message }) => `${code}: ${key ? `${objectKeyText(key)} ` : ''}${message}`)
    return end(input, { phase: 'Failed', message: invalidTasks(reasons), final: false, abort: false })
  }
  const waves = wavesOf(plan)
  const { performed } = progress
  const later = waves.filter(({ place }) => !performed || comparePlaces(place, performed) > 0)
  const current = performed && waves.find(({ place }) => comparePlaces(place, performed) === 0)
  // What could not be looked at before, or came back, goes all the same.
  const returned = waves.filter(
    ({ place, actions }) =>
      performed && comparePlaces(place, performed) <= 0 && actions.some(({ kind }) => kind === 'prune'),
  )
  if (returned[0]) return begin(input, returned[0], returned)
  const open = later.some(({ actions }) => actions.some(action => isDue(input, action)))
  if (current) {
    const waits =
      waitForHooks(input, current.actions.filter(isHook)) ??
      (open || run.waitForHealth === 'final' ? waitForWave(input, current) : undefined)
    if (waits) return waits
  }
  const done = passed(input)
  const [next] = later
  if (open && next) return begin(done, next, later)
  const unknown = input.removal ? plan.actions.filter(isUnknown) : []
  if (unknown.length > 0) {
    const blocking = unknown.map(({ key, reason }) => ({ key, message: reason }))
    const [first] = blocking
    const more = blocking.length > 1 ? ` and ${blocking.length - 1} more` : ''
    const name = `${objectKeyText(first!.key)}${more}`
    return waitFor(done, `waiting until it can be told whether ${name} is there: ${first!.message}`, blocking)
  }
  const refused = leftUndone(plan.actions)
  if (refused.length > 0) return fail(done, 'Failed', failedToApply(refused))
  return end(done, { phase: 'Succeeded', message: successMessage(current), final: true, abort: false })
}

/** The wave that was performed is done. */
function passed(input: StepInput): StepInput {
  const { performed } = input.progress
  if (!performed) return input
  const { degradedSince: _degraded, waitingFor: _waiting, ...progress } = input.progress
  return { ...input, progress: { ...progress, passed: { phase: performed.phase, wave: performed.wave } } }
}

/** Starts a wave: gates, dry run, leftovers of hooks, then the writes. */
function begin(input: StepInput, work: WaveWork, later: readonly WaveWork[]): Step {
  const { progress, now, mayContinue, checked, plan } = input
  const { place } = work
  const due = work.actions.filter(action => isDue(input, action))
  // Nothing to write; what stands there is waited for all the same before something later is written.
  if (due.length === 0) {
    return goOn({ ...input, progress: { ...progress, performed: { ...place, at: now, wrote: false } } })
  }
  if (mayContinue.kind === 'pause') return pause(input, place, mayContinue)
  const kept = progress.waves || !plan.waves ? progress : { ...progress, waves: plan.waves }
  const going = goingOn({ ...input, progress: kept })
  const preflight = !progress.begun
  const actions = preflight ? later.flatMap(wave => wave.actions) : work.actions
  const refused = refusedByPlan(actions, preflight ? plan.actions : [])
  if (refused.length > 0) return fail(going, 'Failed', failedDryRun(refused))
  if (!checked || comparePlaces(checked.place, place) !== 0) {
    return instruct(going, { kind: 'check', work: { place, actions }, preflight }, `checking wave ${place.wave}`)
  }
  if (checked.refused.length > 0) return fail(going, 'Failed', failedDryRun(checked.refused))
  return (
    clearTheWay(going, due.filter(isHook)) ??
    instruct(going, { kind: 'perform', work: { place, actions: due } }, `performing wave ${place.wave}`)
  )
}

function pause(input: StepInput, place: Place, answer: Extract<ContinueAnswer, { kind: 'pause' }>): Step {
  return {
    instruction: { kind: 'wait' },
    progress: { ...input.progress, pausedSince: input.progress.pausedSince ?? input.now },
    phase: 'Paused',
    message: `paused before wave ${place.wave}: ${answer.message}`,
    ...(answer.until === undefined ? {} : { resumesAt: answer.until }),
  }
}

/** What the objects of the wave that was performed still need; undefined when they are healthy. */
function waitForWave(input: StepInput, { actions }: WaveWork): Step | undefined {
  const { progress, live, assess, appliedVersion, lateClaims, now, run } = input
  const { at, wrote, phase, wave } = progress.performed!
  const wroteAt = wrote ? at : undefined
  const claims = lateClaims ? { lateClaims } : {}
  const gate = waveGate({ actions, live, assess, appliedVersion, now, wroteAt, ...claims })
  if (gate.kind === 'passed') return undefined
  if (gate.kind === 'missing') return fail(input, 'Error', gate.message)
  const reasons = gate.blocking.map(({ key, message }) => `${objectKeyText(key)} ${message}`)
  if (gate.kind === 'degraded') {
    const since = progress.degradedSince ?? now
    const leftMs = since + run.degradedGraceMs - now
    if (leftMs <= 0) return fail(input, 'Failed', unsuccessful(gate.reasons))
    const keys = gate.blocking.map(({ key }) => key)
    const graced = { ...input, progress: { ...progress, degradedSince: since } }
    return waitFor(graced, waiting('healthy state of', keys, 'resources'), gate.blocking, leftMs)
  }
  const leftMs = run.waveTimeoutMs === undefined ? Number.POSITIVE_INFINITY : at + run.waveTimeoutMs - now
  if (leftMs <= 0) {
    const limit = `wave ${wave} of ${phase} has not become healthy within ${run.waveTimeoutMs! / 1000} s`
    return fail(input, 'Failed', unsuccessful([`${limit}: ${reasons.slice(0, 10).join('; ')}`]))
  }
  const { degradedSince: _, ...calm } = progress
  const againInMs = Math.min(leftMs, gate.againInMs ?? Number.POSITIVE_INFINITY)
  return waitFor(
    { ...input, progress: calm },
    gate.message,
    gate.blocking,
    Number.isFinite(againInMs) ? againInMs : undefined,
  )
}

function timedOut({ progress, startedAt, now, run }: StepInput): boolean {
  const paused = progress.pausedMs + (progress.pausedSince === undefined ? 0 : now - progress.pausedSince)
  return now - startedAt - paused >= run.timeoutMs
}

/** Argo CD's two words for it: the second when something had to be waited for after the last write. */
function successMessage(current: WaveWork | undefined): string {
  return `successfully synced (${current?.actions.some(isHook) ? 'no more tasks' : 'all tasks run'})`
}

/** Whether the wave has this still to do. */
function isDue({ progress }: StepInput, action: SyncAction): boolean {
  if (action.kind === 'hook') return action.phase !== 'SyncFail' && !isOver(stateOf(progress, action))
  return action.kind === 'create' || action.kind === 'update' || action.kind === 'prune'
}

function isUnknown(action: SyncAction): action is SkipAction {
  return action.kind === 'skip' && action.code === 'KIND_UNKNOWN'
}

/** The plan cut by phase and wave; what only runs after a failure is left out. */
export function wavesOf(plan: SyncPlan): readonly WaveWork[] {
  const waves: { place: Place; actions: SyncAction[] }[] = []
  for (const action of plan.actions) {
    if (action.phase === 'SyncFail') continue
    const last = waves.at(-1)
    if (last && comparePlaces(last.place, action) === 0) last.actions.push(action)
    else waves.push({ place: { phase: action.phase, wave: action.wave }, actions: [action] })
  }
  return waves
}
