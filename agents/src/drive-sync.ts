import { textAt } from '@flotilla/core/json/read-json'
import { type KubernetesObject, type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import type { SyncAction, SyncPlan } from '@flotilla/core/plan/sync-plan'
import type { ContinueAnswer } from '@flotilla/core/protocol/may-start'
import type { ObjectResult } from '@flotilla/core/protocol/report'
import { hooksThatFailed, logBytesLeft } from '@flotilla/core/sync/hook-log'
import type { RunOptions } from '@flotilla/core/sync/run-options'
import { isHook } from '@flotilla/core/sync/step-instructions'
import type { Step, WaveWork } from '@flotilla/core/sync/step-types'
import {
  afterPerforming,
  durableText,
  type HookState,
  type SyncProgress,
  withHookState,
} from '@flotilla/core/sync/sync-progress'
import { stepSync } from '@flotilla/core/sync/sync-step'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { ApplicationState } from './application-state.ts'
import { initialResult, mergeResults } from './apply.ts'
import { checkWave } from './check-wave.ts'
import type { Engine } from './engine.ts'
import { freeHooks, readHooks, removeHooks } from './hook-objects.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import { lateClaims } from './late-claims.ts'
import { performWave } from './perform-wave.ts'

/** What one look at the cluster gives a running operation. */
export interface Sight {
  readonly plan: SyncPlan
  readonly live: ReadonlyMap<string, KubernetesObject>
}

export interface DriveInput {
  readonly engine: Pick<Engine, 'client' | 'clock' | 'random' | 'mayWrite' | 'signal' | 'followKinds'>
  readonly state: ApplicationState
  /** Writes; with the rights of the Project's service account, where it has one. */
  readonly writer: KubernetesClient
  readonly operationId: string
  readonly startedAt: EpochMs
  readonly run: RunOptions
  readonly sight: Sight
  /** Looks again just before a later wave; predictions of these objects are asked for anew. */
  readonly lookAgain: (names: readonly string[]) => Promise<Sight>
  readonly progress: SyncProgress
  readonly results: readonly ObjectResult[]
  readonly mayContinue: () => ContinueAnswer
  readonly terminate: () => { readonly message: string } | undefined
  readonly mayRetry: boolean
  /** Of a removal: what cannot be looked at may still be there, and is waited for. */
  readonly removal?: true
  /** Before anything is written: nothing that we make may be forgotten. */
  readonly beforeWrites: (plan: SyncPlan) => Promise<void>
  readonly onApplied: (key: ObjectKey, live: KubernetesObject) => void
  /** The state of a hook that has just failed, or runs and is to be ended, with what it left behind, before it goes. */
  readonly withHookLog: (state: HookState, live: KubernetesObject, mostBytes: number) => Promise<HookState>
  /** Stores how far it has come; called before whatever rests on it is begun. */
  readonly save: (step: Step, results: readonly ObjectResult[]) => Promise<void>
  /** False: nothing of it is stored yet, which it is to be before anything is asked of the cluster for it. */
  readonly stored?: boolean
}

export interface Driven {
  readonly step: Step
  readonly results: readonly ObjectResult[]
  readonly wrote: boolean
}

/**
 * Takes an operation as far as it can come now: asks the step function, does what it says, and asks again, until there
 * is something to wait for or the end is reached.
 *
 * @throws KubernetesError for what may pass; whoever calls looks again, and it goes on from what was saved.
 */
export async function driveSync(input: DriveInput): Promise<Driven> {
  return await new Drive(input).run()
}

/** More steps than this in one look are a mistake of ours. */
const MOST_STEPS = 10_000

class Drive {
  readonly #input: DriveInput
  readonly #live: Map<string, KubernetesObject>
  #plan: SyncPlan
  #progress: SyncProgress
  #results: readonly ObjectResult[]
  #saved: string | undefined
  #checked: { readonly place: WaveWork['place']; readonly refused: readonly string[] } | undefined
  #wrote = false
  #lateClaims: ReadonlySet<string> = new Set()
  /** An earlier process performed the wave: when controllers noticed it is not known. */
  readonly #forgetful: boolean

  constructor(input: DriveInput) {
    const { state, operationId, progress } = input
    this.#input = input
    this.#plan = input.sight.plan
    this.#live = new Map(input.sight.live)
    this.#progress = progress
    this.#saved = input.stored === false ? undefined : durableText(progress)
    this.#results = mergeResults(input.results, this.#initialResults())
    this.#forgetful = state.driven?.operationId !== operationId
    if (this.#forgetful) state.driven = { operationId, applied: new Map() }
  }

  async run(): Promise<Driven> {
    await this.#readHooks()
    this.#lateClaims = await lateClaims(this.#input.engine.client, this.#plan.actions, this.#live)
    for (let count = 0; count < MOST_STEPS; count++) {
      const before = this.#progress
      const step = await this.#withLogs(before, this.#step())
      this.#progress = step.progress
      if (step.progress.attempt !== before.attempt) this.#results = this.#initialResults()
      const { instruction } = step
      if (instruction.kind === 'wait' || instruction.kind === 'end') {
        return { step, results: this.#allResults(), wrote: this.#wrote }
      }
      if (instruction.kind !== 'check' || this.#saved === undefined) await this.#save(step)
      await this.#obey(step)
    }
    throw new Error(`operation ${this.#input.operationId} made ${MOST_STEPS} steps without an end`)
  }

  #initialResults(): readonly ObjectResult[] {
    return this.#plan.actions.filter(action => !isHook(action)).map(initialResult)
  }

  #step(): Step {
    const { engine, operationId, run, startedAt, mayContinue, terminate, mayRetry, state, removal } = this.#input
    const asked = terminate()
    const applied = state.driven?.applied
    return stepSync({
      operationId,
      plan: this.#plan,
      live: this.#live,
      progress: this.#progress,
      run,
      startedAt,
      now: engine.clock.now(),
      mayContinue: mayContinue(),
      ...(asked ? { terminate: asked } : {}),
      ...(this.#checked ? { checked: this.#checked } : {}),
      ...(removal ? { removal } : {}),
      appliedVersion: name =>
        applied?.get(name) ?? (this.#forgetful ? this.#live.get(name)?.metadata.resourceVersion : undefined),
      lateClaims: this.#lateClaims,
      assess: state.assessor.assess,
      mayRetry,
      jitter: engine.random.fraction(),
    })
  }

  /** The step, with what hooks left behind that have just failed or are to be ended: it is stored before they go. */
  async #withLogs(before: SyncProgress, step: Step): Promise<Step> {
    let { progress } = step
    for (const state of hooksThatFailed(before, progress)) {
      const live = this.#live.get(objectKeyText(state.key))
      const mostBytes = logBytesLeft(progress, state)
      if (!live || mostBytes === 0) continue
      progress = withHookState(progress, await this.#input.withHookLog(state, live, mostBytes))
    }
    return { ...step, progress }
  }

  async #obey({ instruction }: Step): Promise<void> {
    const { engine } = this.#input
    switch (instruction.kind) {
      case 'check':
        return this.#check(instruction.work, instruction.preflight)
      case 'free':
        await freeHooks(this.#input.writer, instruction.hooks)
        return this.#readHooks()
      case 'remove':
        this.#wrote = true
        await removeHooks(this.#input.writer, instruction.hooks)
        return this.#readHooks()
      case 'perform':
        this.#wrote = true
        await this.#input.beforeWrites(this.#plan)
        engine.signal.throwIfAborted()
        return this.#perform(instruction.work)
      default:
        return
    }
  }

  /** The first wave was looked at a moment ago; for a later one, what was written since may have changed the answers. */
  async #check(work: WaveWork, preflight: boolean): Promise<void> {
    let { actions } = work
    if (!preflight) {
      const names = actions
        .filter(({ kind }) => kind === 'update' || kind === 'hold')
        .map(({ key }) => objectKeyText(key))
      // Of what is only to be made, nobody was asked before.
      if (names.length > 0) await this.#lookAgain(names)
      const { phase, wave } = work.place
      actions = this.#plan.actions.filter(action => action.phase === phase && action.wave === wave)
    }
    this.#checked = { place: work.place, refused: await checkWave(this.#input.writer, actions, this.#live) }
  }

  async #lookAgain(names: readonly string[]): Promise<void> {
    const sight = await this.#input.lookAgain(names)
    this.#plan = sight.plan
    this.#live.clear()
    for (const [name, object] of sight.live) this.#live.set(name, object)
    await this.#readHooks()
  }

  /** What a definition that was changed says of its objects is not what the server said of them before. */
  async #askAgain(changed: readonly SyncAction[]): Promise<void> {
    const kinds = new Set(changed.flatMap(definedKind))
    if (kinds.size === 0) return
    const names = this.#plan.actions
      .filter(({ kind, key }) => kind !== 'hook' && kinds.has(`${key.group}/${key.kind}`))
      .map(({ key }) => objectKeyText(key))
    if (names.length > 0) await this.#lookAgain(names)
  }

  async #perform(work: WaveWork): Promise<void> {
    const { engine, writer, operationId, run, onApplied, state } = this.#input
    const outcome = await performWave({
      client: writer,
      applicationId: this.#plan.application.id,
      operationId,
      work,
      progress: this.#progress,
      failFast: run.failFast,
      mayWrite: engine.mayWrite,
      signal: engine.signal,
      onApplied,
    })
    for (const [name, object] of outcome.stored) {
      this.#live.set(name, object)
      state.driven?.applied.set(name, object.metadata.resourceVersion ?? '')
    }
    for (const [name, what] of outcome.pruned) {
      if (what === 'absent') this.#live.delete(name)
      // No watch may have told of it yet.
      state.observed.invalidate(name)
    }
    this.#results = mergeResults(this.#results, outcome.results)
    const { place } = work
    const { hooks, failures } = outcome
    this.#progress = afterPerforming(this.#progress, { place, hooks, failures, now: engine.clock.now() })
    this.#plan = {
      ...this.#plan,
      actions: this.#plan.actions.map(action => done(action, outcome.stored, outcome.pruned)),
    }
    await this.#askAgain(work.actions.filter(({ key }) => outcome.stored.has(objectKeyText(key))))
  }

  /** Hooks are few and change all the time: they are read at each look. */
  async #readHooks(): Promise<void> {
    const { engine, state } = this.#input
    const hooks = this.#plan.actions.filter(isHook)
    if (hooks.length === 0) return
    const live = await readHooks(engine.client, hooks)
    for (const { key } of hooks) {
      const name = objectKeyText(key)
      const object = live.get(name)
      if (object) {
        this.#live.set(name, object)
        // So that a watch tells of its end.
        state.observed.set(key, object)
      } else {
        this.#live.delete(name)
      }
    }
    engine.followKinds()
  }

  async #save(step: Step): Promise<void> {
    const text = durableText(step.progress)
    if (text === this.#saved) return
    await this.#input.save(step, this.#allResults())
    this.#saved = text
  }

  /** Results of objects, and of hooks as far as they have come. */
  #allResults(): readonly ObjectResult[] {
    const hooks = this.#progress.hooks.map(({ key, phase, wave, state, message, log }): ObjectResult => {
      const failed = state === 'Failed' || state === 'Error'
      const outcome = state === 'Pending' ? 'pending' : failed ? 'failed' : 'created'
      const said = { ...(message === undefined ? {} : { message }), ...(log ? { log } : {}) }
      return { key, phase, wave, outcome, hook: state, ...said }
    })
    return [...this.#results.filter(({ hook }) => hook === undefined), ...hooks]
  }
}

