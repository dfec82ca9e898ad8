import { assessHealth } from '@flotilla/core/health/assess-health'
import { type KubernetesObject, type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { type PlanStep, type PlanWave, planWaves, type WriteAction } from '@flotilla/core/plan/plan-steps'
import type { SyncAction, SyncPlan } from '@flotilla/core/plan/sync-plan'
import type { ContinueAnswer } from '@flotilla/core/protocol/may-start'
import type { ObjectResult } from '@flotilla/core/protocol/report'
import { forEachBounded } from './bounded.ts'
import type { KubernetesClient } from './kubernetes/client.ts'
import { isKubernetesError, type KubernetesError } from './kubernetes/kubernetes-error.ts'
import { pruneObject, waitForDefinitions, writeObject } from './write-object.ts'

/** As many as one connection pool keeps busy without crowding out the cluster's own controllers. */
export const CONCURRENT_WRITES = 16

export interface ApplyInput {
  readonly client: KubernetesClient
  readonly plan: SyncPlan
  /** Live objects as observed, for the health that a later wave waits for. */
  readonly live: ReadonlyMap<string, KubernetesObject>
  /** Asked before each wave. */
  readonly mayContinue: () => ContinueAnswer
  /** False once another process may be the agent: nothing more is written. */
  readonly mayWrite: () => boolean
  readonly signal: AbortSignal
  /** Each object as it was stored. */
  readonly onApplied: (key: ObjectKey, live: KubernetesObject) => void
}

export type ApplyOutcome = {
  readonly kind: 'done' | 'failed' | 'waiting'
  readonly message: string
  readonly results: readonly ObjectResult[]
}

/** The agent lost the right to write in the middle of something. */
export class WritingForbidden extends Error {
  readonly code = 'WRITING_FORBIDDEN'
  constructor() {
    super('another process may be the agent of this cluster now; nothing more is written')
    this.name = 'WritingForbidden'
  }
}

/**
 * Performs a plan as far as it goes now. `waiting`: a later wave needs what is not healthy yet, or a gate is closed;
 * plan again and call again. What was done before then appears as `keep`, so a restart in the middle is harmless.
 *
 * @throws KubernetesError for what may pass by itself (the cluster is away, throttles, takes our token no more).
 */
export async function applyPlan(input: ApplyInput): Promise<ApplyOutcome> {
  const run = new Run(input)
  const writes = planWaves(input.plan)
  const waves = groupByWave(input.plan.actions)
  for (const [index, actions] of waves.entries()) {
    const wave = writes.find(({ phase, wave }) => phase === actions[0]!.phase && wave === actions[0]!.wave)
    if (wave) {
      const answer = input.mayContinue()
      if (answer.kind === 'pause') return run.outcome('waiting', `paused before wave ${wave.wave}: ${answer.message}`)
      if (answer.kind === 'abort') return run.outcome('failed', `stopped before wave ${wave.wave}: ${answer.message}`)
      await run.performWave(wave)
      if (run.failures.length > 0) return run.outcome('failed', run.failureMessage())
    }
    const later = waves.slice(index + 1).flat()
    if (!later.some(isWrite)) continue
    const gate = run.gate(actions)
    if (gate) return run.outcome(gate.kind, gate.message)
  }
  return run.failures.length > 0
    ? run.outcome('failed', run.failureMessage())
    : run.outcome('done', 'successfully synced')
}

class Run {
  readonly #input: ApplyInput
  readonly #results = new Map<string, ObjectResult>()
  readonly #applied = new Map<string, KubernetesObject>()

  constructor(input: ApplyInput) {
    this.#input = input
    for (const action of input.plan.actions) this.#results.set(objectKeyText(action.key), initialResult(action))
  }

  get failures(): readonly ObjectResult[] {
    return [...this.#results.values()].filter(({ outcome }) => outcome === 'failed')
  }

  failureMessage(): string {
    const [first] = this.failures
    const more = this.failures.length - 1
    const rest = more > 0 ? ` and ${more} more` : ''
    return `one or more objects failed to apply: ${first?.message ?? ''}${rest}`
  }

  outcome(kind: ApplyOutcome['kind'], message: string): ApplyOutcome {
    return { kind, message, results: [...this.#results.values()] }
  }

  async performWave(wave: PlanWave): Promise<void> {
    for (const step of wave.steps) {
      await this.#performStep(step)
      if (step.actions.some(({ key }) => this.#results.get(objectKeyText(key))?.outcome === 'failed')) return
    }
  }

  async #performStep(step: PlanStep): Promise<void> {
    await forEachBounded(step.actions, CONCURRENT_WRITES, async action => {
      if (!this.#input.mayWrite()) throw new WritingForbidden()
      this.#input.signal.throwIfAborted()
      await this.#perform(action)
    })
    const written = step.actions
      .map(({ key }) => this.#applied.get(objectKeyText(key)))
      .filter(live => live !== undefined)
    if (!step.barrier || written.length === 0) return
    try {
      await waitForDefinitions(this.#input.client, written, this.#input.signal)
    } catch (error) {
      if (!isKubernetesError(error, 'CONFLICT')) throw error
      this.#note(step.actions[0]!, 'failed', error.message)
    }
  }

  async #perform(action: WriteAction): Promise<void> {
    const { client, signal } = this.#input
    try {
      if (action.kind === 'prune') {
        const outcome = await pruneObject(client, action, this.#input.plan.application.id)
        if (outcome === 'changed') this.#note(action, 'skipped', 'ownership changed while pruning')
        else this.#note(action, 'pruned', outcome === 'absent' ? 'was gone already' : undefined)
        return
      }
      const stored = await writeObject(client, action, signal)
      this.#applied.set(objectKeyText(action.key), stored)
      this.#input.onApplied(action.key, stored)
      this.#note(action, action.kind === 'create' ? 'created' : 'configured')
    } catch (error) {
      if (!isKubernetesError(error) || mayPass(error)) throw error
      this.#note(action, 'failed', error.message)
    }
  }

  /** What the next wave has to wait for, if anything. Degraded fails at once, as in Argo CD. */
  gate(actions: readonly SyncAction[]): { readonly kind: 'waiting' | 'failed'; readonly message: string } | undefined {
    const waitsFor: string[] = []
    const goes: string[] = []
    for (const action of actions) {
      const name = objectKeyText(action.key)
      if (action.kind === 'skip' && action.code === 'BEING_DELETED') goes.push(name)
      if (action.kind === 'prune') goes.push(name)
      if (action.kind !== 'create' && action.kind !== 'update' && action.kind !== 'keep') continue
      const live = this.#applied.get(name) ?? this.#input.live.get(name)
      const health = live && assessHealth(live)
      if (!health || health.status === 'Healthy') continue
      if (health.status === 'Degraded' || health.status === 'Unknown') {
        return { kind: 'failed', message: `${name} is ${health.status}: ${health.message ?? ''}` }
      }
      waitsFor.push(name)
    }
    if (goes.length > 0) return { kind: 'waiting', message: `waiting for deletion of ${listed(goes)}` }
    if (waitsFor.length > 0) return { kind: 'waiting', message: `waiting for healthy state of ${listed(waitsFor)}` }
    return undefined
  }

  #note(action: SyncAction, outcome: ObjectResult['outcome'], message?: string): void {
    const { key, phase, wave } = action
    this.#results.set(objectKeyText(key), { key, phase, wave, outcome, ...(message === undefined ? {} : { message }) })
  }
}

/** What will pass without anybody changing a manifest; the operation waits for it instead of failing. */
function mayPass(error: KubernetesError): boolean {
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

function initialResult(action: SyncAction): ObjectResult {
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

function groupByWave(actions: readonly SyncAction[]): readonly (readonly SyncAction[])[] {
  const groups: SyncAction[][] = []
  for (const action of actions) {
    const group = groups.at(-1)
    if (group?.[0]?.phase === action.phase && group[0].wave === action.wave) group.push(action)
    else groups.push([action])
  }
  return groups
}

function isWrite({ kind }: SyncAction): boolean {
  return kind === 'create' || kind === 'update' || kind === 'prune'
}

function listed(names: readonly string[]): string {
  const more = names.length - 1
  return `${names[0]}${more > 0 ? ` and ${more} more` : ''}`
}