function definedKind(action: SyncAction): readonly string[] {
  if (action.kind !== 'update' || action.key.kind !== 'CustomResourceDefinition') return []
  return [`${textAt(action.object['spec'], 'group')}/${textAt(action.object['spec'], 'names', 'kind')}`]
}

/** The action as the next look would plan it. */
function done(
  action: SyncAction,
  stored: ReadonlyMap<string, KubernetesObject>,
  pruned: ReadonlyMap<string, 'deleted' | 'absent' | 'changed'>,
): SyncAction {
  const { key, phase, wave } = action
  const name = objectKeyText(key)
  if ((action.kind === 'create' || action.kind === 'update') && stored.has(name))
    return { kind: 'keep', key, phase, wave }
  if (action.kind !== 'prune') return action
  const what = pruned.get(name)
  if (what === undefined) return action
  if (what === 'absent') return { kind: 'keep', key, phase, wave }
  // Asked for again it would be refused again: it is not ours to remove any more.
  if (what === 'changed') {
    const reason = 'ownership changed: the live object no longer bears our marks'
    return { kind: 'skip', key, phase, wave, code: 'OWNERSHIP_CHANGED', reason }
  }
  return { kind: 'skip', key, phase, wave, code: 'BEING_DELETED', reason: 'is being deleted' }
}
